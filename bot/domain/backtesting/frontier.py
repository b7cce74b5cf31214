"""Policies compared where they fill equally much: days of inventory by interpolation on the curve of the knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats, ratio
from bot.domain.backtesting.simulation import Flows

DRAWS = 500
LEAST_SERIES = 10  # of fewer, draws with return say little of how far the ratio may lie from the truth
_INTERVAL = (2.5, 97.5)
_KNOWN = 0.9  # of the draws must reach the target for an interval to be told


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy at a target of the fill rate; None where its curve does not hold the target.

    `ratio` is its days of inventory over those of the reference policy, `low` and `high` the bounds of 95% of the
    bootstrap over series; None below `LEAST_SERIES`.
    """

    policy: str
    service: float
    days: float | None
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Fill rate and days of inventory of each knob: (draws, knobs), the first draw being all series once."""

    fill: Floats
    days: Floats


def curves(flows: Flows, asked: Floats, weights: Floats, days: float) -> Curves:
    """Pool the series, each as often as `weights` (draws, n) says; `days` is the length of a period."""
    total = (weights @ asked)[:, None]
    return Curves(ratio(weights @ flows.filled, total, 0.0), ratio(weights @ flows.stock, total, 0.0) * days)


def draws(series: int, seed: int) -> Floats:
    """How often each series is drawn: once in the first row, by chance and with return in `DRAWS` more.

    Below `LEAST_SERIES` there is the first row alone.
    """
    if series < LEAST_SERIES:
        return np.ones((1, series))
    generator = np.random.default_rng(seed)
    chosen = generator.multinomial(series, np.full(series, 1.0 / series), size=DRAWS)
    return np.concatenate([np.ones((1, series)), chosen]).astype(np.float64)


def at_fill(found: Curves, target: float) -> Floats:
    """Days of inventory at a fill rate (draws,), NaN where no knob fills so much.

    The curve is followed from the least stock on, to the first knob that fills so much; where that is the least of all,
    its days, which fill more.
    """
    reached = found.fill >= target
    after = reached.argmax(axis=1)
    held = reached.any(axis=1)
    before = np.maximum(after - 1, 0)
    each = np.arange(len(after))
    low, high = found.fill[each, before], found.fill[each, after]
    share = ratio(target - low, high - low, 1.0)
    days = found.days[each, before] + share * (found.days[each, after] - found.days[each, before])
    return np.where(held, days, np.nan)


def standings(found: Mapping[str, Curves], targets: Sequence[float], reference: str) -> list[Standing]:
    """Every policy at every target."""
    return [
        _standing(name, target, at_fill(one, target), at_fill(found[reference], target) if reference in found else None)
        for target in targets
        for name, one in found.items()
    ]


def _standing(name: str, target: float, days: Floats, against: Floats | None) -> Standing:
    if against is None:
        return Standing(name, target, _known(days[0]), None, None, None)
    shares = days / against
    drawn = shares[1:][np.isfinite(shares[1:])]
    sure = np.isfinite(shares[0]) and len(drawn) > 0 and len(drawn) >= _KNOWN * (len(shares) - 1)
    low, high = np.percentile(drawn, _INTERVAL).tolist() if sure else (None, None)
    return Standing(name, target, _known(days[0]), _known(shares[0]), low, high)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
