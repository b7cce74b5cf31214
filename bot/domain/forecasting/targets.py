"""What past origins are held against: demand of the periods after them, each with the exposure that it had.

Exposure is in-stock share times the weekday's factor: a period that was half without stock, or a Sunday that sells
half, asks for half. What was wholly without stock asks for nothing and tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.forecasting import kernels
from bot.domain.forecasting.panel import Panel, Singles

_LEAST_EXPOSURE = 0.2  # that a period's units are divided by
_COVERED = 0.7  # of a span's periods must have been in stock for its demand to be known


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A panel made ready, all (n, T): `units` and `exposure` float32, zero where nothing is known; `whole` periods."""

    panel: Panel
    units: Singles
    exposure: Singles
    whole: Bools

    @property
    def periods(self) -> int:
        """How many periods there are (T)."""
        return self.panel.periods


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Demand after each origin: `sold` and `exposure` (origins, n, cells), both zero where it is not known.

    `stretch` (origins, n, cells): the length of the cell over that of the mean one.
    """

    columns: Ints
    ends: Ints  # the column by which each origin's demand was known
    sold: Floats
    exposure: Floats
    stretch: Floats
    reach: int  # periods after an origin that its demand spans


def prepared(panel: Panel, factors: Floats) -> Past:
    """Exposure of every period by the series' weekday `factors` (n, 7): nothing before it was listed."""
    units, exposure = np.empty(panel.units.shape, np.float32), np.empty(panel.units.shape, np.float32)
    whole = np.empty(panel.units.shape, dtype=np.bool_)
    day, shares = panel.first.weekday(), factors.astype(np.float32)
    kernels.fill_past(panel.units, panel.in_stock, panel.listed, shares, day, units, exposure, whole)
    return Past(panel, units, exposure, whole)


def origins(periods: int, reach: int, count: int) -> Ints:
    """Ascending columns to look back from: `count` at most, a reach or less apart, their demand known by now."""
    last = periods - reach
    least = max(min(reach, periods // 3), 2)
    if last < least:
        return np.empty(0, dtype=np.int64)
    step = max(1, min(reach, (last - least) // max(count - 1, 1)))
    back: Ints = last - step * np.arange(count)[::-1]
    return back[back >= least]


def by_period(past: Past, horizon: int, count: int) -> Targets:
    """Each of the `horizon` periods after an origin is a cell; those that were partly without stock tell nothing."""
    columns = origins(past.periods, horizon, count)
    shape = (len(columns), past.panel.series, horizon)
    sold, exposure = np.zeros(shape), np.zeros(shape)
    for at, column in enumerate(columns.tolist()):
        span = slice(column, column + horizon)
        known = past.whole[:, span] & _listed(past, column)
        sold[at] = np.where(known, past.units[:, span], 0.0)
        exposure[at] = np.where(known, past.exposure[:, span], 0.0)
    return Targets(columns, columns + horizon, sold, exposure, np.ones(shape), horizon)


def by_span(past: Past, spans: Ints, weights: Floats, count: int) -> Targets:
    """The demand of a span of mean length is a cell; `stretch` makes it as long as one drawn from the law of the spans.

    Windows of the drawn lengths themselves would have to end by now, the longest of them: what they tell is older,
    and stock for the same service was higher with them. The draws are spread evenly over the law by golden-ratio
    steps, so that few origins hold all of it.
    """
    mean = float(spans @ weights)
    length = max(1, round(mean))
    columns = origins(past.periods, length, count)
    shape = (len(columns), past.panel.series, 1)
    sold, exposure, stretch = np.zeros(shape), np.zeros(shape), np.ones(shape)
    units, asked, covered = _running(past.units), _running(past.exposure), _running(past.exposure > 0)
    chance = np.cumsum(weights)
    for at, column in enumerate(columns.tolist()):
        until = column + length
        known = (covered[:, until] - covered[:, column] >= _COVERED * length) & _listed(past, column)[:, 0]
        sold[at, :, 0] = np.where(known, units[:, until] - units[:, column], 0.0)
        exposure[at, :, 0] = np.where(known, asked[:, until] - asked[:, column], 0.0)
        even = (np.arange(past.panel.series) * 0.6180339887 + (at + 0.5) * 0.3819660113) % 1.0
        stretch[at, :, 0] = spans[np.minimum(np.searchsorted(chance, even), len(spans) - 1)] / mean
    return Targets(columns, columns + length, sold, exposure, stretch, length)


def _listed(past: Past, column: int) -> Bools:
    """(n, 1): series that had a past when the column began."""
    return (past.panel.listed < column)[:, None]


def own_samples(past: Past, span: int) -> tuple[Singles, Ints]:
    """Each series' own units per exposure over spans of its past, NaN where not known, and the column each ended by."""
    if span == 1:
        own = np.empty(past.units.shape, np.float32)
        kernels.fill_daily(past.units, past.exposure, past.whole, _LEAST_EXPOSURE, own)
        return own, np.arange(1, past.periods + 1)
    starts = np.arange(0, past.periods - span + 1, max(1, span // 4))
    rates = np.empty((past.panel.series, len(starts)), np.float32)
    kernels.fill_windows(past.units, past.exposure, starts, span, _COVERED * span, rates)
    return rates, starts + span


def _running(values: Singles | Bools) -> Floats:
    """(n, T + 1): the sum of the columns before each."""
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out
