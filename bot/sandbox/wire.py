"""Faults at the level of the connection: hanging up on a client after its request was read."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "sandbox.transport"


def loopback_client() -> httpx.AsyncClient:
    """A client for plain http on this machine: no proxies, and no certificates, which take long to load."""
    return httpx.AsyncClient(timeout=10.0, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


class HeldProtocol(H11Protocol):
    """HTTP/1.1 that hands each request its connection, so that a handler can hang up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take the connection and let requests know of it."""
        super().connection_made(transport)
        self.app = _with_transport(self.app, transport)


def _with_transport(app: Any, transport: asyncio.Transport) -> ASGIApp:  # noqa: ANN401  # uvicorn's own callable type
    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[_KEY] = transport
        await app(scope, receive, send)

    return held


class HangUp(Response):
    """No answer at all: the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # nothing is sent
        """Close the connection and wait until it is closed."""
        scope["extensions"][_KEY].close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def pause(request: Request, seconds: float) -> None:
    """Let that time pass, or less where the client hangs up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass


async def read_arguments(request: Request) -> dict[str, Any]:
    """A call's arguments: the query, then a form, a multipart body or JSON; ValueError for JSON that is none.

    An uploaded file becomes (file name, bytes).
    """
    found: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind == "application/json":
        body = await request.body()
        if body:
            data = await request.json()
            if not isinstance(data, dict):
                raise ValueError("the body is no object")
            found |= data
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_part_size=64 * 1024 * 1024) as form:
            for name, value in form.multi_items():
                found[name] = value if isinstance(value, str) else (value.filename or "", await value.read())
    return found
