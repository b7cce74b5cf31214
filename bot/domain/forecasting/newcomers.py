"""What is known of a product before it has sold: how its category sells, which it borrows until its own days speak.

A day's rate of a product is a gamma among those of its category: mean m and squared coefficient of variation c. Sales
scatter about it with phi times the variance of Poisson ones. After e days in stock at an own rate r the posterior mean
is (b m + e r) / (b + e) with b = phi / (m c) days, and its variance phi / (b + e) times that mean: for phi = 1 the
gamma-Poisson model (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6), else the credibility of Buehlmann &
Straub (1970, Mitteilungen der Vereinigung Schweizerischer Versicherungsmathematiker 70). A category of all sorts has a
large c and so a small b: it says little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.forecasting.targets import Past
from bot.domain.groups import WIDE, keyed, placed

NEW_DAYS = 90  # after it was listed at a place a product is new there
MOST_DAYS = float(NEW_DAYS)  # that a category counts as at most
_SEEN_DAYS = 56  # of a series, by which its rate is told
_LEAST_DAYS = 14  # of them in stock, for that
_PART = 14  # days, whose sums tell phi
LATER = 28  # days after the first of its region that a series was listed, if it came new
_LAUNCHES = 10  # products of a category that came new, to tell of it alone
_PRODUCTS = (
    10.0  # that what lies above a group counts as in its mean; with 5 and 20 tests.bench.newcomers measures the same
)
_SPREADS = 10.0  # and in its spread
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Rates of groups of series (G,) by ascending `keys`: mean, squared coefficient of variation, how many told it."""

    keys: Ints
    mean: Floats
    spread: Floats
    series: Ints

    def only(self, at: Ints, keys: Ints, times: Floats | float = 1.0) -> Rates:
        """Those of the groups `at`, by other keys, each so many times the mean."""
        return Rates(keys, self.mean[at] * times, self.spread[at], self.series[at])

    def plain(self) -> list[list[float]]:
        """As plain JSON."""
        return [self.keys.tolist(), self.mean.tolist(), self.spread.tolist(), self.series.tolist()]

    @classmethod
    def from_plain(cls, told: Sequence[Sequence[float]]) -> Rates:
        """What `plain` made."""
        keys, mean, spread, series = told
        whole = np.asarray(keys, dtype=np.int64), np.asarray(series, dtype=np.int64)
        return cls(whole[0], np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64), whole[1])


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What each series (n,) borrows: a rate, and the days that it counts as; 0 where there is nothing to borrow.

    `series` are how many told it, `near` is 2 where those of the category at the place did, 1 for the category at
    all places, and 0 for all that sells there.
    """

    mean: Floats
    days: Floats
    series: Ints
    near: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """Rates of a day in stock: of `everything` (one group), of each category, and of each category at each place.

    `places` and `scales`: how many times as much the categories sell at each place as everywhere. `phi` is the
    variance of sales over that of Poisson ones.
    """

    phi: float
    everything: Rates
    categories: Rates
    here: Rates
    places: Ints
    scales: Floats

    def prior(self, category: Ints, region: Ints) -> Prior:
        """What series of each category and region borrow; those without a category nothing."""
        scale = np.append(self.scales, 1.0)[placed(self.places, region)]  # the last where -1 says that none is known
        whole = self.everything.only(np.zeros_like(region), region)
        mean, spread, series, near = whole.mean * scale, whole.spread, whole.series, np.zeros_like(region)
        for rates, keys, times, level in (
            (self.categories, category, scale, 1),
            (self.here, keyed(category, region), np.ones_like(scale), 2),
        ):
            at = placed(rates.keys, keys)
            known = at >= 0
            mean[known] = rates.mean[at[known]] * times[known]
            spread[known], series[known], near[known] = rates.spread[at[known]], rates.series[at[known]], level
        days = np.minimum(self.phi / np.maximum(mean * spread, _TINY), MOST_DAYS)
        return Prior(mean, np.where(category > 0, days, 0.0), series, near)

    def plain(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "phi": self.phi,
            "everything": self.everything.plain(),
            "categories": self.categories.plain(),
            "here": self.here.plain(),
            "places": self.places.tolist(),
            "scales": self.scales.tolist(),
        }

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> Newcomers:
        """What `plain` made."""
        whole, kinds, here = (Rates.from_plain(told[name]) for name in ("everything", "categories", "here"))
        places, scales = np.asarray(told["places"], dtype=np.int64), np.asarray(told["scales"], dtype=np.float64)
        return cls(told["phi"], whole, kinds, here, places, scales)


def learned(ready: Past) -> Newcomers | None:
    """What the series of a past tell of those to come; None where none has a category, or nothing sells.

    A category of which enough products came while it was watched is told by these in their first days, any other by
    its products' last days. A category leans on all of them, and at a place on itself at all places, times what the
    place sells of all.
    """
    category, region = ready.panel.pool, ready.panel.region
    launched = _launched(ready)
    count = np.bincount(category, launched, int(category.max(initial=0)) + 1)
    by_launches = count[category] >= _LAUNCHES
    first = np.where(by_launches & launched, ready.panel.listed, max(0, ready.periods - _SEEN_DAYS))
    columns = np.arange(ready.periods)
    seen = (columns >= first[:, None]) & (columns < (first + _SEEN_DAYS)[:, None])
    asked = np.where(seen, ready.exposure, 0).sum(axis=1, dtype=np.float64)
    sold = np.where(seen, ready.units, 0).sum(axis=1, dtype=np.float64)
    tells = (asked >= _LEAST_DAYS) & (launched | ~by_launches)
    phi = _dispersion(ready)
    if not (tells & (category > 0)).any() or phi is None or not sold[tells].any():
        return None
    rate, asked, category, region = ratio(sold, asked, 0.0)[tells], asked[tells], category[tells], region[tells]
    noise = phi * rate / asked  # the variance of a rate that is its days' own scatter
    whole = _all(rate, noise)
    kinds, of_kind = np.unique(category, return_inverse=True)
    kind = _leaning(rate, noise, of_kind, whole.only(np.zeros_like(kinds), kinds))
    places, of_place = np.unique(region, return_inverse=True)
    few = _PRODUCTS * whole.mean[0]  # so that a place of few products is like the others
    scales = (np.bincount(of_place, rate) + few) / (np.bincount(of_place, kind.mean[of_kind]) + few)
    keys, of_key = np.unique(keyed(category, region), return_inverse=True)
    kept = keys & ((1 << int(WIDE)) - 1)
    above = kind.only(placed(kinds, kept), keys, scales[placed(places, keys >> WIDE)])
    here = _leaning(rate, noise, of_key, above)
    kind, here = kind.only(np.flatnonzero(kinds), kinds[kinds > 0]), here.only(np.flatnonzero(kept), keys[kept > 0])
    return Newcomers(phi, whole, kind, here, places, scales)


def _launched(ready: Past) -> Bools:
    """Series that came new to their region, and have been there for long enough to tell how that went."""
    listed, region = ready.panel.listed, ready.panel.region
    _places, of = np.unique(region, return_inverse=True)
    begun = np.full(int(of.max(initial=-1)) + 1, ready.periods)
    np.minimum.at(begun, of, listed)
    found: Bools = (listed >= begun[of] + LATER) & (listed <= ready.periods - _SEEN_DAYS)
    return found


def _dispersion(ready: Past) -> float | None:
    """The variance of sales over that of Poisson ones, by parts of the last days; None where nothing was sold."""
    days = min(_SEEN_DAYS, ready.periods // _PART * _PART)
    shape = (ready.panel.series, days // _PART, _PART)
    sold = ready.units[:, ready.periods - days :].reshape(shape).sum(axis=2, dtype=np.float64)
    asked = ready.exposure[:, ready.periods - days :].reshape(shape).sum(axis=2, dtype=np.float64)
    rate = ratio(sold.sum(axis=1), asked.sum(axis=1), 0.0)
    counted = asked >= _PART / 2
    off = np.where(counted, ratio((sold - rate[:, None] * asked) ** 2, asked, 0.0), 0.0).sum(axis=1)
    parts = counted.sum(axis=1)
    told = float(rate[parts > 1].sum())
    return max(1.0, float(ratio(off, parts - 1, 0.0)[parts > 1].sum()) / told) if told > 0 else None


def _all(rate: Floats, noise: Floats) -> Rates:
    """All series as one group."""
    mean = rate.mean()
    spread = max(float(rate.var() - noise.mean()), 0.0) / mean**2
    return Rates(np.zeros(1, np.int64), np.array([mean]), np.array([spread]), np.array([len(rate)]))


def _leaning(rate: Floats, noise: Floats, group: Ints, above: Rates) -> Rates:
    """The rates of each group, of few series more like those `above` it."""
    groups = len(above.keys)
    series = np.bincount(group, minlength=groups)
    mean = (np.bincount(group, rate, groups) + _PRODUCTS * above.mean) / (series + _PRODUCTS)
    between = np.bincount(group, (rate - mean[group]) ** 2 - noise, groups)
    spread = (np.maximum(between, 0.0) / np.maximum(mean**2, _TINY) + _SPREADS * above.spread) / (series + _SPREADS)
    return Rates(above.keys, mean, spread, series)
