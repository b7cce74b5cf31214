"""How long orders took: read for every route at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, cast, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.leadtime import Deliveries
from bot.storage.tables import Receipt, Request, Route

_DAY = 86_400_000_000  # microseconds
_NAMED = 1_000  # beyond so many products, reading everything is quicker than listing them


async def deliveries(
    connection: AsyncConnection,
    at: datetime | None,
    modes: Mapping[str, int],
    window_days: int,
    product_ids: Collection[int] | None = None,
) -> Deliveries:
    """What arrived of purchases that were done by `at` (None: ever), within the window; `modes` numbers them.

    `product_ids` spares reading the others, where no route is for all of a supplier's goods.
    """
    done = [Request.kind == "purchase_order", Request.state == "done", Request.ordered_at.is_not(None)]
    if at is not None:
        done += [Request.finished_at <= at, Request.finished_at > at - timedelta(days=window_days)]
    ordered_at = _micros(connection, Request.ordered_at)
    orders = select(Request.id, Request.supplier_id, Request.location_id, ordered_at, Request.mode).where(*done)
    known = sorted(
        (row[0], row[1], row[2], row[3], modes[row[4]]) for row in await connection.execute(orders) if row[4] in modes
    )
    if not known:
        nothing = np.zeros(0, dtype=np.int64)
        return Deliveries(nothing, nothing, nothing, nothing, nothing, nothing, nothing.astype(np.float64))
    number, supplier, location, since, mode = np.array(known, dtype=np.int64).T
    arrivals = (
        select(Receipt.request_id, Receipt.product_id, Receipt.quantity, _micros(connection, Receipt.received_at))
        .join(Request, Request.id == Receipt.request_id)
        .where(*done)
    )
    if product_ids is not None and len(product_ids) <= _NAMED:
        arrivals = arrivals.where(Receipt.product_id.in_(product_ids))
    # The driver's own tuples: one Row object per receipt would take longer than the query.
    rows = (await connection.execute(arrivals)).cursor.fetchall()
    order, product, units, came = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * 4).reshape(-1, 4).T
    place = np.minimum(np.searchsorted(number, order), len(number) - 1)
    mine = number[place] == order
    place, order, product, units, came = place[mine], order[mine], product[mine], units[mine], came[mine]
    days = (came - since[place]) / _DAY
    return Deliveries(order, supplier[place], location[place], mode[place], product, units, units * days)


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
