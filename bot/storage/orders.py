"""What becomes of an approved order: what goes out, what is on its way, and what has arrived.

Goods of a request that is ordered are `inbounds` of the source `request`, one open row per product named `R-12:SKU`.
What arrives of it is split off with the moment it came: at any earlier instant the whole is still on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.storage.chunks import chunked
from bot.storage.dialect import insert_into
from bot.storage.tables import (
    Inbound,
    Location,
    Product,
    Receipt,
    Request,
    RequestLine,
    StockMovement,
    Supplier,
)

SOURCE = "request"  # of inbounds and movements that requests caused

_ORIGIN = aliased(Location)
_FACTS = (
    select(
        Supplier.name, Supplier.code, Supplier.email, Supplier.language, _ORIGIN.name.label("origin"),
        _ORIGIN.code.label("origin_code"), Location.name.label("place"), Location.code.label("place_code"),
        Location.zone,
    )
    .select_from(Request)
    .join(Location, Location.id == Request.location_id)
    .outerjoin(Supplier, Supplier.id == Request.supplier_id)
    .outerjoin(_ORIGIN, _ORIGIN.id == Request.from_location_id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """Where an order goes, and from whom; of a transfer the supplier's fields are those of the sending location."""

    supplier: str
    supplier_code: str
    email: str
    language: str  # empty: nobody said
    place: str
    place_code: str
    zone: str


@dataclass(frozen=True, slots=True)
class OrderedLine:
    """A line of an order; `unit_cost_minor` is in the request's currency."""

    product_id: int
    sku: str
    name: str
    quantity: int
    received: int
    unit_cost_minor: int

    @property
    def open(self) -> int:
        """Units still to come."""
        return max(self.quantity - self.received, 0)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Units of a line that arrived; `source` and `external_id` name the occasion, which counts once."""

    product_id: int
    sku: str
    quantity: int
    at: datetime
    day: date  # local
    source: str
    external_id: str
    member_id: int | None = None


async def facts_of(connection: AsyncConnection, request_id: int) -> OrderFacts:
    """The other side of a request that exists, and where its goods go."""
    found = (await connection.execute(_FACTS.where(Request.id == request_id))).one()
    return OrderFacts(
        supplier=found.name or found.origin or "",
        supplier_code=found.code or found.origin_code or "",
        email=found.email or "",
        language=found.language or "",
        place=found.place,
        place_code=found.place_code,
        zone=found.zone,
    )


async def lines_of(connection: AsyncConnection, request_id: int) -> list[OrderedLine]:
    """The lines of a request in their order."""
    query = (
        select(
            RequestLine.product_id, Product.sku, Product.name, RequestLine.quantity, RequestLine.received,
            RequestLine.unit_cost_minor,
        )
        .join(Product, Product.id == RequestLine.product_id)
        .where(RequestLine.request_id == request_id)
        .order_by(RequestLine.id)
    )  # fmt: skip
    return [OrderedLine(*found) for found in await connection.execute(query)]


def name_of(request_id: int, sku: str) -> str:
    """How the goods of a line are named among the inbounds."""
    return f"R-{request_id}:{sku}"


async def expect(
    connection: AsyncConnection,
    request_id: int,
    location_id: int,
    lines: Sequence[OrderedLine],
    ordered_at: datetime,
    expected_on: date,
) -> None:
    """Let the goods of a request be on their way, once."""
    values = [
        {
            "product_id": line.product_id,
            "location_id": location_id,
            "quantity": line.quantity,
            "ordered_at": ordered_at,
            "expected_on": expected_on,
            "source": SOURCE,
            "external_id": name_of(request_id, line.sku),
        }
        for line in lines
    ]
    statement = insert_into(connection, Inbound).on_conflict_do_nothing(index_elements=["source", "external_id"])
    await connection.execute(statement, values)


async def promise(connection: AsyncConnection, request_id: int, skus: Collection[str], expected_on: date) -> None:
    """A new date for what is still to come."""
    await _of_open(connection, request_id, skus, {"expected_on": expected_on})


async def end(connection: AsyncConnection, request_id: int, skus: Collection[str], at: datetime) -> None:
    """What is still to come will not: it is on its way no longer."""
    await _of_open(connection, request_id, skus, {"received_at": at})


async def _of_open(
    connection: AsyncConnection, request_id: int, skus: Collection[str], values: Mapping[str, Any]
) -> None:
    for some in chunked(skus):
        names = [name_of(request_id, sku) for sku in some]
        mine = (Inbound.source == SOURCE, Inbound.external_id.in_(names), Inbound.received_at.is_(None))
        await connection.execute(update(Inbound).where(*mine).values(**values))


async def move(
    connection: AsyncConnection,
    request_id: int,
    location_id: int,
    kind: str,
    moved: Sequence[tuple[int, str, int]],
    at: datetime,
    day: date,
    mark: str,
) -> None:
    """Stock that leaves or comes as (product, sku, signed units); each `mark` of a line once."""
    values = [
        {
            "product_id": product_id,
            "location_id": location_id,
            "at": at,
            "day": day,
            "quantity": units,
            "kind": kind,
            "source": SOURCE,
            "external_id": f"{name_of(request_id, sku)}/{mark}",
        }
        for product_id, sku, units in moved
    ]
    statement = insert_into(connection, StockMovement).on_conflict_do_nothing(index_elements=["source", "external_id"])
    if values:
        await connection.execute(statement, values)


async def arrive(
    connection: AsyncConnection, request_id: int, location_id: int, kind: str, arrived: Sequence[Arrived]
) -> list[Arrived]:
    """Write arrivals down and count them in; those that were new. The caller holds the request.

    `kind` is the movement's: receipt or transfer_in.
    """
    new = []
    for one in arrived:
        receipt = await _receipt(connection, request_id, one)
        if receipt is None:
            continue
        new.append(one)
        line = (RequestLine.request_id == request_id, RequestLine.product_id == one.product_id)
        await connection.execute(update(RequestLine).where(*line).values(received=RequestLine.received + one.quantity))
        mark = f"receipt:{receipt}"
        await _split(connection, request_id, one, mark)
        moved = [(one.product_id, one.sku, one.quantity)]
        await move(connection, request_id, location_id, kind, moved, one.at, one.day, mark)
    return new


async def follow(
    connection: AsyncConnection,
    request_id: int,
    location_id: int,
    lines: Sequence[OrderedLine],
    arrived: Collection[Arrived],
) -> None:
    """Let what arrived of a transfer and never left leave its shelf: more than was sent, or after it was given up."""
    when = {one.product_id: one for one in arrived}
    mine = (StockMovement.product_id.in_(when), StockMovement.location_id == location_id)
    out = (StockMovement.source == SOURCE, StockMovement.kind == "transfer_out")
    names = StockMovement.external_id.startswith(f"R-{request_id}:", autoescape=True)
    found = await connection.execute(
        select(StockMovement.product_id, func.sum(StockMovement.quantity))
        .where(*mine, *out, names)
        .group_by(StockMovement.product_id)
    )
    left = {product: -int(units) for product, units in found}
    for line in lines:
        more = line.received - left.get(line.product_id, 0)
        if line.product_id in when and more > 0:
            one = when[line.product_id]
            moved = [(line.product_id, line.sku, -more)]
            mark = f"out:{line.received}"
            await move(connection, request_id, location_id, "transfer_out", moved, one.at, one.day, mark)


async def _receipt(connection: AsyncConnection, request_id: int, one: Arrived) -> int | None:
    """The new receipt's id; None where that occasion was counted before."""
    added = await connection.execute(
        insert_into(connection, Receipt)
        .values(
            request_id=request_id,
            product_id=one.product_id,
            quantity=one.quantity,
            received_at=one.at,
            source=one.source,
            external_id=one.external_id,
            member_id=one.member_id,
        )
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(Receipt.id)
    )
    found: int | None = added.scalar_one_or_none()
    return found


