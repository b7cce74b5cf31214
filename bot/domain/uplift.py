"""How much more an event sells: its days among those of a history, and its size learned per category with shrinkage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.calendar import Event


def mask(chosen: Sequence[Event], first: date, days: int) -> Bools:
    """Which of `days` days from `first` on lie in one of the events, (days,)."""
    out = np.zeros(days, dtype=np.bool_)
    for event in chosen:
        start, end = (event.first - first).days, (event.last - first).days + 1
        out[max(start, 0) : max(end, 0)] = True
    return out


def learn_uplift(units: Floats, base: Floats, event_mask: Bools, pool: Ints, prior: float, weight: float) -> Floats:
    """How many times the base rate sells on event days, one per pool, shrunk to `prior`.

    `units` and `base` (n, T): what was sold, and what would have been without the event (leave out days without stock
    by a base of zero and no units); `event_mask` (T,) or (n, T); `pool` (n,) numbers 0, 1, ... as categories. Sales of
    a pool are Poisson with mean uplift x base, the uplift is gamma with mean `prior` and weighs `weight` base units:

        (weight x prior + actual) / (weight + expected)

    the posterior mean of that conjugate pair (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
    """
    chosen = np.broadcast_to(event_mask, units.shape)
    size = int(pool.max(initial=-1)) + 1
    actual = np.bincount(pool, weights=np.where(chosen, units, 0.0).sum(axis=1), minlength=size)
    expected = np.bincount(pool, weights=np.where(chosen, base, 0.0).sum(axis=1), minlength=size)
    learned: Floats = (weight * prior + actual) / (weight + expected)
    return learned
