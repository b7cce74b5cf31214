"""The sandbox's one HTTP server on loopback: both platforms, and whatever else is mounted beside them."""

from __future__ import annotations

from typing import Self

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from bot.ports import Clock
from bot.sandbox.serving import Serving
from bot.sandbox.slack.people import Slack
from bot.sandbox.slack.routes import routes as slack_routes
from bot.sandbox.telegram.people import Telegram
from bot.sandbox.telegram.routes import routes as telegram_routes
from bot.sandbox.world import Pulse, Record


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
        self._serving = Serving(self._app)

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
        self.url = self._serving.bind(port)
        self.slack.api_url = self.slack_base_url
        self.slack.world.files_url = f"{self.url}/slack/files/"
        self.slack.responses.base = f"{self.url}/slack/hooks/"
        await self._serving.start()
        self.slack.courier.start()
        self.telegram.updates.start()

    async def stop(self) -> None:
        """Close every connection and stop; what happened stays readable."""
        await self.telegram.updates.stop()
        await self.slack.courier.stop()
        await self._serving.stop()

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
