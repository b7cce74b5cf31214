"""Evidence replayed: its formulas over its values, by plain Python and SciPy rather than the product's code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy import stats


def shortage(stock: float, mean: float, sigma: float) -> float:
    """E[(D - stock)+] of a normal, integrated numerically."""
    if sigma == 0:
        return max(0.0, mean - stock)
    grid = np.linspace(max(stock, mean - 12 * sigma), max(stock, mean + 12 * sigma), 20_001)
    return float(np.trapezoid((grid - stock) * stats.norm.pdf(grid, mean, sigma), grid))


WORDS: dict[str, Callable[..., float] | float] = {
    "min": min, "max": max, "round": round, "sqrt": math.sqrt, "floor": math.floor, "ceil": math.ceil, "inf": math.inf,
    "z": NormalDist().inv_cdf,
    "poisson": lambda mean, p: stats.poisson.ppf(p, mean),
    "negative_binomial": lambda mean, variance, p: stats.nbinom.ppf(p, mean**2 / (variance - mean), mean / variance),
    "gamma": lambda mean, variance, p: stats.gamma.ppf(p, mean**2 / variance, scale=variance / mean),
    "poisson_tail": lambda count, rate: stats.poisson.sf(count - 1, rate),
    "negative_binomial_tail": lambda count, rate, variance: stats.nbinom.sf(
        count - 1, rate**2 / (variance - rate), rate / variance
    ),
    "negative_binomial_head": lambda count, mean, variance: stats.nbinom.cdf(
        count, mean**2 / (variance - mean), mean / variance
    ),
    "shortage": shortage,
}  # fmt: skip


def replayed(step: Mapping[str, Any]) -> float:
    """What a step's formula comes to with its values."""
    found: float = eval(step["formula"], {"__builtins__": {}}, {**WORDS, **step["values"]})  # noqa: S307  # our own text
    return found
