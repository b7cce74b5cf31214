"""The rooms over HTTP: the page, coming in with a one-time token, and the socket for signalling."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.errors import Refusal
from bot.language import language, nearest_language
from bot.web.origins import origin_of
from bot.web.rooms import pages
from bot.web.rooms.hub import Hub
from bot.web.rooms.keeper import Seat
from bot.web.rooms.messages import MAX_MESSAGE
from bot.web.rooms.room import CODES, Connection, Farewell
from bot.web.throttle import Throttle

MAX_BODY = 2_048  # bytes; a token is far shorter
SESSION_SECONDS = 12 * 60 * 60


@dataclass(frozen=True, slots=True)
class RoomSite:
    """Where people find the rooms, such as `https://bot.example.com`; empty takes the host that each request names.

    `cookie` names the cookie of the session, which our other pages know too.
    """

    base_url: str = ""
    cookie: str = "room"

    def secure(self, connection: HTTPConnection) -> bool:
        """Whether the page came over https."""
        return (self.base_url or str(connection.url)).startswith(("https:", "wss:"))

    def cookie_name(self, connection: HTTPConnection) -> str:
        """The session's cookie; over https its prefix keeps other hosts from planting it."""
        return f"{'__Host-' if self.secure(connection) else ''}{self.cookie}"

    def from_our_page(self, connection: HTTPConnection) -> bool:
        """Whether a browser says that one of our own pages is asking."""
        origin = connection.headers.get("origin", "")
        if self.base_url:
            return origin == origin_of(self.base_url)
        host = connection.headers.get("host", "").lower()
        return bool(host) and urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc.lower() == host


def room_routes(hub: Hub, site: RoomSite, throttle: Throttle | None = None) -> list[BaseRoute]:
    """Routes of the pages and of the signalling."""
    desk = _Desk(hub, site, throttle or Throttle())
    return [
        Route("/rooms/static/{edition}/{name}", desk.static),
        Route("/rooms/{key:str}", desk.page),
        Route("/rooms/{key:str}/enter", desk.enter, methods=["POST"]),
        WebSocketRoute("/rooms/{key:str}/socket", desk.socket),
    ]


class _Desk:
    """Answers for all rooms."""

    def __init__(self, hub: Hub, site: RoomSite, throttle: Throttle) -> None:
        self._hub = hub
        self._site = site
        self._throttle = throttle

    async def page(self, request: Request) -> Response:
        """The page, whatever the key: who may come in is asked of its script."""
        return pages.page(secure=self._site.secure(request))

    async def static(self, request: Request) -> Response:
        """A file of the page."""
        path = request.path_params
        return pages.static(path["edition"], path["name"], secure=self._site.secure(request))

    async def enter(self, request: Request) -> Response:
        """Take the token, or the session of a cookie that came along, and say what the page needs."""
        if not self._site.from_our_page(request):
            return self._answer(request, {"code": "origin"}, 403)
        if not self._throttle.allows(request):
            return self._answer(request, {"code": "too_often"}, 429)
        try:
            token = _token(await _body(request))
        except ClientDisconnect:
            return Response(status_code=400)
        except ValueError as error:
            return self._answer(request, {"code": "malformed", "detail": str(error)}, 400)
        key = request.path_params["key"]
        try:
            session, seat = await self._admit(key, token, self._session(request))
        except Refusal as refusal:
            code = nearest_language(request.headers.get("accept-language", ""))
            return self._answer(request, {"code": "refused", "words": language(code).say(refusal.words)}, 403)
        if seat is None:
            return self._answer(request, {"code": "no_session"}, 401)
        answer = self._answer(request, dict(self._hub.seat_shown(self._hub.rooms.get(key), seat)))
        secure = self._site.secure(request)
        answer.set_cookie(
            self._site.cookie_name(request), session,
            max_age=SESSION_SECONDS, path="/", secure=secure, httponly=True, samesite="lax",
        )  # fmt: skip
        return answer

    async def socket(self, socket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        session = self._session(socket)
        if not session or not self._site.from_our_page(socket):
            await socket.close()  # before it is accepted: the browser is answered 403
            return
        await socket.accept()
        try:
            connection = await self._hub.attach(socket.path_params["key"], session)
        except Refusal as refusal:
            code = nearest_language(socket.headers.get("accept-language", ""))
            await _part(socket, Farewell("refused", language(code).say(refusal.words)))
            return
        await self._serve(socket, connection)

    async def _serve(self, socket: WebSocket, connection: Connection) -> None:
        """Read and write until either side has enough."""
        reading = asyncio.create_task(self._read(socket, connection))
        writing = asyncio.create_task(_write(socket, connection))
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                task.cancel()
            self._hub.lost(connection)
            done = await asyncio.gather(reading, writing, return_exceptions=True)
        for fault in done:
            if isinstance(fault, Exception) and not isinstance(fault, WebSocketDisconnect):
                raise fault

    async def _read(self, socket: WebSocket, connection: Connection) -> None:
        while connection.open:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            raw = message.get("text") or ""  # nothing of ours comes as bytes
            if len(raw.encode()) > MAX_MESSAGE:
                connection.dismiss(Farewell("malformed", "the message is too long"))
                break
            await self._hub.hear(connection, raw)
        await asyncio.Event().wait()  # the writer says goodbye

    async def _admit(self, key: str, token: str, session: str) -> tuple[str, Seat | None]:
        """The session and its seat. A used token does no harm to one who is in already, as after a second click."""
        keeper = self._hub.keeper
        if token:
            try:
                session = await keeper.enter(key, token)
            except Refusal:
                if not session:
                    raise
        return session, await keeper.seat(key, session) if session else None

    def _session(self, connection: HTTPConnection) -> str:
        return connection.cookies.get(self._site.cookie_name(connection), "")

    def _answer(self, request: Request, content: dict[str, object], status: int = 200) -> JSONResponse:
        headers = pages.guarded(secure=self._site.secure(request)) | {"Cache-Control": "no-store"}
        return JSONResponse(content, status, headers)


async def _write(socket: WebSocket, connection: Connection) -> None:
    while True:
        message = await connection.outbox.get()
        if isinstance(message, Farewell):
            await _part(socket, message)
            return
        await socket.send_text(json.dumps(message, ensure_ascii=False))


async def _part(socket: WebSocket, farewell: Farewell) -> None:
    """Say why, and close."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # gone already
        await socket.send_json({"type": "bye", "reason": farewell.reason, "words": farewell.words})
        if socket.application_state is WebSocketState.CONNECTED:
            await socket.close(CODES[farewell.reason], farewell.reason)


async def _body(request: Request) -> bytes:
    """The body; ValueError where it is too long, which is noticed while it is read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise ValueError("the body is too long")
    return body


def _token(body: bytes) -> str:
    """The token that a body holds, empty where the page has none; ValueError where the body is something else."""
    try:
        said = json.loads(body)
    except ValueError:
        raise ValueError("the body is no JSON") from None
    token = said.get("token") if isinstance(said, dict) else None
    if not isinstance(token, str):
        raise ValueError("the body is an object with a token")  # noqa: TRY004  # the page's fault, not ours
    return token
