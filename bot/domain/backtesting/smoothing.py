"""The rates of intermittent demand as published, for all series at once: SBA, TSB, IMAPA, and their one-step errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.backtesting.aggregation import fill_imapa
from bot.domain.forecasting import Panel
from bot.domain.forecasting.compiled import compiled, in_blocks
from bot.domain.forecasting.panel import Singles

ALPHA = 0.1
Kind = Literal["sba", "tsb", "imapa"]
KINDS: tuple[Kind, ...] = ("sba", "tsb", "imapa")


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """Units per period expected (n,), and the root mean square of the one-step errors so far (n,)."""

    mean: Floats
    error: Floats


def rate(past: Panel, kind: Kind) -> Rate:
    """Smooth each series.

    SBA: sizes and intervals smoothed at each sale, their ratio times 1 - alpha / 2 (Croston 1972; Syntetos & Boylan
    2005); the first interval counts from the first period of all, or what sold once would pass for sold daily. TSB:
    sizes smoothed at each sale, the chance of a sale in every period since the listing
    (Teunter, Syntetos & Babai 2011). IMAPA: see `bot.domain.backtesting.aggregation`; its errors are those of the
    weights that were fitted to the whole past.
    """
    mean, error = np.zeros(past.series), np.zeros(past.series)
    fill = _FILLED_BY[kind]

    def smooth(block: slice) -> None:
        some = past.chosen(block)
        fill(some.units, some.listed, mean[block], error[block])

    in_blocks(past.series, smooth)
    return Rate(mean, error)


@compiled
def _fill_sba(units: Singles, listed: Ints, mean: Floats, error: Floats) -> None:
    alpha = ALPHA
    for row in range(units.shape[0]):
        size = interval = gap = squares = 0.0
        count = 0
        begun = False
        for column in range(units.shape[1]):
            sold = np.float64(units[row, column])
            if begun:
                squares += (sold - (1.0 - alpha / 2.0) * size / interval) ** 2
                count += 1
            gap += 1.0
            if sold > 0.0 and column >= listed[row]:
                step = alpha if begun else 1.0
                size += step * (sold - size)
                interval += step * (gap - interval)
                gap = 0.0
                begun = True
        mean[row] = (1.0 - alpha / 2.0) * size / interval if begun else 0.0
        error[row] = np.sqrt(squares / count) if count else 0.0


@compiled
def _fill_tsb(units: Singles, listed: Ints, mean: Floats, error: Floats) -> None:
    alpha = ALPHA
    for row in range(units.shape[0]):
        size = chance = squares = 0.0
        count = 0
        begun = False
        for column in range(listed[row], units.shape[1]):
            sold = np.float64(units[row, column])
            if begun:
                squares += (sold - size * chance) ** 2
                count += 1
            chance += (alpha if column > listed[row] else 1.0) * ((1.0 if sold > 0.0 else 0.0) - chance)
            if sold > 0.0:
                size += (alpha if begun else 1.0) * (sold - size)
                begun = True
        mean[row] = size * chance
        error[row] = np.sqrt(squares / count) if count else 0.0


_FILLED_BY = {"sba": _fill_sba, "tsb": _fill_tsb, "imapa": fill_imapa}
