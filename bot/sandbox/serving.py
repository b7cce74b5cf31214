"""HTTP on loopback inside a loop that is not its own: signals stay with whoever owns the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from bot.sandbox.wire import HeldProtocol


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave every signal alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait to be stopped, rather than asking ten times a second."""
        await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # as in uvicorn
        """Hang up on everyone, so that nobody who still waits for an answer holds the end up."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=1)
            for task in late:
                task.cancel()
        for server in self.servers:
            await server.wait_closed()


class Serving:
    """Serves one application on 127.0.0.1, from `start` to `stop`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._listener: socket.socket | None = None
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    def bind(self, port: int = 0) -> str:
        """Take the port, 0 a free one; the address. OSError where the port is taken."""
        # The protocol is named because asyncio turns Nagle's delay of 40 ms off only where it is.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            raise
        self._listener = listener
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def start(self) -> None:
        """Answer on the port that was bound."""
        if self._listener is None:
            raise RuntimeError("bind a port first")
        config = uvicorn.Config(
            self._app,
            http=HeldProtocol,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            ws_ping_interval=5,
            timeout_keep_alive=75,  # as the platforms do; at httpx's own 5 s a call meets a closing connection
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self) -> None:
        """Close every connection and stop."""
        if self._server and self._task:
            self._server.ending.set()
            await self._task
            self._server = self._task = self._listener = None
