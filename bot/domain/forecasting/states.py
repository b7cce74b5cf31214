"""What is known of each series at a moment: its levels, its own quantiles, and its place in the table of scatter."""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import kernels, targets
from bot.domain.forecasting.fitting import Scatter
from bot.domain.forecasting.targets import Past

SPREAD_LEVEL = 0.95  # of the own past tells how widely a series scatters
TINY = 1e-9


def levels(of: Past, half_lives: Floats, columns: Ints) -> Floats:
    """(columns, n, kinds): units per exposure as each column began, one level for each half-life in periods."""
    out = np.zeros((len(columns), of.panel.series, len(half_lives)))
    kernels.fill_levels(of.units, of.exposure, 0.5 ** (1 / half_lives), columns, out)
    return out


def ages(listed: Ints, columns: Ints) -> Floats:
    """(columns, n): periods from the listing to each column, one at least; endless from the first column of all on."""
    known = np.maximum(columns[:, None] - listed[None, :], 1).astype(np.float64)
    return np.where(listed > 0, known, np.inf)


def own(of: Past, span: int, columns: Ints, chances: Floats) -> Floats:
    """(columns, n, chances): quantiles of each series' own units per exposure over `span` periods."""
    samples, ends = targets.own_samples(of, span)
    out = np.zeros((len(columns), of.panel.series, len(chances)))
    for at, known in enumerate(np.searchsorted(ends, columns, side="right").tolist()):
        kernels.fill_quantiles(np.sort(samples[:, :known], axis=1), chances, out[at])  # sorts in lanes, NaN last
    return out


def moments(of: Past) -> Floats:
    """(n, 4): whole periods of each series, their units, the sum of the squares, and how many sold a part of a unit."""
    out = np.zeros((of.panel.series, 4))
    kernels.fill_moments(of.units, of.whole, out)
    return out


def spread(large: Floats, mean: Floats) -> Floats:
    """How far a series' own large demands lie above its mean, as a logarithm."""
    return np.log((large + 0.3 * mean + TINY) / (mean + TINY))


def looked_up(scatter: Scatter, means: Floats, spreads: Floats) -> Floats:
    """Ratios (n, C, levels) of demand to its mean for cells of `means` (n, C) of series of `spreads` (n,)."""
    out = np.zeros((*means.shape, scatter.ratios.shape[2]))
    kernels.fill_lookup(np.log(np.maximum(means, TINY)), spreads, scatter.centres, scatter.spreads, scatter.ratios, out)
    return out
