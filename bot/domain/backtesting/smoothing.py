"""The rates of intermittent demand as published, for all series at once: SBA, TSB, IMAPA, and their one-step errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.backtesting.aggregation import LANES, fill_imapa
from bot.domain.forecasting import Panel
from bot.domain.forecasting.compiled import compiled, in_blocks
from bot.domain.forecasting.panel import Singles

ALPHA = 0.1
Kind = Literal["sba", "tsb", "imapa"]
KINDS: tuple[Kind, ...] = ("sba", "tsb", "imapa")


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """Units per period expected (n,), and the root mean square of the one-step errors so far (n,)."""

    mean: Floats
    error: Floats


def rate(past: Panel, kind: Kind) -> Rate:
    """Smooth each series.

    SBA: sizes and intervals smoothed at each sale, their ratio times 1 - alpha / 2 (Croston 1972; Syntetos & Boylan
    2005); the first interval counts from the first period of all, or what sold once would pass for sold daily. TSB:
    sizes smoothed at each sale, the chance of a sale in every period since the listing
    (Teunter, Syntetos & Babai 2011). IMAPA: see `bot.domain.backtesting.aggregation`; its errors are those of the
    weights that were fitted to the whole past.
    """
    mean, error = np.zeros(past.series), np.zeros(past.series)
    fill = _FILLED_BY[kind]

    def smooth(block: slice) -> None:
        some = past.chosen(block)
        fill(some.units, some.listed, mean[block], error[block])

    in_blocks(past.series, smooth)
    return Rate(mean, error)


@compiled
def _fill_sba(units: Singles, listed: Ints, mean: Floats, error: Floats) -> None:
    """Sixteen series side by side, so that none waits for its own last period; what may not be is multiplied by 0."""
    series, periods = units.shape
    x = np.empty((periods, LANES))
    s = np.empty((6, LANES))  # size, interval, gap, whether a sale was, squared misses, how many
    since = np.empty(LANES)
    share = 1.0 - ALPHA / 2.0
    for first in range(0, series, LANES):
        count = min(LANES, series - first)
        for lane in range(LANES):
            row = first + min(lane, count - 1)
            since[lane] = listed[row]
            for column in range(periods):
                x[column, lane] = units[row, column]
        s[:] = 0.0
        s[1] = 1.0
        for column in range(periods):
            for lane in range(LANES):
                sold = x[column, lane]
                miss = (sold - share * s[0, lane] / s[1, lane]) * s[3, lane]
                s[4, lane] += miss * miss
                s[5, lane] += s[3, lane]
                s[2, lane] += 1.0
                sells = 1.0 if (sold > 0.0) & (column >= since[lane]) else 0.0
                step = sells * (ALPHA if s[3, lane] > 0.0 else 1.0)
                s[0, lane] += step * (sold - s[0, lane])
                s[1, lane] += step * (s[2, lane] - s[1, lane])
                s[2, lane] *= 1.0 - sells
                s[3, lane] = 1.0 if s[3, lane] + sells > 0.0 else 0.0
        for lane in range(count):
            mean[first + lane] = share * s[0, lane] / s[1, lane]
            error[first + lane] = np.sqrt(s[4, lane] / max(s[5, lane], 1.0))


@compiled
def _fill_tsb(units: Singles, listed: Ints, mean: Floats, error: Floats) -> None:
    """As `_fill_sba`."""
    series, periods = units.shape
    x = np.empty((periods, LANES))
    s = np.empty((5, LANES))  # size, chance, whether a sale was, squared misses, how many
    since = np.empty(LANES)
    for first in range(0, series, LANES):
        count = min(LANES, series - first)
        for lane in range(LANES):
            row = first + min(lane, count - 1)
            since[lane] = listed[row]
            for column in range(periods):
                x[column, lane] = units[row, column]
        s[:] = 0.0
        for column in range(periods):
            for lane in range(LANES):
                there = 1.0 if column >= since[lane] else 0.0
                sold = x[column, lane] * there
                miss = (sold - s[0, lane] * s[1, lane]) * s[2, lane]
                s[3, lane] += miss * miss
                s[4, lane] += s[2, lane]
                sells = 1.0 if sold > 0.0 else 0.0
                s[1, lane] += there * (ALPHA if column > since[lane] else 1.0) * (sells - s[1, lane])
                s[0, lane] += sells * (ALPHA if s[2, lane] > 0.0 else 1.0) * (sold - s[0, lane])
                s[2, lane] = 1.0 if s[2, lane] + sells > 0.0 else 0.0
        for lane in range(count):
            mean[first + lane] = s[0, lane] * s[1, lane]
            error[first + lane] = np.sqrt(s[3, lane] / max(s[4, lane], 1.0))


_FILLED_BY = {"sba": _fill_sba, "tsb": _fill_tsb, "imapa": fill_imapa}
