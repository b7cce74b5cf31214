"""Forecasts on record, column-wise: a week's are written once and read as arrays.

A mark says that a week is whole, so one that a crash cut off is written on; what stands already stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, delete, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import marks
from bot.storage.bulk import Row, insert_rows
from bot.storage.tables import Forecast, Mark
from bot.storage.types import to_micros

EPOCH = date(1970, 1, 1)
PART = 5_000  # rows of one transaction, so that a large catalogue holds up nobody
_PRODUCTS = 1_000  # whose forecasts are forgotten in one
_MARK = "forecasts:"
_REPLAYED = "replayed"
_FIGURES = ("level", "mean", "q50", "q80", "q95", "at_service", "usual")
_COLUMNS = (
    "product_id", "location_id", "week", "first_day", "made_at", "days", "abc", *_FIGURES, "severity", "ends_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A week's forecasts, n rows by product and location; days since 1970, units, `ends` -1 where nothing ends."""

    product_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    first: NDArray[np.int64]  # day
    figures: NDArray[np.float64]  # (n, 7): level, mean, quantiles at 0.5, 0.8, 0.95 and at `level`, usual
    abc: NDArray[np.int64]
    severity: NDArray[np.int64]
    ends: NDArray[np.int64]  # day


def rows_of(monday: date, made_at: datetime, kept: Kept, days: int) -> list[Row]:
    """The rows as they are written."""
    week, instant = monday.isoformat(), to_micros(made_at)
    millionths = np.rint(kept.figures * 1e6).astype(np.int64).tolist()
    return [
        (product, place, week, _iso(first), instant, days, abc, *figures, severity, None if end < 0 else _iso(end))
        for product, place, first, abc, figures, severity, end in zip(
            kept.product_ids.tolist(), kept.location_ids.tolist(), kept.first.tolist(), kept.abc.tolist(), millionths,
            kept.severity.tolist(), kept.ends.tolist(), strict=True,
        )
    ]  # fmt: skip


async def write(connection: AsyncConnection, rows: Sequence[Row]) -> int:
    """Write forecasts down; how many were new."""
    return await insert_rows(connection, Forecast, _COLUMNS, rows)


async def close(connection: AsyncConnection, monday: date, *, replayed: bool) -> None:
    """Note that a week is whole; `replayed` where it was made after it had begun, of the facts of its beginning."""
    await marks.add(connection, f"{_MARK}{monday.isoformat()}", _REPLAYED if replayed else "")


async def on_record(connection: AsyncConnection) -> dict[date, bool]:
    """The Mondays whose weeks are whole, and whether each was replayed."""
    found = await marks.beginning(connection, _MARK)
    return {date.fromisoformat(key.removeprefix(_MARK)): value == _REPLAYED for key, value in found.items()}


async def of_week(connection: AsyncConnection, monday: date) -> Kept:
    """A week's forecasts, sorted by product and location."""
    figures = [type_coerce(getattr(Forecast, name), BigInteger) for name in _FIGURES]
    rows = (
        await connection.execute(
            select(
                Forecast.product_id, Forecast.location_id, Forecast.abc, Forecast.severity, Forecast.first_day,
                Forecast.ends_on, *figures,
            )
            .where(Forecast.week == monday)
            .order_by(Forecast.product_id, Forecast.location_id)
        )
    ).all()  # fmt: skip
    flat = chain.from_iterable(
        (*row[:4], _number(row[4]), -1 if row[5] is None else _number(row[5]), *row[6:]) for row in rows
    )
    width = 6 + len(_FIGURES)
    table = np.fromiter(flat, np.int64, len(rows) * width).reshape(len(rows), width)
    product, place, abc, severity, first, ends = table[:, :6].T
    return Kept(product, place, first, table[:, 6:] / 1e6, abc, severity, ends)


async def forget(connection: AsyncConnection, before: date) -> int:
    """Delete some products' forecasts of the oldest week before a Monday; how many, 0 where none is left."""
    oldest = await connection.scalar(select(func.min(Forecast.week)))
    if oldest is None or oldest >= before:
        return 0
    await connection.execute(delete(Mark).where(Mark.key == f"{_MARK}{oldest.isoformat()}"))
    mine = Forecast.week == oldest
    some = select(Forecast.product_id).where(mine).distinct().order_by(Forecast.product_id).limit(_PRODUCTS)
    return (await connection.execute(delete(Forecast).where(mine, Forecast.product_id.in_(some)))).rowcount


def _iso(day: int) -> str:
    return date.fromordinal(day + EPOCH.toordinal()).isoformat()


def _number(day: date) -> int:
    return day.toordinal() - EPOCH.toordinal()
