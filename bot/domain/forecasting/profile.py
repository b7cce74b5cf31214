"""How demand spreads over the week: pooled, and each series' own as far as its units speak for it.

Shrinkage is that of a gamma prior on Poisson counts: `k` units sold as the pool sells count beside the series' own
(Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting.compiled import in_blocks
from bot.domain.forecasting.panel import Panel, Singles

DAYS = 7
_Number = TypeVar("_Number", np.float32, np.float64)


def weekday_factors(panel: Panel, prior_units: float) -> Floats:
    """(n, 7): demand of each weekday (Monday first) over that of the mean day; 1 where periods are no days.

    A series leans on its category and region, those on all series. A day on which a pool never sells, as a shop that
    is closed on Saturdays, has a factor near zero: its zeros say nothing about the level.
    """
    if panel.freq != "day" or panel.periods < DAYS:
        return np.ones((panel.series, DAYS))
    sold, open_ = np.zeros((panel.series, DAYS)), np.zeros((panel.series, DAYS))

    def add(block: slice) -> None:
        units, stock = panel.units[block], in_stock(panel.chosen(block))
        for day in range(DAYS):
            first = (day - panel.first.weekday()) % DAYS
            sold[block, day] = units[:, first::DAYS].sum(axis=1)
            open_[block, day] = stock[:, first::DAYS].sum(axis=1)

    in_blocks(panel.series, add)
    level = ratio(sold.sum(axis=1), open_.sum(axis=1), 0.0)
    expected = open_ * level[:, None]
    weight = np.where(level > 0, 1 / np.sqrt(np.maximum(level, 1e-9)), 0.0)  # so that no best seller speaks for all
    everyone = ratio((sold * weight[:, None]).sum(axis=0), (expected * weight[:, None]).sum(axis=0), 1.0)
    group = np.unique(panel.pool * (panel.region.max(initial=0) + 1) + panel.region, return_inverse=True)[1]
    pooled = _leaning(_by(group, sold), _by(group, expected), everyone[None, :], prior_units)
    own = _leaning(sold, expected, pooled[group], prior_units)
    factors: Floats = own / np.maximum(own.mean(axis=1, keepdims=True), 1e-9)
    return factors


def in_stock(panel: Panel) -> Singles:
    """(n, T): the share of each period with stock; nothing before a series was listed."""
    listed = np.arange(panel.periods, dtype=np.int32)[None, :] >= panel.listed[:, None].astype(np.int32)
    return listed.astype(np.float32) if panel.in_stock is None else panel.in_stock * listed


def spread_over(panel: Panel, factors: NDArray[_Number], first: int, count: int) -> NDArray[_Number]:
    """The factors of `count` periods from column `first` on, (n, count)."""
    if panel.freq != "day":
        return np.ones((panel.series, count), dtype=factors.dtype)
    weekday: Ints = (np.arange(first, first + count) + panel.first.weekday()) % DAYS
    return np.take(factors, weekday, axis=1)


def _leaning(sold: Floats, expected: Floats, towards: Floats, prior_units: float) -> Floats:
    found: Floats = (sold + prior_units * towards) / (expected + prior_units)
    return found


def _by(group: Ints, values: Floats) -> Floats:
    out = np.zeros((int(group.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(out, group, values)
    return out
