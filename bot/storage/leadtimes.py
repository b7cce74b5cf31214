"""How long orders took: read for every route at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, cast, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.arrays import Ints
from bot.domain.leadtime import Deliveries
from bot.storage.tables import Receipt, Request, Route

_DAY = 86_400_000_000  # microseconds


async def deliveries(
    connection: AsyncConnection, at: datetime | None, modes: Mapping[str, int], window_days: int
) -> Deliveries:
    """What arrived of purchases that were done by `at` (None: ever), within the window; `modes` numbers them."""
    query = (
        select(
            Request.id, Request.supplier_id, Request.location_id, Request.mode, Receipt.product_id, Receipt.quantity,
            _micros(connection, Receipt.received_at), _micros(connection, Request.ordered_at),
        )
        .join(Request, Request.id == Receipt.request_id)
        .where(Request.kind == "purchase_order", Request.state == "done", Request.ordered_at.is_not(None))
    )  # fmt: skip
    if at is not None:
        query = query.where(Request.finished_at <= at, Request.finished_at > at - timedelta(days=window_days))
    rows = [(*row[:3], modes[row[3]], *row[4:]) for row in await connection.execute(query) if row[3] in modes]
    order, supplier, location, mode, product, units, came, ordered = _columns(rows)
    return Deliveries(order, supplier, location, mode, product, units, units * (came - ordered) / _DAY)


def _columns(rows: list[tuple[int, ...]]) -> tuple[Ints, ...]:
    return tuple(np.array(rows, dtype=np.int64).reshape(-1, 8).T)


def _micros(connection: AsyncConnection, column: Any) -> Any:  # noqa: ANN401  # SQL expressions
    """An instant's column as microseconds since 1970."""
    if connection.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(func.extract("epoch", column) * 1_000_000, BigInteger)


async def stated(
    connection: AsyncConnection, supplier_id: int, location_id: int, mode: str
) -> dict[int | None, Decimal]:
    """Days that a supplier's routes to a place state, by product; None: all goods without a route of their own."""
    query = select(Route.product_id, Route.lead_time_days).where(
        Route.supplier_id == supplier_id, Route.location_id == location_id, Route.mode == mode
    )
    return {found[0]: found[1] for found in await connection.execute(query)}
