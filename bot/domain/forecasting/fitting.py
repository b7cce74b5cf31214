"""What many series teach together: how levels combine, how fast demand grows, and how it scatters about its mean.

One set of weights for all series is learned where each series alone has too little past: non-negative least squares
of what was sold on the levels known before it (stacked regressions, Breiman 1996, Machine Learning 24). The scatter is
that of the ratios of demand to its mean at past origins, among series alike in mean and spread: no shape of
distribution is assumed, and rare large orders are in it as often as they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Floats, Ints, falling_root, ratio
from bot.domain.forecasting import kernels
from bot.domain.forecasting.targets import Targets

_TINY = 1e-9
_MOST_TIMES = 16.0  # the ratio of the sums, or 1: no common ratio is looked for beyond it
_CELLS = 200_000  # ratios that a table is made of at most


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How much is learned from what."""

    recency: float = 0.5  # weight of an origin's growth against the next one's
    damping: float = 0.5  # share of past growth that is expected to go on
    growth_prior: float = 100.0  # units sold as expected, beside those of an origin, when its growth is told
    one_share: float = 0.01  # of an origin's whole that one series' surprise counts for at most in its growth,
    one_share_ever: float = 0.015  # and of all origins' where the whole is made unbiased
    growth_limit: float = 2.0  # past growth beyond this factor, up or down, is cut to it
    prior_units: float = 30.0  # units sold as expected, beside those seen, when the whole is made unbiased
    mean_bins: int = 14
    spread_bins: int = 3
    cells_needed: int = 200  # in each bin


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """How levels become a mean: `mean = levels @ beta x growth x credible(age, doubt)`, the doubt in periods."""

    beta: Floats
    growth: float
    doubt: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Quantiles of demand over its mean: `ratios` (B, D, levels) at the centres of bins by log mean and by spread."""

    centres: Floats
    spreads: Floats
    ratios: Floats


def credible(age: Floats, doubt: float) -> Floats:
    """How far the level of a series of such an age is believed, age / (age + doubt); an endless age wholly.

    A series begins with its first sale, which is in the level: of all that might sell, just what did is looked at, and
    much of it hardly does again. So the rate of a young one leans on that of what hardly sells, by the credibility of
    what was seen for `age` periods (Buehlmann 1967, ASTIN Bulletin 4); at the age `doubt` half of it is believed.
    """
    return 1.0 / (1.0 + doubt / age)


def combined(
    targets: Targets,
    levels: Floats,
    ages: Floats,
    scale: Floats,
    seasons: Floats,
    doubts: Sequence[float],
    settings: FitSettings,
) -> tuple[Weights, Floats]:
    """Weights, and the means (origins, n) of a unit of exposure that each origin would have told.

    `levels` (origins, n, kinds) as each origin began, of series of such `ages` (origins, n) then, in periods and above
    zero; `scale` (n,): errors are held against each series' own steps, so that series count alike. Of `doubts`, which
    begin with the least, the one with the least error is taken. `seasons` (origins + 1,) are the rises of last year,
    the last one that of now; growth is what came beyond them. Without origins the last level, the mean of all history,
    stands alone.
    """
    kinds = levels.shape[2]
    plain = np.zeros(kinds)
    plain[-1] = 1.0
    sold, asked = targets.sold.sum(axis=2), targets.exposure.sum(axis=2)
    used = (asked > 0) & (scale > 0)[None, :]
    if used.sum() < 10 * kinds:
        return Weights(plain, float(seasons[-1])), levels @ plain * seasons[:-1, None]
    root = np.sqrt(asked[used])
    size = np.broadcast_to(scale, used.shape)[used] / root
    rows, wanted, age = levels[used] / size[:, None], sold[used] / asked[used] / size, ages[used]
    fits = [_weighed(rows * credible(age, doubt)[:, None], wanted) for doubt in doubts]
    at = int(np.argmin([error for _, error in fits]))
    beta = fits[at][0] if fits[at][0].any() else plain
    growth, means = grown(targets, levels @ beta * credible(ages, doubts[at]), seasons, settings)
    return Weights(beta, growth, doubts[at]), means


def _weighed(rows: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Weights (kinds,), none below zero, by which `rows` (m, kinds) come nearest to `wanted` (m,); the squared error.

    The error lacks the squares of `wanted`, which are the same for all rows.
    """
    gram, both = rows.T @ rows, rows.T @ wanted
    beta, _ = scipy.optimize.nnls(gram, both)
    return beta, float(beta @ (gram @ beta - 2.0 * both))


def grown(targets: Targets, plain: Floats, seasons: Floats, settings: FitSettings) -> tuple[float, Floats]:
    """The growth of now, and the means (origins, n) that each origin would have told from its `plain` ones.

    The growth of an origin is what had been known by then: no future moves it. The whole is made unbiased.
    """
    means = plain * seasons[:-1, None]
    growth = _growths(targets, means, settings)
    means = means * growth[:-1, None]
    told = (means * targets.exposure.sum(axis=2)).sum(axis=0)
    [ratio] = common_ratio(targets.sold.sum(axis=(0, 2))[None, :], told[None, :], settings.one_share_ever)
    expected = float(told.sum())
    whole = (ratio * expected + settings.prior_units) / (expected + settings.prior_units)
    return float(growth[-1] * seasons[-1]) * whole, means * whole


