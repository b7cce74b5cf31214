"""The worker that follows what stores called to say: reads the records again, and takes them as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
from bot.words import _

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
IN_HAND = 200  # deliveries of one round; those about the same record are followed once
LEASE = timedelta(minutes=5)
PART_SECONDS = 40.0  # that a store may take to tell of some records
ROUND_SECONDS = 120.0  # after which nothing of a round is begun any more; with a part below the lease
FIRST = 10  # records that are followed together, until it is known how fast the store tells of them
BRISK, SLOW = 2.0, 10.0  # seconds of a part below which more are followed together, and above which fewer
ATTEMPTS = 8  # the hourly reading finds what was not told


@dataclass(slots=True)
class Pace:
    """How many records of a store are followed together: what is told of them is taken within seconds."""

    size: int = FIRST

    def note(self, records: int, seconds: float) -> None:
        """Learn from some that were followed together."""
        if seconds > SLOW:
            self.size = max(1, min(self.size, records) // 2)
        elif seconds < BRISK and records >= self.size:
            self.size = min(IN_HAND, self.size * 2)


@dataclass(frozen=True, slots=True)
class _Round:
    """A store's deliveries in hand by id, as far as nothing is noted of them yet, and when (by the loop) to begin no
    more of them.
    """

    store: str
    ends: float
    open: dict[int, Held]

    @property
    def over(self) -> bool:
        """Whether its time is up."""
        return asyncio.get_running_loop().time() >= self.ends

    def records(self) -> list[list[Held]]:
        """Deliveries about the same record together, in the order in which they came."""
        about: dict[str, list[Held]] = {}
        for one in self.open.values():
            about.setdefault(json_text(dict(one.delivery.said)), []).append(one)
        return list(about.values())


class Following:
    """Works deliveries off, oldest first, those of each store by themselves: a slow one holds up no other.

    Facts are taken first and the delivery is done then: a crash between the two reads the same record again, which
    changes nothing.
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
        self._bells = {store: wakes.bell(BELL) for store in feeds}
        self._paces = {store: Pace() for store in feeds}
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin to work, where a store calls at all; needs a running loop."""
        self._stopping = False
        self._loops = [
            asyncio.create_task(self._run(store, bell), name=f"following-{store}")
            for store, bell in self._bells.items()
        ]

    async def stop(self, seconds: float) -> None:
        """Finish the rounds in hand, for at most that long; the rest is given back."""
        if not self._loops:
            return
        self._stopping = True
        for bell in self._bells.values():
            bell.set()
        await asyncio.wait(self._loops, timeout=seconds)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def drain(self) -> int:
        """Follow deliveries until none is left that may be followed now; how many."""
        followed = 0
        while count := await self.round():
            followed += count
        return followed

    async def _run(self, store: str, bell: asyncio.Event) -> None:
        while not self._stopping:
            bell.clear()
            pause = 0.0
            await self._lull()
            try:
                if not await self._round(store):
                    pause = await self._pause()
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("deliveries cannot be followed", store=store)
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await bell.wait()
            except TimeoutError:
                continue

    async def _pause(self) -> float:
        now = self._clock.now()
        async with self._database.reading_of(1) as connection:
            due = await rows.next_due(connection, now)
        return POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.001, (due - now).total_seconds()))

    async def round(self) -> int:
        """Follow what is due, at most IN_HAND deliveries of each store; how many."""
        return sum(await asyncio.gather(*[self._round(store) for store in sorted(self._feeds)]))

    async def _round(self, store: str) -> int:
        """Follow a store's deliveries, some records at a time; what there was no time for is given back."""
        async with self._pages[store]:
            now = self._clock.now()
            async with self._database.transaction_of(1) as connection:
                held = await rows.claim(connection, [store], now, now + LEASE, IN_HAND)
            if not held:
                return 0
            ends = asyncio.get_running_loop().time() + ROUND_SECONDS
            round_ = _Round(store, ends, {one.id: one for one in held})
            try:
                left = round_.records()
                while left and not round_.over:
                    some, left = left[: self._paces[store].size], left[self._paces[store].size :]
                    await self._paced(round_, some)
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back(round_))
                raise
            await self._give_back(round_)
            return len(held) - len(round_.open)

    async def _give_back(self, round_: _Round) -> None:
        if round_.open:
            async with self._database.transaction() as connection:
                await rows.give_back(connection, round_.open.values())

    async def _paced(self, round_: _Round, records: Sequence[Sequence[Held]]) -> None:
        began = asyncio.get_running_loop().time()
        await self._together(round_, records)
        self._paces[round_.store].note(len(records), asyncio.get_running_loop().time() - began)
        self._wakes.ring(TOUCHED)

    async def _together(self, round_: _Round, records: Sequence[Sequence[Held]]) -> None:
        """Follow records and take what is told, all of it together; where that fails each by itself.

        So one record that the store does not show, or that cannot be written, harms no other.
        """
        error: Exception | None = None
        try:
            async with asyncio.timeout(PART_SECONDS):
                await self._follow(round_.store, records)
        except TimeoutError:
            error = Unreached(_("the store told nothing of it within {seconds} s", seconds=format(PART_SECONDS, "g")))
        except Exception as problem:  # noqa: BLE001  # whichever it is fails again by itself
            error = problem
        if error is None or len(records) == 1:
            await self._note(round_, records, error)
            return
        _log.info("records are followed one by one", store=round_.store, records=len(records), error=repr(error))
        for same in records:
            if round_.over:  # they were tried, in vain: others are to have their turn
                await self._note(round_, [same], Unreached(_("there was no time for it")))
            else:
                await self._together(round_, [same])

    async def _follow(self, store: str, records: Sequence[Sequence[Held]]) -> None:
        deliveries = [same[-1].delivery for same in records]
        await self._take(store, [page async for page in self._feeds[store].follow(deliveries)])

    async def _take(self, store: str, pages: Sequence[Page]) -> None:
        for kind in ORDER:
            mine = [page for page in pages if page.kind == kind]
            if mine:
                await self._taking.take(store, joined(mine))

    async def _note(self, round_: _Round, records: Sequence[Sequence[Held]], error: Exception | None) -> None:
        """Write down that deliveries were followed, or why not."""
        held = [one for same in records for one in same]
        async with self._database.transaction_of(len(held)) as connection:
            if error is None:
                await rows.settle(connection, held, self._clock.now())
            else:
                for one in held:
                    await self._put_off(connection, one, error)
        for one in held:
            del round_.open[one.id]

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
