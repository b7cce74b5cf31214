"""What the same time of last year did: how much more, or less, all series together sold than just before it.

Pooled, for one series' last year is mostly noise, and shrunk, for no two years are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting.fitting import common_ratio
from bot.domain.forecasting.panel import Freq
from bot.domain.forecasting.targets import Past

_TINY = 1e-9
YEAR: dict[Freq, int] = {"day": 364, "week": 52, "month": 12}  # 364 days are whole weeks: a Monday meets a Monday
_BEFORE: dict[Freq, int] = {"day": 56, "week": 8, "month": 3}  # periods that a year's rise is held against


@dataclass(frozen=True, slots=True)
class SeasonSettings:
    """How far last year is believed."""

    share: float = 0.7  # of its rise, as a logarithm
    doubt: float = 0.2  # a rise as small as this, as a logarithm, is believed by half: it may be chance
    limit: float = 3.0  # a rise beyond this factor, up or down, is cut to it
    one_share: float = 0.01  # of the whole that one series' surprise counts for at most, see `fitting.common_ratio`
    units_needed: float = 500.0  # sold in either window, or the year is left out


def rises(past: Past, columns: Ints, horizon: int, settings: SeasonSettings) -> Floats:
    """The factor of each of `columns` (ascending): the geometric mean of the rises of the years before it, shrunk.

    A year counts where the series that were listed by then sold enough; without one the factor is 1.
    """
    year, before = YEAR[past.panel.freq], _BEFORE[past.panel.freq]
    out = np.ones(len(columns))
    for at, column in enumerate(columns.tolist()):
        found = []
        for start in range(column - year, before - 1, -year):
            after = slice(start, min(start + horizon, column))
            rise = _rise(past, slice(start - before, start), after, settings)
            if rise is not None:
                found.append(rise)
        if found:
            limit = np.log(settings.limit)
            rise = float(np.clip(np.mean(found), -limit, limit))
            out[at] = np.exp(settings.share * rise * rise**2 / (rise**2 + settings.doubt**2))
    return out


def _rise(past: Past, before: slice, after: slice, settings: SeasonSettings) -> float | None:
    there = past.panel.listed <= before.start
    units = [past.units[there, window].sum(axis=1, dtype=np.float64) for window in (before, after)]
    sold = [float(one.sum()) for one in units]
    asked = [float(past.exposure[there, window].sum(dtype=np.float64)) for window in (before, after)]
    if min(sold) < settings.units_needed or min(asked) <= 0:
        return None
    told = units[0] * (asked[1] / asked[0])
    [rise] = common_ratio(units[1][None, :], told[None, :], settings.one_share)
    return float(np.log(max(rise, _TINY)))
