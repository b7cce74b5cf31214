"""Demand over a random number of periods as a gamma, where too little was seen of such spans themselves."""

from __future__ import annotations

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting.gammas import Gammas

_TINY = 1e-9
_LEAST_CV2 = 1e-6  # of a coefficient of variation squared
_SHAPE_LIMIT = 1e8  # from here on a gamma is a normal, and its inverse no longer converges


def spans_by_shape(moments: Floats, mean: Floats, spans: Ints, weights: Floats, law: Gammas) -> Floats:
    """Quantiles (n, levels) of the gamma with the mean (n,) of the spans and the variance of its parts (`moments`).

    variance = S s^2 + (m / S)^2 s_S^2 for spans of mean S and deviation s_S, single periods of deviation s, at least
    that of Poisson (Silver, Pyke & Peterson, Inventory Management and Production Planning and Scheduling, 3rd ed.,
    section 7.10). Zero where nothing is expected.
    """
    count, sold, squares, _parts = moments.T
    day = ratio(sold, count, 0.0)
    spread = np.maximum(ratio(squares, count, 0.0) - day**2, day)
    length = float(spans @ weights)
    variance = spread * length + (mean / length) ** 2 * float((spans - length) ** 2 @ weights)
    sells = (mean > _TINY) & (variance > _TINY)
    shape = np.minimum(mean[sells] ** 2 / variance[sells], _SHAPE_LIMIT)
    found = law.quantiles(shape) * mean[sells, None]
    out = np.zeros((len(mean), found.shape[1]))
    out[sells] = found
    return out


def periods_by_shape(moments: Floats, means: Floats, levels: Floats) -> Floats:
    """Quantiles (n, C, levels) of single periods with the means (n, C), as widely spread as the own past (`moments`).

    Negative binomials of variance m + phi m^2, Poisson where phi would be below zero; gammas of the own coefficient of
    variation where units are no whole numbers. Zero where nothing is expected.
    """
    count, sold, squares, fractions = moments.T
    mean = ratio(sold, count, 0.0)
    variance = ratio(squares, count, 0.0) - mean**2
    wide = np.maximum(ratio(variance, mean**2, 0.0), _LEAST_CV2)[:, None, None]
    over = np.maximum(ratio(variance - mean, mean**2, 0.0), _LEAST_CV2)[:, None, None]
    parts = (fractions > 0)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        counted = scipy.stats.nbinom.ppf(levels[None, None, :], 1 / over, 1 / (1 + over * means[:, :, None]))
        measured = scipy.stats.gamma.ppf(levels[None, None, :], 1 / wide) * wide * means[:, :, None]
    return np.where(means[:, :, None] > _TINY, np.where(parts, measured, counted), 0.0)
