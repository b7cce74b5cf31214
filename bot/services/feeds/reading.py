"""Reads one kind of fact from a store, page by page, and writes down how that ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from bot.errors import OutsideError, why
from bot.ports import Clock, FactKind, HookedFeed, OrderFact, Page, StoreFeed
from bot.services.feeds.taken import Taken
from bot.services.feeds.taking import WATCHED, joined
from bot.storage import stores as rows
from bot.storage.database import Database
from bot.words import Words, _, kept

_log = structlog.get_logger(__name__)

# How long a store may keep us waiting for one page; the longest reports and operations that stores make take less.
SILENCE = timedelta(hours=1)
_Take = Callable[[Page], Awaitable[Taken]]
_Turn = AbstractAsyncContextManager[object]


class Takes(Protocol):
    """Takes a page of a reading; `said`: what that began with."""

    def __call__(self, page: Page, *, said: int) -> Awaitable[Taken]:
        """Take it."""
        ...


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a reading of one kind did: counts of facts; `said` is why it broke off, None where it did not."""

    store: str
    kind: FactKind
    facts: int
    changed: int
    faults: int
    said: Words | None = None
    missed: int = 0  # of the changes: those that the store should have called to tell

    @property
    def error(self) -> str:
        """Why it broke off, in English; empty where it did not."""
        return "" if self.said is None else str(self.said)


class Reading:
    """Reads kinds of stores. `pages` by store: held from reading a record to taking it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        pages: Mapping[str, asyncio.Lock],
        hooked: Mapping[str, HookedFeed],
    ) -> None:
        self._database = database
        self._clock = clock
        self._pages = pages
        self._hooked = hooked

    async def kind(self, store: str, feed: StoreFeed, kind: FactKind, take: Takes, least: int) -> SyncReport:
        """Read a kind from where its last reading stopped, and write down how that ended.

        As many pages as come to `least` rows are taken together.
        """
        taken = Taken()
        async with self._database.reading() as connection:
            begun = await rows.begin(connection, store, kind)
            told = store in self._hooked and kind in self._hooked[store].called
            told = told and await rows.told(connection, store, kind)
        pages = aiter(feed.read(kind, begun.cursor))
        said: Words | None = None
        turn: _Turn = self._pages[store]
        try:
            while (last := await self._page(turn, pages, partial(take, said=begun.said), taken, least)) is not None:
                turn = nullcontext() if last.waits else self._pages[store]  # the store's calls need not wait with us
        except Exception as problem:  # noqa: BLE001  # the other kinds, and the other stores, are read all the same
            said = said_of(store, kind, problem)
        return await self.note(store, kind, taken, said, told=told)

    async def _page(
        self, turn: _Turn, pages: AsyncIterator[Page], take: _Take, taken: Taken, least: int
    ) -> Page | None:
        """Read a page, or as many as come to `least` rows or to one without facts, and take it; the last one read.

        Where the store breaks off, the pages before are taken.
        """
        async with turn:
            read: list[Page] = []
            rows_read, error = 0, None
            while not read or (rows_read < least and read[-1].until is None):
                try:
                    async with asyncio.timeout(SILENCE.total_seconds()):
                        page = await anext(pages, None)
                except Exception as problem:  # noqa: BLE001  # raised again, below
                    error = problem
                    break
                if page is None:
                    break
                read.append(page)
                if not page.facts and not page.faults:  # it says where to go on, which is to outlive what comes next
                    break
                rows_read += sum(len(fact.lines) if isinstance(fact, OrderFact) else 1 for fact in page.facts)
            if read:
                taken.add(await take(joined(read)))
            if error is not None:
                raise error
            return read[-1] if read else None

    async def note(
        self, store: str, kind: FactKind, taken: Taken, said: Words | None, *, told: bool = False
    ) -> SyncReport:
        """Write down how a reading ended, with what `said_of` of it; `told`: the store's calls were on since before the
        last one.
        """
        missed = taken.changed if told else 0
        report = SyncReport(store, kind, taken.facts, taken.changed, taken.faults, said, missed)
        if missed:
            _log.warning("a store did not call for every change", store=store, kind=kind, missed=missed)
        async with self._database.transaction() as connection:
            await rows.note_sync(
                connection,
                store,
                kind,
                self._clock.now(),
                (taken.facts, taken.changed, taken.faults, missed),
                kept(said) if said else "",
            )
            if said and kind in WATCHED:
                await rows.break_off(connection, f"store:{store}", WATCHED[kind], self._clock.now())
        return report


def said_of(store: str, what: str, error: Exception) -> Words:
    """Log why something of a store could not be read, and put it in words for people."""
    match error:
        case OutsideError():
            said = error.said
        case TimeoutError():
            said = _("the store told nothing for {minutes} minutes", minutes=f"{SILENCE.total_seconds() / 60:g}")
        case _:
            _log.error("a store's reading broke off", store=store, what=what, exc_info=error)
            return why(error)
    _log.warning("a store cannot be read", store=store, what=what, error=str(error) or str(said))
    return said
