"""How long orders took: read for every route at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Select, bindparam, cast, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.leadtime import Deliveries
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import Receipt, Request, Route

_DAY = 86_400_000_000  # microseconds
_NAMED = 1_000  # beyond so many products, reading everything is quicker than listing them


async def deliveries(
    connection: AsyncConnection,
    at: datetime,
    modes: Mapping[str, int],
    window_days: int,
    product_ids: Collection[int] | None = None,
) -> Deliveries:
    """What arrived of purchases that were done by `at`, within the window; `modes` numbers them.

    `product_ids` spares reading the others, where no route is for all of a supplier's goods.
    """
    orders, arrivals = _statements(connection.dialect.name)
    window = {"at": at, "since": at - timedelta(days=window_days)}
    done = await connection.execute(orders, window)
    known = sorted((row[0], row[1], row[2], row[3], modes[row[4]]) for row in done if row[4] in modes)
    if not known:
        nothing = np.zeros(0, dtype=np.int64)
        return Deliveries(nothing, nothing, nothing, nothing, nothing, nothing, nothing.astype(np.float64))
    number, supplier, location, since, mode = np.array(known, dtype=np.int64).T
    named = product_ids if product_ids is not None and len(product_ids) <= _NAMED else None
    # The driver's own tuples: one Row object per receipt would take longer than the query.
    rows = (await arrivals.run(connection, named, **window)).cursor.fetchall()
    order, product, units, came = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * 4).reshape(-1, 4).T
    place = np.minimum(np.searchsorted(number, order), len(number) - 1)
    mine = number[place] == order
    place, order, product, units, came = place[mine], order[mine], product[mine], units[mine], came[mine]
    days = (came - since[place]) / _DAY
    return Deliveries(order, supplier[place], location[place], mode[place], product, units, units * days)


@cache
def _statements(dialect: str) -> tuple[Select[*tuple[Any, ...]], Narrowed]:
    """The orders that were done within the window, and what arrived of them."""
    done = (
        Request.kind == "purchase_order",
        Request.state == "done",
        Request.ordered_at.is_not(None),
        Request.finished_at <= bindparam("at"),
        Request.finished_at > bindparam("since"),
    )
    ordered_at, received_at = _micros(dialect, Request.ordered_at), _micros(dialect, Receipt.received_at)
    orders = select(Request.id, Request.supplier_id, Request.location_id, ordered_at, Request.mode).where(*done)
    arrivals = (
        select(Receipt.request_id, Receipt.product_id, Receipt.quantity, received_at)
        .join(Request, Request.id == Receipt.request_id)
        .where(*done)
    )
    return orders, Narrowed(arrivals, Receipt.product_id.in_(NAMED))


def _micros(dialect: str, column: Any) -> Any:  # noqa: ANN401  # SQL expressions
    """An instant's column as microseconds since 1970."""
    if dialect == "sqlite":
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
