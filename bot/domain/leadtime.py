"""Lead times learned from what arrived, shrunk towards what the supplier states.

An observation is one order: the mean over its units of the days from order to arrival. The stated mean and deviation
count as `prior` orders observed before (three): a few deliveries move the plan a little, many settle it. One absurd
delivery must not wreck it: observations too far from the centre are drawn in to there (winsorised; Huber & Ronchetti,
Robust Statistics, 2nd ed.). Too far is `clip` spreads, the spread being 1.4826 times the median absolute deviation
(Hampel's identifier), at least the stated one and three quarters of the centre: what takes no longer than three times
the usual is late, not absurd (measured by tests/bench/leadtimes.py). Medians are weighted, the stated value with
`prior` orders, so that one delivery alone never is the centre.

With n observations of mean x and variance s^2, the stated mean m and deviation d, and k = `prior`:

    mean     = (k m + n x) / (k + n)
    variance = (k d^2 + (n - 1) s^2 + k n / (k + n) (x - m)^2) / (k + n)

the posterior mean and scale of the normal model with a conjugate prior (Gelman et al., Bayesian Data Analysis, 3rd ed.,
section 3.3); in insurance the same shrinkage of the mean is known as credibility n / (n + k) (Buehlmann 1967).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Floats, Ints

_ALL_BUT_CERTAIN = 1e-5  # with less variation a gamma is a normal to the last digit that matters
_AT_ONCE = 1e-9  # days: no lead time at all has no variation to divide by
_OF_NORMAL = 1.4826  # a normal's deviation over its median absolute deviation


@dataclass(frozen=True, slots=True)
class LeadTimeSettings:
    """How much a stated lead time weighs, and how far back deliveries tell something."""

    prior: float = 3.0  # orders
    window_days: int = 730
    least_days: float = 0.1  # a delivery is never earlier than its order
    clip: float = 3.0  # spreads from the centre beyond which a delivery counts as if it had come there
    least_spread: float = 0.75  # of the centre


@dataclass(frozen=True, slots=True, eq=False)
class Deliveries:
    """What arrived, one row per product of an order, all (m,). `mode` is any numbering shared with the routes."""

    order: Ints
    supplier: Ints
    location: Ints
    mode: Ints
    product: Ints
    units: Ints
    unit_days: Floats  # units x days from order to arrival, summed


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """What routes promise, all (n,). `product` 0: all goods of the supplier."""

    supplier: Ints
    location: Ints
    mode: Ints
    product: Ints
    days: Floats
    sd: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What to plan with, all (n,): days, their deviation, and on how many orders that rests."""

    days: Floats
    sd: Floats
    observations: Ints


def learn(stated: Stated, seen: Deliveries, settings: LeadTimeSettings | None = None) -> Learned:
    """Each route's lead time after the deliveries of its supplier, place and mode: of its product, or of all goods."""
    settings = settings or LeadTimeSettings()
    n = len(stated.days)
    if not n or not len(seen.order):
        return Learned(stated.days, stated.sd, np.zeros(n, dtype=np.int64))
    count, mean, spread = np.zeros(n), np.zeros(n), np.zeros(n)
    for general in (False, True):
        chosen = np.flatnonzero((stated.product == 0) == general)
        products = (stated.product[chosen], np.zeros_like(seen.product) if general else seen.product)
        routes, rows = _coded(
            (stated.supplier[chosen], seen.supplier),
            (stated.location[chosen], seen.location),
            (stated.mode[chosen], seen.mode),
            products,
        )
        promised = stated.days[chosen], stated.sd[chosen]
        count[chosen], mean[chosen], spread[chosen] = _summed(routes, rows, promised, seen, settings)
    k, total = settings.prior, settings.prior + count
    days = (k * stated.days + count * mean) / total
    gap = (mean - stated.days) ** 2 * k * count / total
    sd = np.sqrt((k * stated.sd**2 + spread + gap) / total)
    seen_any = count > 0
    return Learned(np.where(seen_any, days, stated.days), np.where(seen_any, sd, stated.sd), count.astype(np.int64))


