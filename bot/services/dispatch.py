"""The dispatcher: takes events from the inbox, each conversation's in order, and writes down what they lead to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import apology_card
from bot.chat.forms import Window
from bot.chat.incoming import Incoming
from bot.ports import Clock
from bot.services.answers import Answers
from bot.services.conversations import Conversations
from bot.services.inbox import BELL
from bot.services.outbox import Outbox
from bot.services.pacing import Backoff
from bot.services.sayings import Outcome, Saying
from bot.services.wakes import Wakes
from bot.storage import inbox as rows
from bot.storage.database import Database
from bot.storage.inbox import Event

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
IN_HAND = 20
ATTEMPTS = 5
LEASE = timedelta(seconds=90)
PATIENCE_SECONDS = 60.0  # of one handler; below the lease, so that an event in hand is never taken away


class Dispatcher:
    """Handles every event once, as far as its effects go.

    What an event says and its end are one transaction. A crash before it runs the event again: handlers own their
    transactions and meet what they did before (a second approval answers that it was decided). After five failures the
    event is put aside and whoever asked gets an apology.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wakes: Wakes,
        answers: Answers,
        outbox: Outbox,
        conversations: Conversations,
        backoff: Backoff | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._answers = answers
        self._outbox = outbox
        self._conversations = conversations
        self._backoff = backoff or Backoff(first=timedelta(milliseconds=200), ceiling=timedelta(seconds=10))
        self._bell = wakes.bell(BELL)
        self._loop: asyncio.Task[None] | None = None
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._stopping = False

    def start(self) -> None:
        """Begin to handle events; needs a running loop."""
        self._stopping = False
        self._loop = asyncio.create_task(self._run(), name="dispatch")

    async def stop(self, seconds: float) -> None:
        """Take no more events and finish those in hand, for at most that long; the rest is given back."""
        deadline = asyncio.get_running_loop().time() + seconds
        if self._loop:
            self._stopping = True
            self._bell.set()  # it ends by itself: cut off while it claims, it would hold those events for a lease
            await asyncio.wait([self._loop], timeout=seconds)
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        if self._in_hand:
            left = max(0.0, deadline - asyncio.get_running_loop().time())
            _done, late = await asyncio.wait(self._in_hand.values(), timeout=left)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def drain(self) -> None:
        """Handle events until none is left that may be handled now."""
        while True:
            await self._round()
            if not self._in_hand:
                return
            await asyncio.wait(self._in_hand.values())

    async def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                pause = await self._round()
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("the inbox cannot be read")
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):  # wait_for may lose a cancellation (Python 3.11)
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _round(self) -> float:
        """Start what may be handled now; seconds until it is worth looking again."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            ready = await rows.ready(connection, now)
            next_due = await rows.next_due(connection, now)
        pause = POLL_SECONDS if next_due is None else min(POLL_SECONDS, (next_due - now).total_seconds())
        ids = [row_id for row_id in ready if row_id not in self._in_hand][: IN_HAND - len(self._in_hand)]
        if ids:
            async with self._database.transaction() as connection:
                events = await rows.claim(connection, ids, now, now + LEASE)
            for event in events:
                self._start(event)
        return max(pause, 0.001)

    def _start(self, event: Event) -> None:
        task = asyncio.create_task(self._handle(event), name=f"event-{event.id}")
        self._in_hand[event.id] = task

        def done(_task: asyncio.Task[None]) -> None:
            del self._in_hand[event.id]
            self._bell.set()

        task.add_done_callback(done)

    async def _handle(self, event: Event) -> None:
        incoming = event.incoming
        with structlog.contextvars.bound_contextvars(
            event=event.id, platform=incoming.platform, event_id=incoming.event_id, kind=incoming.kind
        ):
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    outcome = await self._answers.to(incoming)
                await self._done(event, outcome)
            except asyncio.CancelledError:
                await asyncio.shield(self._let_go(event))
                raise
            except Exception as error:  # noqa: BLE001  # one event must not stop the others; it is tried again
                _log.exception("an event was not handled", attempts=event.attempts)
                await self._failed(event, error)

    async def _done(self, event: Event, outcome: Outcome) -> None:
        """Write down what an event leads to and that it is done, both or neither."""
        now = self._clock.now()
        kept = _forgetting(event.incoming, secret=outcome.secret)
        async with self._database.transaction() as connection:
            if not await rows.settle(connection, event, state="done", handled_at=now, error="", **kept):
                _log.warning("an event was handled by another worker meanwhile")
                return
            for write in outcome.writes:
                await write(connection)
            for saying in outcome.sayings:
                await self._put(connection, saying)
        waited = (now - event.received_at).total_seconds()
        _log.info("handled", sayings=len(outcome.sayings), seconds=round(waited, 3))

    async def _put(self, connection: AsyncConnection, saying: Saying) -> None:
        if isinstance(saying.message, Window):
            assert saying.incoming is not None  # noqa: S101  # a form is opened for whoever caused an event
            await self._outbox.open(
                connection, saying.conversation_id, saying.message, saying.incoming, saying.language
            )
            return
        await self._outbox.put(
            connection,
            saying.conversation_id,
            saying.message,
            saying.kind,
            saying.subject,
            private=saying.private,
            incoming=saying.incoming,
            post_id=saying.post_id,
            language=saying.language,
        )

    async def _let_go(self, event: Event) -> None:
        """Give back an event cut off by the end of the process: the next one takes it up at once."""
        async with self._database.transaction() as connection:
            await rows.settle(connection, event)

    async def _failed(self, event: Event, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:500]
        now = self._clock.now()
        try:
            if event.attempts < ATTEMPTS:
                async with self._database.transaction() as connection:
                    wait = self._backoff.after(event.attempts)
                    await rows.settle(connection, event, due_at=now + wait, error=text)
            else:
                await self._put_aside(event, text, now)
        except Exception:  # noqa: BLE001  # the database is away: the event is taken up after its lease
            _log.exception("an event's failure cannot be written")

    async def _put_aside(self, event: Event, error: str, now: datetime) -> None:
        incoming = event.incoming
        _log.error("an event was put aside", error=error)
        async with self._database.transaction() as connection:
            kept = _forgetting(incoming, secret=incoming.kind == "submit")
            if not await rows.settle(connection, event, state="failed", handled_at=now, error=error, **kept):
                return
            if incoming.kind not in {"command", "line", "press", "submit", "files"}:
                return
            place, _new = await self._conversations.of(
                connection, incoming.platform, incoming.conversation, incoming.conversation_kind, incoming.thread
            )
            await self._outbox.put(
                connection, place.id, apology_card(f"E-{event.id}"), "reply", private=True, incoming=incoming
            )


def _forgetting(incoming: Incoming, *, secret: bool) -> dict[str, object]:
    """What is kept of an event that held a one-time code: all but what was typed."""
    return {"payload": replace(incoming, text="", values={}).to_json()} if secret else {}
