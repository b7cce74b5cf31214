"""Reads stores: each kind of fact from where the last reading stopped, one reading of a store at a time.

A store that calls is read all the same: what such a reading finds new is what its calls had not told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import partial
from urllib.parse import quote

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.chat.nodes import Text
from bot.domain.storeviews import Calls, StoreState, Unsure
from bot.errors import UnderWay, UnknownReference
from bot.ports import Check, Clock, FactKind, HookedFeed, RemindedFeed, Shelf, StoreFeed
from bot.services.apikeys import STORE
from bot.services.audit import Audit
from bot.services.feeds.loading import Loading
from bot.services.feeds.reading import SILENCE, Reading, SyncReport, Takes, said_of
from bot.services.feeds.taken import Taken
from bot.services.feeds.taking import WATCHED, Taking
from bot.services.feeds.turns import Turns
from bot.services.sessions import Address
from bot.services.storerights import require_admin, require_tending
from bot.storage import apikeys, deliveries, derive, facts, locks, marks, orphans, shelves, touched, variants
from bot.storage import stores as rows
from bot.storage.database import Database
from bot.words import _, kept

_log = structlog.get_logger(__name__)

_LOADED = 5_000  # rows of a first reading that are written in one transaction
# What others refer to comes first.
ORDER: tuple[FactKind, ...] = ("products", "offers", "inbounds", "stock", "orders", "returns", "ages")
_BULKY: tuple[FactKind, ...] = ("products", "stock", "orders")  # others may never be permitted, and are few
_IDENTITY = "store-identity:"
_UNHEARD = kept(_("none has come yet: let the store call, as its page says"))


def hook_path(store: str) -> str:
    """The path that a store calls."""
    return f"/stores/{quote(store, safe='')}/hook"


class Syncing:
    """Reads the connected stores by name."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        taking: Taking,
        feeds: Mapping[str, StoreFeed],
        address: Address | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._taking = taking
        self._feeds = feeds
        self._address = address or Address()
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._turns = Turns(database=database, clock=clock, stores=feeds)
        # Held from reading a record to taking it: of two readings the later one is to be the last taken.
        self.pages = {name: asyncio.Lock() for name in feeds}
        for name, feed in feeds.items():
            if isinstance(feed, RemindedFeed):
                feed.remind(partial(self._filled, name), partial(self._identity, name))
        self.hooked = {name: feed for name, feed in feeds.items() if isinstance(feed, HookedFeed)}
        self._reading = Reading(database=database, clock=clock, pages=self.pages, hooked=self.hooked)

    @property
    def names(self) -> tuple[str, ...]:
        """The stores that can be read."""
        return tuple(sorted(self._feeds))

    async def sync(self, store: str) -> list[SyncReport]:
        """Read what changed since the last time; everything, the first time.

        Each page is written down with the cursor behind it, so a reading that broke off goes on where it was. A store
        that cannot be read is told in the reports, and the other kinds are read all the same. UnderWay where another
        process reads it.
        """
        feed = self._feed(store)
        async with self._turns.of(store):
            try:
                await self._places(store, feed)
            except Exception as error:  # noqa: BLE001  # whatever it is stands with the store, for people to see
                said = said_of(store, "places", error)
                return [await self._reading.note(store, kind, Taken(), said) for kind in ORDER if kind in feed.kinds]
            if not await self._first(store, feed):
                reports = await self._kinds(store, feed, partial(self._taking.take, store), 0)
            else:
                loading = Loading(database=self._database, clock=self._clock, taking=self._taking, store=store)
                reports = await self._kinds(store, feed, loading.take, _LOADED)
                await self._settle(store, loading, reports)
            await self._taking.mend()
            return reports

    def under_way(self, store: str) -> bool:
        """Whether a store is being read by this process."""
        return self._turns.taken(store)

    async def _settle(self, store: str, loading: Loading, reports: Sequence[SyncReport]) -> None:
        """Derive what a first reading took. Half a history, whose rest comes with the next one, is not to be judged;
        where the whole was there before, it is told anew by what people have said since, and that is to hold.
        """
        if not any(report.kind == "orders" and report.error for report in reports):
            await loading.settle()
            return
        async with self._database.reading() as connection:
            whole = await facts.is_fed(connection, f"store:{store}", WATCHED["orders"])
            begun = await rows.cursor(connection, store, "orders")
        if whole:
            await loading.settle_so_far()
        elif not begun:
            await loading.settle()

    async def _kinds(self, store: str, feed: StoreFeed, take: Takes, least: int) -> list[SyncReport]:
        return [await self._reading.kind(store, feed, kind, take, least) for kind in ORDER if kind in feed.kinds]

    async def _first(self, store: str, feed: StoreFeed) -> bool:
        """Whether this reading is a first one, of goods or sales at least, or goes on with one that broke off."""
        async with self._database.reading() as connection:
            if await derive.awaited(connection, f"store:{store}") is not None:
                return True
            return not all([await rows.cursor(connection, store, kind) for kind in _BULKY if kind in feed.kinds])

    async def subscribe(self, store: str) -> tuple[str, ...]:
        """See to it that a store that can call does; the topics that were missing.

        Nothing is asked of one that cannot, nor where the world cannot reach us: `web.public_url` is not set.
        """
        feed = self.hooked.get(store)
        if feed is None or not self._address.public:
            return ()
        try:
            async with asyncio.timeout(SILENCE.total_seconds()):
                restored = await feed.subscribe(f"{self._address.public}{hook_path(store)}")
        except Exception as error:  # noqa: BLE001  # the store is read all the same
            await self._note_calls(store, error=kept(said_of(store, "calls", error)))
            return ()
        if restored is None:
            await self._note_heard(store)
            return ()
        if restored:
            _log.info("a store calls again", store=store, topics=list(restored))
        await self._note_calls(store, restored=len(restored))
        return restored

    async def _note_calls(self, store: str, *, error: str = "", restored: int = 0) -> None:
        """Keep how the store's calls stand; they count as on since the first time nothing was missing or refused."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            before = await rows.calls(connection, store)
            on = before.since if before is not None and not error and not restored else None
            since = None if error else on or now
            await rows.note_calls(connection, store, Calls(since, error))

    async def _note_heard(self, store: str) -> None:
        """Keep how the calls stand of a store that cannot be asked: on since it was first seen that one came."""
        async with self._database.transaction() as connection:
            before = await rows.calls(connection, store)
            since = None if before is None else before.since
            heard = await deliveries.any_of(connection, store)
            calls = Calls(since or self._clock.now()) if heard else Calls(None, _UNHEARD)
            await rows.note_calls(connection, store, calls)

    async def check(self, store: str) -> tuple[Check, ...]:
        """Try a store's address, credentials and what they may do."""
        return await self._feed(store).check()

    async def states(self) -> list[StoreState]:
        """How far each store is read, or has told by the ingest API, how its calls stand, and what waits for people."""
        since = self._clock.now() - timedelta(days=1)
        async with self._database.reading() as connection:
            return [await rows.state(connection, name, since) for name in sorted(await self._known(connection))]

    async def calls(self, store: str) -> Mapping[str, int]:
        """A store's calls of the last day by state (new, done, failed); those that wait are all counted."""
        async with self._database.reading() as connection:
            return await deliveries.counts(connection, store, self._clock.now() - timedelta(days=1))

    async def unsure(self, store: str) -> Unsure:
        """What of a store waits for a person: variants, places, and facts that were set aside."""
        async with self._database.reading() as connection:
            await self._need(connection, store)
            return await rows.unsure(connection, store)

    async def place(
        self, store: str, place: str, location: str, asker: Asker | None = None, platform: str = "terminal"
    ) -> None:
        """Say which location a store's place is; an empty one says that it is none of ours.

        Where it counted another location until now, another place of that one does, or nothing lies there any more.
        Without an asker: at the terminal. Otherwise an administrator; NotAllowed.
        """
        async with self._database.transaction() as connection:
            await self._need(connection, store)
            if asker is not None:
                await require_admin(connection, asker)
            await locks.namings(connection)  # of another store, too, one of whose places may count from now on
            before = await rows.spots(connection, store)
            if not await rows.map_place(connection, store, place, location):
                raise UnknownReference(
                    _(
                        "{store} has no place {place}, or we have no such location.",
                        store=Text(store),
                        place=Text(place),
                    )
                )
            old, new = before[place], (await rows.spots(connection, store))[place]
            if old.counts and old.location_id is not None and old.location_id != new.location_id:
                await self._judge(connection, await orphans.left_place(connection, store, old.location_id))
            told = {"place": place, "location": location}
            member = None if asker is None else asker.member_id
            await self._audit.append(connection, "store.place", f"store:{store}", told, member, platform)

    async def product(
        self, store: str, code: str, sku: str, asker: Asker | None = None, platform: str = "terminal"
    ) -> None:
        """Say which product a store's variant is; an empty SKU says that it is none of ours.

        What was set aside for want of this is read again from the beginning with the next reading. Without an asker:
        at the terminal. Otherwise somebody who does not only read; NotAllowed.
        """
        async with self._database.transaction() as connection:
            await self._need(connection, store)
            if asker is not None:
                await require_tending(connection, asker)
            before = (await rows.codes(connection, store, [code])).get(code)
            if not await rows.map_code(connection, store, code, sku):
                raise UnknownReference(
                    _("{store} has no variant {code}, or we have no such product.", store=Text(store), code=Text(code))
                )
            if before is not None and before.product_id is not None and before.match in rows.COUNTED:
                await self._judge(connection, await orphans.left_product(connection, store, before.product_id))
            after = (await rows.codes(connection, store, [code]))[code]
            meant = {each.product_id for each in (before, after) if each is not None and each.product_id is not None}
            await self._judge(connection, await variants.weigh(connection, meant, self._clock.now()))
            told = {"code": code, "sku": sku}
            member = None if asker is None else asker.member_id
            await self._audit.append(connection, "store.product", f"store:{store}", told, member, platform)

    async def begin(self, store: str, asker: Asker) -> None:
        """Begin a reading for somebody who does not only read, and leave it to itself; `states` says how it ends."""
        self._feed(store)
        async with self._database.reading() as connection:
            await require_tending(connection, asker)
        if not self._turns.taken(store):
            self._asked[store] = asyncio.create_task(self._asked_for(store), name=f"sync-{store}")

    async def _asked_for(self, store: str) -> None:
        try:
            await self.sync(store)
        except UnderWay as elsewhere:
            _log.info("a reading that somebody asked for is under way", store=store, said=str(elsewhere))
        except Exception:  # noqa: BLE001  # nobody waits for it; the next hour reads again
            _log.exception("a reading that somebody asked for broke off", store=store)

    async def try_out(self, store: str, asker: Asker) -> tuple[Check, ...]:
        """As `check`, for an administrator."""
        feed = self._feed(store)
        async with self._database.reading() as connection:
            await require_admin(connection, asker)
        return await feed.check()

    async def close(self) -> None:
        """Let readings that somebody asked for end where they are, and hang up on every store."""
        for reading in self._asked.values():
            reading.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        for feed in self._feeds.values():
            await feed.close()

    async def _filled(self, store: str) -> list[Shelf]:
        """Where anything of a store lies, as it told last."""
        async with self._database.reading() as connection:
            return await shelves.filled(connection, store)

    async def _identity(self, store: str, told: str) -> str:
        """What a store was known by first; that is kept."""
        async with self._database.transaction() as connection:
            await marks.add(connection, f"{_IDENTITY}{store}", told)
            return await marks.get(connection, f"{_IDENTITY}{store}") or told

    async def _places(self, store: str, feed: StoreFeed) -> None:
        """Make places known, before facts name them."""
        async with asyncio.timeout(SILENCE.total_seconds()):
            found = await feed.places()
        async with self._database.transaction() as connection:
            await locks.naming(connection, store)
            await rows.add_places(connection, store, found)

    async def _judge(self, connection: AsyncConnection, products: AbstractSet[int]) -> None:
        """Have products judged whose stock is another one by what a person said."""
        await touched.touch(connection, products, self._clock.now())

    async def _known(self, connection: AsyncConnection) -> set[str]:
        """The stores that can be read, and those that tell by themselves."""
        return {*self._feeds, *map(STORE.format, await apikeys.sources(connection))}

    async def _need(self, connection: AsyncConnection, store: str) -> None:
        if store not in await self._known(connection):
            self._feed(store)

    def _feed(self, store: str) -> StoreFeed:
        if store not in self._feeds:
            names = ", ".join(self.names) or "–"
            raise UnknownReference(_("Which store? I can read {stores}.", stores=Text(names)))
        return self._feeds[store]
