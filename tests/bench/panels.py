"""Series that forecasts are timed on, and what is asked of them."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from bot.domain.forecasting import Engine, Panel

DAYS, HORIZON = 180, 14
LEVELS = (0.5, 0.8, 0.95, 0.99)
SPANS = np.arange(20, 51)
CHANCES = np.full(len(SPANS), 1 / len(SPANS))
_CHUNK = 10_000


def drawn(series: int) -> NDArray[np.float32]:
    """Counts of which six in ten are zero, with means of half a unit to twenty on the days that sell."""
    law = np.random.default_rng(5)
    units = np.empty((series, DAYS), dtype=np.float32)
    for first in range(0, series, _CHUNK):
        some = units[first : first + _CHUNK]
        size = law.uniform(0.5, 20.0, (len(some), 1))
        some[:] = np.where(law.random(some.shape) > 0.6, 1 + law.poisson(size, some.shape), 0)
    return units


def panel(units: NDArray[np.float32]) -> Panel:
    """Series that were listed on the first day and never out of stock."""
    none = np.zeros(len(units), dtype=np.int64)
    unknown = np.full(len(units), np.nan)
    return Panel(date(2024, 1, 1), "day", units, None, none, none, none, unknown, unknown)


def both(past: Panel) -> None:
    """All that the engine says: the days ahead, and demand over a random lead time."""
    engine = Engine()
    engine.forecast(past, HORIZON, LEVELS)
    engine.over(past, SPANS, CHANCES, LEVELS)