def quantiles(days: Floats, sd: Floats, levels: Floats) -> Floats:
    """Quantiles (n, levels) of a gamma lead time with that mean and deviation, both (n,), by matching the two moments.

    Of normal, lognormal and gamma the last lost least on real deliveries (tests/bench/leadtimes.py).
    """
    days = np.maximum(days, _AT_ONCE)
    cv = (np.maximum(sd, 1e-9) / days)[:, None]
    mean = days[:, None]
    narrow = cv < _ALL_BUT_CERTAIN
    size = 1 / np.maximum(cv, _ALL_BUT_CERTAIN) ** 2
    gamma = scipy.special.gammaincinv(size, np.broadcast_to(levels, (len(days), len(levels)))) / size
    return np.where(narrow, mean * (1 + cv * scipy.special.ndtri(levels)[None, :]), mean * gamma)


def _coded(*pairs: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """One number for each combination of the columns, the same for routes and deliveries."""
    routes, rows = np.zeros_like(pairs[0][0]), np.zeros_like(pairs[0][1])
    for of_route, of_row in pairs:
        base = max(int(of_route.max(initial=0)), int(of_row.max(initial=0))) + 1
        routes, rows = routes * base + of_route, rows * base + of_row
    return routes, rows


def _summed(
    routes: Ints, rows: Ints, promised: tuple[Floats, Floats], seen: Deliveries, settings: LeadTimeSettings
) -> tuple[Floats, Floats, Floats]:
    """Of each route the number of its orders, the mean of their days, and the sum of squares about that mean.

    An order's days are the mean over its units, however many parts it came in; absurd ones are drawn in.
    """
    wanted, first, back = np.unique(routes, return_index=True, return_inverse=True)
    at = np.searchsorted(wanted, rows)
    mine = wanted[np.minimum(at, len(wanted) - 1)] == rows if len(wanted) else np.zeros(len(rows), dtype=np.bool_)
    base = int(seen.order.max(initial=0)) + 1
    orders, of_order = np.unique(at[mine] * base + seen.order[mine], return_inverse=True)
    units = np.bincount(of_order, weights=seen.units[mine])
    days = np.maximum(np.bincount(of_order, weights=seen.unit_days[mine]) / units, settings.least_days)
    group, size = orders // base, len(wanted)
    days = _drawn_in(group, days, promised[0][first], promised[1][first], settings)
    count = np.bincount(group, minlength=size).astype(np.float64)
    mean = np.bincount(group, weights=days, minlength=size) / np.maximum(count, 1)
    spread = np.bincount(group, weights=(days - mean[group]) ** 2, minlength=size).astype(np.float64)
    return count[back], mean[back], spread[back]


def _drawn_in(group: Ints, days: Floats, stated: Floats, sd: Floats, settings: LeadTimeSettings) -> Floats:
    """The days with those far off drawn in to the limit of their route; `stated` and `sd` are by route."""
    groups = np.concatenate([group, np.arange(len(stated))])
    weight = np.concatenate([np.ones(len(days)), np.full(len(stated), settings.prior)])
    centre = _median(groups, np.concatenate([days, stated]), weight)
    off = np.abs(days - centre[group])
    spread = _OF_NORMAL * _median(groups, np.concatenate([off, sd / _OF_NORMAL]), weight)
    limit = settings.clip * np.maximum(np.maximum(spread, sd), settings.least_spread * centre)
    return np.clip(days, (centre - limit)[group], (centre + limit)[group])


def _median(groups: Ints, values: Floats, weight: Floats) -> Floats:
    """The weighted median of each group 0, 1, ...: the least value that half of the weight does not exceed."""
    order = np.lexsort((values, groups))
    group, total = groups[order], np.bincount(groups, weights=weight)
    reached = np.cumsum(weight[order]) - (np.cumsum(total) - total)[group]
    half = np.flatnonzero(reached >= total[group] / 2 - 1e-9)
    _which, first = np.unique(group[half], return_index=True)
    found: Floats = values[order][half[first]]
    return found
