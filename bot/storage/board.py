"""What the board asks: how old cases are, what arrives when, what a product went through, how long suppliers took."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Integer, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.orders import SOURCE
from bot.storage.tables import Case, Inbound, Location, Product, Receipt, Request, RequestLine, Route, Supplier


@dataclass(frozen=True, slots=True)
class KindRow:
    """Unresolved cases of one kind in one band of age."""

    kind: str
    band: int  # index of the youngest band whose edge it is under
    count: int
    money_minor: int


async def cases_by_age(connection: AsyncConnection, edges: Collection[datetime]) -> list[KindRow]:
    """Unresolved cases counted by kind and age; `edges` are instants, the newest first, that part the bands."""
    band = case(*((Case.opened_at > edge, number) for number, edge in enumerate(edges)), else_=len(edges))
    found = await connection.execute(
        select(Case.kind, band, func.count(), func.sum(Case.money_minor))
        .where(Case.resolved_at.is_(None))
        .group_by(Case.kind, band)
        .order_by(Case.kind, band)
    )
    return [KindRow(row[0], int(row[1]), int(row[2]), int(row[3] or 0)) for row in found]


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """Goods of one place expected on one day: how many products and units, and the largest of them."""

    on: date
    place: str
    products: int
    units: int


async def arrivals(connection: AsyncConnection, at: datetime, until: date) -> list[ArrivalRow]:
    """What was ordered, has not arrived by `at`, and is expected by `until`, by day and place."""
    found = await connection.execute(
        select(
            Inbound.expected_on, Location.code, func.count(Inbound.product_id.distinct()), func.sum(Inbound.quantity)
        )
        .join(Location, Location.id == Inbound.location_id)
        .where(
            Inbound.quantity > 0,  # of none: it was cancelled
            Inbound.ordered_at <= at,
            or_(Inbound.received_at.is_(None), Inbound.received_at > at),
            Inbound.expected_on <= until,
        )
        .group_by(Inbound.expected_on, Location.code)
        .order_by(Inbound.expected_on, Location.code)
    )
    return [ArrivalRow(row[0], row[1], int(row[2]), int(row[3])) for row in found]


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case of a product, open or over."""

    id: int
    kind: str
    state: str
    severity: int
    place: str
    money_minor: int
    currency: str
    opened_at: datetime
    resolved_at: datetime | None


_MOST = bindparam("most", type_=Integer)
_CASES_OF = (
    select(
        Case.id, Case.kind, Case.state, Case.severity, Location.code, Case.money_minor, Case.currency, Case.opened_at,
        Case.resolved_at,
    )
    .join(Location, Location.id == Case.location_id)
    .where(Case.product_id == bindparam("product"))
    .order_by(Case.opened_at.desc(), Case.id.desc())
    .limit(_MOST)
)  # fmt: skip


async def cases_of(connection: AsyncConnection, product_id: int, limit: int) -> list[PastCase]:
    """A product's cases, the newest first."""
    found = await connection.execute(_CASES_OF, {"product": product_id, "most": limit})
    return [PastCase(*row) for row in found]


_REQUESTS_OF = (
    select(RequestLine.request_id)
    .where(RequestLine.product_id == bindparam("product"))
    .group_by(RequestLine.request_id)
    .order_by(RequestLine.request_id.desc())
    .limit(_MOST)
)


