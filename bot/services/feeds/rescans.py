"""The worker that judges products as soon as their facts changed, and keeps a flood of news from flooding the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.ports import Clock, HookedFeed
from bot.services.scanning import ScanReport
from bot.services.wakes import TOUCHED, Wakes
from bot.services.watch import Watch
from bot.storage import deliveries, touched
from bot.storage.database import Database

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
AGAIN_SECONDS = 0.25  # until a scan that is under way is asked for again
REST = 0.5  # of the time that a round took: the loop has others to serve, and the next round has more to judge at once
BACKLOG = 100  # deliveries waiting: people are told once they are worked off, of all together
REFILL = timedelta(seconds=2)  # for each card of its own that a topic may be sent
DIGEST = timedelta(seconds=30)  # between two cards that sum up
WAIT = timedelta(seconds=1)  # at least
A_SECOND = 400  # deliveries are worked off at best: to judge a product again before is in vain


class Restraint:
    """How many cards of their own news may have: `individual` at once, then one each two seconds.

    More than that wait for a card that sums them up, at most each half a minute; and while more than BACKLOG
    deliveries wait, all do, but no longer than that half minute. A channel takes about a message a second.
    """

    def __init__(self, individual: int) -> None:
        self._individual = individual
        self._left = float(individual)
        self._since: datetime | None = None
        self._summed: datetime | None = None
        self._held: datetime | None = None

    def decide(self, news: int, backlog: int, now: datetime) -> int | timedelta:
        """What becomes of `news` cases: how many get cards of their own, the rest being summed up; or the wait."""
        if self._since is not None:
            self._left = min(self._individual, self._left + max(timedelta(), now - self._since) / REFILL)
        self._since = now
        if not news:
            return self._individual
        free = int(self._left)
        held = timedelta() if self._held is None else now - self._held
        calm = backlog <= BACKLOG or held >= DIGEST
        summing = timedelta() if self._summed is None else max(timedelta(), self._summed + DIGEST - now)
        if not calm or (news > free and summing):
            self._held = self._held or now
            enough = (news - self._left) * REFILL  # until each may have a card of its own
            return max(WAIT, min(summing, enough) if calm else min(DIGEST - held, WAIT * backlog / A_SECOND))
        if news > free:
            self._summed = now
        self._left -= min(news, free)
        self._held = None
        return free


class Rescans:
    """Judges touched products, all that are due together, one round after the other."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wakes: Wakes,
        watch: Watch,
        feeds: Mapping[str, HookedFeed],
        lull: Callable[[], Awaitable[None]],
        individual: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._watch = watch
        self._restraint = Restraint(individual)
        self._bell = wakes.bell(TOUCHED)
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._calls = bool(feeds)
        self._lull = lull

    def start(self) -> None:
        """Begin to work; needs a running loop."""
        self._stopping = False
        self._loop = asyncio.create_task(self._run(), name="rescans")

    async def stop(self, seconds: float) -> None:
        """Finish the round in hand, for at most that long; what is touched stays so."""
        if self._loop is None:
            return
        self._stopping = True
        self._bell.set()
        await asyncio.wait([self._loop], timeout=seconds)
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def round(self) -> ScanReport | None:
        """Judge what is due now; None where nothing is, or another scan is under way."""
        now = self._clock.now()
        async with self._database.reading_of(1) as connection:
            due = await touched.due(connection, now)
            backlog = await deliveries.waiting(connection, now) if due and self._calls else 0
        if not due:
            return None
        return await self._watch.rescan(
            sorted(due), now, lambda news: self._restraint.decide(news, backlog, self._clock.now())
        )

    async def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            await self._lull()
            began = asyncio.get_running_loop().time()
            try:
                pause = AGAIN_SECONDS if await self.round() is None else 0.0
                await asyncio.sleep(REST * (asyncio.get_running_loop().time() - began))
                pause = await self._pause(pause)
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("touched products cannot be judged")
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _pause(self, least: float) -> float:
        now = self._clock.now()
        async with self._database.reading_of(1) as connection:
            due = await touched.next_due(connection)
        return POLL_SECONDS if due is None else min(POLL_SECONDS, max(least, (due - now).total_seconds(), 0.001))
