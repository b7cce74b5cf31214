"""What the facts of a page refer to: the store's variants and places, and what its orders are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.categories import cut
from bot.ports import AgeFact, Fact, InboundFact, OfferFact, OrderFact, Page, ProductFact, StockFact
from bot.services.feeds.naming import Named, Names
from bot.services.feeds.orders import Book
from bot.storage import categories, facts, storebooks
from bot.storage import stores as rows
from bot.storage.stores import Code, Spot
from bot.storage.types import to_micros

_Told = Mapping[str, tuple[str, str]]  # code -> SKU and name
_LONGEST = 100  # characters of what is shown in a SKU's place


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
        self._mark: object = None  # of the catalogue that the variants below were compared with
        self._weighed: set[tuple[str, str, tuple[str, str]]] = set()  # store, code, and the SKU and name that were told

    async def lay(self, connection: AsyncConnection, store: str, page: Page, now: datetime) -> Desk:
        """A desk for the page."""
        desk = Desk(f"store:{store}", await rows.spots(connection, store))
        await self.fill(connection, desk, store, page, now)
        return desk

    async def fill(self, connection: AsyncConnection, desk: Desk, store: str, page: Page, now: datetime) -> None:
        """Look up what the page names and the desk has not."""
        # Before anything else is written: whoever imports a file does so too, or each waited for the other.
        await categories.intern(
            connection, [cut(fact.category) for fact in page.facts if isinstance(fact, ProductFact)]
        )
        told = _told(page.facts, desk.codes)
        if told:
            known = await rows.codes(connection, store, told)
            unsure = {c: said for c, said in told.items() if c not in known or known[c].match in rows.OPEN}
            if fresh := await self._unweighed(connection, store, unsure, known):
                await self._name(connection, store, fresh, known, now)
                named = await rows.codes(connection, store, fresh)
                self._weighed.update((store, c, fresh[c]) for c, code in named.items() if code.match in rows.OPEN)
                known |= named
            desk.codes.update(known)
            if page.kind == "orders":
                await _unpack(connection, desk, known.values())

    async def _unweighed(
        self, connection: AsyncConnection, store: str, unsure: _Told, known: Mapping[str, Code]
    ) -> _Told:
        """Those that are new, or that were not compared with the catalogue as it is now.

        To compare takes half a second in a large catalogue, and a suggestion may wait for a person for weeks.
        """
        if not unsure:
            return unsure
        now = await storebooks.catalogue_mark(connection)
        if now != self._mark:
            self._weighed.clear()
            self._mark = now
        return {c: said for c, said in unsure.items() if c not in known or (store, c, said) not in self._weighed}

    async def _name(
        self, connection: AsyncConnection, store: str, unsure: _Told, known: Mapping[str, Code], now: datetime
    ) -> None:
        """Write down which products variants are, as far as their names tell; a person is asked about the others.

        One whose SKU is none (it has none at all, mostly) waits, so that a person can say which product it is. Where a
        fact without a SKU is told of one that has a suggestion, that is kept. What is `known` waited until now: where
        the store itself tells what it is (it got a SKU), what was set aside is told again, as after a person's word.
        """
        names = Names(await storebooks.catalogue(connection), await storebooks.sold_by(connection, store))
        named = [(code, name, names.find(sku, name)) for code, (sku, name) in unsure.items()]
        good = [(code, name, found) for code, name, found in named if not found.problem]
        ids = await facts.product_ids(connection)
        # Of two pages at once that tell of the same products the later waits, and neither for the other.
        fresh = dict.fromkeys(sorted({found.sku for _, _, found in good if not found.suggested}), self._currency)
        await facts.add_products(connection, fresh, now, ids)
        at = to_micros(now)
        codes: list[tuple[Any, ...]] = [
            (code, found.sku, name, ids.get(found.suggested or found.sku), _match(found), found.score, at)
            for code, name, found in good
        ]
        kept = {code for code in unsure if code in known and known[code].match == "suggested"}
        strange = [(code, name) for code, name, found in named if found.problem and code not in kept]
        codes += [(code, _shown(unsure[code][0]), name, None, "waiting", 0, at) for code, name in strange]
        await rows.write_codes(connection, store, codes)
        await facts.name_products(connection, sorted(((found.sku, name) for _, name, found in good if name), key=_sku))
        answered = any(code in known and not found.suggested for code, _, found in good)
        if answered and await rows.any_aside(connection, store):
            await rows.forget_cursors(connection, store)


def _match(found: Named) -> str:
    return "suggested" if found.suggested else "same"


def _sku(named: tuple[str, str]) -> str:
    return named[0]


def _shown(sku: str) -> str:
    """What stands for a SKU that is none, as a person is shown it."""
    return " ".join("".join(each if each.isprintable() else " " for each in sku).split())[:_LONGEST]


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


async def look_up(connection: AsyncConnection, desk: Desk, named: Collection[str]) -> None:
    """Look up variants for the desk's book; one that was never seen stays unknown, and nobody is asked about it."""
    known = await rows.codes(connection, desk.source.removeprefix("store:"), [c for c in named if c not in desk.codes])
    desk.codes.update(known)
    await _unpack(connection, desk, known.values())


async def _unpack(connection: AsyncConnection, desk: Desk, codes: Iterable[Code]) -> None:
    """Look up what kits among the products consist of, and what all of it costs."""
    sold = {code.product_id for code in codes if code.product_id is not None}
    kits = await rows.kits(connection, sold)
    desk.kits.update(kits)
    parts = {part for of_kit in kits.values() for part, _ in of_kit}
    desk.goods.update(await storebooks.sku_prices(connection, sold | parts))
