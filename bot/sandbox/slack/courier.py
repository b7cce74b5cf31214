"""Carries what people do to the bot: over Socket Mode or as signed HTTP, with Slack's deadlines and retries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from bot.sandbox.slack.world import SlackWorld
from bot.sandbox.wire import loopback_client
from bot.sandbox.world import Pulse

DeliveryKind = Literal["events_api", "slash_commands", "interactive"]
RETRY_AFTER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: `outcome` is `acknowledged`, or the reason Slack gives with its next try (http_timeout ...)."""

    number: int
    at: datetime
    outcome: str
    seconds: float


@dataclass(slots=True)
class Delivery:
    """One thing on its way to the bot. `answer` is what the bot put into its acknowledgement, `due` the next retry."""

    kind: DeliveryKind
    payload: dict[str, Any]
    state: Literal["waiting", "acknowledged", "failed"] = "waiting"
    attempts: list[Attempt] = field(default_factory=list)
    answer: Any = None
    due: datetime | None = None
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def settled(self, within: float = 5.0) -> Delivery:
        """Itself, once the first try is over; TimeoutError otherwise."""
        async with asyncio.timeout(within):
            await self._settled.wait()
        return self

    def settle(self, state: Literal["acknowledged", "failed"]) -> None:
        """Say how a try ended."""
        self.state = state
        self._settled.set()


@dataclass(slots=True)
class Link:
    """One Socket Mode connection: `send` writes a frame, `close` ends it."""

    send: Callable[[Mapping[str, Any]], Any]
    close: Callable[[], Any]
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)


class NotTaken(Exception):  # named as what happened
    """A try came to nothing; its text is Slack's retry reason."""


class Courier:
    """Delivers to the bot. `url` empty means Socket Mode; otherwise everything is posted there, signed."""

    def __init__(self, world: SlackWorld, pulse: Pulse) -> None:
        self.world = world
        self.url = ""
        self.ack_seconds = 3.0
        self.links: list[Link] = []
        self.tickets: set[str] = set()
        self.deliveries: list[Delivery] = []
        self._pulse = pulse
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Begin to watch for retries that fall due."""
        self._client = loopback_client()
        self._spawn(self._watch())

    async def stop(self) -> None:
        """End every link and every try."""
        for link in list(self.links):
            await link.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client:
            await self._client.aclose()
            self._client = None

    def send(
        self, kind: DeliveryKind, payload: dict[str, Any], after: Callable[[Delivery], None] | None = None
    ) -> Delivery:
        """Send something; `after` runs when it was acknowledged or given up."""
        delivery = Delivery(kind, payload)
        self.deliveries.append(delivery)
        self._spawn(self._carry(delivery, after))
        return delivery

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Send the same thing once more, as Slack does when an acknowledgement was lost."""
        await self._try(delivery)
        return delivery

    async def _carry(self, delivery: Delivery, after: Callable[[Delivery], None] | None) -> None:
        await self._try(delivery)
        if after:
            after(delivery)
        self._pulse.beat()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            now = self.world.clock.now()
            for delivery in [one for one in self.deliveries if one.due and one.due <= now]:
                delivery.due = None
                await self._try(delivery)

    async def _try(self, delivery: Delivery) -> None:
        number = len(delivery.attempts)
        reason = delivery.attempts[-1].outcome if delivery.attempts else ""
        began = time.monotonic()
        try:
            way = self._post if self.url else self._push
            delivery.answer = await way(delivery, number, reason)
            outcome = "acknowledged"
        except NotTaken as missed:
            outcome = str(missed)
        now = self.world.clock.now()
        delivery.attempts.append(Attempt(number, now, outcome, time.monotonic() - began))
        taken = outcome == "acknowledged"
        if taken:
            delivery.due = None
        elif delivery.kind == "events_api" and number < len(RETRY_AFTER):
            delivery.due = now + RETRY_AFTER[number]
        delivery.settle("acknowledged" if taken else "failed")
        self._pulse.beat()

    async def _push(self, delivery: Delivery, number: int, reason: str) -> Any:  # noqa: ANN401  # what the bot said
        if not self.links:
            raise NotTaken("connection_failed")
        self._turn += 1
        link = self.links[self._turn % len(self.links)]
        envelope = str(uuid.uuid4())
        frame: dict[str, Any] = {
            "envelope_id": envelope,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            frame |= {"retry_attempt": number, "retry_reason": reason}
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        link.waiting[envelope] = future
        try:
            async with asyncio.timeout(self.ack_seconds):
                await link.send(frame)
                return await future
        except TimeoutError:
            raise NotTaken("timeout") from None
        except (ConnectionError, RuntimeError):
            raise NotTaken("connection_failed") from None
        finally:
            link.waiting.pop(envelope, None)

    async def _post(self, delivery: Delivery, number: int, reason: str) -> Any:  # noqa: ANN401  # what the bot said
        if delivery.kind == "events_api":
            body, kind = json.dumps(delivery.payload).encode(), "application/json"
        else:
            form = (
                delivery.payload
                if delivery.kind == "slash_commands"
                else {"payload": json.dumps(delivery.payload, ensure_ascii=False)}
            )
            body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        headers = {
            "content-type": kind,
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **self.sign(body),
        }
        if number:
            headers |= {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason}
        if not self._client:
            raise NotTaken("connection_failed")
        try:
            async with asyncio.timeout(self.ack_seconds):
                reply = await self._client.post(self.url, content=body, headers=headers)
        except TimeoutError:
            raise NotTaken("http_timeout") from None
        except httpx.HTTPError:
            raise NotTaken("connection_failed") from None
        if reply.status_code != 200:  # HTTP's own figure
            raise NotTaken("http_error")
        if "json" in reply.headers.get("content-type", "") and reply.content:
            return reply.json()
        return reply.text or None

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers of a request that Slack signed just now, by the real time."""
        stamp = str(int(time.time()))
        base = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new(self.world.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}

    def _spawn(self, work: Any) -> None:  # noqa: ANN401  # any coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