async def requests_of(connection: AsyncConnection, product_id: int, limit: int) -> list[int]:
    """Ids of the requests with a line of a product, the newest first."""
    return list(await connection.scalars(_REQUESTS_OF, {"product": product_id, "most": limit}))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival of an order or of goods that a file told of, from order to arrival and as promised."""

    supplier: str
    supplier_name: str
    place: str
    mode: str
    ordered_at: datetime
    arrived_at: datetime
    promised: date | None


async def deliveries(connection: AsyncConnection, since: datetime, until: datetime) -> list[Delivery]:
    """What arrived between two instants, of our own orders and of goods told of by a file, by supplier.

    Such goods name no supplier: they count where one supplier alone has a route of its own for the product there.
    """
    ours = (
        select(
            Supplier.code, Supplier.name, Location.code, Request.mode, Request.ordered_at,
            func.max(Receipt.received_at), Request.expected_on,
        )
        .join(Request, Request.id == Receipt.request_id)
        .join(Supplier, Supplier.id == Request.supplier_id)
        .join(Location, Location.id == Request.location_id)
        .where(
            Request.kind == "purchase_order", Request.state == "done", Request.ordered_at.is_not(None),
            Receipt.received_at > since, Receipt.received_at <= until,
        )
        .group_by(Request.id, Supplier.code, Supplier.name, Location.code)
    )  # fmt: skip
    told = (
        select(
            Inbound.product_id, Inbound.location_id, Location.code, Inbound.ordered_at, Inbound.received_at,
            Inbound.expected_on,
        )
        .join(Location, Location.id == Inbound.location_id)
        .where(
            Inbound.received_at > since, Inbound.received_at <= until, Inbound.source != SOURCE, Inbound.quantity > 0
        )
    )  # fmt: skip
    found = [
        Delivery(row[0], row[1], row[2], row[3], row[4], row[5], row[6])
        for row in await connection.execute(ours)
        if row[4] is not None
    ]
    only = await _only_ways(connection)
    for product_id, location_id, place, ordered_at, arrived_at, promised in await connection.execute(told):
        way = only.get((product_id, location_id))
        if way is not None and arrived_at is not None:
            found.append(Delivery(way[0], way[1], place, way[2], ordered_at, arrived_at, promised))
    return found


async def _only_ways(connection: AsyncConnection) -> dict[tuple[int, int], tuple[str, str, str]]:
    """(supplier, its name, mode) of each product and place that has one way alone of its own.

    Told apart here: SQLite takes seconds to join goods to a grouped list of routes.
    """
    routes = await connection.execute(
        select(Route.product_id, Route.location_id, Supplier.code, Supplier.name, Route.mode)
        .join(Supplier, Supplier.id == Route.supplier_id)
        .where(Route.product_id.is_not(None))
    )
    found: dict[tuple[int, int], tuple[str, str, str]] = {}
    several: set[tuple[int, int]] = set()
    for product_id, location_id, code, name, mode in routes:
        if product_id is None:
            continue
        key, way = (product_id, location_id), (code, name, mode)
        if found.setdefault(key, way) != way:
            several.add(key)
    return {key: way for key, way in found.items() if key not in several}


@dataclass(frozen=True, slots=True)
class StatedRow:
    """What a supplier's routes to a place state, in days: the least and the most over its products."""

    supplier: str
    supplier_name: str
    place: str
    mode: str
    least: float
    most: float
    products: int  # 0: one route for all goods


async def stated(connection: AsyncConnection) -> list[StatedRow]:
    """Every supplier, place and mode with its stated lead times."""
    found = await connection.execute(
        select(
            Supplier.code, Supplier.name, Location.code, Route.mode, func.min(Route.lead_time_days),
            func.max(Route.lead_time_days), func.count(Route.product_id),
        )
        .join(Supplier, Supplier.id == Route.supplier_id)
        .join(Location, Location.id == Route.location_id)
        .group_by(Supplier.code, Supplier.name, Location.code, Route.mode)
        .order_by(Supplier.name, Location.code, Route.mode)
    )  # fmt: skip
    return [StatedRow(row[0], row[1], row[2], row[3], float(row[4]), float(row[5]), int(row[6])) for row in found]


async def product(connection: AsyncConnection, sku: str) -> tuple[int, str] | None:
    """(id, name) of an active product by its code."""
    found = await connection.execute(select(Product.id, Product.name).where(Product.sku == sku, Product.active))
    row = found.one_or_none()
    return (row[0], row[1]) if row else None
