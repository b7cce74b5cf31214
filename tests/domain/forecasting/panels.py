"""Panels to forecast, drawn from laws that are known."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats
from bot.domain.forecasting import Freq, Panel

MONDAY = date(2024, 1, 1)


def panel(
    units: NDArray[np.generic],
    in_stock: NDArray[np.generic] | None = None,
    freq: Freq = "day",
    listed: NDArray[np.generic] | None = None,
) -> Panel:
    """Series of one pool and region, listed from the first column unless said otherwise."""
    n = units.shape[0]
    return Panel(
        MONDAY,
        freq,
        units.astype(np.float32),
        None if in_stock is None else in_stock.astype(np.float32),
        np.zeros(n, dtype=np.int64) if listed is None else listed.astype(np.int64),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full(n, np.nan),
        np.full(n, np.nan),
    )


def drawn(
    series: int, periods: int, seed: int, size: float = 0.8, mean: tuple[float, float] = (-1.5, 2.0)
) -> tuple[NDArray[np.int64], Floats]:
    """Negative binomial days (n, T) of the given size, and their means (n,), evenly spread as logarithms."""
    law = np.random.default_rng(seed)
    rate = np.exp(law.uniform(*mean, series))
    return law.negative_binomial(size, size / (size + rate[:, None]), (series, periods)), rate
