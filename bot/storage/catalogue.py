"""Facts of the catalogue besides its history: products, places, routes, what is on its way, and how fresh it all is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, bindparam, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.domain.calendar import Closures
from bot.domain.containers import Container
from bot.domain.leadtime import LeadTimeSettings, Stated, learn
from bot.storage import leadtimes
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import Category, Feed, Inbound, Location, Product, Route, Sale, StockLevel, Supplier
from bot.storage.types import UtcDateTime

_EPOCH = date(1970, 1, 1)


_BEGINNING = timedelta(days=7)
_FEW_AT_ONCE, _SHARE_AT_ONCE = 20, 0.1  # products of one day, or of all, that are still news


class ProductRow(NamedTuple):
    """A product; cost and price are per unit in minor units of `currency`, None where unknown.

    `volume_cm3` and `weight_g` are those of a packed unit, None where unknown.
    `store_price_minor` is a store's price in another currency, `store_currency`.
    """

    id: int
    sku: str
    name: str
    currency: str
    unit_cost_minor: int | None
    unit_price_minor: int | None
    volume_cm3: int | None = None
    weight_g: int | None = None
    store_price_minor: int | None = None
    store_currency: str | None = None
    category_id: int | None = None


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

    `container` is None where goods go as loose cargo.

    Lead times are what deliveries taught (`bot.domain.leadtime`), `observations` the orders they rest on, and `closed`
    the days of rest that an order placed at the instant meets at its supplier, which they hold already.
    """

    id: NDArray[np.int64]
    supplier: NDArray[np.int64]
    product: NDArray[np.int64]
    location: NDArray[np.int64]
    lead_time: NDArray[np.float64]  # days
    lead_time_sd: NDArray[np.float64]
    stated: NDArray[np.float64]  # days, as the supplier promises
    closed: NDArray[np.int64]  # days
    observations: NDArray[np.int64]
    minimum_order: NDArray[np.int64]
    pack_size: NDArray[np.int64]
    cost: NDArray[np.int64]  # minor units of `currency`
    mode: tuple[str, ...]
    currency: tuple[str, ...]
    container: tuple[Container | None, ...]
    review_every: NDArray[np.int64]  # days between its supplier's review dates; 0 where it has none
    review_from: NDArray[np.int64]  # one of them, in days since 1970


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A source and how long its facts hold."""

    id: int
    source: str
    kind: str
    fresh_until: datetime
    limit_hours: int


_PRODUCTS = Narrowed(
    select(
        Product.id, Product.sku, Product.name, Product.currency, Product.unit_cost_minor, Product.unit_price_minor,
        Product.unit_volume_cm3, Product.unit_weight_g, Product.store_price_minor, Product.store_currency,
        Product.category_id,
    ).where(Product.active),
    Product.id.in_(NAMED),
)  # fmt: skip


async def products(connection: AsyncConnection, ids: Collection[int] | None = None) -> dict[int, ProductRow]:
    """Active products by id; all where none are named."""
    found = (
        await _PRODUCTS.run(connection, ids)
    ).cursor.fetchall()  # the driver's own tuples, as plain as they are kept
    return {row[0]: ProductRow(*row) for row in found}


_OTHER = aliased(Product)
_NEW = Narrowed(
    select(Product.id, Product.created_at, select(func.min(_OTHER.created_at)).scalar_subquery()).where(
        Product.active, Product.category_id.is_not(None), Product.created_at > bindparam("after", type_=UtcDateTime)
    ),
    Product.id.in_(NAMED),
)


async def new_products(
    connection: AsyncConnection, after: datetime, ids: Collection[int] | None = None
) -> dict[int, datetime]:
    """Since when products with a category are known, by id: those first told of after an instant (aware).

    What came within a week of the first product of all was there when the records began, and is not new; nor is what
    came on one day with a large part of all products, as where another store is connected.
    """
    found = [
        (product, told)
        for product, told, first in await _NEW.run(connection, ids, after=after)
        if told > first + _BEGINNING
    ]
    if not found:
        return {}
    every = await connection.scalar(select(func.count(Product.id))) or 0
    came = Counter[date]()
    for told, count in await connection.execute(_CAME, {"after": after}):
        came[told.date()] += count
    most = max(_FEW_AT_ONCE, every * _SHARE_AT_ONCE)
    return {product: told for product, told in found if came[told.date()] <= most}


_CAME = (
    select(Product.created_at, func.count())
    .where(Product.created_at > bindparam("after", type_=UtcDateTime))
    .group_by(Product.created_at)
)
_CATEGORIES = Narrowed(select(Category.id, Category.name), Category.id.in_(NAMED))


async def category_names(connection: AsyncConnection, ids: Collection[int] | None = None) -> dict[int, str]:
    """The names of categories by id; of all where none are named."""
    return {row.id: row.name for row in await _CATEGORIES.run(connection, ids)}


_PLACES = select(Location.id, Location.code, Location.name, Location.zone, Location.country).order_by(Location.id)


async def places(connection: AsyncConnection) -> dict[int, PlaceRow]:
    """Every location by id, in the order of ids."""
    return {row.id: PlaceRow(*row) for row in await connection.execute(_PLACES)}


_ROUTES = Narrowed(
    select(
        Route.id, Route.supplier_id, func.coalesce(Route.product_id, 0), Route.location_id,
        type_coerce(Route.lead_time_days, BigInteger), type_coerce(Route.lead_time_sd_days, BigInteger),
        Route.minimum_order, Route.pack_size, func.coalesce(Route.unit_cost_minor, -1), Route.mode, Route.currency,
        Supplier.country, Route.container, Route.container_volume_cm3, Route.container_weight_g,
        func.coalesce(Supplier.review_every, 0), Supplier.review_from,
    )
    .join(Supplier, Supplier.id == Route.supplier_id)
    .order_by(Route.id),
    or_(Route.product_id.is_(None), Route.product_id.in_(NAMED)),
)  # fmt: skip


async def routes(
    connection: AsyncConnection,
    at: datetime,
    product_ids: Collection[int] | None = None,
    closures: Closures | None = None,
) -> RouteColumns:
    """Routes that may serve the products, all where none are named, with what was learned of them by `at`.

    `closures` stretch the lead time of an order placed then; None: suppliers never rest.
    """
    rows = (await _ROUTES.run(connection, product_ids)).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 17
    number, supplier, product, location, lead, spread, least, pack, cost = (
        np.array(column, dtype=np.int64) for column in columns[:9]
    )
    modes = {mode: place for place, mode in enumerate(dict.fromkeys(columns[9]))}
    known = np.array([modes[mode] for mode in columns[9]], dtype=np.int64)
    only = product_ids if len(product) and product.all() else None  # a route for all goods learns from all goods
    seen = await leadtimes.deliveries(connection, at, modes, LeadTimeSettings().window_days, only)
    closed = np.zeros(len(number), dtype=np.int64)
    learned = learn(Stated(supplier, location, known, product, lead / 1e6, spread / 1e6), seen)
    if closures is not None:
        pairs = list(zip(columns[11], learned.days.tolist(), strict=True))
        rests = {pair: closures.delay(pair[0], at.date(), pair[1]) for pair in set(pairs)}  # most routes are alike
        closed = np.array([rests[pair] for pair in pairs], dtype=np.int64)
    return RouteColumns(
        id=number,
        supplier=supplier,
        product=product,
        location=location,
        lead_time=learned.days + closed,
        lead_time_sd=learned.sd,
        stated=lead / 1e6,
        closed=closed,
        observations=learned.observations,
        minimum_order=least,
        pack_size=pack,
        cost=cost,
        mode=tuple(columns[9]),
        currency=tuple(columns[10]),
        container=tuple(
            None if volume is None else Container(name or "", volume, weight or 0)
            for name, volume, weight in zip(*columns[12:15], strict=True)
        ),
        review_every=np.array(columns[15], dtype=np.int64),
        review_from=np.array([0 if on is None else (on - _EPOCH).days for on in columns[16]], dtype=np.int64),
    )


_ASSORTMENTS = (
    select(Route.supplier_id, Route.product_id)
    .where(Route.supplier_id.in_(bindparam("suppliers", expanding=True)), Route.product_id.is_not(None))
    .distinct()
)


async def assortments(connection: AsyncConnection, supplier_ids: Collection[int]) -> dict[int, set[int]]:
    """The products that a supplier has a route of its own for, by supplier."""
    found: dict[int, set[int]] = {}
    for supplier, product in await connection.execute(_ASSORTMENTS, {"suppliers": list(supplier_ids)}):
        if product is not None:
            found.setdefault(supplier, set()).add(product)
    return found


class InboundRow(NamedTuple):
    """Goods on their way; `external_id` names them at their source."""

    product_id: int
    location_id: int
    quantity: int
    expected_on: date
    source: str
    external_id: str


_INBOUNDS = Narrowed(
    select(
        Inbound.product_id, Inbound.location_id, Inbound.quantity, Inbound.expected_on, Inbound.source,
        Inbound.external_id,
    )
    .where(
        Inbound.quantity > 0,  # of none: it was cancelled
        Inbound.ordered_at <= bindparam("at"),
        or_(Inbound.received_at.is_(None), Inbound.received_at > bindparam("at")),
    )
    .order_by(Inbound.expected_on, Inbound.id),
    Inbound.product_id.in_(NAMED),
)  # fmt: skip


async def inbounds(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> list[InboundRow]:
    """Goods ordered and not yet received at `at`, the longest due first."""
    return [InboundRow(*row) for row in await _INBOUNDS.run(connection, product_ids, at=at)]


_FEEDS = select(Feed.id, Feed.source, Feed.kind, Feed.fresh_until, Feed.limit_hours).order_by(Feed.id)


async def feeds(connection: AsyncConnection) -> tuple[FeedRow, ...]:
    """Every feed, by id."""
    return tuple(FeedRow(*row) for row in await connection.execute(_FEEDS))


async def fed_places(connection: AsyncConnection, feed: FeedRow) -> set[int]:
    """Locations whose facts come from a feed."""
    table = Sale if feed.kind == "sales" else StockLevel
    found = await connection.scalars(select(table.location_id).where(table.source == feed.source).distinct())
    return set(found)


async def fresh_until(connection: AsyncConnection) -> datetime | None:
    """Until when the stalest feed speaks, None without feeds."""
    return min((feed.fresh_until for feed in await feeds(connection)), default=None)
