"""A small server in Slack's place: it records every call and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from bot.platforms.slack.scopes import NEEDED_SCOPES
from tests.platforms.slack.payloads import BOT

Json = dict[str, Any]

GOOD: dict[str, Json] = {
    "auth.test": {"team": "Example", "user": "stocktide", "team_id": "T0001", "user_id": BOT, "bot_id": "B0001"},
    "chat.postMessage": {"channel": "C2147483705", "ts": "1503435956.000247"},
    "conversations.open": {"channel": {"id": "D024BE91L"}},
    "views.publish": {"view": {"id": "VMHU10V25"}},
}


class Answer:
    """One prepared answer: a status, a body (JSON or text) and headers; or a connection dropped after reading."""

    def __init__(self, status: int = 200, body: Any = "ok", *, drop: bool = False, **headers: str) -> None:
        self.status = status
        self.body = body
        self.drop = drop
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error(code: str, **more: Any) -> Answer:
    return Answer(200, {"ok": False, "error": code, **more})


class Slack:
    """Records (method, arguments) in `calls`; `answers[method]` are given in order before the usual good one."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.uploads: list[bytes] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.acks: list[str] = []
        self.pings = 0
        self.peers: set[object] = set()
        self.changed = asyncio.Condition()
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/hook/{name}", self._hook)
        app.router.add_post("/upload", self._upload)
        app.router.add_get("/link", self._link)
        self.server = TestServer(app)

    @property
    def origin(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    @property
    def base_url(self) -> str:
        return f"{self.origin}/api/"

    def of(self, method: str) -> list[Json]:
        return [arguments for name, arguments in self.calls if name == method]

    async def until(self, ready: Any, seconds: float = 8) -> None:
        """Wait for `ready()` to hold."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(ready), seconds)

    async def send(self, kind: str, payload: Json, envelope_id: str = "e1") -> None:
        """Send one envelope over the newest socket."""
        frame = {"type": kind, "envelope_id": envelope_id, "payload": payload, "accepts_response_payload": False}
        await self.sockets[-1].send_json(frame)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        sent = dict(request.query)
        if request.content_type == "application/json":
            sent |= await request.json()
        else:
            sent |= {key: str(value) for key, value in (await request.post()).items()}
        return await self._answered(request, method, sent)

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(request, "hook", await request.json())

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self.uploads.append(await request.read())
        return await self._answered(request, "upload", {})

    async def _answered(self, request: web.Request, method: str, sent: Json) -> web.StreamResponse:
        async with self.changed:
            self.calls.append((method, sent))
            self.peers.add(request.transport)
            self.changed.notify_all()
        answer = self.answers[method].popleft() if self.answers[method] else self._good(method)
        if answer.drop:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(answer.body, str):
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    def _good(self, method: str) -> Answer:
        if method in {"hook", "upload"}:
            return Answer()
        special = {
            "apps.connections.open": {"url": self.origin.replace("http", "ws") + "/link?ticket=planted-ticket"},
            "files.getUploadURLExternal": {"upload_url": f"{self.origin}/upload", "file_id": "F0123456789"},
        }
        body = {"ok": True, **GOOD.get(method, {}), **special.get(method, {})}
        return Answer(200, body, x_oauth_scopes=",".join(NEEDED_SCOPES))

    async def _link(self, request: web.Request) -> web.StreamResponse:
        if self.answers["link"]:
            return await self._answered(request, "link", dict(request.query))
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        async with self.changed:
            self.sockets.append(socket)
            self.changed.notify_all()
        await socket.send_json({"type": "hello", "num_connections": 1})
        async for frame in socket:
            async with self.changed:
                if frame.type is WSMsgType.TEXT:
                    self.acks.append(json.loads(frame.data)["envelope_id"])
                if frame.type is WSMsgType.PING:
                    self.pings += 1
                self.changed.notify_all()
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
        async with self.changed:
            self.changed.notify_all()
        return socket
