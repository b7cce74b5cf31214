"""The published methods that a forecast is held against, as statsforecast implements them.

They see the same past, each series since its first row in the file, as sales: none of them knows of days without
stock. AutoETS gives intervals of its own; the others give a point, to which the empirical quantiles of the series' own
one-step errors in the past are added. No quantile is below zero.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.domain.arrays import Floats
from bot.domain.forecasting import Forecast, Freq, Panel
from bot.domain.forecasting.panel import SEASON

NAMES = ("CrostonSBA", "TSB", "ADIDA", "IMAPA", "SES", "AutoETS", "SeasonalNaive")

Tick = Callable[[], None]


def available() -> bool:
    """Whether statsforecast is installed; it is a dependency of development alone."""
    return importlib.util.find_spec("statsforecast") is not None


def baseline(name: str, freq: Freq, tick: Tick) -> Baseline:
    """A method of `NAMES`; `tick` is called for every series that is done. Imports statsforecast."""
    models: Any = importlib.import_module("statsforecast.models")
    season = SEASON[freq]
    made: dict[str, Callable[[], Any]] = {
        "CrostonSBA": models.CrostonSBA,
        "TSB": lambda: models.TSB(alpha_d=0.1, alpha_p=0.1),
        "ADIDA": models.ADIDA,
        "IMAPA": models.IMAPA,
        "SES": models.SimpleExponentialSmoothingOptimized,
        "AutoETS": lambda: models.AutoETS(season_length=season),
        "SeasonalNaive": lambda: models.SeasonalNaive(season_length=season),
    }
    return Baseline(name, made[name](), models.Naive(), name == "AutoETS", tick)


@dataclass(frozen=True, slots=True)
class Baseline:
    """One method of statsforecast; `fallback` speaks where a series is too short for it."""

    name: str
    model: Any
    fallback: Any
    has_intervals: bool
    tick: Tick

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """Each series by itself."""
        mean = np.zeros((past.series, horizon))
        quantiles = np.zeros((past.series, horizon, len(levels)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for at in range(past.series):
                sales = past.units[at, past.listed[at] :].astype(np.float64)
                mean[at], quantiles[at] = self._one(sales, horizon, levels)
                self.tick()
        return Forecast(mean, levels, np.maximum(quantiles, 0.0))

    def _one(self, sales: Floats, horizon: int, levels: tuple[float, ...]) -> tuple[Floats, Floats]:
        asked: dict[str, Any] = {"level": _intervals(levels)} if self.has_intervals else {"fitted": True}
        try:
            found = self.model.forecast(sales, horizon, **asked)
            intervals = self.has_intervals
        except Exception:  # noqa: BLE001  # too short a series raises anything; statsforecast falls back likewise
            found, intervals = self.fallback.forecast(sales, horizon, fitted=True), False
        mean = np.asarray(found["mean"], dtype=np.float64)
        if not np.isfinite(mean).all():
            found, intervals = self.fallback.forecast(sales, horizon, fitted=True), False
            mean = np.asarray(found["mean"], dtype=np.float64)
        if intervals:
            return mean, np.stack([_edge(found, mean, level) for level in levels], axis=1)
        errors = sales - found["fitted"]
        errors = errors[np.isfinite(errors)]
        spread = np.quantile(errors, levels) if errors.size else np.zeros(len(levels))
        return mean, mean[:, None] + spread[None, :]


def _intervals(levels: tuple[float, ...]) -> list[float]:
    """The central intervals, in per cent, whose edges are the quantiles."""
    return sorted({_percent(level) for level in levels if level != 0.5})


def _percent(level: float) -> float:
    return round(abs(2.0 * level - 1.0) * 100.0, 6)


def _edge(found: dict[str, Any], mean: Floats, level: float) -> Floats:
    if level == 0.5:
        return mean
    side = "hi" if level > 0.5 else "lo"
    edge: Floats = np.asarray(found[f"{side}-{_named(_percent(level))}"], dtype=np.float64)
    return edge


def _named(percent: float) -> str:
    return f"{percent}"
