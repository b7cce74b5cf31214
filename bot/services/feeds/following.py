"""The worker that follows what stores called to say: reads the records again, and takes them as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.sheet import json_text
from bot.errors import OutsideError, Unreached
from bot.ports import Clock, HookedFeed, Page
from bot.services.feeds.reception import BELL
from bot.services.feeds.syncing import ORDER
from bot.services.feeds.taking import Taking, joined
from bot.services.pacing import Backoff
from bot.services.wakes import TOUCHED, Wakes
from bot.storage import deliveries as rows
from bot.storage.database import Database
from bot.storage.deliveries import Held

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
IN_HAND = 200  # deliveries of one round; those about the same record are followed once
LEASE = timedelta(minutes=5)
PATIENCE_SECONDS = 240.0  # of a round; below the lease
ATTEMPTS = 8  # the hourly reading finds what was not told

_Outcome = tuple[Sequence[Held], Exception | None]  # deliveries about one record, and what kept it from being taken


class Following:
    """Works deliveries off, oldest first. Facts are taken first and the delivery is done then: a crash between the two
    reads the same record again, which changes nothing.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wakes: Wakes,
        taking: Taking,
        feeds: Mapping[str, HookedFeed],
        pages: Mapping[str, asyncio.Lock],
        lull: Callable[[], Awaitable[None]],
        backoff: Backoff | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._wakes = wakes
        self._taking = taking
        self._feeds = feeds
        self._pages = pages
        self._lull = lull
        self._backoff = backoff or Backoff(first=timedelta(seconds=1), ceiling=timedelta(minutes=10))
        self._bell = wakes.bell(BELL)
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to work, where a store calls at all; needs a running loop."""
        self._stopping = False
        if self._feeds:
            self._loop = asyncio.create_task(self._run(), name="following")

    async def stop(self, seconds: float) -> None:
        """Finish the round in hand, for at most that long; the rest is given back."""
        if self._loop is None:
            return
        self._stopping = True
        self._bell.set()
        await asyncio.wait([self._loop], timeout=seconds)
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def drain(self) -> int:
        """Follow deliveries until none is left that may be followed now; how many."""
        followed = 0
        while count := await self.round():
            followed += count
        return followed

    async def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            pause = 0.0
            await self._lull()
            try:
                if not await self.round():
                    pause = await self._pause()
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("deliveries cannot be followed")
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _pause(self) -> float:
        now = self._clock.now()
        async with self._database.reading_of(1) as connection:
            due = await rows.next_due(connection, now)
        return POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.001, (due - now).total_seconds()))

    async def round(self) -> int:
        """Follow what is due, at most IN_HAND deliveries; how many."""
        now = self._clock.now()
        async with self._database.transaction_of(1) as connection:
            held = await rows.claim(connection, sorted(self._feeds), now, now + LEASE, IN_HAND)
        if not held:
            return 0
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                by_store = groupby(sorted(held, key=lambda one: (one.store, one.id)), key=lambda one: one.store)
                await asyncio.gather(*[self._guarded(store, list(mine)) for store, mine in by_store])
        except asyncio.CancelledError:
            async with self._database.transaction() as connection:
                await rows.give_back(connection, held)
            raise
        return len(held)

    async def _guarded(self, store: str, held: Sequence[Held]) -> None:
        async with self._pages[store]:
            await self._store(store, held)

    async def _store(self, store: str, held: Sequence[Held]) -> None:
        """Follow deliveries of one store; the pages of all of them are taken kind by kind."""
        about: dict[str, list[Held]] = {}
        for one in held:
            about.setdefault(json_text([one.delivery.topic, dict(one.delivery.said)]), []).append(one)
        outcomes = await self._together(store, list(about.values()))
        now = self._clock.now()
        async with self._database.transaction_of(len(held)) as connection:
            await rows.settle(connection, [one for same, error in outcomes if error is None for one in same], now)
            for same, error in outcomes:
                if error is not None:
                    for one in same:
                        await self._put_off(connection, one, error)
        self._wakes.ring(TOUCHED)

    async def _together(self, store: str, records: Sequence[Sequence[Held]]) -> Sequence[_Outcome]:
        """Follow records and take what is told, all of it together; where that fails each by itself.

        So one record that the store does not show, or that cannot be written, harms no other.
        """
        try:
            await self._follow(store, records)
        except Exception as error:  # noqa: BLE001  # whichever it is fails again by itself
            if len(records) == 1:
                return [(records[0], error)]
            _log.info("records are followed one by one", store=store, records=len(records), error=repr(error))
        else:
            return [(same, None) for same in records]
        return [outcome for same in records for outcome in await self._together(store, [same])]

    async def _follow(self, store: str, records: Sequence[Sequence[Held]]) -> None:
        deliveries = [same[-1].delivery for same in records]
        await self._take(store, [page async for page in self._feeds[store].follow(deliveries)])

    async def _take(self, store: str, pages: Sequence[Page]) -> None:
        for kind in ORDER:
            mine = [page for page in pages if page.kind == kind]
            if mine:
                await self._taking.take(store, joined(mine))

    async def _put_off(self, connection: AsyncConnection, held: Held, error: Exception) -> None:
        """Come again later; what the store refuses to show, or what failed too often, is given up."""
        said = error.detail or str(error) if isinstance(error, OutsideError) else f"{type(error).__name__}: {error}"
        now = self._clock.now()
        again = held.attempts < ATTEMPTS and (isinstance(error, Unreached) or not isinstance(error, OutsideError))
        due = now + self._backoff.after(held.attempts) if again else None
        _log.warning(
            "a delivery was not followed", store=held.store, topic=held.delivery.topic, error=said, again=again
        )
        await rows.put_off(connection, held, due, said, now)
