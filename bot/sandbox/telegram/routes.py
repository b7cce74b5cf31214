"""The Bot API: who calls, how often, and what the method says; and the files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.sandbox.telegram.chats import CHATS
from bot.sandbox.telegram.messages import MESSAGES, PACED, Handler
from bot.sandbox.telegram.people import Telegram
from bot.sandbox.telegram.refusal import BotApiRefusal, bad
from bot.sandbox.telegram.schema import Schema
from bot.sandbox.wire import HangUp, pause, read_arguments
from bot.sandbox.world import Fault

METHODS: Mapping[str, Handler] = {**MESSAGES, **CHATS}


def routes(telegram: Telegram) -> list[BaseRoute]:
    """Everything below `/telegram`."""
    api = BotApi(telegram)
    return [
        Route("/bot{token}/{method}", api.answer, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", api.file, methods=["GET"]),
        Route("/media/{file_id}", api.media, methods=["GET"]),
    ]


class BotApi:
    """Answers Bot API calls; every one but an empty getUpdates is written into the record."""

    def __init__(self, telegram: Telegram) -> None:
        self.telegram = telegram
        self.schema = Schema()
        telegram.updates.answered = self._from_webhook

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        if request.path_params["token"] != self.telegram.world.token:
            return _refused(BotApiRefusal(401, "Unauthorized"))
        name, raw = request.path_params["method"], {}
        fault: Fault | None = None
        try:
            name = self.schema.method(name)
            raw = await read_arguments(request)
            fault = self.telegram.faults.take(name)
            self._meet(fault)
            result = await self._run(name, self.schema.read(name, raw))
        except ValueError:
            return self._no(name, raw, bad("can't parse JSON object"))
        except BotApiRefusal as refusal:
            return self._no(name, raw, refusal)
        except _Dropped:
            self.telegram.record.call("telegram", name, _plain(raw), "dropped")
            return HangUp()
        if name != "getUpdates" or result:
            self.telegram.record.call("telegram", name, _plain(raw), "ok")
        if fault and fault.kind == "drop_after":
            return HangUp()
        if fault:
            await pause(request, fault.seconds)
        return JSONResponse({"ok": True, "result": result})

    async def _run(self, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        if name == "getUpdates":
            return await self.telegram.updates.poll(arguments)
        return self._do(name, arguments)

    def _do(self, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        if name not in METHODS:
            raise BotApiRefusal(404, "Not Found")
        if name in PACED:
            self._pace(arguments["chat_id"])
        return METHODS[name](self.telegram, arguments)

    def _pace(self, chat_id: Any) -> None:  # noqa: ANN401  # an id or a name
        telegram, key = self.telegram, str(chat_id)
        paces = [(telegram.overall, ""), (telegram.per_chat, key)]
        if key.startswith("-"):
            paces.append((telegram.per_group, key))
        if wait := max(pace.wait(which) for pace, which in paces):
            seconds = max(1, math.ceil(wait))
            raise BotApiRefusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        for pace, which in paces:
            pace.spend(which)

    def _meet(self, fault: Fault | None) -> None:
        match fault:
            case Fault("rate", seconds):
                whole = max(1, math.ceil(seconds))
                raise BotApiRefusal(429, f"Too Many Requests: retry after {whole}", retry_after=whole)
            case Fault("broken"):
                raise BotApiRefusal(500, "Internal Server Error")
            case Fault("drop_before"):
                raise _Dropped
            case Fault("error", _, detail):
                code, _, words = detail.partition(" ")
                raise BotApiRefusal(int(code), words) if code.isdigit() else BotApiRefusal(400, detail)

    def _from_webhook(self, body: Mapping[str, Any]) -> None:
        raw = {key: value for key, value in body.items() if key != "method"}
        name = str(body["method"])
        try:
            name = self.schema.method(name)
            self._do(name, self.schema.read(name, raw))
        except BotApiRefusal as refusal:
            self.telegram.record.call("telegram", name, raw, refusal.description)
        else:
            self.telegram.record.call("telegram", name, raw, "ok")

    def _no(self, name: str, raw: Mapping[str, Any], refusal: BotApiRefusal) -> Response:
        self.telegram.record.call("telegram", name, _plain(raw), refusal.description)
        return _refused(refusal)

    async def file(self, request: Request) -> Response:
        """A file by the path that getFile named."""
        if request.path_params["token"] != self.telegram.world.token:
            return _refused(BotApiRefusal(401, "Unauthorized"))
        for file in self.telegram.world.files.values():
            if file.path == request.path_params["path"]:
                return Response(file.content, media_type="application/octet-stream")
        return _refused(BotApiRefusal(404, "Not Found"))

    async def media(self, request: Request) -> Response:
        """A file as a person's client shows it."""
        file = self.telegram.world.files.get(request.path_params["file_id"])
        if file is None:
            return _refused(BotApiRefusal(404, "Not Found"))
        kinds = {".png": "image/png", ".jpg": "image/jpeg"}
        return Response(file.content, media_type=kinds.get(file.path[-4:], "application/octet-stream"))


class _Dropped(Exception):  # named as what happens
    """The connection is to be closed before anything is done."""


def _refused(refusal: BotApiRefusal) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return JSONResponse(body, status_code=refusal.code)


def _plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"<{len(value[1])} bytes>" if isinstance(value, tuple) else value for name, value in raw.items()}
