"""Surge: a day's sales far above a series' own recent rate, with a false-alarm budget over the whole catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used, as in `replenishment`

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.demand import DemandSettings, SeriesHistory, day_masks


@dataclass(frozen=True, slots=True)
class SurgeSettings:
    """Defaults of the surge watch."""

    window_days: int = 28  # days before the judged one that give the rate
    days_needed: int = 14  # in-stock days among them, or the series is not judged
    false_discoveries: float = 0.05  # expected share of false alarms among the alarms (Benjamini-Hochberg q)
    least_units: int = 5  # a smaller day is no surge, however rare the sales
    hold_days: int = 3  # a surge holds while one of so many last days was unusual by itself:
    hold_p_value: float = 0.10  # its own upper tail at or under this; at least `false_discoveries`
    lasting_days: float = 7.0  # a surge is taken to go on for so long when the stock is weighed against it


@dataclass(frozen=True, slots=True)
class SurgeSigns:
    """The judged day against each series' own rate, all (n,)."""

    count: Ints  # units on the last day
    units: Floats  # sold on the in-stock days of the window before it
    days: Ints  # those days
    rate: Floats  # expected units a day
    variance: Floats  # of a day's units; equal to the rate for Poisson
    p_value: Floats  # chance of a day as large under that rate; 1 where not judged
    hold_p_value: Floats  # the same for the largest of the last `hold_days` days
    judged: Bools


def surge_signs(history: SeriesHistory, demand: DemandSettings, settings: SurgeSettings) -> SurgeSigns:
    """Upper-tail p-value of the last day's count under the rate of the days before it.

    rate = (units + 1/2) / (in-stock days + 1), which is never zero. Negative binomial with the days' own variance where
    that exceeds the rate, Poisson otherwise: P(X >= count).
    """
    before = history.tail(settings.window_days + 1)
    masks = day_masks(before, demand)
    usable = masks.usable[:, :-1]
    units = np.where(usable, before.units[:, :-1], 0).astype(np.float64)
    days = usable.sum(axis=1, dtype=np.int64)
    total = units.sum(axis=1)
    rate = (total + 0.5) / (days + 1)
    spread = ratio(np.einsum("ij,ij->i", units, units) - ratio(total**2, days, 0.0), days - 1, 0.0)
    variance = np.maximum(spread, rate)
    count = before.units[:, -1].astype(np.int64)
    judged = days >= settings.days_needed
    if before.marked is not None:
        judged &= ~before.marked[:, -1]
    largest = before.units[:, -settings.hold_days :].max(axis=1).astype(np.int64)
    p_value = _upper_tail(count, rate, variance, judged & (count > rate))
    hold_p_value = _upper_tail(largest, rate, variance, judged & (largest > rate))
    return SurgeSigns(count, total, days, rate, variance, p_value, hold_p_value, judged)


def _upper_tail(count: Ints, rate: Floats, variance: Floats, chosen: Bools) -> Floats:
    """P(X >= count) for the chosen rows, 1 for the others: a day at or under its rate is no candidate."""
    p_value = np.ones(len(count))
    over = chosen & (variance > rate * (1 + 1e-6))
    plain = chosen & ~over
    size = rate[over] ** 2 / (variance[over] - rate[over])
    p_value[over] = scipy.stats.nbinom.sf(count[over] - 1, size, rate[over] / variance[over])
    p_value[plain] = scipy.stats.poisson.sf(count[plain] - 1, rate[plain])
    return p_value


def surged_demand(signs: SurgeSigns, span: Floats, settings: SurgeSettings) -> Floats:
    """Units wanted over `span` days if the surge lasts: the usual rate, and the excess for `lasting_days` of them."""
    excess = np.maximum(signs.count - signs.rate, 0.0)
    wanted: Floats = signs.rate * span + excess * np.minimum(span, settings.lasting_days)
    return wanted


def discoveries(p_value: Floats, judged: Bools, q: float, others: int = 0) -> Bools:
    """Benjamini & Hochberg (1995): reject the k smallest with p_(k) <= k q / m, for the largest such k.

    `others` are tests of the same family that are not among these; they count as if none of them were rejected.
    """
    found = np.zeros(len(p_value), dtype=np.bool_)
    tested = np.sort(p_value[judged])
    passes = np.flatnonzero(tested <= np.arange(1, len(tested) + 1) * q / max(len(tested) + others, 1))
    if passes.size:
        found[judged] = p_value[judged] <= tested[passes[-1]]
    return found
