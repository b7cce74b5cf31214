"""A running Tryton, with a database of its own where a test writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import connect
from typing import Any, TypeVar

import pytest

from bot.ports import Fact, FactKind, InboundFact, Page
from bot.settings import StorePart
from bot.stores.tryton import TrytonFeed, TrytonOrders
from bot.stores.tryton.api import Api
from tests.stores.tryton.running import Served, part
from tests.stores.tryton.seed import ADMIN, USER

FactT = TypeVar("FactT", bound=Fact)


@dataclass
class Erp:
    """A database, what reads it, and `clerk`: somebody who works in it and may do everything."""

    url: str
    feed: TrytonFeed
    clerk: Api
    served: Served

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Look or do something in the database itself, where Tryton offers no way."""
        self.served.written = True
        with closing(connect(self.served.database)) as connection:
            found = connection.execute(statement, values).fetchall()
            connection.commit()
        return found

    def part(self, **given: Any) -> StorePart:
        """The settings of the ERP."""
        return part(self.url, **given)

    async def read(self, kind: FactKind, cursor: str = "") -> list[Page]:
        """A whole reading."""
        return [page async for page in self.feed.read(kind, cursor)]

    def orders(self, state: str = "draft", **given: Any) -> TrytonOrders:
        """The way in for orders."""
        self.served.written = True
        channel = TrytonOrders("erp", self.part(options={"orders": state}, **given))
        if not given:
            self.served.enter(channel._api, USER)
        return channel

    async def click(self, model: str, button: str, *ids: int) -> Any:
        """Press a button on records."""
        self.served.written = True
        return await self.clerk.write(f"model.{model}.{button}", list(ids), await self.clerk.context())

    async def write(self, model: str, number: int, **values: object) -> None:
        """Edit a record."""
        self.served.written = True
        await self.clerk.write(f"model.{model}.write", [number], values, await self.clerk.context())

    async def delete(self, model: str, number: int) -> None:
        """Take a record away."""
        self.served.written = True
        await self.clerk.write(f"model.{model}.delete", [number], await self.clerk.context())

    async def create(self, model: str, **values: object) -> int:
        """Make a record."""
        self.served.written = True
        (number,) = await self.clerk.write(f"model.{model}.create", [values], await self.clerk.context())
        assert isinstance(number, int)
        return number

    async def rows(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        """Records as they are."""
        return [dict(row) for row in await self.clerk.rows(model, domain, fields)]

    async def buy(self, product: int, quantity: int, unit: int = 1) -> int:
        """A purchase of one line, confirmed and processed."""
        line = {"product": product, "quantity": quantity, "unit": unit, "unit_price": Decimal("7.50")}
        head = {"party": 2, "warehouse": 5, "invoice_address": 2, "invoice_method": "manual", "currency": 1}
        number = await self.create("purchase.purchase", **head, lines=[["create", [line]]])
        for button in ("quote", "confirm"):
            await self.click("purchase.purchase", button, number)
        return number

    async def moves(self, purchase: int, *states: str) -> list[int]:
        """The stock moves of a purchase, in some states."""
        (row,) = await self.rows("purchase.purchase", [["id", "=", purchase]], "moves")
        found = await self.rows("stock.move", [["id", "in", row["moves"]], ["state", "in", states]], "state")
        return [move["id"] for move in found]

    async def ship(self, purchase: int, quantity: int) -> int:
        """Units of a purchase are put into a shipment that has not come yet."""
        (move,) = await self.moves(purchase, "draft")
        await self.write("stock.move", move, quantity=quantity)
        where = {"warehouse": 5, "warehouse_input": 1, "warehouse_storage": 3}
        return await self.create("stock.shipment.in", supplier=2, **where, incoming_moves=[["add", [move]]])

    async def receive(self, shipment: int) -> None:
        """A shipment came, and was put away."""
        for button in ("receive", "do"):
            await self.click("stock.shipment.in", button, shipment)

    async def inbounds(self, cursor: str = "") -> dict[str, InboundFact]:
        """What is told of purchases, by id."""
        return {fact.id: fact for fact in facts(await self.read("inbounds", cursor), InboundFact)}


def facts(pages: Iterable[Page], kind: type[FactT]) -> list[FactT]:
    """The facts of pages."""
    return [fact for page in pages for fact in page.facts if isinstance(fact, kind)]


def faults(pages: Iterable[Page]) -> dict[str, str]:
    """What was wrong, by where."""
    return {fault.where: fault.problem for page in pages for fault in page.faults}


@pytest.fixture
async def erp(served: Served) -> AsyncIterator[Erp]:
    """The database as it was made."""
    served.restore()
    clerk, feed = Api(part(served.url, user=ADMIN)), TrytonFeed("erp", part(served.url))
    served.enter(clerk, ADMIN)
    served.enter(feed._api, USER)
    yield Erp(served.url, feed, clerk, served)
    await feed.close()
    await clerk.close()
