"""Forecasts made at the last origins of a panel, scored by what came after."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.forecasting import Forecast, Panel
from bot.domain.forecasting.scoring import Score, Tally, Truth, origins, truth

WARM_UP = 20  # series that a method forecasts before its clock starts, so that loading and compiling are not timed


class Method(Protocol):
    """What can be scored; every `Forecaster` can."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """Demand of each of the next `horizon` periods."""
        ...


@dataclass(frozen=True, slots=True)
class Timed:
    """A score, and the seconds that the method's forecasts took at all origins together."""

    score: Score
    seconds: float


def known_series(panel: Panel, horizon: int, count: int) -> int:
    """How many forecasts of one series a method makes: those known at each origin, all together, and its warm-up."""
    known = [int((panel.listed < origin).sum()) for origin in origins(panel.periods, horizon, count)]
    return sum(known) + min(WARM_UP, known[0])


def scored(
    panel: Panel, method: Method, horizon: int, count: int, levels: tuple[float, ...], since: Ints | None = None
) -> Timed:
    """Score a method at the last `count` origins; at each it sees the past of the series that were listed by then.

    Where no series has a scale, bias and coverage, which need none, are of every known period.
    `since` (n,): the columns that the method's histories begin at, where that is not the listing.
    """
    seen = panel if since is None else dataclasses.replace(panel, listed=np.minimum(since, panel.listed))
    scaled, plain = (Tally(method.name, levels, panel.series) for _ in range(2))
    seconds = 0.0
    for at, origin in enumerate(origins(panel.periods, horizon, count)):
        rows = panel.listed < origin
        past = seen.before(origin).chosen(rows)
        if at == 0 and past.series:
            method.forecast(past.chosen(slice(0, WARM_UP)), horizon, levels)
        began = time.perf_counter()
        found = method.forecast(past, horizon, levels)
        seconds += time.perf_counter() - began
        held = truth(panel.chosen(rows), origin, horizon)
        scaled.add(found, held, rows)
        plain.add(found, _unscaled(held), rows)
    score, whole = scaled.score(), plain.score()
    if not score.series:
        score = dataclasses.replace(score, coverage=whole.coverage, bias=whole.bias)
    return Timed(score, seconds)


def _unscaled(held: Truth) -> Truth:
    """The same truth with every series that has a known period, at a scale of one."""
    one = np.ones(len(held.units))
    return dataclasses.replace(held, absolute=one, squared=one, usable=np.asarray(held.known.any(axis=1)))
