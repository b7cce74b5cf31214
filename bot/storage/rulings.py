"""What a ruling reads besides the requests themselves: the supplier's other orders, and who is new."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.storage.chunks import chunked
from bot.storage.tables import Product, Request, Supplier

_COUNTING = ("pending", "approved", "executing", "done")
_ORDERED = ("executing", "done")


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """One purchase from a supplier; minor units of `currency`."""

    request_id: int
    supplier_id: int
    total_minor: int
    currency: str


async def purchases(
    connection: AsyncConnection, supplier_ids: Collection[int], since: datetime, besides: Collection[int] = ()
) -> list[SupplyRow]:
    """Purchases from the suppliers that were asked for since then and may come or came about, or are of `besides`."""
    found: list[SupplyRow] = []
    ruled = set(besides)
    for some in chunked(supplier_ids):
        rows = await connection.execute(
            select(Request.id, Request.supplier_id, Request.total_minor, Request.currency, Request.state).where(
                Request.supplier_id.in_(some),
                Request.kind == "purchase_order",
                or_(Request.state.in_(_COUNTING), Request.state == "draft"),
                func.coalesce(Request.submitted_at, Request.created_at) > since,
            )
        )
        found += [
            SupplyRow(row.id, row.supplier_id or 0, row.total_minor, row.currency)
            for row in rows
            if row.state != "draft" or row.id in ruled
        ]
    return found


async def new_suppliers(connection: AsyncConnection, supplier_ids: Collection[int], since: datetime) -> set[int]:
    """Those of the suppliers that were added since then and of whom nothing was ever ordered here."""
    found: set[int] = set()
    order = aliased(Request)
    ordered = exists().where(
        order.supplier_id == Supplier.id, order.kind == "purchase_order", order.state.in_(_ORDERED)
    )
    for some in chunked(supplier_ids):
        rows = await connection.scalars(
            select(Supplier.id).where(Supplier.id.in_(some), Supplier.created_at > since, ~ordered)
        )
        found.update(rows)
    return found


async def products_for_sale(connection: AsyncConnection) -> int:
    """How many SKUs the catalogue has."""
    return await connection.scalar(select(func.count()).select_from(Product).where(Product.active)) or 0
