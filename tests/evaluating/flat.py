"""The plainest forecast that is honest: the present rate goes on, and varies as it has varied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.forecasting.panel import Forecast, Panel


@dataclass(frozen=True, slots=True)
class Flat:
    """An exponentially weighted rate per period in stock; `smoothing` is the weight of the newest period.

    Quantiles of one period are those of the last `memory` periods fully in stock; those of a span are of a gamma
    distribution with the span's mean and variance (Burgin 1975).
    """

    name: str = "flat"
    smoothing: float = 0.1
    memory: int = 180

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """The same demand in each of the next `horizon` periods."""
        values, count = self._recent(past)
        ordered = np.sort(values, axis=1)
        # The k-th smallest of m with k = ceil(m x level): the least value not below a share of `level`.
        places = np.ceil(count[:, None] * np.asarray(levels)).astype(np.int64) - 1
        found = np.take_along_axis(ordered, np.clip(places, 0, None), axis=1)
        quantiles = np.where(np.isfinite(found), found, 0.0)
        shape = (past.series, horizon, len(levels))
        mean = np.broadcast_to(self._rate(past)[:, None], shape[:2])
        return Forecast(mean, levels, np.broadcast_to(quantiles[:, None, :], shape))

    def over(self, past: Panel, spans: Ints, weights: Floats, levels: tuple[float, ...]) -> Floats:
        """Quantiles of the demand of a random number of next periods together."""
        rate = self._rate(past)
        values, count = self._recent(past)
        finite = np.where(np.isfinite(values), values, 0.0)
        middle = ratio(finite.sum(axis=1), count, 0.0)
        scatter = ratio(np.einsum("ij,ij->i", finite, finite), count, 0.0) - middle**2
        span = float(weights @ spans)
        span_variance = float(weights @ (spans - span) ** 2)
        mean = rate * span
        variance = np.maximum(scatter, rate) * span + rate**2 * span_variance
        shape = ratio(mean**2, variance, 0.0)[:, None]
        scale = ratio(variance, mean, 0.0)[:, None]
        quantiles = gammaincinv(np.maximum(shape, 1e-9), np.asarray(levels)[None, :]) * scale
        return np.where(shape > 0, quantiles, 0.0)

    def _rate(self, past: Panel) -> Floats:
        """Units per period in stock, the newer periods weighing more."""
        age = np.arange(past.periods - 1, -1, -1)
        weight = np.where(_listed(past), (1.0 - self.smoothing) ** age, 0.0)
        stocked = weight if past.in_stock is None else weight * past.in_stock
        return ratio((weight * past.units).sum(axis=1), stocked.sum(axis=1), 0.0)

    def _recent(self, past: Panel) -> tuple[Floats, Ints]:
        """The last periods fully in stock, infinity elsewhere, and how many there are."""
        since = max(0, past.periods - self.memory)
        usable = _listed(past)[:, since:]
        if past.in_stock is not None:
            usable = usable & (past.in_stock[:, since:] >= 1.0)
        return np.where(usable, past.units[:, since:], np.inf).astype(np.float64), usable.sum(axis=1)


def _listed(past: Panel) -> Bools:
    return np.arange(past.periods)[None, :] >= past.listed[:, None]
