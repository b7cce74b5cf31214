"""Lead times learned from what arrived, shrunk towards what the supplier states.

An observation is one order: the mean over its units of the days from order to arrival. The stated mean and deviation
count as `prior` orders observed before (three): a few deliveries move the plan a little, many settle it. With n
observations of mean x and variance s^2, the stated mean m and deviation d, and k = `prior`:

    mean     = (k m + n x) / (k + n)
    variance = (k d^2 + (n - 1) s^2 + k n / (k + n) (x - m)^2) / (k + n)

the posterior mean and scale of the normal model with a conjugate prior (Gelman et al., Bayesian Data Analysis, 3rd ed.,
section 3.3); in insurance the same shrinkage of the mean is known as credibility n / (n + k) (Buehlmann 1967).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class LeadTimeSettings:
    """How much a stated lead time weighs, and how far back deliveries tell something."""

    prior: float = 3.0  # orders
    window_days: int = 730
    least_days: float = 0.1  # a delivery is never earlier than its order


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
        keys = _keys(stated.supplier, stated.location, stated.mode, stated.product)[chosen]
        of = np.zeros_like(seen.product) if general else seen.product
        found = _summed(keys, _keys(seen.supplier, seen.location, seen.mode, of), seen, settings)
        count[chosen], mean[chosen], spread[chosen] = found
    k, total = settings.prior, settings.prior + count
    days = (k * stated.days + count * mean) / total
    gap = (mean - stated.days) ** 2 * k * count / total
    sd = np.sqrt((k * stated.sd**2 + spread + gap) / total)
    seen_any = count > 0
    return Learned(np.where(seen_any, days, stated.days), np.where(seen_any, sd, stated.sd), count.astype(np.int64))


def _keys(supplier: Ints, location: Ints, mode: Ints, product: Ints) -> Ints:
    return np.stack([supplier, location, mode, product], axis=1)


def _summed(routes: Ints, keys: Ints, seen: Deliveries, settings: LeadTimeSettings) -> tuple[Floats, Floats, Floats]:
    """Of each route the number of its orders, the mean of their days, and the sum of squares about that mean."""
    distinct, of_key = np.unique(np.concatenate([keys, routes]), axis=0, return_inverse=True)
    of_key = of_key.reshape(-1)
    of_seen, of_route = of_key[: len(keys)], of_key[len(keys) :]
    pairs, of_order = np.unique(np.stack([of_seen, seen.order], axis=1), axis=0, return_inverse=True)
    of_order = of_order.reshape(-1)
    units = np.bincount(of_order, weights=seen.units)
    days = np.maximum(np.bincount(of_order, weights=seen.unit_days) / units, settings.least_days)
    size, group = len(distinct), pairs[:, 0]
    count = np.bincount(group, minlength=size).astype(np.float64)
    mean = np.bincount(group, weights=days, minlength=size) / np.maximum(count, 1)
    spread = np.bincount(group, weights=(days - mean[group]) ** 2, minlength=size).astype(np.float64)
    return count[of_route], mean[of_route], spread[of_route]
