"""Demand over a random number of periods as a gamma, where too little was seen of such spans themselves."""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting.gammas import Gammas

_TINY = 1e-9
_SHAPE_LIMIT = 1e8  # from here on a gamma is a normal, and its inverse no longer converges


def spans_by_shape(moments: Floats, mean: Floats, spans: Ints, weights: Floats, law: Gammas) -> Floats:
    """Quantiles (n, levels) of the gamma with the mean (n,) of the spans and the variance of its parts (`moments`).

    variance = S s^2 + (m / S)^2 s_S^2 for spans of mean S and deviation s_S, single periods of deviation s, at least
    that of Poisson (Silver, Pyke & Peterson, Inventory Management and Production Planning and Scheduling, 3rd ed.,
    section 7.10). Zero where nothing is expected.
    """
    count, sold, squares = moments.T
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
