"""A shop to take facts into: two locations, a store with two places, and facts written short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text

from bot.domain.money import Money
from bot.domain.setaside import words_of
from bot.ports import (
    Fact,
    FactKind,
    Fault,
    MovableClock,
    OrderFact,
    Page,
    ProductFact,
    ReturnedLine,
    SoldLine,
    StockFact,
)
from bot.services.feeds import Taken, Taking
from bot.storage.database import Database
from bot.storage.tables import Kit, Location, Product, StoreCode, StorePlace

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SHOP, EAST, WEST = "shop", "p1", "p2"


@dataclass
class Shop:
    """A taker over a database, and ways to look."""

    database: Database
    clock: MovableClock
    taking: Taking

    async def take(self, kind: FactKind, *facts: Fact, faults: tuple[Fault, ...] = (), **page: Any) -> Taken:
        return await self.taking.take(SHOP, Page(kind, facts, page.pop("cursor", "c"), faults, **page))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    async def demand(self) -> list[tuple[Any, ...]]:
        """(SKU, location, day, units, returned, shipped, revenue) of every day with sales."""
        rows = await self.rows(
            "SELECT p.sku, l.code, d.day, d.units, d.returned, d.shipped, d.revenue_minor FROM daily_demand d "
            "JOIN products p ON p.id = d.product_id JOIN locations l ON l.id = d.location_id ORDER BY 1, 2, 3"
        )
        return [(*row[:2], str(row[2]), *row[3:]) for row in rows]

    async def faults(self) -> dict[str, str]:
        aside = await self.rows("SELECT subject, problem FROM store_faults")
        return {subject: str(words_of(problem)) for subject, problem in aside}

    async def add(self, table: type[Any], **values: Any) -> int:
        async with self.database.transaction() as connection:
            found = await connection.execute(insert(table).values(**values).returning(table.id))
            return int(found.scalar_one())

    async def product(self, sku: str, **values: Any) -> int:
        given = {"name": sku, "currency": "EUR", "active": True, "created_at": NOW, **values}
        return await self.add(Product, sku=sku, **given)

    async def kit(self, sku: str, parts: Mapping[str, int], **values: Any) -> int:
        product = await self.product(sku, **values)
        for part, quantity in parts.items():
            (found,) = await self.rows(f"SELECT id FROM products WHERE sku = '{part}'")  # noqa: S608  # our own
            await self.add(Kit, product_id=product, component_id=found[0], quantity=quantity)
        return product


async def open_shop(database: Database, clock: MovableClock) -> Shop:
    """Locations BER and SHA, which the store's places p1 and p2 are."""
    typed = {"GBP": Decimal("1.15")}
    shop = Shop(database, clock, Taking(database=database, clock=clock, currency="EUR", rates=typed))
    for code, zone, place in (("BER", "Europe/Berlin", EAST), ("SHA", "Asia/Shanghai", WEST)):
        location = await shop.add(
            Location, code=code, name=code, zone=zone, country="", currency="EUR", markets=[]
        )  # fmt: skip
        await shop.add(StorePlace, store=SHOP, place=place, name=code, location_id=location, counts=True)
    return shop


async def code(shop: Shop, name: str, product: int | None, match: str) -> None:
    """Say what a variant is."""
    await shop.add(
        StoreCode, store=SHOP, code=name, sku=name, name="", product_id=product, match=match, seen_at=NOW, score=0
    )


def euros(amount: str | int) -> Money:
    return Money(Decimal(amount), "EUR")


def sold(line: str, sku: str, quantity: int, amount: str = "", **values: Any) -> SoldLine:
    """A line of the variant `v-SKU`; one costs ten euros where no amount is said."""
    return SoldLine(line, f"v-{sku}", sku, sku.title(), quantity, euros(amount or quantity * 10), **values)


def order(number: str, *lines: SoldLine, returns: tuple[ReturnedLine, ...] = (), **values: Any) -> OrderFact:
    """An order placed at nine in the morning (UTC) two days ago, at the place p1; its last change is its version."""
    at = NOW - timedelta(days=2)
    given = {"placed_at": at, "changed_at": at, "version": values.get("changed_at", at), "place": EAST, **values}
    return OrderFact(id=number, number=f"#{number}", lines=lines, returns=returns, **given)


def count(sku: str, on_hand: int, place: str = EAST, minutes: int = 0, **more: int) -> StockFact:
    """A count so many minutes after nine; `more`: committed, incoming."""
    return StockFact(f"v-{sku}", sku, place, on_hand, NOW + timedelta(minutes=minutes), **more)


def product(sku: str, name: str = "", price: str | None = None) -> ProductFact:
    return ProductFact(f"v-{sku}", sku, name, None if price is None else euros(price))
