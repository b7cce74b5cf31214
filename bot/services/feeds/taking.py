"""Takes a page of a store's facts: one transaction, with the cursor that goes on after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Clock, Fact, Fault, InboundFact, OrderFact, Page, ProductFact, StockFact
from bot.services.feeds.naming import Names
from bot.services.feeds.orders import Book, Change, Misfit
from bot.storage import derive, facts, masters, storebooks
from bot.storage import stores as rows
from bot.storage.bulk import insert_rows
from bot.storage.database import Database
from bot.storage.storebooks import Line
from bot.storage.stores import Code, Spot
from bot.storage.tables import Inbound, StockLevel, StockMovement
from bot.storage.types import to_micros

LIMIT_HOURS = {"stock": 3, "orders": 3}  # after three missed hourly readings nobody should rely on the figures
WATCHED = {"stock": "stock", "orders": "sales"}  # the kinds whose freshness the watch looks at
_AHEAD = 86_400_000_000  # microseconds: clocks differ, but not by a day
_LEVEL = ("product_id", "location_id", "as_of", "source", "on_hand", "committed")
_INBOUND = (
    "product_id", "location_id", "quantity", "ordered_at", "expected_on", "received_at", "source", "external_id",
)  # fmt: skip
_RECEIPT = ("product_id", "location_id", "quantity", "at", "day", "kind", "source", "external_id")


@dataclass(slots=True)
class Taken:
    """What a page changed: counts of facts, and the products (ids) whose figures are others now."""

    facts: int = 0
    changed: int = 0
    faults: int = 0
    touched: set[int] = field(default_factory=set)

    def add(self, other: Taken) -> None:
        """Count another page in."""
        self.facts += other.facts
        self.changed += other.changed
        self.faults += other.faults
        self.touched |= other.touched


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the facts of one page refer to."""

    source: str
    codes: Mapping[str, Code]
    spots: Mapping[str, Spot]


