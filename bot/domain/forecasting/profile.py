"""How demand spreads over the week: pooled, and each series' own as far as its units speak for it.

Shrinkage is that of a gamma prior on Poisson counts: `k` units sold as the pool sells count beside the series' own
(Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats, Ints, falling_root, ratio
from bot.domain.forecasting import kernels
from bot.domain.forecasting.compiled import in_blocks
from bot.domain.forecasting.panel import Panel
from bot.domain.groups import WIDE, keyed, placed

DAYS = kernels.WEEK
_ONE_SHARE = 0.01  # of a group's units of a weekday that one series' surprise counts for at most
_MOST_TIMES = 16.0  # the ratio of the sums, or 1: no factor is looked for beyond it


@dataclass(frozen=True, slots=True, eq=False)
class WeekdayPools:
    """Demand of each weekday (Monday first) over that of the mean day: of all, of each region, and of each category in
    one, by the `keys` of `bot.domain.groups.keyed`, ascending.
    """

    everyone: Floats  # (7,)
    regions: Ints  # (R,)
    in_region: Floats  # (R, 7)
    keys: Ints  # (P,)
    factors: Floats  # (P, 7)

    def of(self, panel: Panel) -> Floats:
        """(n, 7): those of each series' category and region; the region's where that was not seen, or everyone's."""
        own = placed(self.keys, keyed(panel.pool, panel.region))
        region = placed(self.regions, panel.region)
        table = np.concatenate([self.factors, self.in_region, self.everyone[None, :]])
        at = np.where(own >= 0, own, np.where(region >= 0, len(self.keys) + region, len(table) - 1))
        chosen: Floats = table[at]
        return chosen


def weekday_factors(panel: Panel, prior_units: float) -> Floats:
    """(n, 7): demand of each weekday (Monday first) over that of the mean day; 1 where periods are no days.

    Weekdays are those of the panel's columns: where a series lies behind them, its factors are moved on as far.

    A series leans on its category and region, those on the region, that on all series. A day on which a pool never
    sells, as a shop that is closed on Saturdays, has a factor near zero: its zeros say nothing about the level.
    """
    if panel.freq != "day" or panel.periods < DAYS:
        return np.ones((panel.series, DAYS))
    seen = _seen(panel)
    return _turned(_own(seen, _pools(panel, seen, prior_units).of(panel), prior_units), panel.behind, -1)


def weekday_pools(panel: Panel, prior_units: float) -> WeekdayPools:
    """What a panel of days teaches about its pools."""
    return _pools(panel, _seen(panel), prior_units)


def leaning_on(pools: WeekdayPools, panel: Panel, prior_units: float) -> Floats:
    """(n, 7) as `weekday_factors`, for series that lean on pools known from elsewhere."""
    return _turned(_own(_seen(panel), pools.of(panel), prior_units), panel.behind, -1)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Units sold on each weekday, and what would have been had every day in stock been the mean one; (n, 7) each."""

    sold: Floats
    expected: Floats
    level: Floats  # (n,) units of the mean day


def _seen(panel: Panel) -> _Seen:
    sold, open_ = np.zeros((panel.series, DAYS)), np.zeros((panel.series, DAYS))

    def add(block: slice) -> None:
        some = panel.chosen(block)
        day = panel.first.weekday()
        kernels.fill_weekdays(some.units, some.in_stock, some.listed, day, sold[block], open_[block])

    in_blocks(panel.series, add)
    sold, open_ = _turned(sold, panel.behind, 1), _turned(open_, panel.behind, 1)
    level = ratio(sold.sum(axis=1), open_.sum(axis=1), 0.0)
    return _Seen(sold, open_ * level[:, None], level)


def _pools(panel: Panel, seen: _Seen, prior_units: float) -> WeekdayPools:
    sold, expected, level = seen.sold, seen.expected, seen.level
    weight = np.where(level > 0, 1 / np.sqrt(np.maximum(level, 1e-9)), 0.0)  # so that no best seller speaks for all
    alone = np.zeros(panel.series, dtype=np.int64)
    some, whole = _common(sold * weight[:, None], expected * weight[:, None], alone)
    everyone = ratio(some[0], whole[0], 1.0) if panel.series else np.ones(DAYS)
    regions, region = np.unique(panel.region, return_inverse=True)
    in_region = _leaning(*_common(sold, expected, region), everyone[None, :], prior_units)
    keys, group = np.unique(keyed(panel.pool, panel.region), return_inverse=True)
    parent = placed(regions, keys >> WIDE)
    alike = np.bincount(parent, minlength=len(regions))[parent] == 1  # a region of one category is that category
    own = _leaning(*_common(sold, expected, group), in_region[parent], prior_units)
    factors = np.where(alike[:, None], in_region[parent], own)
    return WeekdayPools(everyone, regions, in_region, keys, factors)


def _common(sold: Floats, expected: Floats, group: Ints) -> tuple[Floats, Floats]:
    """The sums of each group (G, 7), with what single series sold beyond their share of it cut to a part of the whole.

    As in `fitting.common_ratio`: on one Friday's bulk order not everybody's Fridays are better.
    """
    came, told = _by(group, sold), _by(group, expected)
    series = np.maximum(np.bincount(group, minlength=len(told)), 1)[:, None]
    limit = told * np.maximum(_ONE_SHARE, 1.0 / series)

    def left(by: Floats) -> tuple[Floats, Floats]:
        value, fall = np.zeros_like(by), np.zeros_like(by)
        kernels.fill_cut(sold, expected, group, by, limit, value, fall)
        return value, fall

    plain = ratio(came, told, 0.0)
    found = falling_root(left, plain, _MOST_TIMES * np.maximum(plain, 1.0))
    return np.where(told > 0, found * told, came), told


def _own(seen: _Seen, pooled: Floats, prior_units: float) -> Floats:
    own = _leaning(seen.sold, seen.expected, pooled, prior_units)
    factors: Floats = own / np.maximum(own.mean(axis=1, keepdims=True), 1e-9)
    return factors


def spread_over(panel: Panel, factors: Floats, first: int, count: int) -> Floats:
    """The factors (n, 7), all 1 where periods are no days, of `count` periods from column `first` on: (n, count)."""
    return np.take(factors, _weekdays(panel, first, count), axis=1)


def summed_over(panel: Panel, factors: Floats, spans: Ints, weights: Floats) -> Floats:
    """(n,): the factors of the `spans[k]` periods after the panel, added up, weighed by `weights[k]`."""
    days = _weekdays(panel, panel.periods, int(spans.max()))
    chance = np.bincount(spans, weights=weights)[::-1].cumsum()[::-1]  # that a span is at least so long
    return factors @ np.bincount(days, weights=chance[1:], minlength=DAYS)


def _weekdays(panel: Panel, first: int, count: int) -> Ints:
    return (np.arange(first, first + count) + panel.first.weekday()) % DAYS


def _turned(weekdays: Floats, behind: Ints | None, way: int) -> Floats:
    """(n, 7): from the weekdays of the panel's columns to those of each series' own place, or (-1) back."""
    if behind is None:
        return weekdays
    return np.take_along_axis(weekdays, (np.arange(DAYS) + way * behind[:, None]) % DAYS, axis=1)


def _leaning(sold: Floats, expected: Floats, towards: Floats, prior_units: float) -> Floats:
    found: Floats = (sold + prior_units * towards) / (expected + prior_units)
    return found


def _by(group: Ints, values: Floats) -> Floats:
    out = np.zeros((int(group.max(initial=-1)) + 1, values.shape[1]))
    kernels.fill_groups(values, group, out)
    return out
