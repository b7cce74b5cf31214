"""Reads stores: each kind of fact from where the last reading stopped, one reading of a store at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.chat.nodes import Text
from bot.errors import OutsideError, UnknownReference
from bot.ports import Check, Clock, FactKind, StoreFeed
from bot.services.audit import Audit
from bot.services.feeds.taking import WATCHED, Taken, Taking
from bot.storage import stores as rows
from bot.storage.database import Database
from bot.storage.stores import StoreState, Unsure
from bot.words import _

_log = structlog.get_logger(__name__)

ORDER: tuple[FactKind, ...] = ("products", "inbounds", "stock", "orders")  # what later kinds refer to comes first


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a reading of one kind did: counts of facts; `error` is why it broke off, empty where it did not."""

    store: str
    kind: FactKind
    facts: int
    changed: int
    faults: int
    error: str = ""


class Syncing:
    """Reads the connected stores by name."""

    def __init__(
        self, *, database: Database, clock: Clock, audit: Audit, taking: Taking, feeds: Mapping[str, StoreFeed]
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._taking = taking
        self._feeds = feeds
        self._turns = {name: asyncio.Lock() for name in feeds}

    @property
    def names(self) -> tuple[str, ...]:
        """The stores that can be read."""
        return tuple(sorted(self._feeds))

    async def sync(self, store: str) -> list[SyncReport]:
        """Read what changed since the last time; everything, the first time.

        Each page is written down with the cursor behind it, so a reading that broke off goes on where it was. A store
        that cannot be read is told in the reports, and the other kinds are read all the same.
        """
        feed = self._feed(store)
        async with self._turns[store]:
            try:
                await self._places(store, feed)
            except OutsideError as error:
                return [await self._note(store, kind, Taken(), error) for kind in ORDER if kind in feed.kinds]
            return [await self._read(store, feed, kind) for kind in ORDER if kind in feed.kinds]

    async def check(self, store: str) -> tuple[Check, ...]:
        """Try a store's address, credentials and what they may do."""
        return await self._feed(store).check()

    async def states(self) -> list[StoreState]:
        """How far each store is read, and what of it waits for a person."""
        async with self._database.reading() as connection:
            return [await rows.state(connection, name) for name in self.names]

    async def unsure(self, store: str) -> Unsure:
        """What of a store waits for a person: variants, places, and facts that were set aside."""
        self._feed(store)
        async with self._database.reading() as connection:
            return await rows.unsure(connection, store)

    async def place(self, store: str, place: str, location: str) -> None:
        """Say which location a store's place is; an empty one says that it is none of ours."""
        self._feed(store)
        async with self._database.transaction() as connection:
            if not await rows.map_place(connection, store, place, location):
                raise UnknownReference(
                    _(
                        "{store} has no place {place}, or we have no such location.",
                        store=Text(store),
                        place=Text(place),
                    )
                )
            await self._audit.append(
                connection, "store.place", f"store:{store}", {"place": place, "location": location}
            )

    async def product(self, store: str, code: str, sku: str) -> None:
        """Say which product a store's variant is; an empty SKU says that it is none of ours.

        What was set aside for want of this is read again from the beginning with the next reading.
        """
        self._feed(store)
        async with self._database.transaction() as connection:
            if not await rows.map_code(connection, store, code, sku):
                raise UnknownReference(
                    _("{store} has no variant {code}, or we have no such product.", store=Text(store), code=Text(code))
                )
            await self._audit.append(connection, "store.product", f"store:{store}", {"code": code, "sku": sku})

    async def close(self) -> None:
        """Hang up on every store."""
        for feed in self._feeds.values():
            await feed.close()

    async def _read(self, store: str, feed: StoreFeed, kind: FactKind) -> SyncReport:
        taken = Taken()
        async with self._database.reading() as connection:
            cursor = await rows.cursor(connection, store, kind)
        try:
            async for page in feed.read(kind, cursor):
                taken.add(await self._taking.take(store, page))
        except OutsideError as error:
            return await self._note(store, kind, taken, error)
        return await self._note(store, kind, taken, None)

    async def _note(self, store: str, kind: FactKind, taken: Taken, error: OutsideError | None) -> SyncReport:
        said = "" if error is None else (error.detail or str(error))
        if said:
            _log.warning("a store cannot be read", store=store, kind=kind, error=said)
        report = SyncReport(store, kind, taken.facts, taken.changed, taken.faults, said)
        async with self._database.transaction() as connection:
            await rows.note_sync(
                connection, store, kind, self._clock.now(), (taken.facts, taken.changed, taken.faults), said
            )
            if said and kind in WATCHED:
                await rows.break_off(connection, f"store:{store}", WATCHED[kind], self._clock.now())
        return report

    async def _places(self, store: str, feed: StoreFeed) -> None:
        """Make places known, before facts name them."""
        found = await feed.places()
        async with self._database.transaction() as connection:
            await rows.add_places(connection, store, found)

    def _feed(self, store: str) -> StoreFeed:
        if store not in self._feeds:
            names = ", ".join(self.names) or "–"
            raise UnknownReference(_("Which store? I can read {stores}.", stores=Text(names)))
        return self._feeds[store]
