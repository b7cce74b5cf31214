"""Queries of an import: places and products, their names and prices, and how fresh a feed is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.storage.bulk import insert_rows
from bot.storage.dialect import insert_into
from bot.storage.tables import Feed, Inbound, Location, Product, Sale, StockLevel, StockMovement
from bot.storage.types import to_micros

Told = type[Sale] | type[StockLevel] | type[Inbound]


@dataclass(frozen=True, slots=True)
class Place:
    """A location as an import needs it."""

    id: int
    code: str
    name: str
    zone: str
    currency: str
    markets: tuple[str, ...]


async def places(connection: AsyncConnection) -> list[Place]:
    """Every location, by id."""
    rows = await connection.execute(select(Location).order_by(Location.id))
    return [Place(r.id, r.code, r.name, r.zone, r.currency, tuple(map(str, r.markets))) for r in rows]


async def product_ids(connection: AsyncConnection) -> dict[str, int]:
    """SKU -> id of every product."""
    rows = await connection.execute(select(Product.sku, Product.id))
    return dict(rows.all())


async def add_products(
    connection: AsyncConnection, wanted: Mapping[str, str], at: datetime, known: dict[str, int]
) -> None:
    """Create products for the SKUs (-> currency) that `known` lacks, and fill `known` with their ids.

    A new product is named by its own SKU until a better name is found.
    """
    new = [(sku, sku, currency, True, to_micros(at)) for sku, currency in wanted.items() if sku not in known]
    await insert_rows(connection, Product, ("sku", "name", "currency", "active", "created_at"), new)
    for start in range(0, len(new), 5_000):
        part = [row[0] for row in new[start : start + 5_000]]
        rows = await connection.execute(select(Product.sku, Product.id).where(Product.sku.in_(part)))
        known.update(rows.all())


async def name_products(connection: AsyncConnection, names: Iterable[tuple[str, str]]) -> None:
    """Give (sku, name) to the products that have no name of their own yet."""
    statement = update(Product).where(Product.sku == bindparam("of"), Product.name == Product.sku)
    values = [{"of": sku, "to": name} for sku, name in names if name != sku]
    if values:
        await connection.execute(statement.values(name=bindparam("to")), values)


async def price_products(connection: AsyncConnection) -> None:
    """Give the products without a price the median unit price of their sold lines, in their own currency."""
    query = (
        select(Product.id, Sale.unit_price, Sale.currency, func.count())
        .join(Product, and_(Product.id == Sale.product_id, Product.currency == Sale.currency))
        .where(
            Product.unit_price_minor.is_(None),
            Sale.kind == "sale",
            Sale.cancelled_by.is_(None),
            Sale.unit_price > Decimal(0),
        )
        .group_by(Product.id, Sale.unit_price, Sale.currency)
        .order_by(Product.id, Sale.unit_price)
    )
    lines: dict[int, list[tuple[Decimal, str, int]]] = {}
    for product, price, currency, count in await connection.execute(query):
        lines.setdefault(product, []).append((price, currency, count))
    values = [{"of": product, "to": median_minor(found)} for product, found in lines.items()]
    values = [value for value in values if value["to"]]
    if values:
        statement = update(Product).where(Product.id == bindparam("of")).values(unit_price_minor=bindparam("to"))
        await connection.execute(statement, values)


def median_minor(prices: Sequence[tuple[Decimal, str, int]]) -> int:
    """The lower median of (price, currency, lines), sorted by price, in minor units rounded half to even."""
    half = (sum(count for _, _, count in prices) + 1) // 2
    for price, currency, count in prices:
        half -= count
        if half <= 0:
            return Money.rounded(price, currency).minor
    return 0


async def told_before(connection: AsyncConnection, table: Told, source: str) -> bool:
    """Whether anything of a source was ever taken into the table."""
    return (await connection.execute(select(table.id).where(table.source == source).limit(1))).first() is not None


async def newest(connection: AsyncConnection) -> tuple[int, int]:
    """The ids of the line and the movement that were taken last; 0 where there is none."""
    lines = await connection.scalar(select(func.max(Sale.id)))
    return lines or 0, await connection.scalar(select(func.max(StockMovement.id))) or 0


async def changed_after(connection: AsyncConnection, last: tuple[int, int]) -> set[int]:
    """The products of the lines and movements that were taken after `last` (`newest`), whoever told of them."""
    sold = await connection.scalars(select(Sale.product_id).where(Sale.id > last[0]).distinct())
    moved = await connection.scalars(select(StockMovement.product_id).where(StockMovement.id > last[1]).distinct())
    return {product for product in (*sold, *moved) if product is not None}


async def refresh_feed(connection: AsyncConnection, source: str, kind: str, until: datetime, limit_hours: int) -> None:
    """Note that a source's facts now speak for every instant up to `until`; it never goes back."""
    latest = await fresh_until(connection, source, kind)
    fresh = max(until, latest) if latest else until
    insert = insert_into(connection, Feed).values(source=source, kind=kind, fresh_until=fresh, limit_hours=limit_hours)
    changed = {"fresh_until": fresh, "limit_hours": limit_hours}
    await connection.execute(insert.on_conflict_do_update(index_elements=[Feed.source, Feed.kind], set_=changed))


async def fresh_until(connection: AsyncConnection, source: str, kind: str) -> datetime | None:
    """Up to which instant a source's facts of a kind speak; None where they never did."""
    found: datetime | None = await connection.scalar(
        select(Feed.fresh_until).where(Feed.source == source, Feed.kind == kind)
    )
    return found


async def is_fed(connection: AsyncConnection, source: str, kind: str) -> bool:
    """Whether a source's facts of a kind (sales, stock) ever spoke for any instant."""
    found = await connection.execute(select(Feed.id).where(Feed.source == source, Feed.kind == kind))
    return found.first() is not None


async def limit_feed(connection: AsyncConnection, source: str, kind: str, limit_hours: int) -> None:
    """Let a source's feed that was broken off be stale only after so many hours again."""
    await connection.execute(
        update(Feed)
        .where(Feed.source == source, Feed.kind == kind, Feed.limit_hours == 0)
        .values(limit_hours=limit_hours)
    )
