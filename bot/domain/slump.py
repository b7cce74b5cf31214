"""Slump: a week's sales far below a series' own rate though there was stock, with a false-alarm budget of its own.

One poor day tells little of what sells a few units a day, so the last week is judged as one. A day counts where goods
lay there from its opening to its close: a stock-out is no slump. Days of events and the week after them, whose sales
were brought forward, count neither here nor in the rate; nor do days on which a whole place sold nothing. Where its
feeds have not told the last days yet, the week that ends before them is judged: files seldom tell yesterday whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy  # loads its parts when they are first used, as in `replenishment`

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.demand import DemandSettings, SeriesHistory, day_masks


@dataclass(frozen=True, slots=True)
class SlumpSettings:
    """Defaults of the slump watch."""

    recent_days: int = 7  # judged as one: a whole week, so that weekdays weigh alike
    recent_needed: int = 5  # of them that count, or the series is not judged; fewer at a place that is open on fewer,
    least_needed: int = 3  # but so many at least
    late_days: int = 4  # by which feeds may lag behind: the week before is judged then
    window_days: int = 28  # days before them that give the rate
    days_needed: int = 14  # of them that count, or the series is not judged
    aftermath_days: int = 7  # after a day of an event
    closed_series: int = (
        10  # goods that a place sells at the least, for a day without any sale to be one of a closed place
    )
    chance_of_none: float = 0.001  # judged is what would by chance sell nothing at all at most so often
    false_discoveries: float = 0.05  # expected share of false alarms among the slumps (Benjamini-Hochberg q)
    most_share: float = 0.5  # of the usual: selling more is no slump, however sure
    hold_p_value: float = 0.10  # a slump holds while so few are rarer than this; at least `false_discoveries`
    lasting_days: float = 7.0  # a slump is taken to go on for so long when its money is reckoned


@dataclass(frozen=True, slots=True)
class SlumpSigns:
    """The last week against each series' own rate, all (n,)."""

    count: Ints  # units on the days of the last week that count
    recent: Ints  # those days
    units: Floats  # sold on the days of the window before it that count
    days: Ints  # those days
    rate: Floats  # expected units a day
    variance: Floats  # of a day's units; equal to the rate for Poisson
    p_value: Floats  # chance of so few under that rate; 1 where not judged
    judged: Bools
    waiting: Bools  # there was stock, but events, a closed place or a silent feed leave too few days: nothing is known

    @property
    def usual(self) -> Floats:
        """Units that the days of the last week would usually sell."""
        return self.rate * self.recent