def common_ratio(came: Floats, told: Floats, share: float) -> Floats:
    """What came over what was told, (m,) of (m, n): the ratio of the sums, but for what single series came off by.

    That counts for at most `share` of the whole, or 1 / n of it where there are few: a bulk order of one says nothing
    of the others (Huber 1964, Annals of Mathematical Statistics 35). 1 where nothing was told.
    """
    whole = told.sum(axis=1)
    limit = (whole * np.maximum(share, 1.0 / np.maximum((told > 0).sum(axis=1), 1)))[:, None]
    plain = ratio(came.sum(axis=1), whole, 0.0)

    def left(by: Floats) -> tuple[Floats, Floats]:
        beyond = came - by[:, None] * told
        cut = np.clip(beyond, -limit, limit)
        fall: Floats = (told * (cut == beyond)).sum(axis=1)
        return cut.sum(axis=1), fall

    found = falling_root(left, plain, _MOST_TIMES * np.maximum(plain, 1.0))
    return np.where(whole > _TINY, found, 1.0)


def _growths(targets: Targets, means: Floats, settings: FitSettings) -> Floats:
    """The factor of each origin and of now, (origins + 1,): damped geometric mean of what came out over what was told.

    Pooled over all series: one series' growth is mostly noise.
    """
    asked, prior = targets.exposure.sum(axis=2), settings.growth_prior
    told = (means * asked).sum(axis=1)
    came = told * common_ratio(targets.sold.sum(axis=2), means * asked, settings.one_share)
    limit = np.log(settings.growth_limit)
    seen = np.clip(np.log((came + prior) / (told + prior)), -limit, limit)
    out = np.ones(len(means) + 1)
    for at, column in enumerate([*targets.columns.tolist(), np.inf]):
        known = np.flatnonzero(targets.ends <= column)
        if len(known):
            weight = settings.recency ** np.arange(len(known))[::-1]
            out[at] = np.exp(settings.damping * (weight @ seen[known]) / weight.sum())
    return out


def scattered(targets: Targets, means: Floats, spread: Floats, levels: Floats, settings: FitSettings) -> Scatter | None:
    """The table of ratios; `means` and `spread` are (origins, n). None where there are too few to make one."""
    mean = means[:, :, None] * targets.exposure
    known = np.flatnonzero((targets.exposure > 0).ravel() & (mean > _TINY).ravel())
    if len(known) < settings.cells_needed:
        return None
    known = known[:: -(-len(known) // _CELLS)]
    expected = mean.ravel()[known]
    ratios = targets.sold.ravel()[known] / expected * targets.stretch.ravel()[known]
    place = np.log(expected)
    by = np.broadcast_to(spread[:, :, None], mean.shape).ravel()[known]
    parts = _parts(place, expected, by, settings)
    cells = int(np.clip(len(known) // (settings.cells_needed * len(parts)), 1, settings.spread_bins))
    spreads, table = np.zeros((len(parts), cells)), np.zeros((len(parts), cells, len(levels)))
    for at, part in enumerate(parts):
        for cell, rows in enumerate(np.array_split(part, cells)):
            chosen = rows if len(rows) else part
            spreads[at, cell] = by[chosen].mean()
            table[at, cell] = np.quantile(ratios[chosen], levels)
    return Scatter(np.array([place[part].mean() for part in parts]), spreads, table)


def _parts(place: Floats, expected: Floats, by: Floats, settings: FitSettings) -> list[Ints]:
    """The cells by their mean, in bins, each ordered by `by`; what sells more gets finer ones: there the money is."""
    order = _ordered(place)
    root = np.sqrt(expected[order])
    weight = np.cumsum(root + root.mean())
    bins = int(np.clip(len(place) // (settings.cells_needed * settings.spread_bins), 1, settings.mean_bins))
    edges = np.searchsorted(weight, weight[-1] * np.arange(bins + 1) / bins)
    edges[-1] = len(order)
    second = _ordered(by[order])
    into = np.searchsorted(edges[1:-1], second, side="right").astype(np.uint16)
    rows = order[second[np.argsort(into, kind="stable")]]
    return [rows[low:high] for low, high in pairwise(edges) if high > low]


def _ordered(values: Floats) -> Ints:
    order = np.empty(len(values), dtype=np.int64)
    kernels.fill_order(values, order)
    return order


def evenly(series: int, most: int) -> Ints:
    """At most `most` rows, spread evenly over all."""
    return (
        np.unique(np.linspace(0, series - 1, min(series, most)).astype(np.int64)) if series else np.empty(0, np.int64)
    )
