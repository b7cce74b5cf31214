"""When in the day each place sells: a day that was out of stock by night missed less than one that was out by noon.

The hours are those of some sales of the four weeks before this one, so that they stay the same for a week. Each place
leans on all of them, as if `_LEAN` of its own sales had been spread as theirs are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.ledgerrows import Ints
from bot.storage.types import of_micros

HOURS = 24
LEAST = 200  # sales with an hour, below which every hour of the day is thought to sell alike
_LEAN = 200.0
_PRODUCTS, _LINES = 100, 1_000  # that tell at most, whatever a shop sells
_WEEKS = timedelta(weeks=4)
_HOUR = 3_600_000_000  # microseconds
_DAY = HOURS * _HOUR

# Products by a shuffle of their ids, so that new ones hardly ever change the choice; all days of one before the next.
_TOLD = """
SELECT s.location_id, {instant}
FROM (SELECT id FROM products ORDER BY (id * 48271) % 2147483647 LIMIT {products}) AS p
CROSS JOIN locations AS l
{join} JOIN sales AS s ON s.product_id = p.id AND s.location_id = l.id AND s.day >= :first AND s.day < :last
WHERE s.kind = 'sale'
ORDER BY p.id, l.id, s.day, s.sold_at, s.id
LIMIT {lines}
"""
_SIZES = {"products": _PRODUCTS, "lines": _LINES}
_SQLITE = text(_TOLD.format(instant="s.sold_at", join="CROSS", **_SIZES))
_POSTGRES = text(
    _TOLD.format(instant="CAST(EXTRACT(epoch FROM s.sold_at) * 1000000 AS bigint)", join="INNER", **_SIZES)
)


def week_of(at: datetime) -> date:
    """The Monday, by UTC, of the week for which the hours at an instant (aware) hold."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


async def selling_hours(
    connection: AsyncConnection, zones: Mapping[int, str], at: datetime
) -> dict[int, NDArray[np.float64]]:
    """The share (24,) of a day's sales in each hour of the local clock, by location (`zones` are theirs)."""
    last = week_of(at) - timedelta(days=1)  # the day before may still run somewhere as the week begins
    first, sqlite = last - _WEEKS, connection.dialect.name == "sqlite"
    days = {"first": first.isoformat() if sqlite else first, "last": last.isoformat() if sqlite else last}
    rows = (await connection.execute(_SQLITE if sqlite else _POSTGRES, days)).cursor.fetchall()
    told = np.fromiter(chain.from_iterable(rows), np.int64, 2 * len(rows)).reshape(-1, 2)
    places = list(zones)
    shares = spread(np.stack([_counted(told[told[:, 0] == place, 1], zones[place]) for place in places]))
    return dict(zip(places, shares, strict=True))


def spread(counts: Sequence[Ints] | Ints) -> NDArray[np.float64]:
    """Shares (places, 24), adding up to one, from the sales counted in each hour (places, 24)."""
    mine = np.asarray(counts, dtype=np.float64)
    whole = mine.sum(axis=0)
    if whole.sum() < LEAST:
        return np.full(mine.shape, 1 / HOURS)
    common = (whole + 1) / (whole.sum() + HOURS)
    shares: NDArray[np.float64] = (mine + _LEAN * common) / (mine.sum(axis=1, keepdims=True) + _LEAN)
    return shares


def _counted(instants: Ints, zone: str) -> Ints:
    """Sales by the hour of the local clock (24,); those of the very midnight, which have no hour, are left out."""
    if not len(instants):
        return np.zeros(HOURS, np.int64)
    begun, which = np.unique(instants // _HOUR, return_inverse=True)
    there = ZoneInfo(zone)
    ahead = np.array([_ahead(begun[0], there), _ahead(begun[-1], there)])
    if ahead[0] == ahead[1]:  # clocks turn one way in four weeks
        clock = (instants + ahead[0]) % _DAY
    else:
        clock = (instants + np.array([_ahead(hour, there) for hour in begun])[which]) % _DAY
    return np.bincount(clock[clock > 0] // _HOUR, minlength=HOURS)


def _ahead(hour: np.int64, zone: ZoneInfo) -> int:
    """Microseconds that a clock is ahead of UTC in an hour since 1970."""
    offset = of_micros(int(hour) * _HOUR).astimezone(zone).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)