class Taking:
    """Writes facts down. A fact told again changes nothing; one that cannot be taken is set aside and listed."""

    def __init__(self, *, database: Database, clock: Clock, currency: str) -> None:
        self._database = database
        self._clock = clock
        self._currency = currency

    async def take(self, store: str, page: Page) -> Taken:
        """One page; crash-safe, for facts, faults, freshness and cursor are written together or not at all."""
        now = self._clock.now()
        faults = list(page.faults)
        async with self._database.transaction() as connection:
            desk = await self._desk(connection, store, page, faults, now)
            match page.kind:
                case "products":
                    taken = await self._products(connection, desk, page.facts)
                case "stock":
                    taken = await self._stock(connection, desk, page.facts, faults)
                case "orders":
                    taken = await self._orders(connection, desk, page.facts, faults, now)
                case _:
                    taken = await self._inbounds(connection, desk, page.facts, faults)
            wrong = {fault.where for fault in faults}
            good = {_subject(fact) for fact in page.facts} - wrong
            await rows.keep_faults(connection, store, page.kind, faults, good, now)
            if page.cursor:  # facts that a delivery led to stand in no reading's order
                await rows.keep_cursor(connection, store, page.kind, page.cursor, now)
            if page.until is not None and page.kind in WATCHED:
                kind = WATCHED[page.kind]
                await facts.refresh_feed(connection, desk.source, kind, page.until, LIMIT_HOURS[page.kind])
        taken.facts, taken.faults = len(page.facts), len(wrong)
        return taken

    async def _desk(
        self, connection: AsyncConnection, store: str, page: Page, faults: list[Fault], now: datetime
    ) -> _Desk:
        """Look up what the page names; variants that were never seen are made known, or set aside for a person."""
        named = {code: (sku, name) for fact in page.facts for code, sku, name in _named(fact) if code}
        known = await rows.codes(connection, store, named)
        unsure = {code: what for code, what in named.items() if code not in known or known[code].match == "suggested"}
        if unsure:
            catalogue = await storebooks.catalogue(connection)
            names = Names(catalogue, await storebooks.sold_by(connection, store))
            written, fresh = [], {}
            for code, (sku, name) in unsure.items():
                found = names.find(sku, name)
                if found.problem:
                    if page.kind == "products":  # other facts are set aside themselves, for want of it
                        faults.append(Fault(code, found.problem, f"{sku} {name}".strip()))
                    continue
                match = "suggested" if found.suggested else "same"
                if match == "same":
                    fresh[found.sku] = self._currency
                written.append((code, found, name, match))
            ids = await facts.product_ids(connection)
            await facts.add_products(connection, fresh, now, ids)
            at = to_micros(now)
            await rows.write_codes(
                connection,
                store,
                [
                    (code, found.sku, name, ids.get(found.suggested or found.sku), match, found.score, at)
                    for code, found, name, match in written
                ],
            )
            await facts.name_products(connection, [(found.sku, name) for _, found, name, _ in written if name])
            known |= await rows.codes(connection, store, unsure)
        return _Desk(f"store:{store}", known, await rows.spots(connection, store))

    async def _products(self, connection: AsyncConnection, desk: _Desk, given: Sequence[Fact]) -> Taken:
        """Names and prices of what the store is the first to name or price; a person's own stand."""
        products = [fact for fact in given if isinstance(fact, ProductFact)]
        known = [(fact, desk.codes[fact.code]) for fact in products if fact.code in desk.codes]
        priced = {
            code.product_id: fact.price
            for fact, code in known
            if fact.price is not None and code.product_id is not None and code.match in rows.COUNTED
        }
        changed = await storebooks.price_products(connection, priced)
        return Taken(changed=len(changed), touched=changed)

    async def _stock(
        self, connection: AsyncConnection, desk: _Desk, given: Sequence[Fact], faults: list[Fault]
    ) -> Taken:
        """Counts, where they say anything new: another figure than the last, or the same one after something moved."""
        counts: dict[tuple[int, int], list[StockFact]] = {}
        for fact in given:
            if not isinstance(fact, StockFact):
                continue
            product, spot = _meant(desk, fact.code, fact.sku, fact.place, faults, _subject(fact))
            if product is not None and spot is not None and spot.counts and spot.location_id is not None:
                counts.setdefault((product, spot.location_id), []).append(fact)
        products = {product for product, _ in counts}
        last = await storebooks.last_counts(connection, desk.source, products)
        moved = await storebooks.last_moves(connection, products)
        levels = []
        for key, stated in counts.items():
            at = max(fact.as_of for fact in stated)
            said = (sum(fact.on_hand for fact in stated), sum(fact.committed for fact in stated))
            before = last.get(key)
            if before is not None and (
                at <= before[0] or (before[1:] == said and moved.get(key, before[0]) <= before[0])
            ):
                continue
            # What is owed stands in `committed`; a shelf holds no fewer than nothing.
            levels.append((*key, to_micros(at), desk.source, max(said[0], 0), max(said[1], 0)))
        added, updated = await masters.upsert(connection, StockLevel, _LEVEL[:4], _LEVEL, levels)
        return Taken(changed=added + updated, touched={level[0] for level in levels})

    async def _orders(
        self, connection: AsyncConnection, desk: _Desk, given: Sequence[Fact], faults: list[Fault], now: datetime
    ) -> Taken:
        """Orders as they are now: their lines added, changed and taken away, and the demand of those days anew."""
        orders = {fact.id: fact for fact in given if isinstance(fact, OrderFact)}
        sold = {code.product_id for code in desk.codes.values() if code.product_id is not None}
        kits = await rows.kits(connection, sold)
        goods = await storebooks.sku_prices(connection, sold | {part for parts in kits.values() for part, _ in parts})
        book = Book(desk.codes, desk.spots, kits, goods)
        fresh = not await storebooks.any_lines(connection, desk.source)
        standing = {} if fresh else await storebooks.lines_of(connection, desk.source, orders)
        taken, touched = Taken(), _Touched()
        added: list[Line] = []
        altered: list[Line] = []
        dropped: list[str] = []
        for order in orders.values():
            try:
                if to_micros(order.placed_at) > to_micros(now) + _AHEAD:
                    raise Misfit("it was placed in the future")  # noqa: TRY301  # one way out for every misfit
                change = book.change(order, standing.get(order.id, ()))
            except Misfit as misfit:
                faults.append(Fault(order.id, str(misfit), order.number))
                continue
            if change:
                taken.changed += 1
                added += change.added
                altered += change.changed
                dropped += change.dropped
                touched.note(change, standing.get(order.id, ()))
        await storebooks.drop_lines(connection, desk.source, dropped)
        await storebooks.add_lines(connection, desk.source, added)
        await storebooks.change_lines(connection, desk.source, altered)
        if touched.products and touched.since is not None:
            await derive.rebuild(connection, touched.products, touched.since)
        taken.touched = touched.products
        return taken

    async def _inbounds(
        self, connection: AsyncConnection, desk: _Desk, given: Sequence[Fact], faults: list[Fault]
    ) -> Taken:
        """Goods on their way; what has arrived is a receipt too."""
        inbounds, receipts, touched = [], [], set()
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
            touched.add(product)
            if fact.received_at is not None:
                day = fact.received_at.astimezone(ZoneInfo(spot.zone)).date().isoformat()
                what = (at, day, "receipt", desk.source, f"inbound:{fact.id}")
                receipts.append((product, spot.location_id, fact.quantity, *what))
        await insert_rows(connection, StockMovement, _RECEIPT, receipts)
        added, updated = await masters.upsert(connection, Inbound, ("source", "external_id"), _INBOUND, inbounds)
        return Taken(changed=added + updated, touched=touched if added + updated else set())


