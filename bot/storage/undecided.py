"""Purchases that wait for a decision: their money is not spent yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Request, RequestLine


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of a pending purchase."""

    request_id: int
    product_id: int
    location_id: int
    units: int


async def purchases(connection: AsyncConnection, at: datetime) -> list[Waiting]:
    """The lines of purchases that wait for a decision and were made by `at`, the oldest request first."""
    found = await connection.execute(
        select(Request.id, RequestLine.product_id, Request.location_id, RequestLine.quantity)
        .join(Request, Request.id == RequestLine.request_id)
        .where(Request.kind == "purchase_order", Request.state == "pending", Request.created_at <= at)
        .order_by(Request.id, RequestLine.id)
    )
    return [Waiting(*row) for row in found]
