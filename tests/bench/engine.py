"""The forecasting engine on many series, against published methods' point forecasts of the same series."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.backtesting.smoothing import KINDS, rate
from bot.domain.forecasting import Engine
from tests.bench.panels import CHANCES, DAYS, HORIZON, LEVELS, SPANS, drawn, panel
from tests.bench.report import Benchmark, Report, Timing
from tests.bench.stage import Stopwatch

SERIES = 100_000
MANY = 10  # times as many, for time and memory
SAMPLE = 5_000  # series that the published methods are timed on
GOALS = {"SBA": 100, "TSB": 80, "IMAPA": 6}
ENGINE = ("engine: 14 days, mean and four quantiles", "engine: quantiles over a random lead time")
BY = ("by the clock", "processor time of all threads")

Laps = list[tuple[float, float]]  # seconds of the clock and of the processor, of each run


def run() -> tuple[Report, ...]:
    """Everything the engine says of 100,000 series, and SBA, TSB and IMAPA of some of them, scaled."""
    units = drawn(SERIES)
    past, engine = panel(units), Engine()
    ours = {f"ours: {kind.upper()}, with its errors": _laps(partial(rate, past, kind), 5) for kind in KINDS}
    ours[ENGINE[0]] = _laps(lambda: engine.forecast(past, HORIZON, LEVELS), 5)
    ours[ENGINE[1]] = _laps(lambda: engine.over(past, SPANS, CHANCES, LEVELS), 5)
    theirs = _published(units[:SAMPLE])
    counted = tuple(_times(size) for size in (SERIES, MANY * SERIES))
    return tuple(_report(number, theirs, ours, counted) for number in range(len(BY)))


def _report(
    number: int, theirs: dict[str, Laps], ours: dict[str, Laps], counted: tuple[dict[str, float], ...]
) -> Report:
    """One table, by the clock (0) or by the processor (1)."""
    scale = SERIES / SAMPLE
    timings = [Timing(label, tuple(lap[number] for lap in laps), scale) for label, laps in theirs.items()]
    timings += [Timing(label, tuple(lap[number] for lap in laps)) for label, laps in ours.items()]
    took = {timing.label: timing.middle for timing in timings}
    engine = sum(took[label] for label in ENGINE)
    both = (
        f"Both of the engine's together: {SERIES / engine:,.0f} series a second,"
        f" {took[_frame('SBA')] / engine:.0f} times SBA of a frame (the goal: 50)"
        f" and {took[_bare('SBA')] / engine:.0f} times its model called on each row."
    )
    how = (
        f"60% of the days are zeros. statsforecast is timed on {SAMPLE:,} series and scaled; the frame is Polars',"
        " ready beforehand. Its models called on each row are the least that it could take."
    )
    growth = _growth(counted, "clock" if number == 0 else "processor")
    notes = (both, *(_against(name, took) for name in GOALS), growth, how)
    title = f"Forecasts of {SERIES:,} series of {DAYS} days, {BY[number]}"
    return Report(title, tuple(timings), _frame("SBA"), notes)


def _against(name: str, took: dict[str, float]) -> str:
    """Our rate, which reckons the one-step errors too, against the library's."""
    ours = took[f"ours: {name}, with its errors"]
    return (
        f"{name}: {took[_frame(name)] / ours:.0f} times statsforecast's of a frame (the goal: {GOALS[name]}),"
        f" {took[_bare(name)] / ours:.0f} times its model called on each row."
    )


def _growth(counted: tuple[dict[str, float], ...], unit: str) -> str:
    few, many = counted
    return (
        f"{MANY * SERIES:,} series take {many[unit]:.2f} s for both, {many[unit] / few[unit] / MANY:.2f} x ({MANY} x"
        f" {few[unit]:.2f} s, that of {SERIES:,}); the goal is 1.5. The process grows by {many['times']:.1f} times the"
        " float32 matrix, itself included; the goal is 3."
    )


def _frame(name: str) -> str:
    return f"statsforecast: {name} of a frame"


def _bare(name: str) -> str:
    return f"statsforecast: {name}, its model called on each row"


def _published(units: NDArray[np.float32]) -> dict[str, Laps]:
    """Point forecasts of statsforecast, as its users call it and by its models' own functions."""
    import polars as pl  # noqa: PLC0415  # of benchmarks alone
    from statsforecast import StatsForecast, models  # noqa: PLC0415  # a second to import, and for this benchmark alone

    warnings.simplefilter("ignore")
    rows = [row.astype(np.float64) for row in units]
    series, days = np.repeat(np.arange(len(rows)), DAYS), np.tile(np.arange(1, DAYS + 1), len(rows))
    frame = pl.DataFrame({"unique_id": series, "ds": days, "y": np.concatenate(rows)})

    def each(model: Any) -> None:  # the library has no types
        for row in rows:
            model.forecast(y=row, h=HORIZON)

    def whole(model: Any) -> None:
        StatsForecast(models=[model], freq=1).forecast(df=frame, h=HORIZON)

    chosen = {"SBA": models.CrostonSBA(), "TSB": models.TSB(0.1, 0.1), "IMAPA": models.IMAPA()}
    found = {_frame(name): _laps(partial(whole, model), 3) for name, model in chosen.items()}
    return found | {_bare(name): _laps(partial(each, model), 3) for name, model in chosen.items()}


def _laps(call: Callable[[], object], runs: int) -> Laps:
    """Run once to warm up, then measure."""
    call()
    watch = Stopwatch()
    found = []
    for _ in range(runs):
        call()
        found.append(watch.lap())
    return found


def _times(series: int) -> dict[str, float]:
    """What a process of its own says of so many series."""
    command = [sys.executable, "-m", "tests.bench.forecasts", str(series)]
    ran = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603  # our own module
    found: dict[str, float] = json.loads(ran.stdout)
    return found


BENCHMARK = Benchmark("engine", run)
