"""The loops over series and periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.forecasting.compiled import compiled, compiled_sums
from bot.domain.forecasting.panel import Singles

WEEK = 7
WHOLE = 1 - 1e-6  # share of a period with stock from which on it counts as whole


@compiled
def fill_weekdays(units: Singles, stock: Singles | None, listed: Ints, first: int, sold: Floats, there: Floats) -> None:
    """Units of each weekday, and days in stock since the listing: `sold` and `there` (n, 7); column 0 is `first`."""
    periods = units.shape[1]
    total = np.zeros((2, WEEK))  # of the seven days from column 0, and of those from the listing
    for row in range(units.shape[0]):
        total[:] = 0.0
        begun = listed[row]
        for week in range(0, periods - WEEK + 1, WEEK):
            for day in range(WEEK):
                total[0, day] += units[row, week + day]
        for column in range(periods - periods % WEEK, periods):
            total[0, column % WEEK] += units[row, column]
        for week in range(begun, periods - WEEK + 1, WEEK):
            for day in range(WEEK):
                total[1, day] += 1.0 if stock is None else stock[row, week + day]
        for column in range(periods - (periods - begun) % WEEK, periods):
            total[1, (column - begun) % WEEK] += 1.0 if stock is None else stock[row, column]
        for day in range(WEEK):
            sold[row, (first + day) % WEEK] = total[0, day]
            there[row, (first + begun + day) % WEEK] = total[1, day]


@compiled
def fill_past(
    units: Singles,
    stock: Singles | None,
    listed: Ints,
    factors: Singles,
    first: int,
    sold: Singles,
    exposure: Singles,
    whole: Bools,
) -> None:
    """What counts of each period: in-stock share times the factor (n, 7) of its weekday; nothing before the listing.

    Column 0 is weekday `first`; `sold`, `exposure` and `whole` are (n, T).
    """
    periods = units.shape[1]
    enough = np.float32(WHOLE)
    none = np.float32(0.0)
    shares = np.ones(periods, dtype=np.float32)
    for row in range(units.shape[0]):
        if stock is not None:
            shares[:] = stock[row]
        for day in range(WEEK):
            factor = factors[row, day]
            for column in range((day - first) % WEEK, periods, WEEK):
                exposure[row, column] = factor
        for column in range(periods):
            share = shares[column] if column >= listed[row] else none
            sold[row, column] = units[row, column] if share > none else none
            exposure[row, column] *= share
            whole[row, column] = share >= enough


@compiled
def fill_groups(values: Floats, group: Ints, out: Floats) -> None:
    """The rows of `values` (n, m) added up by their group: out (groups, m)."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            out[group[row], column] += values[row, column]


@compiled
def fill_cut(sold: Floats, expected: Floats, group: Ints, by: Floats, limit: Floats, out: Floats, fall: Floats) -> None:
    """What rows (n, m) sold beyond `by` (groups, m) times what was expected, each cut to `limit`, by group: `out`.

    `fall` is how steeply that falls with `by`: what was expected of those that are not cut.
    """
    for row in range(sold.shape[0]):
        at = group[row]
        for column in range(sold.shape[1]):
            beyond = sold[row, column] - by[at, column] * expected[row, column]
            most = limit[at, column]
            if beyond > most:
                out[at, column] += most
            elif beyond < -most:
                out[at, column] -= most
            else:
                out[at, column] += beyond
                fall[at, column] += expected[row, column]


@compiled_sums
def fill_moments(units: Singles, whole: Bools, out: Floats) -> None:
    """Whole periods of each series, their units, their units squared, and those with a part of a unit: out (n, 4)."""
    for row in range(units.shape[0]):
        count = total = squares = parts = 0.0
        for column in range(units.shape[1]):
            sold = np.float64(units[row, column]) if whole[row, column] else 0.0
            count += 1.0 if whole[row, column] else 0.0
            total += sold
            squares += sold * sold
            parts += 1.0 if sold != np.rint(sold) else 0.0
        out[row, 0] = count
        out[row, 1] = total
        out[row, 2] = squares
        out[row, 3] = parts


