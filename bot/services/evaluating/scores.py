"""Forecasts made at the last origins of a panel, scored by what came after."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.forecasting import Forecast, Panel
from bot.domain.forecasting.scoring import Score, Tally, origins, truth


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
    """How many forecasts of one series a method makes: those known at each origin, all origins together."""
    return sum(int((panel.listed < origin).sum()) for origin in origins(panel.periods, horizon, count))


def scored(
    panel: Panel, method: Method, horizon: int, count: int, levels: tuple[float, ...], since: Ints | None = None
) -> Timed:
    """Score a method at the last `count` origins; at each it sees the past of the series that were listed by then.

    `since` (n,): the columns that the method's histories begin at, where that is not the listing.
    """
    seen = panel if since is None else dataclasses.replace(panel, listed=np.minimum(since, panel.listed))
    tally = Tally(method.name, levels, panel.series)
    seconds = 0.0
    for origin in origins(panel.periods, horizon, count):
        rows = panel.listed < origin
        past = seen.before(origin).chosen(rows)
        began = time.perf_counter()
        found = method.forecast(past, horizon, levels)
        seconds += time.perf_counter() - began
        tally.add(found, truth(panel.chosen(rows), origin, horizon), rows)
    return Timed(tally.score(), seconds)
