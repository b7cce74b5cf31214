"""What names are looked up in: the products and the locations, small enough to be held in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.storage.tables import ImportRun, Location, Product

Stamp = tuple[int, int, int, int, datetime | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A location and the other names it goes by."""

    id: int
    code: str
    name: str
    country: str
    markets: tuple[str, ...]


_STAMP = select(
    func.count(),
    func.max(Product.id),
    func.sum(func.length(Product.name)),
    select(func.count()).select_from(Location).scalar_subquery(),
    select(func.max(ImportRun.finished_at)).scalar_subquery(),
).select_from(Product)


async def stamp(connection: AsyncConnection) -> Stamp:
    """Changes whenever a product or a location was added or renamed, or an import ended."""
    count, last, letters, places, ended = (await connection.execute(_STAMP)).one()
    return count, last or 0, int(letters or 0), places or 0, ended


async def products(connection: AsyncConnection) -> list[tuple[int, str, str]]:
    """(id, code, name) of every active product, by code."""
    found = await connection.execute(
        select(Product.id, Product.sku, Product.name).where(Product.active).order_by(Product.sku)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def priced(connection: AsyncConnection) -> list[tuple[str, str, Money]]:
    """(code, name, price) of every active product whose price is known, by code."""
    columns = (Product.sku, Product.name, Product.unit_price_minor, Product.currency)
    found = await connection.execute(
        select(*columns).where(Product.active, Product.unit_price_minor.is_not(None)).order_by(Product.sku)
    )
    return [(row[0], row[1], Money.of_minor(row[2] or 0, row[3])) for row in found]


async def places(connection: AsyncConnection) -> list[Place]:
    """Every location, by row id: the order in which they were set up."""
    columns = (Location.id, Location.code, Location.name, Location.country, Location.markets)
    found = await connection.execute(select(*columns).order_by(Location.id))
    return [Place(row[0], row[1], row[2], row[3], tuple(str(market) for market in row[4])) for row in found]
