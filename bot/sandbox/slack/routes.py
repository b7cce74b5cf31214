"""Slack's addresses: the Web API, Socket Mode, response URLs, uploads and files."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.courier import Link
from bot.sandbox.slack.people import Slack
from bot.sandbox.slack.world import SlackFile
from bot.sandbox.wire import HangUp, pause

MAX_LINKS = 10


def routes(slack: Slack) -> list[BaseRoute]:
    """Everything below `/slack`."""
    desk = _Counter(slack)
    return [
        Route("/api/{method}", WebApi(slack).answer, methods=["GET", "POST"]),
        WebSocketRoute("/link/", desk.link),
        Route("/hooks/{key}", desk.respond, methods=["POST"]),
        Route("/upload/{file_id}", desk.upload, methods=["POST", "PUT"]),
        Route("/files/{file_id}/private/{name}", desk.private, methods=["GET"]),
        Route("/files/{file_id}/{name}", desk.file, methods=["GET"]),
    ]


class _Counter:
    """Serves what is no Web API method."""

    def __init__(self, slack: Slack) -> None:
        self.slack = slack

    async def link(self, socket: WebSocket) -> None:
        """One Socket Mode connection, opened with a ticket of apps.connections.open, which serves once."""
        courier = self.slack.courier
        ticket = socket.query_params.get("ticket", "")
        if ticket not in courier.tickets or len(courier.links) >= MAX_LINKS:
            await socket.close(4000)
            return
        courier.tickets.discard(ticket)
        await socket.accept()

        async def send(frame: Mapping[str, Any]) -> None:
            await socket.send_text(json.dumps(frame, ensure_ascii=False))

        link = Link(send, socket.close)
        courier.links.append(link)
        try:
            await send(
                {
                    "type": "hello",
                    "num_connections": len(courier.links),
                    "debug_info": {"host": f"applink-{secrets.token_hex(3)}", "approximate_connection_time": 18_060},
                    "connection_info": {"app_id": self.slack.world.app_id},
                }
            )
            self.slack.pulse.beat()
            while True:
                self._acknowledged(link, await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            # RuntimeError: we closed it ourselves.
            pass
        finally:
            courier.links.remove(link)
            self.slack.pulse.beat()

    def _acknowledged(self, link: Link, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        waiting = link.waiting.get(frame.get("envelope_id", "")) if isinstance(frame, dict) else None
        verdict = "ok" if waiting and not waiting.done() else "unknown_envelope"
        self.slack.record.call("slack", "acknowledge", frame if isinstance(frame, dict) else {"text": text}, verdict)
        if waiting and not waiting.done():
            waiting.set_result(frame.get("payload"))

    async def respond(self, request: Request) -> Response:
        """A use of a response URL."""
        slack = self.slack
        fault = slack.faults.take("response_url")
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return self._spoken(body, "invalid_payload", 400)
        if fault and fault.kind == "rate":
            return self._spoken(body, "ratelimited", 429, {"Retry-After": str(max(1, math.ceil(fault.seconds)))})
        if fault and fault.kind in ("broken", "error"):
            return self._spoken(body, fault.detail or "500", 500 if fault.kind == "broken" else 404)
        if fault and fault.kind == "drop_before":
            slack.record.call("slack", "response_url", body, "dropped")
            return HangUp()
        try:
            slack.responses.use(request.path_params["key"], body)
        except SlackRefusal as refusal:
            gone = refusal.error in ("used_url", "expired_url", "invalid_token")
            return self._spoken(body, refusal.error, 404 if gone else 400, **refusal.extra)
        slack.record.call("slack", "response_url", body, "ok")
        if fault and fault.kind == "drop_after":
            return HangUp()
        if fault:
            await pause(request, fault.seconds)
        return JSONResponse({"ok": True})

    def _spoken(
        self,
        body: Any,  # noqa: ANN401  # JSON is of any shape
        error: str,
        status: int,
        headers: Mapping[str, str] | None = None,
        **extra: Any,  # noqa: ANN401  # JSON is of any shape
    ) -> Response:
        self.slack.record.call("slack", "response_url", body if isinstance(body, dict) else {}, error)
        return JSONResponse({"ok": False, "error": error, **extra}, status_code=status, headers=headers)

    async def upload(self, request: Request) -> Response:
        """The bytes of a file that was asked for."""
        slack = self.slack
        file = slack.world.files.get(request.path_params["file_id"])
        if file is None or file.id not in slack.expected:
            return PlainTextResponse("upload_not_found", status_code=404)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form(max_part_size=64 * 1024 * 1024) as form:
                parts = [value for value in form.values() if not isinstance(value, str)]
                content = await parts[0].read() if parts else b""
        else:
            content = await request.body()
        verdict = "ok" if len(content) == slack.expected[file.id] else "length_mismatch"
        slack.record.call("slack", "upload", {"file_id": file.id, "length": len(content)}, verdict)
        if verdict != "ok":
            return PlainTextResponse(verdict, status_code=400)
        file.content = content
        del slack.expected[file.id]
        return PlainTextResponse(f"OK - {len(content)}")

    async def file(self, request: Request) -> Response:
        """A shared file, as a person's client shows it."""
        file = self.slack.world.files.get(request.path_params["file_id"])
        if file is None or not file.shared:
            return PlainTextResponse("file_not_found", status_code=404)
        return self._bytes(file)

    async def private(self, request: Request) -> Response:
        """A file as the bot downloads it: with its token and the scope, else Slack leads to its page for people."""
        slack = self.slack
        file = slack.world.files.get(request.path_params["file_id"])
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        allowed = bearer == slack.world.bot_token and "files:read" in slack.world.scopes
        verdict = "ok" if allowed and file is not None else "redirected" if file is not None else "file_not_found"
        slack.record.call("slack", "url_private", {"file_id": request.path_params["file_id"]}, verdict)
        if file is None or not file.shared:
            return PlainTextResponse("file_not_found", status_code=404)
        if not allowed:
            return RedirectResponse("https://sandbox.slack.com/?redir=files", status_code=302)
        return self._bytes(file)

    def _bytes(self, file: SlackFile) -> Response:
        kind = "image/png" if file.content.startswith(b"\x89PNG") else "application/octet-stream"
        return Response(file.content, media_type=kind)
