"""Rows of a long form into a panel: added up by series and day, then cut into whole weeks or months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.forecasting import Freq, Panel
from bot.errors import Fault, FileRefused

MOST_CELLS = 400_000_000  # of series times days: 3 GB while they are added up


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that say what was sold; `units` NaN where that is unknown. All arrays are of one length.

    `series` counts from 0, `day` in days since 1970. `in_stock` is 0 to 1, NaN where the row does not say.
    """

    series: Ints
    day: Ints
    units: Floats
    in_stock: Floats
    price: Floats
    cost: Floats
    pool: Ints
    region: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What rows tell of a series once: `value` (n,), NaN where none does, and `column` (n,), the period that tells it.

    It is the largest value of the first day that names one.
    """

    value: Floats
    column: Ints

    def before(self, column: int) -> Floats:
        """What was told in the periods before a column."""
        return np.where(self.column < column, self.value, np.nan)

    def chosen(self, rows: Ints) -> Told:
        """Of some of the series."""
        return Told(self.value[rows], self.column[rows])


@dataclass(frozen=True, slots=True)
class Buckets:
    """The periods: the first day of each in days since 1970, then the day after the last.

    `native`: the file itself has one day a week or a month.
    """

    edges: Ints
    native: bool


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """A panel, and what goes with it.

    `kept` (all series of the rows): which of them it holds; `since` (n,): the column of each one's first row;
    `packs`: the values that were to be told of each series once, in their order.
    """

    panel: Panel
    kept: Bools
    since: Ints
    packs: tuple[Told, ...]


def gathered(rows: Rows, packs: Sequence[Floats], freq: Freq, where: str) -> Gathered:
    """The panel of the series that ever sold or had stock in its whole periods.

    `packs` are columns beside the rows of which each series has one value, NaN where a row does not say. The price and
    the cost of a series are those of the first day that names one, so that no later one is seen.
    """
    count = int(rows.series.max()) + 1
    first, last = int(rows.day.min()), int(rows.day.max())
    days = last - first + 1
    if count * days > MOST_CELLS:
        problem = f"{count:,} series over {days:,} days are more than memory holds"
        raise FileRefused(Fault(where, problem, "give a part of the file, or look for a day far off"), "large")
    buckets = _buckets(np.unique(rows.day), freq, where)
    cell = rows.series * days + (rows.day - first)
    known = ~np.isnan(rows.units)
    units = _cut(_sums(cell[known], rows.units[known], count, days), buckets, first)
    in_stock, stocked = _stock(rows, cell, count, days)
    told = None if in_stock is None else _mean(in_stock, buckets, first)
    seen = (units > 0) | _cut(stocked, buckets, first).astype(bool)
    kept = seen.any(axis=1)
    panel = Panel(
        date(1970, 1, 1) + timedelta(days=int(buckets.edges[0])),
        freq,
        units.astype(np.float32),
        None if told is None else told.astype(np.float32),
        seen.argmax(axis=1).astype(np.int64),
        _first_of(rows, rows.pool, count),
        _first_of(rows, rows.region, count),
        _first_mean(rows, rows.price, np.nan_to_num(rows.units), count),
        _first_mean(rows, rows.cost, np.ones(len(rows.cost)), count),
    )
    opened = np.full(count, last)
    np.minimum.at(opened, rows.series, rows.day)
    since = _columns(opened, buckets)[kept]
    told_once = tuple(_first_told(rows, value, count, buckets).chosen(np.flatnonzero(kept)) for value in packs)
    return Gathered(panel.chosen(kept), kept, since, told_once)


def _columns(days: Ints, buckets: Buckets) -> Ints:
    """The period of each day; of a day outside of all, the nearest one."""
    found = np.searchsorted(buckets.edges, days, side="right") - 1
    return np.clip(found, 0, len(buckets.edges) - 2).astype(np.int64)


def _sums(cell: Ints, weights: Floats, count: int, days: int) -> Floats:
    total: Floats = np.bincount(cell, weights, minlength=count * days).astype(np.float64, copy=False)
    return total.reshape(count, days)


def _stock(rows: Rows, cell: Ints, count: int, days: int) -> tuple[Floats | None, Floats]:
    """The share of each day in stock, None where no row says; and where a row said that there was some.

    Of repeated rows it is the mean. A row without units was not in stock as far as anybody knows.
    """
    unknown = np.isnan(rows.units)
    share = np.where(unknown, 0.0, rows.in_stock)
    says = ~np.isnan(share)
    if not says.any():
        return None, np.zeros((count, days))
    total = _sums(cell[says], share[says], count, days)
    told = _sums(cell[says], np.ones(int(says.sum())), count, days)
    return ratio(total, told, 1.0), total


def _buckets(seen: Ints, freq: Freq, where: str) -> Buckets:
    first, last = int(seen[0]), int(seen[-1])
    if freq == "day":
        return Buckets(np.arange(first, last + 2), native=False)
    native = _native(seen, freq)
    unit = "M8[M]" if freq == "month" else "M8[W]"
    # NumPy's weeks begin on the Thursday that 1970 began on; three days more, and they begin on Mondays.
    shift = 0 if freq == "month" else 3
    began = (seen[:1] + shift).astype("M8[D]").astype(unit)[0]
    ended = (np.asarray([last + shift + (0 if native else 1)])).astype("M8[D]").astype(unit)[0]
    edges = np.arange(began, ended + (2 if native else 1)).astype("M8[D]").astype(np.int64) - shift
    if not native:
        edges = edges[edges >= first]
    if len(edges) < 2:
        raise FileRefused(Fault(where, f"holds no whole {freq}", "take --freq day, or a longer file"))
    return Buckets(edges, native)


def _native(seen: Ints, freq: Freq) -> bool:
    """Whether the file has one day a week or a month: the same weekday, the same day of the month, or its last one."""
    if len(seen) < 2:
        return False
    if freq == "week":
        return bool((seen % 7 == seen[0] % 7).all())
    days = seen.astype("M8[D]")
    of_month = (days - days.astype("M8[M]")).astype(np.int64)
    ends = (seen + 1).astype("M8[D]")
    return bool((of_month == of_month[0]).all() or (ends == ends.astype("M8[M]")).all())


def _cut(daily: Floats, buckets: Buckets, first: int) -> Floats:
    """Days added up into periods."""
    edges = buckets.edges - first
    if len(edges) == daily.shape[1] + 1:
        return daily
    inside = np.clip(edges, 0, daily.shape[1])
    return np.add.reduceat(daily[:, : inside[-1]], inside[:-1], axis=1)


def _mean(in_stock: Floats, buckets: Buckets, first: int) -> Floats:
    """The share of each period in stock; days of which nobody says anything count as in stock."""
    missing = _cut(1.0 - in_stock, buckets, first)
    return np.clip(1.0 - missing / (1 if buckets.native else np.diff(buckets.edges)), 0.0, 1.0)


def _first_of(rows: Rows, codes: Ints, count: int) -> Ints:
    """The code on each series' first day, of its first row there, counted anew from 0."""
    found = np.zeros(count, dtype=np.int64)
    latest_first = np.argsort(rows.day, kind="stable")[::-1]
    found[rows.series[latest_first]] = codes[latest_first]
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _first_day(rows: Rows, says: Bools, count: int) -> Ints:
    """The first day on which a row of each series says something, the largest number there is where none does."""
    day = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(day, rows.series[says], rows.day[says])
    return day


def _first_told(rows: Rows, value: Floats, count: int, buckets: Buckets) -> Told:
    """The largest value of the first day that names one."""
    says = ~np.isnan(value)
    day = _first_day(rows, says, count)
    says &= rows.day == day[rows.series]
    found = np.full(count, -np.inf)
    np.maximum.at(found, rows.series[says], value[says])
    known = np.isfinite(found)
    column = np.where(known, _columns(np.where(known, day, buckets.edges[0]), buckets), len(buckets.edges))
    return Told(np.where(known, found, np.nan), column)


def _first_mean(rows: Rows, value: Floats, weight: Floats, count: int) -> Floats:
    """The weighted mean of a value on the first day that names it, NaN where none does."""
    says = (value > 0) & (weight > 0)
    says &= rows.day == _first_day(rows, says, count)[rows.series]
    total = np.bincount(rows.series[says], (value * weight)[says], minlength=count)
    weights = np.bincount(rows.series[says], weight[says], minlength=count)
    return ratio(total, weights, np.nan)
