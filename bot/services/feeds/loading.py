"""A store's first reading: its pages are taken as any, but what can wait until all are there is done once, then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Clock, FactKind, Page
from bot.services.feeds.desks import Desk
from bot.services.feeds.taken import Demand, Taken
from bot.services.feeds.taking import Taking
from bot.storage import derive, locks, storebooks, touched
from bot.storage.chunks import chunked
from bot.storage.database import Database
from bot.storage.derive import Awaited

_OF_SALES: tuple[FactKind, ...] = ("orders", "returns")
_PART = 200  # products whose demand is derived in one transaction


async def _put_off(connection: AsyncConnection, source: str, _products: object, since: str) -> None:
    await derive.put_off(connection, source, since)


_WAIT = timedelta(hours=6)  # or until it is settled


@dataclass(frozen=True, slots=True)
class _Kept:
    """The desk of the page before, and how often people had said by then what the store's things are."""

    desk: Desk
    kind: FactKind
    said: int


class Loading:
    """Takes the pages of one reading of one store, in their order.

    Derived page by page demand would be derived a thousand times over, and half a history is not to be judged: both
    wait for `settle`. What one page named is not looked up again for the next.
    """

    def __init__(self, *, database: Database, clock: Clock, taking: Taking, store: str) -> None:
        self._database = database
        self._clock = clock
        self._taking = taking
        self._store = store
        self._kept: _Kept | None = None
        self._sold: set[int] = set()  # products of orders: `settle` lets them be judged

    async def take(self, page: Page, said: int = 0) -> Taken:
        """One page; facts, faults, freshness and cursor are written together or not at all. `said`: see `Taking`."""
        kept, self._kept = self._kept, None  # a page that fails may have left names on it that were never written
        now = self._clock.now()
        async with self._database.transaction() as connection:
            held = await locks.naming(connection, self._store)
            if kept is None or (kept.kind, kept.said) != (page.kind, held):
                desk = await self._taking.desks.lay(connection, self._store, page, self._clock.now())
            else:
                desk = kept.desk
                await self._taking.desks.fill(connection, desk, self._store, page, self._clock.now())
            demand = Demand(_put_off, _WAIT, self._sold if page.kind in _OF_SALES else frozenset())
            taken = await self._taking.write(connection, self._store, page, desk, demand)
            if page.cursor and held == said:
                taken.add(await self._taking.go_on(connection, self._store, page, said, now))
        if page.kind in _OF_SALES:
            self._sold |= taken.touched
        self._kept = _Kept(desk, page.kind, held)
        return taken

    async def settle(self) -> None:
        """Derive the demand that was put off, some products at a time, and let the products be judged.

        A crash leaves the rest to the next reading; what another process put off meanwhile is left to that one's end.
        """
        put_off = await self._derive()
        async with self._database.transaction() as connection:
            await locks.naming(connection, self._store)
            if put_off is None or await derive.caught_up(connection, f"store:{self._store}", put_off):
                await touched.release(connection, self._clock.now())

    async def settle_so_far(self) -> None:
        """As `settle`, of a reading that broke off: the next one goes on as this one did, and settles all once more."""
        await self._derive()
        async with self._database.transaction() as connection:
            await touched.release(connection, self._clock.now())

    async def _derive(self) -> Awaited | None:
        """Derive what was put off, and give it; None where nothing was."""
        source, now = f"store:{self._store}", self._clock.now()
        async with self._database.reading() as connection:
            put_off = await derive.awaited(connection, source)
            products = [] if put_off is None else await storebooks.products_of(connection, source, put_off.since)
        for part in chunked(products, _PART):
            assert put_off is not None  # noqa: S101  # there are products
            async with self._database.transaction() as connection:
                await derive.rebuild(connection, part, put_off.since)
                await touched.touch(connection, part, now, now + _WAIT)  # all of them together, once it is over
        return put_off
