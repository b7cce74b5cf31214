"""A small Bot API on loopback that records every call and answers what a test asks it to."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

ME = {
    "id": 110201543,
    "is_bot": True,
    "first_name": "Stocktide",
    "username": "StocktideBot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}


@dataclass
class Call:
    """One call of the bot: its method, its parameters with JSON read, and the names of uploaded files."""

    method: str
    params: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Fail:
    """An answer with `ok` false."""

    code: int
    description: str
    parameters: dict[str, Any] | None = None


class Drop:
    """Close the connection after reading the request, without an answer."""


Answer = Any


class BotApi:
    """Answers as scripted per method, else as Telegram does in fair weather; keeps updates until confirmed."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.updates: list[dict[str, Any]] = []
        self.webhook_url = ""
        self.webhook_info: dict[str, Any] = {}
        self._scripted: dict[str, deque[Answer]] = defaultdict(deque)
        self._changed = asyncio.Condition()
        self._message_id = 100
        self._runner: web.AppRunner | None = None
        self.base_url = ""
        self.polls_open = 0
        self.most_polls_open = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/bot"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def script(self, method: str, *answers: Answer) -> None:
        """The next answers of `method`: a result, a Fail or a Drop."""
        self._scripted[method].extend(answers)

    async def add(self, *updates: dict[str, Any]) -> None:
        """New updates for the bot to fetch."""
        async with self._changed:
            self.updates.extend(updates)
            self._changed.notify_all()

    def of(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]

    async def until(self, seen: Callable[[], bool], seconds: float = 5) -> None:
        """Wait until `seen`, checked at every call."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(seen)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = await self._read(request, method)
        async with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        if request.match_info["token"] != TOKEN:
            return _answer(Fail(401, "Unauthorized"))
        if self._scripted[method]:
            scripted = self._scripted[method].popleft()
            if isinstance(scripted, Drop):
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            return _answer(scripted)
        if method == "getUpdates":
            return await self._poll(call)
        return _answer(self._usual(call))

    async def _read(self, request: web.Request, method: str) -> Call:
        params: dict[str, Any] = {}
        files: dict[str, bytes] = {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = value.file.read()
                value.file.close()
            else:
                params[name] = _json(str(value))
        return Call(method, params, files)

    async def _poll(self, call: Call) -> web.StreamResponse:
        offset = int(call.params.get("offset", 0))
        self.polls_open += 1
        self.most_polls_open = max(self.most_polls_open, self.polls_open)
        try:
            async with self._changed:
                self.updates = [update for update in self.updates if update["update_id"] >= offset]
                try:
                    async with asyncio.timeout(float(call.params.get("timeout", 0))):
                        await self._changed.wait_for(lambda: self.updates)
                except TimeoutError:
                    return _answer([])
                return _answer(list(self.updates))
        finally:
            self.polls_open -= 1

    def _usual(self, call: Call) -> Any:
        params = call.params
        match call.method:
            case "getMe":
                return ME
            case "sendMessage" | "sendPhoto" | "editMessageText" | "editMessageCaption" | "editMessageMedia":
                self._message_id += 1
                chat = {"id": params["chat_id"], "type": "supergroup", "title": "Ops"}
                return {
                    "message_id": params.get("message_id", self._message_id), "date": 1321866000, "text": "x",
                    "chat": chat,
                }  # fmt: skip
            case "setWebhook":
                self.webhook_url = params["url"]
                return True
            case "deleteWebhook":
                self.webhook_url = ""
                return True
            case "getWebhookInfo":
                info = {"url": self.webhook_url, "has_custom_certificate": False, "pending_update_count": 0}
                return {**info, **self.webhook_info}
            case "getChat":
                return {
                    "id": params["chat_id"], "type": "private", "first_name": "Lin", "last_name": "Wei",
                    "username": "linwei", "accent_color_id": 1, "max_reaction_count": 11,
                    "accepted_gift_types": {
                        "unlimited_gifts": True, "limited_gifts": True, "unique_gifts": True,
                        "premium_subscription": True, "gifts_from_channels": True,
                    },
                }  # fmt: skip
            case _:
                return True


def _answer(result: Answer) -> web.Response:
    if isinstance(result, Fail):
        body = {"ok": False, "error_code": result.code, "description": result.description}
        if result.parameters:
            body["parameters"] = result.parameters
        return web.json_response(body, status=result.code)
    return web.json_response({"ok": True, "result": result})


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


class Offsets:
    """An OffsetStore in memory that keeps the story of what was saved."""

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self.saved: list[int] = []

    async def load(self) -> int:
        return self.offset

    async def save(self, offset: int) -> None:
        self.saved.append(offset)
        self.offset = offset
