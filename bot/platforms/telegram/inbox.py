"""Updates taken in: stored through the intake first, acknowledged to Telegram after.

An update that the intake fails to store is never acknowledged: Telegram keeps it and delivers it again. One that the
SDK cannot read at all will not become readable by waiting: it is logged and passed over, and holds up no other.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from typing import Any

from telegram import Bot, Update
from telegram.error import Conflict, RetryAfter, TelegramError
from telegram.ext import Application, ContextTypes, TypeHandler
from telegram.request import HTTPXRequest

from bot.errors import RateLimited
from bot.platforms.telegram.errors import translated
from bot.platforms.telegram.options import OffsetStore, TelegramOptions
from bot.platforms.telegram.updates import ALLOWED, incoming_of
from bot.ports import HttpAnswer, HttpRequest, Intake

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  # the header's name, not a secret

_LONGEST_PAUSE = 30.0

log = logging.getLogger(__name__)

App = Application[Any, Any, Any, Any, Any, Any]
Fetched = tuple[int, Update | None]

# What the SDK raises over an update whose fields are not those of its own version of the Bot API.
UNREADABLE = (TypeError, LookupError, ValueError, AttributeError, OverflowError)


class Taker:
    """Runs one update through the Application's handlers and says whether the intake stored it.

    `Application.process_update` swallows what a handler raises, so the handler books its own outcome.
    """

    def __init__(self, application: App, intake: Intake) -> None:
        self._application = application
        self._intake = intake
        self._stored: set[int] = set()
        application.add_handler(TypeHandler(Update, self._on_update))

    async def take(self, update: Update) -> bool:
        """True once the update is stored, or is none of ours; False where the intake failed."""
        try:
            await self._application.process_update(update)
        except UNREADABLE:  # the SDK's own books, over ids of no known kind, once our handler is through
            log.exception("telegram update %s cannot be kept by the SDK", update.update_id)
        stored = id(update) in self._stored
        self._stored.discard(id(update))
        return stored

    async def _on_update(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            incoming = incoming_of(update, self._application.bot.username or "")
        except UNREADABLE:
            log.exception("telegram update %s cannot be read and is passed over", update.update_id)
            self._stored.add(id(update))
            return
        try:
            if incoming is not None:
                await self._intake(incoming)
        except Exception:
            log.exception("telegram update %s was not stored; it stays with Telegram", update.update_id)
        else:
            self._stored.add(id(update))


class PollRequest(HTTPXRequest):
    """The connection for polls; it holds on to the last answer, so that one unreadable update spoils no batch."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        super().__init__(1, read_timeout=10, write_timeout=10, connect_timeout=5, pool_timeout=5)
        self.last = b""

    async def do_request(self, *given: Any, **named: Any) -> tuple[int, bytes]:  # noqa: ANN401  # handed on untouched
        """As the SDK does it."""
        code, self.last = await super().do_request(*given, **named)
        return code, self.last


class Poller:
    """The polling loop: one request at a time, its offset moved only past what was stored."""

    def __init__(
        self, application: App, polls: PollRequest, taker: Taker, offsets: OffsetStore, options: TelegramOptions
    ) -> None:
        self._bot = application.bot
        self._polls = polls
        self._taker = taker
        self._offsets = offsets
        self._token = options.token
        self._poll_seconds = options.poll_seconds
        self._first_pause = options.retry_seconds
        self._stopping = asyncio.Event()
        self._offset = 0

    def stop(self) -> None:
        """Ask for no more updates; the one in hand is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Poll until stopped; a failure is logged and tried again after a growing pause."""
        pause = self._first_pause
        loaded = False
        while not self._stopping.is_set():
            try:
                if not loaded:
                    self._offset = await self._offsets.load()
                    loaded = True
                whole = await self._round()
            except Exception as error:  # noqa: BLE001  # the loop outlives whatever one round meets
                pause = max(pause, self._report(error))
                whole = False
            pause = self._first_pause if whole else pause
            if not whole:
                await self._rest(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _round(self) -> bool:
        """Fetch once and take what came; False where the intake stopped the batch."""
        before = self._offset
        try:
            return await self._take(await self._fetch())
        finally:
            if self._offset != before:
                await self._offsets.save(self._offset)

    async def _take(self, updates: Sequence[Fetched]) -> bool:
        for update_id, update in updates:
            if self._stopping.is_set():
                return True
            if update is not None and not await self._taker.take(update):
                return False
            self._offset = update_id + 1
        return True

    async def _get(self) -> Sequence[Fetched]:
        try:
            updates = await self._bot.get_updates(
                offset=self._offset or None, timeout=self._poll_seconds, allowed_updates=list(ALLOWED)
            )
        except UNREADABLE:
            return [(raw["update_id"], _read(raw, self._bot)) for raw in json.loads(self._polls.last)["result"]]
        return [(update.update_id, update) for update in updates]

    async def _fetch(self) -> Sequence[Fetched]:
        """The next updates, or none where a stop came first: Telegram keeps what was not confirmed."""
        fetch = asyncio.ensure_future(self._get())
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({fetch, stop}, return_when=asyncio.FIRST_COMPLETED)
            return fetch.result() if fetch.done() else ()
        finally:
            for task in (fetch, stop):
                task.cancel()
            await asyncio.gather(fetch, stop, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _report(self, error: Exception) -> float:
        """Log why a round failed; seconds to wait at least."""
        if isinstance(error, Conflict):
            log.error(
                "telegram: another process or a webhook reads this bot's updates; stop it, or give each its own bot"
            )
            return 5.0
        if isinstance(error, RetryAfter) and isinstance(limited := translated(error), RateLimited):
            log.warning("telegram asked to wait %.0f s before the next poll", limited.retry_after)
            return limited.retry_after
        if isinstance(error, TelegramError):
            log.warning("telegram could not be polled: %s", translated(error, self._token))
        else:
            log.error("telegram updates could not be taken", exc_info=error)
        return 0.0


class Webhook:
    """The receiving end of Telegram's webhook."""

    def __init__(self, application: App, taker: Taker, secret: str) -> None:
        self._bot = application.bot
        self._taker = taker
        self._secret = secret.encode()
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def stop(self) -> None:
        """Refuse further updates and wait for those in hand."""
        self._stopping = True
        await self._idle.wait()

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """200 once the update is stored; anything else makes Telegram deliver it again."""
        if request.method != "POST":
            return HttpAnswer(405, headers={"allow": "POST"})
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self._secret):
            log.warning("telegram webhook call without the right secret was refused")
            return HttpAnswer(401, b"wrong secret")
        if self._stopping:
            return HttpAnswer(503, b"stopping")
        self._open += 1
        self._idle.clear()
        try:
            return await self._receive(request.body)
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def _receive(self, body: bytes) -> HttpAnswer:
        try:
            raw = json.loads(body)
        except ValueError:
            raw = None
        if not (isinstance(raw, dict) and isinstance(raw.get("update_id"), int)):
            log.warning("telegram webhook call was no update and was refused")
            return HttpAnswer(400, b"not an update")
        update = _read(raw, self._bot)
        stored = update is None or await self._taker.take(update)
        return HttpAnswer(200) if stored else HttpAnswer(500, b"not stored")


def _read(raw: dict[str, Any], bot: Bot) -> Update | None:
    """The SDK's update; None where the SDK cannot read it, which is logged."""
    try:
        return Update.de_json(raw, bot)
    except UNREADABLE:
        log.exception("telegram update %s (%s) cannot be read and is passed over", raw["update_id"], ", ".join(raw))
        return None
