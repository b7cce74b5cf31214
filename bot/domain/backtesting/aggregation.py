"""IMAPA: demand summed over one period, two, and so on up to the mean interval between sales, smoothed at each of them.

Intermittent multiple aggregation prediction algorithm (Petropoulos & Kourentzes 2015, "Forecast combinations for
intermittent demand", Journal of the Operational Research Society 66), as statsforecast defines it: simple exponential
smoothing of the sums, each level with the weight between 0.1 and 0.3 that makes its squared one-step errors least, and
the plain mean of the levels' rates. The weight is found by golden sections down to 1e-12 and by the very steps of
statsforecast, for sums of squares are flat where they are least: the same arithmetic in another order ends 1e-8 away.
"""

from __future__ import annotations

import math

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting.compiled import compiled
from bot.domain.forecasting.panel import Singles

_LEAST, _MOST = 0.1, 0.3  # of a weight
_EXACT = 1e-12
_GOLDEN = (math.sqrt(5.0) + 1.0) / 2.0
LANES = 16  # series that are smoothed side by side: each waits for its own last period only


def fill_imapa(units: Singles, listed: Ints, mean: Floats, error: Floats) -> None:
    """Units per period expected (n,), and the root mean square of what the fitted levels missed each period by (n,).

    Each series counts from its listing on; one without a sale expects nothing.
    """
    periods = units.shape[1]
    counted = np.where(np.arange(periods)[None, :] >= listed[:, None], units, np.float32(0.0)).astype(np.float64)
    sold = counted != 0.0
    reach = np.where(sold.any(axis=1), periods - sold[:, ::-1].argmax(axis=1) - listed, 0)
    levels = np.rint(ratio(reach, sold.sum(axis=1), 0.0)).astype(np.int64)
    weights = np.zeros((len(units), int(levels.max(initial=0))))
    for level in range(1, weights.shape[1] + 1):
        rows = np.flatnonzero(levels >= level)
        rows = rows[np.argsort(listed[rows], kind="stable")]  # lanes that begin together are fast
        # NumPy's own sums, for from eight periods on their order tells in the last digit.
        sums = counted[rows, periods % level :].reshape(len(rows), -1, level).sum(axis=2)
        weights[rows, level - 1] = _weights(sums, sums.shape[1] - (periods - listed[rows]) // level)
    _fill_rates(counted, listed, levels, weights, mean, error)


def _weights(sums: Floats, starts: Ints) -> Floats:
    """The weight (n,) of least squared one-step errors over the columns of `sums` (n, m) from `starts` (n,) on."""
    rows, columns = sums.shape
    groups = -(-rows // LANES)
    x, begins = np.zeros((groups * LANES, columns)), np.zeros(groups * LANES, dtype=np.int64)
    x[:rows], begins[:rows] = np.where(np.arange(columns)[None, :] >= starts[:, None], sums, 0.0), starts
    lanes = np.ascontiguousarray(x.reshape(groups, LANES, columns).transpose(0, 2, 1))
    section = np.empty((4, len(x)))  # its ends, and the two weights tried between them
    section[0], section[3] = _LEAST, _MOST
    section[1] = section[3] - (section[3] - section[0]) / _GOLDEN
    section[2] = section[0] + (section[3] - section[0]) / _GOLDEN
    missed, tried = np.empty((2, len(x))), np.empty(len(x))
    _fill_missed(lanes, begins, section[1], missed[0])
    _fill_missed(lanes, begins, section[2], missed[1])
    side = np.ones(len(x), dtype=np.int64)  # that is tried anew, 1 or 2; 0 where the weight is found
    while True:
        _narrow(section, missed, side)
        if not side.any():
            found: Floats = (section[3, :rows] + section[0, :rows]) / 2.0
            return found
        _fill_missed(lanes, begins, np.where(side == 1, section[1], section[2]), tried)
        for at in (0, 1):
            np.copyto(missed[at], tried, where=side == at + 1)


@compiled
def _narrow(section: Floats, missed: Floats, side: Ints) -> None:
    """One golden section of each row that is under way: `section` (4, n), the errors of its inner two (2, n)."""
    for row in range(side.shape[0]):
        if side[row] == 0:
            continue
        low, left, right, high = section[:, row]
        wide = abs(high - low) >= _EXACT
        side[row] = 0
        if wide and missed[0, row] < missed[1, row]:
            section[3, row], section[2, row], missed[1, row] = right, left, missed[0, row]
            section[1, row] = right - (right - low) / _GOLDEN
            side[row] = 1
        elif wide and missed[1, row] < missed[0, row]:
            section[0, row], section[1, row], missed[0, row] = left, right, missed[1, row]
            section[2, row] = left + (high - left) / _GOLDEN
            side[row] = 2


@compiled
def _fill_missed(lanes: Floats, begins: Ints, weight: Floats, out: Floats) -> None:
    """The squared one-step errors (n,) of simple exponential smoothing with each row's `weight` (n,).

    `lanes` (groups, m, 16) holds the rows, zeros before each one's first column `begins` (n,).
    """
    groups, columns, wide = lanes.shape
    s = np.empty((4, wide))  # smoothed value, squares, weight and its complement, in one array that fits the registers
    for group in range(groups):
        x = lanes[group]
        first = group * wide
        s[:2] = 0.0
        s[2] = weight[first : first + wide]
        s[3] = 1.0 - s[2]
        column = 0
        while column < columns:
            until = columns
            for lane in range(wide):
                begin = begins[first + lane]
                if begin == column:  # the first value is its own forecast
                    s[0, lane], s[1, lane] = x[column, lane], 0.0
                elif column < begin < until:
                    until = begin
            for at in range(column + 1, min(until + 1, columns)):
                for lane in range(wide):
                    s[0, lane] = s[2, lane] * x[at - 1, lane] + s[3, lane] * s[0, lane]
                    miss = x[at, lane] - s[0, lane]
                    s[1, lane] += miss * miss
            column = until
        out[first : first + wide] = s[1]


@compiled
def _fill_rates(units: Floats, listed: Ints, levels: Ints, weights: Floats, mean: Floats, error: Floats) -> None:
    """The mean rate of each series' levels, and the root mean square of its misses by those that were known by then."""
    periods = units.shape[1]
    told, known = np.empty(periods), np.empty(periods)
    for row in range(units.shape[0]):
        told[:] = 0.0
        known[:] = 0.0
        total = 0.0
        for level in range(1, levels[row] + 1):
            weight = weights[row, level - 1]
            begin = listed[row] + (periods - listed[row]) % level
            rate = 0.0
            for start in range(begin, periods, level):
                step = 1.0 if start == begin else weight
                summed = 0.0
                for column in range(start, start + level):
                    summed += units[row, column]
                    if start > begin:
                        told[column] += rate
                        known[column] += 1.0
                rate = step * (summed / level) + (1.0 - step) * rate
            total += rate
        mean[row] = total / levels[row] if levels[row] else 0.0
        squares = count = 0.0
        for column in range(periods):
            if known[column] > 0.0:
                squares += (units[row, column] - told[column] / known[column]) ** 2
                count += 1.0
        error[row] = math.sqrt(squares / count) if count else 0.0
