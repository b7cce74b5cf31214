"""The loops over series and periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting.compiled import compiled
from bot.domain.forecasting.panel import Singles


@compiled
def fill_levels(units: Singles, exposure: Singles, decay: Floats, cuts: Ints, out: NDArray[np.float64]) -> None:
    """Levels of each series as each of `cuts` (ascending columns) began: out (cuts, n, decays), units per exposure.

    sum(w units) / sum(w exposure) with w = decay^age: simple exponential smoothing where every period counts once, and
    for periods that were partly or wholly without stock no update, rather than one towards zero. The last decay is 1:
    the mean of all history, and every level starts as if it had been seen for one period.
    """
    kinds = decay.shape[0]
    for row in range(out.shape[1]):
        top = np.zeros(kinds)
        base = np.zeros(kinds)
        cut = 0
        for column in range(units.shape[1] + 1):
            while cut < cuts.shape[0] and cuts[cut] == column:
                mean = top[kinds - 1] / base[kinds - 1] if base[kinds - 1] > 0 else 0.0
                for kind in range(kinds):
                    out[cut, row, kind] = (top[kind] + mean) / (base[kind] + 1.0)
                cut += 1
            if column < units.shape[1]:
                for kind in range(kinds):
                    top[kind] = top[kind] * decay[kind] + units[row, column]
                    base[kind] = base[kind] * decay[kind] + exposure[row, column]


@compiled
def fill_quantiles(samples: Singles, ends: Ints, cuts: Ints, levels: Floats, out: NDArray[np.float64]) -> None:
    """Quantiles of each series' own samples that had ended by each cut: out (cuts, n, levels), 0 where there are none.

    `samples` (n, S) float32, zero or more, NaN where unknown; sample `s` was known when column `ends[s]` began. Between
    two samples the quantile is interpolated linearly.
    """
    sold = np.empty(samples.shape[1], dtype=samples.dtype)
    for row in range(out.shape[1]):
        for cut in range(cuts.shape[0]):
            zeros = more = 0
            for at in range(samples.shape[1]):
                value = samples[row, at]
                if ends[at] <= cuts[cut]:
                    if value > 0.0:
                        sold[more] = value
                        more += 1
                    elif value == 0.0:
                        zeros += 1
            values = np.sort(sold[:more])  # zeros are most, and need no sorting
            last = zeros + more - 1
            for level in range(levels.shape[0] if last >= 0 else 0):
                place = levels[level] * last
                low = int(place)
                high = min(low + 1, last)
                under = np.float64(values[low - zeros]) if low >= zeros else 0.0
                over = np.float64(values[high - zeros]) if high >= zeros else 0.0
                out[cut, row, level] = under + (over - under) * (place - low)


@compiled
def fill_lookup(place: Floats, spread: Floats, centres: Floats, spreads: Floats, table: Floats, out: Floats) -> None:
    """Ratios from a table by two coordinates, interpolated linearly in both, and flat beyond its ends.

    `place` (n, H) and `spread` (n,); `centres` (B,), `spreads` (B, D) ascending, `table` (B, D, levels);
    out (n, H, levels).
    """
    bins, cells = spreads.shape
    for row in range(out.shape[0]):
        for column in range(place.shape[1]):
            high = 0
            while high < bins and centres[high] < place[row, column]:
                high += 1
            low = max(high - 1, 0)
            high = min(high, bins - 1)
            gap = centres[high] - centres[low]
            share = (place[row, column] - centres[low]) / gap if gap > 0 else 0.0
            for side in range(2):
                of = low if side == 0 else high
                weight = 1.0 - share if side == 0 else share
                over = 0
                while over < cells and spreads[of, over] < spread[row]:
                    over += 1
                under = max(over - 1, 0)
                over = min(over, cells - 1)
                width = spreads[of, over] - spreads[of, under]
                part = (spread[row] - spreads[of, under]) / width if width > 0 else 0.0
                for level in range(table.shape[2]):
                    ratio = table[of, under, level] * (1.0 - part) + table[of, over, level] * part
                    out[row, column, level] += weight * ratio