@dataclass(slots=True)
class _Touched:
    """The products whose demand changed, and since which local day."""

    products: set[int] = field(default_factory=set)
    since: str | None = None

    def note(self, change: Change, standing: Sequence[Line]) -> None:
        """Count what an order changed, with the lines as they were before."""
        gone = {*change.dropped, *(line.external_id for line in change.changed)}
        for line in (*change.added, *change.changed, *(old for old in standing if old.external_id in gone)):
            self.products.add(line.product_id)
            self.since = line.day if self.since is None else min(self.since, line.day)


def _subject(fact: Fact) -> str:
    """What a fact is about, as faults name it."""
    match fact:
        case ProductFact():
            return fact.code
        case StockFact():
            return f"{fact.code}@{fact.place}"
        case OrderFact() | InboundFact():
            return fact.id


def _named(fact: Fact) -> list[tuple[str, str, str]]:
    """The variants that a fact names: code, SKU, name."""
    match fact:
        case OrderFact():
            return [(line.code, line.sku, line.name) for line in fact.lines]
        case ProductFact():
            return [(fact.code, fact.sku, fact.name)]
        case StockFact() | InboundFact():
            return [(fact.code, fact.sku, "")]


def _meant(
    desk: _Desk, code: str, sku: str, place: str, faults: list[Fault], subject: str
) -> tuple[int | None, Spot | None]:
    """The product and place of a fact; what nobody has said yet is a fault, what is none of ours is None."""
    known, spot = desk.codes.get(code), desk.spots.get(place)
    if known is None or known.match == "suggested":
        faults.append(Fault(subject, f"nobody has said yet which product {sku or code} is"))
        return None, None
    if spot is None:
        faults.append(Fault(subject, f"the place {place!r} is not known yet"))
        return None, None
    if spot.location_id is None and not spot.ignored:
        faults.append(Fault(subject, f"nobody has said yet which location the place {place!r} is"))
    return (None if known.match == "ignored" else known.product_id), spot
