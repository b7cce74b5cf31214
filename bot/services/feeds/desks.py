"""What the facts of a page refer to: the store's variants and places, and what its orders are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import AgeFact, Fact, Fault, InboundFact, OfferFact, OrderFact, Page, ProductFact, StockFact
from bot.services.feeds.naming import Named, Names
from bot.services.feeds.orders import Book
from bot.storage import facts, storebooks
from bot.storage import stores as rows
from bot.storage.stores import Code, Spot
from bot.storage.types import to_micros

_Told = Mapping[str, tuple[str, str]]  # code -> SKU and name


@dataclass(slots=True)
class Desk:
    """What was looked up for a page. It may lie there for the next one, as long as nobody says otherwise."""

    source: str
    spots: Mapping[str, Spot]
    codes: dict[str, Code] = field(default_factory=dict)
    kits: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    goods: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    book: Book = field(init=False)  # all of that, as orders are read with it

    def __post_init__(self) -> None:
        """Open the book."""
        self.book = Book(self.codes, self.spots, self.kits, self.goods)


class Desks:
    """Looks up what pages name; variants that were never seen are made known, or set aside for a person."""

    def __init__(self, currency: str) -> None:
        self._currency = currency

    async def lay(self, connection: AsyncConnection, store: str, page: Page, now: datetime) -> tuple[Desk, list[Fault]]:
        """A desk for the page, and what of it cannot be taken."""
        desk = Desk(f"store:{store}", await rows.spots(connection, store))
        return desk, await self.fill(connection, desk, store, page, now)

    async def fill(self, connection: AsyncConnection, desk: Desk, store: str, page: Page, now: datetime) -> list[Fault]:
        """Look up what the page names and the desk has not; what of it cannot be taken."""
        faults: list[Fault] = []
        told = _told(page.facts, desk.codes)
        if told:
            known = await rows.codes(connection, store, told)
            unsure = {c: said for c, said in told.items() if c not in known or known[c].match == "suggested"}
            if unsure:
                strange = await self._name(connection, store, unsure, now)
                if page.kind == "products":  # other facts are set aside themselves, for want of it
                    faults += strange
                known |= await rows.codes(connection, store, unsure)
            desk.codes.update(known)
            if page.kind == "orders":
                await _unpack(connection, desk, known.values())
        return faults

    async def _name(self, connection: AsyncConnection, store: str, unsure: _Told, now: datetime) -> list[Fault]:
        """Write down which products variants are, as far as their names tell; those that can be none."""
        names = Names(await storebooks.catalogue(connection), await storebooks.sold_by(connection, store))
        named = [(code, name, names.find(sku, name)) for code, (sku, name) in unsure.items()]
        good = [(code, name, found) for code, name, found in named if not found.problem]
        ids = await facts.product_ids(connection)
        fresh = {found.sku: self._currency for _, _, found in good if not found.suggested}
        await facts.add_products(connection, fresh, now, ids)
        at = to_micros(now)
        codes = [
            (code, found.sku, name, ids.get(found.suggested or found.sku), _match(found), found.score, at)
            for code, name, found in good
        ]
        await rows.write_codes(connection, store, codes)
        await facts.name_products(connection, [(found.sku, name) for _, name, found in good if name])
        return [Fault(code, found.problem, " ".join(unsure[code]).strip()) for code, _, found in named if found.problem]


def _match(found: Named) -> str:
    return "suggested" if found.suggested else "same"


def _told(given: Iterable[Fact], known: Mapping[str, Code]) -> dict[str, tuple[str, str]]:
    """The variants that facts name and that are not known yet: by code, their SKU and name."""
    told: dict[str, tuple[str, str]] = {}
    for fact in given:
        match fact:
            case OrderFact():
                told.update({line.code: (line.sku, line.name) for line in fact.lines if line.code not in known})
            case ProductFact() if fact.code not in known:
                told[fact.code] = (fact.sku, fact.name)
            case StockFact() | InboundFact() | AgeFact() | OfferFact() if fact.code not in known:
                told[fact.code] = (fact.sku, "")
    told.pop("", None)
    return told


async def _unpack(connection: AsyncConnection, desk: Desk, codes: Iterable[Code]) -> None:
    """Look up what kits among the products consist of, and what all of it costs."""
    sold = {code.product_id for code in codes if code.product_id is not None}
    kits = await rows.kits(connection, sold)
    desk.kits.update(kits)
    parts = {part for of_kit in kits.values() for part, _ in of_kit}
    desk.goods.update(await storebooks.sku_prices(connection, sold | parts))
