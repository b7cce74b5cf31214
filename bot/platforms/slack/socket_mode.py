"""Socket Mode that can stop without losing events, and that notices when it has gone deaf."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.errors import PlatformError, TokenRefused
from bot.platforms.slack.errors import translated
from bot.platforms.slack.gate import Gate
from bot.platforms.slack.web import SlackOptions, SlackWeb, is_loopback

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 0.8
_SILENCE = 5  # pings without an answer; the SDK itself reconnects after four, if it is still alive


class _Handler(AsyncSocketModeHandler):
    """Bolt's handler; envelopes that come after the gate closed are not acknowledged, so Slack sends them again."""

    def __init__(self, app: AsyncApp, options: SlackOptions, web: SlackWeb, gate: Gate) -> None:
        super().__init__(app, options.app_token, web_client=web.client(), ping_interval=options.ping_interval)
        self._gate = gate

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # as in Bolt
        """Answer one envelope."""
        if self._gate.open:
            with self._gate.passing():
                await super().handle(client, req)


class SocketMode:
    """One Socket Mode connection and the watch over it."""

    def __init__(self, app: AsyncApp, options: SlackOptions, web: SlackWeb, gate: Gate) -> None:
        self._options = options
        self._web = web
        self._handler = _Handler(app, options, web, gate)
        self._client: SocketModeClient = self._handler.client
        if is_loopback(options.base_url):
            self._client.proxy = None
        self._client.message_listeners.append(self._hear)
        self._heard = float("-inf")
        self._pong: float | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect; TokenRefused where the app token is no good, while any other trouble is left to the watch."""
        try:
            await self._connect()
        except TokenRefused:
            await self.stop()
            raise
        except PlatformError as error:
            logger.warning("slack socket is not connected yet: %s", error)
        self._watch = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Disconnect; every task of the SDK is over when this returns."""
        if self._watch is not None:
            self._watch.cancel()
        client = self._client
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_closed(self._handler), _CLOSE_SECONDS)
        tasks = (self._watch, client.message_processor, client.current_session_monitor, client.message_receiver)
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CLOSE_SECONDS)
        await client.aiohttp_client_session.close()

    async def _connect(self) -> None:
        opened = await self._web.call(lambda client: client.apps_connections_open(app_token=self._options.app_token))
        self._client.wss_uri = str(opened["url"])
        with translated():
            await asyncio.wait_for(_connected(self._client), _CONNECT_SECONDS)
        self._heard = asyncio.get_running_loop().time()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._options.ping_interval)
            if not self._deaf():
                continue
            logger.warning("slack socket has gone silent; connecting again")
            if self._client.message_processor.done():
                self._client.message_processor = asyncio.create_task(_processed(self._client))
            try:
                await self._connect()
            except PlatformError as error:
                logger.warning("slack socket could not connect: %s", error)

    def _deaf(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._client.last_ping_pong_time != self._pong:
            self._pong = self._client.last_ping_pong_time
            self._heard = now
        receiver = self._client.message_receiver
        lost = receiver is None or receiver.done() or self._client.message_processor.done()
        return lost or now - self._heard > self._options.ping_interval * _SILENCE

    async def _hear(self, _client: object, _message: dict[str, Any], _raw: str | None = None) -> None:
        self._heard = asyncio.get_running_loop().time()


# The SDK leaves these three untyped; they return nothing.
async def _connected(client: SocketModeClient) -> None:
    await client.connect()  # type: ignore[no-untyped-call]


async def _processed(client: SocketModeClient) -> None:
    await client.process_messages()  # type: ignore[no-untyped-call]


async def _closed(handler: AsyncSocketModeHandler) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call]
