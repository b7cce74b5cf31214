"""Takes a page of a store's facts: one transaction, with the cursor that goes on after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import setaside
from bot.ports import (
    AgeFact,
    Clock,
    Fact,
    Fault,
    InboundFact,
    OfferFact,
    OrderFact,
    Page,
    ProductFact,
    ReturnedUnits,
    StockFact,
)
from bot.services import revenues
from bot.services.feeds.desks import Desk, Desks
from bot.services.feeds.goods import take_goods
from bot.services.feeds.returning import named
from bot.services.feeds.selling import Selling
from bot.services.feeds.sharing import with_the_rest, without_the_gone
from bot.services.feeds.taken import Demand, Taken
from bot.storage import ages, derive, facts, locks, masters, storebooks, supply, touched, variants
from bot.storage import stores as rows
from bot.storage.bulk import insert_rows
from bot.storage.database import Database
from bot.storage.shelves import Shelf
from bot.storage.storebooks import Counted
from bot.storage.stores import Spot
from bot.storage.tables import Inbound, StockLevel, StockMovement
from bot.storage.types import to_micros

LIMIT_HOURS = {"stock": 3, "orders": 3}  # after three missed hourly readings nobody should rely on the figures
WATCHED = {"stock": "stock", "orders": "sales"}  # the kinds whose freshness the watch looks at
_FIGURES = ("on_hand", "committed", "incoming")
_LEVEL = ("product_id", "location_id", "as_of", "source", *_FIGURES, "unchanged_until")
_INBOUND = (
    "product_id", "location_id", "quantity", "ordered_at", "expected_on", "received_at", "source", "external_id",
)  # fmt: skip
_RECEIPT = ("product_id", "location_id", "quantity", "at", "day", "kind", "source", "external_id")


async def _rebuild(connection: AsyncConnection, _source: str, products: Collection[int], since: str) -> None:
    await derive.rebuild(connection, products, since)


_AT_ONCE = Demand(_rebuild, timedelta())


class Taking:
    """Writes facts down. A fact told again changes nothing; one that cannot be taken is set aside and listed.

    `currency` is the organisation's, and `rates` those typed by hand, as in `Exchange`: money without a rate is listed.
    """

    def __init__(
        self, *, database: Database, clock: Clock, currency: str, rates: Mapping[str, Decimal] | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._selling = Selling(currency, rates or {})
        self.desks = Desks(currency)

    async def take(self, store: str, page: Page, said: int = 0) -> Taken:
        """One page; crash-safe, for facts, faults, freshness and cursor are written together or not at all.

        `said` as the page's reading began with it (`stores.begin`): where people said more since, the cursor is not
        kept, for the pages before were taken by what was said then. A page without a cursor needs none.
        """
        now = self._clock.now()
        async with self._database.transaction_of(len(page.facts)) as connection:
            if not page.cursor:  # facts that a delivery led to stand in no reading's order
                return await self.take_in(connection, store, page)
            held = await locks.naming(connection, store)
            taken = await self.take_in(connection, store, page)
            if held == said:
                taken.add(await self.go_on(connection, store, page, said, now))
            return taken

    async def go_on(self, connection: AsyncConnection, store: str, page: Page, said: int, now: datetime) -> Taken:
        """Keep the cursor behind a page that was written since `now`; what it means that a whole reading ends there.

        Where the page itself said what something is that waited, its cursor is not kept either.
        """
        if await locks.naming(connection, store) != said:
            return Taken()
        since = await rows.keep_cursor(connection, store, page, now)
        if page.kind == "products" and since is not None:
            aside = await rows.set_aside(connection, store, "products", since)
            gone = set() if aside is None else await variants.silent(connection, store, since, aside)
            unsold = await variants.sell(connection, store, dict.fromkeys(gone, False), now)
            await touched.touch(connection, unsold, now, now)
        if page.kind == "products" and page.until is not None:
            doubtful = await variants.doubtful(connection)
            await touched.touch(connection, await variants.weigh(connection, doubtful, now), now, now)
        if since is None or page.kind != "stock":
            return Taken()
        desk = Desk(f"store:{store}", await rows.spots(connection, store))
        left = await without_the_gone(connection, desk, since)
        taken = await self._counted(connection, desk, {key: (count,) for key, count in left.items()}, now, left)
        await touched.touch(connection, taken.touched, now, now)
        return taken

    async def take_in(self, connection: AsyncConnection, store: str, page: Page) -> Taken:
        """One page in the caller's transaction; its cursor is not kept."""
        desk = await self.desks.lay(connection, store, page, self._clock.now())
        return await self.write(connection, store, page, desk, _AT_ONCE)

    async def write(self, connection: AsyncConnection, store: str, page: Page, desk: Desk, demand: Demand) -> Taken:
        """One page whose desk is laid; its cursor is not kept."""
        now = self._clock.now()
        faults = list(page.faults)
        match page.kind:
            case "products":
                taken = await self._products(connection, desk, page, now, demand)
            case "stock":
                taken = await self._stock(connection, desk, page.facts, faults, now)
            case "orders":
                taken = await self._selling.orders(connection, desk, page.facts, faults, now, demand)
            case "returns":
                taken = await self._selling.returns(connection, desk, page.facts, faults, now, demand)
            case "inbounds":
                taken = await self._inbounds(connection, desk, page.facts, faults)
            case "offers":
                taken = await self._offers(connection, desk, page, faults, now)
            case _:
                taken = await self._ages(connection, desk, page.facts, faults, now)
        wrong = {fault.where for fault in faults}
        good = ({subject(fact) for fact in page.facts} | {*page.well}) - wrong - taken.outdated
        await rows.keep_faults(connection, store, page.kind, faults, good, now)
        await touched.touch(connection, taken.touched - demand.noted, now, now + demand.wait)
        if page.until is not None and page.kind in WATCHED:
            kind = WATCHED[page.kind]
            await facts.refresh_feed(connection, desk.source, kind, page.until, LIMIT_HOURS[page.kind])
        taken.facts, taken.faults, taken.aside = len(page.facts), len(wrong), tuple(faults)
        return taken

    async def mend(self) -> None:
        """Look again at the money of every store that waits for a rate."""
        async with self._database.transaction() as connection:
            await revenues.mend(connection, self._selling.currency, self._selling.rates)

    async def _products(
        self, connection: AsyncConnection, desk: Desk, page: Page, now: datetime, demand: Demand
    ) -> Taken:
        """What the store's list of goods says."""
        store = desk.source.removeprefix("store:")
        await self._hold(connection, store, page, now)
        changed, prices = await take_goods(connection, store, desk.codes, page.facts, now)
        if prices.moved:  # what is revenue in their own currency is derived by the currency they are kept in
            await demand.note(connection, desk.source, prices.moved, derive.BEGINNING)
        changed |= prices.changed
        return Taken(changed=len(changed), touched=changed)

    async def _hold(self, connection: AsyncConnection, store: str, page: Page, now: datetime) -> None:
        """Hold all that the last page of goods, and its being the last, may change; any other page changes its own."""
        if page.until is None:
            return
        told = {fact.code for fact in page.facts if isinstance(fact, ProductFact)}
        since = await rows.whole_since(connection, store, page, now)
        gone = set() if since is None else await variants.silent(connection, store, since, told)
        await variants.hold(connection, store, told | gone, await variants.doubtful(connection))

    async def _stock(
        self, connection: AsyncConnection, desk: Desk, given: Sequence[Fact], faults: list[Fault], now: datetime
    ) -> Taken:
        """Counts, where they say anything new: another figure than the last, or the same one after something moved.

        What is on its way without a date is kept with them and changes no figure, so that nothing is judged for it.
        Of two of the same instant the one told last holds: stores cut their times to seconds.
        """
        counts: dict[tuple[int, int], dict[Shelf, StockFact]] = {}
        for fact in given:
            if not isinstance(fact, StockFact):
                continue
            product, spot = _meant(desk, fact.code, fact.sku, fact.place, faults, subject(fact))
            if product is not None and spot is not None and spot.counts and spot.location_id is not None:
                said_by = counts.setdefault((product, spot.location_id), {})
                earlier = said_by.get((fact.code, fact.place))
                if earlier is None or fact.as_of >= earlier.as_of:
                    said_by[fact.code, fact.place] = fact
        unheard = await self._unheard(connection, desk, counts)
        return await self._counted(connection, desk, await with_the_rest(connection, desk, counts, now), now, unheard)

    async def _unheard(
        self, connection: AsyncConnection, desk: Desk, counts: Mapping[tuple[int, int], Mapping[Shelf, StockFact]]
    ) -> set[tuple[int, int]]:
        """Series of which the readings before could not take a count: those say nothing of when it changed."""
        store = desk.source.removeprefix("store:")
        named = {
            key: {name for code, place in told for name in (code, f"{code}@{place}")} for key, told in counts.items()
        }
        aside = await rows.standing_faults(
            connection, store, "stock", {each for both in named.values() for each in both}
        )
        return {key for key, both in named.items() if both & aside}

    async def _counted(
        self,
        connection: AsyncConnection,
        desk: Desk,
        whole: Mapping[tuple[int, int], Sequence[Counted]],
        now: datetime,
        unheard: Collection[tuple[int, int]] = (),
    ) -> Taken:
        """What lies of each product at each location, as the sum of its variants.

        Up to when the store's readings speak it lay as it did before, but for what is `unheard`, or is left without
        what this very reading does not tell: what changed since then is what is told now.
        """
        spoken = await facts.fresh_until(connection, desk.source, WATCHED["stock"])
        until = None if spoken is None else to_micros(spoken)
        products = {product for product, _ in whole}
        last = await storebooks.last_counts(connection, desk.source, products)
        moved = await storebooks.last_moves(connection, products)
        levels, weighty = [], set()
        for key, stated in sorted(whole.items()):  # two pages at once never wait crosswise
            at = min(max(fact.as_of for fact in stated), now)  # a store whose clock is ahead has counted by now
            # What is owed stands in `committed`; a shelf holds no fewer than nothing.
            told = [max(sum(getattr(fact, name) for fact in stated), 0) for name in _FIGURES]
            before = last.get(key)
            if before is not None and told == [*before[1:]]:  # the same sum says nothing of when the rest was counted
                at = min([at, *(fact.as_of for fact in stated if any(fact[1:]))])
            still = before is not None and moved.get(key, before.as_of) <= before.as_of
            known = before is not None and told == [*before[1:]] and (still or at == before.as_of)
            if known or (before is not None and at < before.as_of):
                continue
            if not still or before is None or told[:2] != [*before[1:3]]:
                weighty.add(key[0])
            instant = to_micros(at)
            unchanged = None if until is None or until > instant or key in unheard else until
            levels.append((*key, instant, desk.source, *told, unchanged))
        added, updated = await masters.upsert(connection, StockLevel, _LEVEL[:4], _LEVEL, levels)
        return Taken(changed=added + updated, touched=weighty)

    async def _inbounds(
        self, connection: AsyncConnection, desk: Desk, given: Sequence[Fact], faults: list[Fault]
    ) -> Taken:
        """Goods on their way; what has arrived is a receipt too."""
        inbounds, receipts, meant = [], [], set()
        for fact in given:
            if not isinstance(fact, InboundFact):
                continue
            product, spot = _meant(desk, fact.code, fact.sku, fact.place, faults, fact.id)
            if product is None or spot is None or spot.location_id is None:
                continue
            at = None if fact.received_at is None else to_micros(fact.received_at)
            ordered = to_micros(fact.ordered_at)
            named = (fact.quantity, ordered, fact.expected_on.isoformat(), at, desk.source, fact.id)
            inbounds.append((product, spot.location_id, *named))
            meant.add(product)
            if fact.received_at is not None:
                day = fact.received_at.astimezone(ZoneInfo(spot.zone)).date().isoformat()
                what = (at, day, "receipt", desk.source, f"inbound:{fact.id}")
                receipts.append((product, spot.location_id, fact.quantity, *what))
        await insert_rows(connection, StockMovement, _RECEIPT, receipts)
        added, updated = await masters.upsert(connection, Inbound, ("source", "external_id"), _INBOUND, inbounds)
        return Taken(changed=added + updated, touched=meant if added + updated else set())

    async def _offers(
        self, connection: AsyncConnection, desk: Desk, page: Page, faults: list[Fault], now: datetime
    ) -> Taken:
        """What suppliers ask, to each place whose stock the store keeps, where a person stated nothing else.

        What the store offers no more goes, but where it told of an offer that cannot be read: that may be the one.
        """
        offered = [
            supply.Offered(product, fact)
            for fact in page.facts
            if isinstance(fact, OfferFact) and (product := _product(desk, fact.code, fact.sku, faults, fact.id))
        ]
        places = {spot.location_id for spot in desk.spots.values() if spot.counts and spot.location_id is not None}
        changed = await supply.keep(connection, desk.source, offered, places, now)
        if page.until is not None and not page.faults:
            changed |= await supply.forget(connection, desk.source, offered, now)
        return Taken(changed=len(changed), touched=changed)

    async def _ages(
        self, connection: AsyncConnection, desk: Desk, given: Sequence[Fact], faults: list[Fault], now: datetime
    ) -> Taken:
        """How old stock is, as the store says. It is shown, and judges nothing, so that nothing is judged for it."""
        told: dict[tuple[int, int], list[AgeFact]] = {}
        for fact in given:
            if not isinstance(fact, AgeFact):
                continue
            product, spot = _meant(desk, fact.code, fact.sku, fact.place, faults, subject(fact))
            if product is not None and spot is not None and spot.counts and spot.location_id is not None:
                told.setdefault((product, spot.location_id), []).append(fact)
        return Taken(changed=await ages.keep(connection, desk.source, told, now))


