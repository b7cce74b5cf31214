"""The forecasting engine on many series, against published methods' point forecasts of the same series."""

from __future__ import annotations

import warnings
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.backtesting.smoothing import Kind, rate
from bot.domain.forecasting import Engine, Panel
from tests.bench.report import Benchmark, Report, Timing, timed

SERIES, DAYS = 100_000, 180
SAMPLE = 2_000  # series that the published methods are timed on
KINDS: tuple[Kind, ...] = ("sba", "tsb")
LEVELS = (0.5, 0.8, 0.95, 0.99)


def run() -> tuple[Report, ...]:
    """Everything the engine says of 100,000 series, and SBA, TSB and IMAPA of some of them, scaled."""
    units = _drawn(SERIES)
    panel = _panel(units)
    engine = Engine()
    spans, chances = np.arange(20, 51), np.full(31, 1 / 31)
    ours = [
        timed("engine: 14 days, mean and four quantiles", lambda: engine.forecast(panel, 14, LEVELS), runs=3),
        timed("engine: quantiles over a random lead time", lambda: engine.over(panel, spans, chances, LEVELS), runs=3),
    ]
    rates = [timed(f"ours: {kind.upper()}, with its errors", partial(rate, panel, kind), runs=5) for kind in KINDS]
    theirs = _published(units[:SAMPLE], SERIES / SAMPLE)
    pace = SERIES / (ours[0].middle + ours[1].middle)
    notes = (
        f"Both of the engine's together: {pace:,.0f} series a second; the goal is 50 times SBA's point forecast alone.",
        f"60% of the days are zeros. SBA, TSB and IMAPA are statsforecast's, timed on {SAMPLE:,} series and scaled.",
    )
    return (Report(f"Forecasts of {SERIES:,} series of {DAYS} days", (*theirs, *rates, *ours), theirs[0].label, notes),)


def _published(units: NDArray[np.float32], scale: float) -> list[Timing]:
    from statsforecast import models  # noqa: PLC0415  # a second to import, and for this benchmark alone

    warnings.simplefilter("ignore")
    rows = [row.astype(np.float64) for row in units]

    def forecast(model: Any) -> None:  # the library has no types
        for row in rows:
            model.forecast(y=row, h=14)

    chosen = (("SBA", models.CrostonSBA()), ("TSB", models.TSB(0.1, 0.1)), ("IMAPA", models.IMAPA()))
    return [timed(f"statsforecast: {name}", partial(forecast, model), runs=3, scale=scale) for name, model in chosen]


def _drawn(series: int) -> NDArray[np.float32]:
    """Counts of which six in ten are zero, with means of half a unit to twenty on the days that sell."""
    law = np.random.default_rng(5)
    size = law.uniform(0.5, 20.0, (series, 1)).astype(np.float32)
    sold = law.random((series, DAYS), dtype=np.float32) > 0.6
    return np.where(sold, 1 + law.poisson(size, (series, DAYS)), 0).astype(np.float32)


def _panel(units: NDArray[np.float32]) -> Panel:
    none = np.zeros(len(units), dtype=np.int64)
    unknown = np.full(len(units), np.nan)
    return Panel(date(2024, 1, 1), "day", units, None, none, none, none, unknown, unknown)


BENCHMARK = Benchmark("engine", run)