@compiled_sums
def fill_levels(units: Singles, exposure: Singles, decay: Floats, cuts: Ints, out: NDArray[np.float64]) -> None:
    """Levels of each series as each of `cuts` (columns) began: out (cuts, n, decays), units per exposure.

    sum(w units) / sum(w exposure) with w = decay^age: simple exponential smoothing where every period counts once, and
    for periods that were partly or wholly without stock no update, rather than one towards zero. The last decay is 1:
    the mean of all history, and every level starts as if it had been seen for one period.
    """
    periods = units.shape[1]
    kinds = decay.shape[0]
    weights = np.ones((kinds, periods))  # of the last column, then of those before it
    for kind in range(kinds):
        for column in range(periods - 2, -1, -1):
            weights[kind, column] = weights[kind, column + 1] * decay[kind]
    sold = np.empty(periods)
    asked = np.empty(periods)
    for row in range(out.shape[1]):
        sold[:] = units[row]
        asked[:] = exposure[row]
        for at in range(cuts.shape[0]):
            cut = cuts[at]
            mean = 0.0
            for kind in range(kinds - 1, -1, -1):
                weight = weights[kind, periods - cut :]
                top = base = 0.0
                for column in range(cut):
                    top += sold[column] * weight[column]
                    base += asked[column] * weight[column]
                if kind == kinds - 1:
                    mean = top / base if base > 0.0 else 0.0
                out[at, row, kind] = (top + mean) / (base + 1.0)


@compiled
def fill_daily(units: Singles, exposure: Singles, whole: Bools, least: float, out: Singles) -> None:
    """Units per exposure of each period, NaN where it was not whole; exposure counts as `least` at least."""
    floor, unknown = np.float32(least), np.float32(np.nan)
    for row in range(units.shape[0]):
        for column in range(units.shape[1]):
            asked = max(floor, exposure[row, column])
            out[row, column] = units[row, column] / asked if whole[row, column] else unknown


@compiled
def fill_windows(units: Singles, exposure: Singles, starts: Ints, span: int, covered: float, out: Singles) -> None:
    """Units per exposure of `span` periods from each of `starts` on, NaN where fewer than `covered` had exposure."""
    periods = units.shape[1]
    sold = np.zeros(periods + 1)
    asked = np.zeros(periods + 1)
    seen = np.zeros(periods + 1)
    for row in range(units.shape[0]):
        for column in range(periods):
            sold[column + 1] = sold[column] + units[row, column]
            asked[column + 1] = asked[column] + exposure[row, column]
            seen[column + 1] = seen[column] + (1.0 if exposure[row, column] > 0.0 else 0.0)
        for at in range(starts.shape[0]):
            low = starts[at]
            high = low + span
            known = seen[high] - seen[low] >= covered
            rate = (sold[high] - sold[low]) / max(asked[high] - asked[low], 1e-6)
            out[row, at] = rate if known else np.nan


@compiled
def fill_quantiles(samples: Singles, levels: Floats, out: Floats) -> None:
    """Quantiles (n, levels) of sorted samples (n, S), NaN last, interpolated linearly; 0 where all are NaN."""
    for row in range(samples.shape[0]):
        last = samples.shape[1] - 1
        while last >= 0 and np.isnan(samples[row, last]):
            last -= 1
        for level in range(levels.shape[0] if last >= 0 else 0):
            place = levels[level] * last
            low = int(place)
            under = np.float64(samples[row, low])
            over = np.float64(samples[row, min(low + 1, last)])
            out[row, level] = under + (over - under) * (place - low)


@compiled
def fill_blend(own: Floats, ahead: Floats, weight: Floats, order: Ints, out: NDArray[np.float64]) -> None:
    """Let a series' own quantiles into the pooled ones in `out` (n, C, levels), so that none falls as its level rises.

    `own` of a unit of exposure and its `weight` (n, levels), exposure `ahead` (n, C); `order` sorts the levels.
    """
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            least = -np.inf
            for at in order:
                share = weight[row, at]
                found = out[row, column, at] * (1.0 - share) + own[row, at] * ahead[row, column] * share
                least = max(least, found)
                out[row, column, at] = least


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


@compiled
def fill_order(values: Floats, order: Ints) -> None:
    """The places (n,) of values (n,) from the least to the greatest, equal ones as they come; none is NaN.

    Least significant digit radix sort on the bits of the numbers, eleven at a time: stable, and several times as fast
    as sorting by comparison.
    """
    count = values.shape[0]
    keys = np.empty(count, dtype=np.uint64)
    bits = values.view(np.uint64)
    sign = np.uint64(1) << np.uint64(63)
    for at in range(count):
        one = bits[at] if values[at] != 0.0 else np.uint64(0)  # minus zero equals zero
        keys[at] = ~one if one & sign else one | sign
        order[at] = at
    other_keys, other = np.empty_like(keys), np.empty_like(order)
    digit = np.uint64(2047)
    for turn in range(6):
        shift = np.uint64(11 * turn)
        places = np.zeros(2049, dtype=np.int64)
        for at in range(count):
            places[np.int64((keys[at] >> shift) & digit) + 1] += 1
        for at in range(2048):
            places[at + 1] += places[at]
        for at in range(count):
            where = np.int64((keys[at] >> shift) & digit)
            other_keys[places[where]] = keys[at]
            other[places[where]] = order[at]
            places[where] += 1
        keys, other_keys = other_keys, keys  # six times: what is asked for ends where it belongs
        order, other = other, order
