"""Facts of the catalogue besides its history: products, places, routes, what is on its way, and how fresh it all is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.leadtime import LeadTimeSettings, Stated, learn
from bot.storage import leadtimes
from bot.storage.tables import Feed, Inbound, Location, Product, Route, Sale, StockLevel


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product; cost and price are per unit in minor units of `currency`, None where unknown."""

    id: int
    sku: str
    name: str
    currency: str
    unit_cost_minor: int | None
    unit_price_minor: int | None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A location."""

    id: int
    code: str
    name: str
    zone: str
    country: str


@dataclass(frozen=True, slots=True, eq=False)
class RouteColumns:
    """Every route as columns, by id. `product` 0: all goods of the supplier; `cost` -1: the product's.

    Lead times are what deliveries taught (`bot.domain.leadtime`), `observations` the orders they rest on.
    """

    id: NDArray[np.int64]
    supplier: NDArray[np.int64]
    product: NDArray[np.int64]
    location: NDArray[np.int64]
    lead_time: NDArray[np.float64]  # days
    lead_time_sd: NDArray[np.float64]
    stated: NDArray[np.float64]  # days, as the supplier promises
    observations: NDArray[np.int64]
    minimum_order: NDArray[np.int64]
    pack_size: NDArray[np.int64]
    cost: NDArray[np.int64]  # minor units of `currency`
    mode: tuple[str, ...]
    currency: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A source and how long its facts hold."""

    id: int
    source: str
    kind: str
    fresh_until: datetime
    limit_hours: int


async def products(connection: AsyncConnection, ids: Collection[int] | None = None) -> dict[int, ProductRow]:
    """Active products by id; all where none are named."""
    query = select(
        Product.id, Product.sku, Product.name, Product.currency, Product.unit_cost_minor, Product.unit_price_minor
    ).where(Product.active)
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    return {row.id: ProductRow(*row) for row in await connection.execute(query)}


async def places(connection: AsyncConnection) -> dict[int, PlaceRow]:
    """Every location by id, in the order of ids."""
    query = select(Location.id, Location.code, Location.name, Location.zone, Location.country).order_by(Location.id)
    return {row.id: PlaceRow(*row) for row in await connection.execute(query)}


async def routes(
    connection: AsyncConnection, product_ids: Collection[int] | None = None, at: datetime | None = None
) -> RouteColumns:
    """Routes that may serve the products, all where none are named, with what was learned of them by `at`."""
    query = select(
        Route.id, Route.supplier_id, func.coalesce(Route.product_id, 0), Route.location_id,
        type_coerce(Route.lead_time_days, BigInteger), type_coerce(Route.lead_time_sd_days, BigInteger),
        Route.minimum_order, Route.pack_size, func.coalesce(Route.unit_cost_minor, -1), Route.mode, Route.currency,
    ).order_by(Route.id)  # fmt: skip
    if product_ids is not None:
        query = query.where(or_(Route.product_id.is_(None), Route.product_id.in_(product_ids)))
    rows = (await connection.execute(query)).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 11
    number, supplier, product, location, lead, spread, least, pack, cost = (
        np.array(column, dtype=np.int64) for column in columns[:9]
    )
    modes = {mode: place for place, mode in enumerate(dict.fromkeys(columns[9]))}
    known = np.array([modes[mode] for mode in columns[9]], dtype=np.int64)
    only = product_ids if len(product) and product.all() else None  # a route for all goods learns from all goods
    seen = await leadtimes.deliveries(connection, at, modes, LeadTimeSettings().window_days, only)
    learned = learn(Stated(supplier, location, known, product, lead / 1e6, spread / 1e6), seen)
    return RouteColumns(
        id=number,
        supplier=supplier,
        product=product,
        location=location,
        lead_time=learned.days,
        lead_time_sd=learned.sd,
        stated=lead / 1e6,
        observations=learned.observations,
        minimum_order=least,
        pack_size=pack,
        cost=cost,
        mode=tuple(columns[9]),
        currency=tuple(columns[10]),
    )


async def assortments(connection: AsyncConnection, supplier_ids: Collection[int]) -> dict[int, set[int]]:
    """The products that a supplier has a route of its own for, by supplier."""
    query = select(Route.supplier_id, Route.product_id).where(
        Route.supplier_id.in_(supplier_ids), Route.product_id.is_not(None)
    )
    found: dict[int, set[int]] = {}
    for supplier, product in await connection.execute(query.distinct()):
        if product is not None:
            found.setdefault(supplier, set()).add(product)
    return found


async def inbounds(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> list[tuple[int, int, int, date]]:
    """Goods ordered and not yet received at `at`, as (product, location, quantity, expected on)."""
    query = select(Inbound.product_id, Inbound.location_id, Inbound.quantity, Inbound.expected_on).where(
        Inbound.ordered_at <= at, or_(Inbound.received_at.is_(None), Inbound.received_at > at)
    )
    if product_ids is not None:
        query = query.where(Inbound.product_id.in_(product_ids))
    return [(row[0], row[1], row[2], row[3]) for row in await connection.execute(query)]


async def feeds(connection: AsyncConnection) -> tuple[FeedRow, ...]:
    """Every feed, by id."""
    query = select(Feed.id, Feed.source, Feed.kind, Feed.fresh_until, Feed.limit_hours).order_by(Feed.id)
    return tuple(FeedRow(*row) for row in await connection.execute(query))


async def fed_places(connection: AsyncConnection, feed: FeedRow) -> set[int]:
    """Locations whose facts come from a feed."""
    table = Sale if feed.kind == "sales" else StockLevel
    found = await connection.scalars(select(table.location_id).where(table.source == feed.source).distinct())
    return set(found)


async def fresh_until(connection: AsyncConnection) -> datetime | None:
    """Until when the stalest feed speaks, None without feeds."""
    return min((feed.fresh_until for feed in await feeds(connection)), default=None)
