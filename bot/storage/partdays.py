"""Days that had stock for a part of their hours, as what was sold at its instants tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.ledger import Told
from bot.storage.ledgerrows import Ints
from bot.storage.partmath import Cells, doubtful, shares
from bot.storage.sellinghours import selling_hours
from bot.storage.types import to_micros

_MOST = 20_000  # days in one statement

# A day is looked up by product, place and date, one after the other: the list comes first in both.
_SQLITE = text("""
SELECT day.key, s.sold_at, s.quantity
FROM json_each(:cells) AS day
CROSS JOIN sales AS s ON s.product_id = json_extract(day.value, '$[0]')
    AND s.location_id = json_extract(day.value, '$[1]') AND s.day = json_extract(day.value, '$[2]')
WHERE s.sold_at <= :at
""")
_POSTGRES = text("""
SELECT day.place - 1, CAST(EXTRACT(epoch FROM s.sold_at) * 1000000 AS bigint), s.quantity
FROM unnest(CAST(:products AS bigint[]), CAST(:locations AS bigint[]), CAST(:days AS date[]))
    WITH ORDINALITY AS day(product_id, location_id, day, place)
JOIN sales AS s ON s.product_id = day.product_id AND s.location_id = day.location_id AND s.day = day.day
WHERE s.sold_at <= :at
""")


async def parts(connection: AsyncConnection, told: Told, at: datetime) -> tuple[Cells, NDArray[np.float64]]:
    """The days of which it is known for how much of their hours there was stock, and the share, above 0 and below 1.

    Each hour counts for as much of a day as the place sells in it.

    `at` (aware) is the instant that the history was asked for; the day that holds it is none of them.
    """
    cells = doubtful(told)
    if not len(cells.row):
        return cells, np.zeros(0)
    hours = await selling_hours(connection, told.zones, at)
    share = shares(told, cells, await _sold(connection, told, cells, at), hours, at)
    known = (share > 0) & (share < 1)
    return Cells(cells.row[known], cells.column[known]), share[known]


async def _sold(connection: AsyncConnection, told: Told, cells: Cells, at: datetime) -> Ints:
    """Sales of the days at their instants; columns: index of the cell, instant, units off the shelf."""
    found = [np.zeros((0, 3), np.int64)]
    for start in range(0, len(cells.row), _MOST):
        part = Cells(cells.row[start : start + _MOST], cells.column[start : start + _MOST])
        rows = await _read(connection, told, part, at)
        columns = np.fromiter(chain.from_iterable(rows), np.int64, 3 * len(rows)).reshape(-1, 3)
        columns[:, 0] += start
        found.append(columns)
    return np.concatenate(found)


async def _read(connection: AsyncConnection, told: Told, cells: Cells, at: datetime) -> Sequence[Any]:
    history = told.history
    products, places = history.product_ids[cells.row].tolist(), history.location_ids[cells.row].tolist()
    days = [(history.first_day + timedelta(days=column)).isoformat() for column in cells.column.tolist()]
    if connection.dialect.name == "sqlite":
        listed = json.dumps(list(zip(products, places, days, strict=True)))
        result = await connection.execute(_SQLITE, {"cells": listed, "at": to_micros(at)})
    else:
        result = await connection.execute(
            _POSTGRES, {"products": products, "locations": places, "days": days, "at": at}
        )
    return result.cursor.fetchall()  # the driver's own tuples, as in `ledgerrows.Scope.read`