def joined(pages: Sequence[Page]) -> Page:
    """Consecutive pages of one kind as one, with the cursor of the last."""
    if len(pages) == 1:
        return pages[0]
    facts = tuple(fact for page in pages for fact in page.facts)
    faults = tuple(fault for page in pages for fault in page.faults)
    return replace(pages[-1], facts=facts, faults=faults, anew=pages[0].anew)


def subject(fact: Fact) -> str:
    """What a fact is about, as faults name it."""
    match fact:
        case ProductFact():
            return fact.code
        case StockFact() | AgeFact():
            return f"{fact.code}@{fact.place}"
        case OrderFact() | InboundFact() | OfferFact():
            return fact.id
        case ReturnedUnits():
            return named(fact)


def _meant(
    desk: Desk, code: str, sku: str, place: str, faults: list[Fault], subject: str
) -> tuple[int | None, Spot | None]:
    """The product and place of a fact; what nobody has said yet is a fault, what is none of ours is None."""
    spot, before = desk.spots.get(place), len(faults)
    product = _product(desk, code, sku, faults, subject)
    if len(faults) > before:
        return None, None
    if spot is None:
        faults.append(Fault(subject, setaside.no_place(place)))
        return None, None
    if spot.location_id is None and not spot.ignored:
        faults.append(Fault(subject, setaside.no_location(place)))
    return product, spot


def _product(desk: Desk, code: str, sku: str, faults: list[Fault], subject: str) -> int | None:
    """The product of a fact; what nobody has said yet is a fault, what is none of ours is None."""
    known = desk.codes.get(code)
    if known is None or known.match in rows.OPEN:
        faults.append(Fault(subject, setaside.no_product(sku or code)))
        return None
    return None if known.match == "ignored" else known.product_id
