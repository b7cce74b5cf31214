"""Exchange rates as stored: one per source, pair and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.tables import ExchangeRate

_PIECE = 2000
USABLE = timedelta(days=100)  # an older rate is none; so decades of them cost a look-up nothing


@dataclass(frozen=True, slots=True)
class RateRow:
    """One unit of `base` is `rate` units of `currency`, as `source` stated it at `stated_at` for its day."""

    source: str
    base: str
    currency: str
    day: date
    rate: Decimal
    stated_at: datetime

    @property
    def key(self) -> tuple[str, str, str, date]:
        """What it is the only one of."""
        return self.source, self.base, self.currency, self.day


@dataclass
class Kept:
    """What became of rates that were to be kept."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


_COLUMNS = (
    ExchangeRate.source,
    ExchangeRate.base,
    ExchangeRate.currency,
    ExchangeRate.day,
    ExchangeRate.rate,
    ExchangeRate.stated_at,
)


_PAIR = (ExchangeRate.source, ExchangeRate.base, ExchangeRate.currency)
_NEWEST = (
    select(*_PAIR, func.max(ExchangeRate.day).label("day"))
    .where(ExchangeRate.day > bindparam("after"), ExchangeRate.stated_at <= bindparam("at"))
    .group_by(*_PAIR)
    .subquery()
)
_LATEST = select(*_COLUMNS).join(
    _NEWEST, and_(*(column == _NEWEST.c[column.key] for column in (*_PAIR, ExchangeRate.day)))
)


async def latest(connection: AsyncConnection, at: datetime) -> list[RateRow]:
    """Of each source and pair the rate of the newest day that had been stated by `at`, none older than `USABLE`."""
    found = await connection.execute(_LATEST, {"after": at.date() - USABLE, "at": at})
    return [RateRow(*row) for row in found]


_BETWEEN = select(*_COLUMNS).where(ExchangeRate.day.between(bindparam("first"), bindparam("last")))


async def between(connection: AsyncConnection, first: date, last: date) -> list[RateRow]:
    """Every rate of the days between two, both inclusive."""
    found = await connection.execute(_BETWEEN, {"first": first, "last": last})
    return [RateRow(*row) for row in found]


async def newest_day(connection: AsyncConnection, source: str) -> date | None:
    """The last day that a source has stated; None where it has stated none."""
    found: date | None = await connection.scalar(
        select(func.max(ExchangeRate.day)).where(ExchangeRate.source == source)
    )
    return found


async def keep(connection: AsyncConnection, rows: Sequence[RateRow], at: datetime) -> Kept:
    """Write rates down; one that was stated otherwise before is corrected."""
    done = Kept()
    ordered = sorted({row.key: row for row in rows}.values(), key=lambda row: (row.source, row.day))
    for piece in chunked(ordered, _PIECE):
        known = await _known(connection, piece)
        fresh = [row for row in piece if row.key not in known]
        done.added += len(fresh)
        if fresh:
            await connection.execute(insert(ExchangeRate), [_values(row, at) for row in fresh])
        for row in piece:
            if row.key in known and known[row.key] != row.rate:
                await connection.execute(
                    update(ExchangeRate)
                    .where(*(column == value for column, value in zip(_COLUMNS, row.key, strict=False)))
                    .values(rate=row.rate, stated_at=row.stated_at, fetched_at=at)
                )
                done.changed += 1
    done.unchanged = len(ordered) - done.added - done.changed
    return done


async def _known(connection: AsyncConnection, piece: Sequence[RateRow]) -> dict[tuple[str, str, str, date], Decimal]:
    """The rates of the piece's sources between its first and last day."""
    found = await connection.execute(
        select(*_COLUMNS).where(
            ExchangeRate.source.in_({row.source for row in piece}),
            ExchangeRate.day.between(min(row.day for row in piece), max(row.day for row in piece)),
        )
    )
    rows = [RateRow(*row) for row in found]
    return {row.key: row.rate for row in rows}


def _values(row: RateRow, at: datetime) -> dict[str, object]:
    return {
        "source": row.source,
        "base": row.base,
        "currency": row.currency,
        "day": row.day,
        "rate": row.rate,
        "stated_at": row.stated_at,
        "fetched_at": at,
    }
