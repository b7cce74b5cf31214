"""The queue of updates: long polling with its offset rules and conflicts, and the webhook with its retries."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from bot.sandbox.telegram.refusal import BotApiRefusal, bad
from bot.sandbox.telegram.world import TelegramWorld
from bot.sandbox.wire import loopback_client
from bot.sandbox.world import Pulse

RETENTION = timedelta(hours=24)
MAX_WAIT = 50
_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
_TERMINATED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(slots=True)
class Webhook:
    """Where updates are posted. `error` and `error_at` tell of the last failure."""

    url: str = ""
    secret: str = ""
    connections: int = 40
    error: str = ""
    error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An update not yet confirmed."""

    id: int
    body: Mapping[str, Any]
    at: datetime


@dataclass(slots=True)
class Updates:
    """One bot's updates. `answered` is called with what a webhook's reply asks for, as Telegram allows."""

    world: TelegramWorld
    pulse: Pulse
    retry_seconds: float = 0.5
    hook: Webhook = field(default_factory=Webhook)
    queue: list[Pending] = field(default_factory=list)
    answered: Callable[[Mapping[str, Any]], None] = lambda _body: None
    posted: list[tuple[int, int]] = field(default_factory=list)  # (update id, HTTP status or 0), every try
    _allowed: frozenset[str] | None = None
    _next_id: int = 815_000_001
    _poller: asyncio.Event | None = None
    _stopping: bool = False
    _sender: asyncio.Task[None] | None = None
    _client: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Begin to post to the webhook, once there is one."""
        self._stopping = False
        self._client = loopback_client()
        self._sender = asyncio.get_running_loop().create_task(self._send())

    async def stop(self) -> None:
        """End the poll in hand, with nothing, and the webhook's sender."""
        self._stopping = True
        if self._poller:
            self._poller.set()
        if self._sender:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        if self._client:
            await self._client.aclose()
            self._client = self._sender = None

    @property
    def polling(self) -> bool:
        """Whether a poll is in hand."""
        return self._poller is not None

    def put(self, kind: str, body: Mapping[str, Any]) -> None:
        """Queue an update, unless the bot asked not to hear of its kind."""
        wanted = kind in self._allowed if self._allowed is not None else kind not in _ON_REQUEST
        if wanted:
            self.queue.append(Pending(self._next_id, {"update_id": self._next_id, kind: body}, self.world.clock.now()))
            self._next_id += 1
        self.pulse.beat()

    async def poll(self, arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """GetUpdates. A poll in hand is terminated by a newer one; both that and a webhook are a 409."""
        if self.hook.url:
            raise BotApiRefusal(409, _WEBHOOK_ACTIVE)
        limit, wait = arguments.get("limit", 100), arguments.get("timeout", 0)
        if not 1 <= limit <= 100:
            raise bad("limit must be between 1 and 100")
        self.allow(arguments.get("allowed_updates"))
        self._confirm(arguments.get("offset", 0))
        if self._poller:
            self._poller.set()
        mine = self._poller = asyncio.Event()
        self.pulse.beat()
        deadline = time.monotonic() + min(max(wait, 0), MAX_WAIT)
        try:
            while not self.queue and (left := deadline - time.monotonic()) > 0:
                await self._woken(mine, left)
                if self._stopping:
                    break
                if mine.is_set():
                    raise BotApiRefusal(409, _TERMINATED)
            return [pending.body for pending in self.queue[:limit]]
        finally:
            if self._poller is mine:
                self._poller = None

    def set_webhook(self, arguments: Mapping[str, Any]) -> None:
        """SetWebhook; the sandbox posts to loopback only, over http."""
        url, secret = arguments["url"], arguments.get("secret_token", "")
        if url and not re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url):
            raise bad("bad webhook: the sandbox posts to http://127.0.0.1 only")
        if len(secret) > 256 or not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
            raise bad("secret token contains unallowed characters")
        connections = arguments.get("max_connections", 40)
        if not 1 <= connections <= 100:
            raise bad("max_connections must be between 1 and 100")
        self.allow(arguments.get("allowed_updates"))
        if arguments.get("drop_pending_updates"):
            self.queue.clear()
        self.hook = Webhook(url, secret, connections)
        if self._poller and url:
            self._poller.set()
        self.pulse.beat()

    def info(self) -> dict[str, Any]:
        """GetWebhookInfo."""
        found: dict[str, Any] = {
            "url": self.hook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.queue),
            "max_connections": self.hook.connections,
        }
        if self._allowed is not None:
            found["allowed_updates"] = sorted(self._allowed)
        if self.hook.error_at:
            found |= {"last_error_date": int(self.hook.error_at.timestamp()), "last_error_message": self.hook.error}
        return found

    def allow(self, kinds: list[str] | None) -> None:
        """Set the kinds to hear of; None keeps the earlier choice, an empty list means the usual ones."""
        if kinds is not None:
            self._allowed = frozenset(kinds) if kinds else None

    def _confirm(self, offset: int) -> None:
        now = self.world.clock.now()
        self.queue[:] = [pending for pending in self.queue if now - pending.at < RETENTION]
        if offset < 0:
            self.queue[:] = self.queue[offset:]
        elif offset:
            self.queue[:] = [pending for pending in self.queue if pending.id >= offset]

    async def _woken(self, mine: asyncio.Event, seconds: float) -> None:
        ended = asyncio.ensure_future(mine.wait())
        changed = asyncio.ensure_future(self.pulse.after(self.pulse.beats, seconds))
        try:
            await asyncio.wait({ended, changed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            changed.cancel()
            await asyncio.gather(ended, changed, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            beat = self.pulse.beats
            if not (self.hook.url and self.queue):
                await self.pulse.after(beat)
                continue
            if await self._post(self.queue[0]):
                del self.queue[0]
            else:
                await asyncio.sleep(self.retry_seconds)

    async def _post(self, pending: Pending) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.hook.secret} if self.hook.secret else {}
        try:
            if not self._client:
                return False
            reply = await self._client.post(self.hook.url, json=pending.body, headers=headers)
        except httpx.HTTPError as error:
            return self._failed(pending, 0, f"Connection failed: {type(error).__name__}")
        if not reply.is_success:
            words = f"Wrong response from the webhook: {reply.status_code} {reply.reason_phrase}"
            return self._failed(pending, reply.status_code, words)
        self.posted.append((pending.id, reply.status_code))
        if "json" in reply.headers.get("content-type", "") and reply.content:
            body = reply.json()
            if isinstance(body, dict) and "method" in body:
                self.answered(body)
        self.pulse.beat()
        return True

    def _failed(self, pending: Pending, status: int, words: str) -> bool:
        self.posted.append((pending.id, status))
        self.hook.error, self.hook.error_at = words, self.world.clock.now()
        self.pulse.beat()
        return False