async def _split(connection: AsyncConnection, request_id: int, one: Arrived, mark: str) -> None:
    """Take what arrived off what is on its way: the part becomes a row of its own, with the moment it came."""
    name = name_of(request_id, one.sku)
    mine = (Inbound.source == SOURCE, Inbound.external_id == name, Inbound.received_at.is_(None))
    left = (await connection.execute(select(Inbound).where(*mine))).one_or_none()
    if left is None:  # more than was ordered, or the rest had been given up
        return
    if one.quantity >= left.quantity:
        await connection.execute(update(Inbound).where(Inbound.id == left.id).values(received_at=one.at))
        return
    await connection.execute(
        update(Inbound).where(Inbound.id == left.id).values(quantity=Inbound.quantity - one.quantity)
    )
    part = {
        "product_id": left.product_id,
        "location_id": left.location_id,
        "quantity": one.quantity,
        "ordered_at": left.ordered_at,
        "expected_on": left.expected_on,
        "received_at": one.at,
        "source": SOURCE,
        "external_id": f"{name}/{mark}",
    }
    await connection.execute(insert_into(connection, Inbound).values(**part))


async def told_before(
    connection: AsyncConnection, request_id: int, member_id: int, given: Mapping[int, int], since: datetime
) -> bool:
    """Whether the member said since then that exactly these units (by product) of the request arrived."""
    query = (
        select(Receipt.external_id, Receipt.product_id, Receipt.quantity)
        .where(Receipt.request_id == request_id, Receipt.member_id == member_id, Receipt.source == "chat")
        .order_by(Receipt.id)
    )
    occasions: dict[str, dict[int, int]] = {}
    for name, product_id, quantity in await connection.execute(query):
        occasions.setdefault(name.rpartition("/")[0], {})[product_id] = quantity
    recent = {name: units for name, units in occasions.items() if int(name.rpartition("@")[2]) >= since.timestamp()}
    return dict(given) in recent.values()


async def tallies(connection: AsyncConnection, request_id: int) -> list[tuple[int, int, datetime]]:
    """Every arrival of a request as (product, units, when)."""
    query = select(Receipt.product_id, Receipt.quantity, Receipt.received_at).where(Receipt.request_id == request_id)
    return [(found[0], found[1], found[2]) for found in await connection.execute(query.order_by(Receipt.id))]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as files name it; `skus` gives the products of those that were sent."""

    id: int
    reference: str
    state: str
    zone: str
    ordered_at: datetime | None
    skus: dict[str, int]


async def placed(connection: AsyncConnection) -> list[Placed]:
    """Every purchase and transfer, by id."""
    skus: dict[int, dict[str, int]] = {}
    sent = (
        select(RequestLine.request_id, Product.sku, RequestLine.product_id)
        .join(Product, Product.id == RequestLine.product_id)
        .join(Request, Request.id == RequestLine.request_id)
        .where(Request.state.in_(("executing", "done")), Request.kind != "promotion")
    )
    for request_id, sku, product_id in await connection.execute(sent):
        skus.setdefault(request_id, {})[sku] = product_id
    query = (
        select(Request.id, Request.reference, Request.state, Location.zone, Request.ordered_at)
        .join(Location, Location.id == Request.location_id)
        .where(Request.kind.in_(("purchase_order", "transfer")))
        .order_by(Request.id)
    )
    return [Placed(*found, skus.get(found.id, {})) for found in await connection.execute(query)]
