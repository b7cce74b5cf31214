"""What a Tryton tells: products, stock by warehouse, and what its purchases bring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from bot.errors import Declined
from bot.ports import Check, Fact, FactKind, Fault, Page, StoreFeed, StorePlace
from bot.settings import StorePart
from bot.stores.calling import Pause
from bot.stores.tryton import goods, marks, offers, purchases
from bot.stores.tryton.api import Api, Domain, since
from bot.stores.tryton.cursor import Cursor
from bot.stores.tryton.values import Row
from bot.words import _

_DAYS = 35  # as long as the watch assumes of a route that nobody stated
_PAGE = 200


def feed_tryton(name: str, part: StorePart) -> StoreFeed:
    """The ERP of the settings' part, under its name there."""
    return TrytonFeed(name, part)


class TrytonFeed:
    """Reads one database. Waits and repeats where that helps, for nobody stands waiting for it."""

    kinds: tuple[FactKind, ...] = ("products", "offers", "stock", "inbounds")

    def __init__(self, name: str, part: StorePart, *, pause: Pause = asyncio.sleep, page: int = _PAGE) -> None:
        self.name = name
        self._api = Api(part, pause=pause)
        self._days = part.options.get("lead_days", str(_DAYS))
        self._page_size = page

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """The warehouses."""
        return tuple(goods.place(each) for each in await goods.warehouses(self._api))

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the password, and whether the user may read what is read."""
        models = (
            "product.product", "stock.location", "stock.move", "purchase.purchase", "purchase.line",
            "purchase.product_supplier",
        )  # fmt: skip
        return await self._api.checked(self.name, *models)

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`. Stock is counted anew each time: no date says when it changed."""
        at = Cursor.of(cursor).begin(await self._api.now())
        match kind:
            case "products":
                pages = self._products(at)
            case "offers":
                pages = self._offers(at)
            case "stock":
                pages = self._stock(at)
            case "inbounds":
                pages = self._inbounds(at)
            case _:
                raise Declined(_("Tryton is not asked for {kind}", kind=kind))
        async for page in pages:
            yield page

    async def _products(self, at: Cursor) -> AsyncIterator[Page]:
        currency = (await self._api.company()).currency
        domain = [*goods.GOODS, *_clause(since(at.since, *goods.WAYS))]
        async for rows in self._walk("product.product", domain, goods.FIELDS, at, active_test=False):
            yield self._page("products", at, rows, [goods.product(row, currency) for row in rows])

    async def _offers(self, at: Cursor) -> AsyncIterator[Page]:
        """All each time: a price on its own line, or a supplier's lead time, dates none of what leads to it.

        All on one page: which of two offers holds, and which is told no more, only the whole says.
        """
        at = replace(at, last=0)
        company = await self._api.company()
        domain = [["company", "=", company.id]]
        shelf = await offers.shelf(self._api, self._lead_days())
        walk = self._walk("purchase.product_supplier", domain, offers.FIELDS, at, active_test=False)
        told = [each async for rows in walk for each in await offers.offers(self._api, rows, shelf)]
        yield self._page("offers", at, (), told)

    async def _stock(self, at: Cursor) -> AsyncIterator[Page]:
        warehouses = await goods.warehouses(self._api)
        async for rows in self._walk("product.product", goods.GOODS, ("code",), at, active_test=False):
            counted = self._api.at
            told = [
                each
                for warehouse in warehouses
                for each in (await goods.stock(self._api, rows, warehouse, counted) if rows else ())
            ]
            yield self._page("stock", at, rows, told)

    async def _inbounds(self, at: Cursor) -> AsyncIterator[Page]:
        company = await self._api.company()
        yard = purchases.Yard(await self._places(), company.zone, self._lead_days())
        domain = [["company", "=", company.id], *_clause(since(at.since, *purchases.WAYS))]
        fields = (*purchases.FIELDS, *marks.FIELDS)
        async for rows in self._walk("purchase.purchase", domain, fields, at):
            others = [row for row in rows if not marks.is_ours(row)]
            told = await purchases.inbounds(self._api, others, yard) if others else purchases.Told()
            at = replace(at, waiting={**at.waiting, **told.waiting})
            facts: list[Fact | Fault] = [*told.facts, *told.faults]
            if len(rows) < self._page_size:
                settled, gone = await purchases.settled(self._api, at.waiting, yard, self._api.at)
                at = replace(at, waiting={line: of for line, of in at.waiting.items() if line not in gone})
                facts += settled
            yield self._page("inbounds", at, rows, facts)

    def _walk(
        self, model: str, domain: Domain, fields: Sequence[str], at: Cursor, **context: object
    ) -> AsyncIterator[tuple[Row, ...]]:
        return self._api.walk(model, domain, fields, at.last, self._page_size, **context)

    def _page(self, kind: FactKind, at: Cursor, rows: Sequence[Row], told: Sequence[Fact | Fault]) -> Page:
        """A page of a list; a short one is the last."""
        ended = len(rows) < self._page_size
        following = at.ended() if ended else replace(at, last=rows[-1]["id"])
        facts = tuple(each for each in told if not isinstance(each, Fault))
        faults = tuple(each for each in told if isinstance(each, Fault))
        return Page(kind, facts, str(following), faults, at.begun if ended else None)

    async def _places(self) -> dict[int, str]:
        """Where each location belongs: a warehouse, with every zone and shelf below it."""
        places: dict[int, str] = {}
        for warehouse in await goods.warehouses(self._api):
            below = [["parent", "child_of", [warehouse.id]]]
            found = await self._api.rows("stock.location", below, ("type",), active_test=False)
            places |= {row["id"]: warehouse.place for row in found}
        return places

    def _lead_days(self) -> int:
        if not self._days.isdigit():
            raise Declined(
                _("options.lead_days of this store is {days}, no whole number of days", days=repr(self._days))
            )
        return int(self._days)


def _clause(domain: Domain) -> Domain:
    return [domain] if domain else []
