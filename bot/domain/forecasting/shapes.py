"""Demand over a random number of periods as a gamma, where too little was seen of such spans themselves."""

from __future__ import annotations

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting.targets import Past

_TINY = 1e-9
_SHAPE_LIMIT = 1e8  # from here on a gamma is a normal, and its inverse no longer converges


def spans_by_shape(past: Past, mean: Floats, spans: Ints, weights: Floats, levels: Floats) -> Floats:
    """Quantiles (n, levels) of the gamma with the mean (n,) of the spans and the variance of its parts.

    variance = S s^2 + (m / S)^2 s_S^2 for spans of mean S and deviation s_S, single periods of deviation s, at least
    that of Poisson (Silver, Pyke & Peterson, Inventory Management and Production Planning and Scheduling, 3rd ed.,
    section 7.10). Zero where nothing is expected.
    """
    sold = np.where(past.whole, past.units, 0.0)
    count = past.whole.sum(axis=1)
    day = ratio(sold.sum(axis=1), count, 0.0)
    spread = np.maximum(ratio(np.einsum("ij,ij->i", sold, sold), count, 0.0) - day**2, day)
    length = float(spans @ weights)
    variance = spread * length + (mean / length) ** 2 * float((spans - length) ** 2 @ weights)
    out = np.zeros((len(mean), len(levels)))
    sells = (mean > _TINY) & (variance > _TINY)
    shape = np.minimum(mean[sells] ** 2 / variance[sells], _SHAPE_LIMIT)
    out[sells] = scipy.special.gammaincinv(shape[:, None], levels[None, :]) * (mean[sells] / shape)[:, None]
    return out
