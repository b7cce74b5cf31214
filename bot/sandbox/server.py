"""The sandbox's one HTTP server on loopback: both platforms, and whatever else is mounted beside them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from bot.ports import Clock
from bot.sandbox.slack.people import Slack
from bot.sandbox.slack.routes import routes as slack_routes
from bot.sandbox.telegram.people import Telegram
from bot.sandbox.telegram.routes import routes as telegram_routes
from bot.sandbox.wire import HeldProtocol
from bot.sandbox.world import Pulse, Record


class _Server(uvicorn.Server):
    """uvicorn inside a loop that is not its own: signals stay with whoever owns the process."""

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


class Sandbox:
    """A Slack workspace and a Telegram with one bot each, served on 127.0.0.1. State lives as long as the object."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pulse = Pulse()
        self.record = Record(clock, self.pulse)
        self.slack = Slack(clock, self.record, self.pulse)
        self.telegram = Telegram(clock, self.record, self.pulse)
        self.url = ""
        self._app = Starlette(
            routes=[
                Mount("/slack", routes=slack_routes(self.slack)),
                Mount("/telegram", routes=telegram_routes(self.telegram)),
            ]
        )
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def slack_base_url(self) -> str:
        """Where the bot finds Slack's Web API."""
        return f"{self.url}/slack/api/"

    @property
    def telegram_base_url(self) -> str:
        """Where the bot finds the Bot API; the token and the method follow."""
        return f"{self.url}/telegram/bot"

    @property
    def telegram_file_url(self) -> str:
        """Where the bot downloads files; the token and the path follow."""
        return f"{self.url}/telegram/file/bot"

    def mount(self, path: str, app: ASGIApp) -> None:
        """Serve another application beside the platforms; one mounted at `/` is tried last."""
        routes = self._app.router.routes
        routes.append(Mount(path, app))
        routes.sort(key=lambda route: isinstance(route, Mount) and not route.path)

    async def start(self, port: int = 0) -> None:
        """Serve on 127.0.0.1; port 0 takes a free one. OSError where the port is taken."""
        # The protocol is named because asyncio turns Nagle's delay of 40 ms off only where it is.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            raise
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.slack.api_url = self.slack_base_url
        self.slack.responses.base = f"{self.url}/slack/hooks/"
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
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        self.slack.courier.start()
        self.telegram.updates.start()

    async def stop(self) -> None:
        """Close every connection and stop; what happened stays readable."""
        await self.telegram.updates.stop()
        await self.slack.courier.stop()
        if self._server and self._serving:
            self._server.ending.set()
            await self._serving
            self._server = self._serving = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