def slump_signs(
    history: SeriesHistory,
    demand: DemandSettings,
    settings: SlumpSettings,
    place: Ints | None = None,
    untold: Ints | None = None,
) -> SlumpSigns:
    """Lower-tail p-value of the last week's count under the rate of the weeks before it.

    rate = (units + 1/2) / (days + 1). The count of m days is held against a negative binomial with mean m x rate and
    variance m v (1 + m / days), v being the days' own variance or the rate where that exceeds it: the second term is
    the rate's own uncertainty, and with v = rate this is the gamma-Poisson predictive distribution (Gelman et al.,
    Bayesian Data Analysis, 3rd ed., section 2.6). Which series are judged rests on the rate alone, never on the count:
    a filter that is independent of the test keeps the budget (Bourgon, Gentleman & Huber, PNAS 107, 2010).

    `place` (n,) numbers each series' location; `untold` (n,) are last days of which feeds have not told.
    """
    before = _told(
        history, settings.window_days + settings.recent_days + settings.aftermath_days + 1, untold, settings.late_days
    )
    in_stock, counted, closed = _days_that_count(before, demand, settings, place)
    last, span = (
        slice(-settings.recent_days, None),
        slice(-settings.window_days - settings.recent_days, -settings.recent_days),
    )
    recent, days = (counted[:, part].sum(axis=1, dtype=np.int64) for part in (last, span))
    count = np.where(counted[:, last], before.units[:, last], 0).sum(axis=1, dtype=np.int64)
    units = np.where(counted[:, span], before.units[:, span], 0).astype(np.float64)
    total = units.sum(axis=1)
    rate = (total + 0.5) / (days + 1)
    spread = ratio(np.einsum("ij,ij->i", units, units) - ratio(total**2, days, 0.0), days - 1, 0.0)
    variance = np.maximum(spread, rate)
    opened = 1.0 - closed[:, span].mean(axis=1) if closed.shape[1] > settings.recent_days else np.ones(len(count))
    needed = np.maximum(np.ceil(settings.recent_needed * opened - 1e-9), settings.least_needed)
    enough = (recent >= needed) & (days >= settings.days_needed)
    if untold is not None:
        enough &= untold <= settings.late_days
    there = in_stock[:, last].sum(axis=1) >= needed
    there &= in_stock[:, span].sum(axis=1) >= settings.days_needed
    mean, size, chance = _predicted(rate, variance, recent, days)
    judged = enough & (chance**size <= settings.chance_of_none)
    p_value = np.ones(len(count))
    few = judged & (count < mean)
    p_value[few] = scipy.stats.nbinom.cdf(count[few], size[few], chance[few])
    return SlumpSigns(count, recent, total, days, rate, variance, p_value, judged, there & ~enough)


def _predicted(rate: Floats, variance: Floats, recent: Ints, days: Ints) -> tuple[Floats, Floats, Floats]:
    """The mean of the recent units, and the size and chance of a negative binomial that has it."""
    mean = rate * np.maximum(recent, 1)
    total = variance * np.maximum(recent, 1) * (1 + recent / np.maximum(days, 1))
    total = np.maximum(total, mean * (1 + 1e-9))
    return mean, mean**2 / (total - mean), mean / total


def _told(history: SeriesHistory, days: int, untold: Ints | None, most: int) -> SeriesHistory:
    """The last `days` days (all where there are fewer) before those that feeds have not told, at most `most`."""
    if untold is None or not untold.any() or history.days <= most:
        return history.tail(days)
    late, end = np.minimum(untold, most), history.days - min(days, history.days - most)
    columns = np.arange(end, history.days)[None, :] - late[:, None]
    rows = np.arange(history.series)[:, None]
    marked = None if history.marked is None else history.marked[rows, columns]
    told = history.tail(columns.shape[1])
    return replace(
        told, units=history.units[rows, columns], on_hand=history.on_hand[rows, columns], marked=marked, receipts=None
    )


def _days_that_count(
    history: SeriesHistory, demand: DemandSettings, settings: SlumpSettings, place: Ints | None
) -> tuple[Bools, Bools, Bools]:
    """The days (n, T) in stock from opening to close, those of them that count, and those of a closed place."""
    masks = day_masks(SeriesHistory(history.first_day, history.units, history.on_hand), demand)
    in_stock = masks.usable & (history.on_hand != 0)
    in_stock[:, 1:] &= history.on_hand[:, :-1] != 0
    counted = in_stock.copy()
    if history.marked is not None:
        for days in range(min(settings.aftermath_days, history.days - 1) + 1):
            counted[:, days:] &= ~history.marked[:, : history.days - days]
    closed = np.zeros_like(counted) if place is None else _closed(history, place, settings)
    return in_stock, counted & ~closed, closed


def _closed(history: SeriesHistory, place: Ints, settings: SlumpSettings) -> Bools:
    """Days (n, T) on which a place that sells many goods sold none of them."""
    keys, where = np.unique(place, return_inverse=True)
    closed = np.zeros((len(keys), history.days), dtype=np.bool_)
    for number in range(len(keys)):
        sold = history.units[where == number] > 0
        if sold.any(axis=1).sum() >= settings.closed_series:
            closed[number] = ~sold.any(axis=0)
    return closed[where]
