"""uvicorn inside our loop: it takes no signals, because one handler drains the whole process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Protocol

import structlog
import uvicorn
from starlette.types import ASGIApp

from bot.services.sessions import Address

MAX_SOCKET_MESSAGE = 65_536  # bytes; a longer one closes its connection unread

_log = structlog.get_logger(__name__)


class Closing(Protocol):
    """What ends when the server stops."""

    async def close(self) -> None:
        """End it."""
        ...


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the runtime."""
        yield


class WebServer:
    """Serves an application on one address; port 0 takes a free one."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, address: Address | None = None, held: Sequence[Closing] = ()
    ) -> None:
        self._host = host
        self._port = port
        self._address = address or Address()
        self._held = held  # what pages hold open: ended first, or the server would wait for it
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws="websockets-sansio",
            ws_max_size=MAX_SOCKET_MESSAGE,
            ws_per_message_deflate=False,  # messages are few and short, and each context costs memory
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; OSError where the address is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=256)
        # asyncio sets it for none of ours: without it the end of an answer waits 40 ms for the browser's word
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = self._address.local = f"http://{shown}:{port}"
        self._task = asyncio.create_task(self._server.serve([listener]), name="web")
        _log.info("listening", url=self.url)

    async def stop(self) -> None:
        """Accept nothing more, finish the requests in hand for a second, and close."""
        if self._task is None:
            return
        for held in self._held:
            await held.close()
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
