"""Forecasts and alerts against what came: bias, coverage, pinball skill, precision and recall.

A forecast is judged as it was written down, never as it would be made today. What was out of stock is left out of the
forecasts: what could not be bought says nothing of what was wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import ceil, sqrt

import numpy as np

from bot.domain.arrays import Bools, Counts, Floats, Ints
from bot.domain.demand import SeriesHistory
from bot.domain.outlook import TOLD, Question, outlook
from bot.domain.replenishment import demand_quantile, irregular, span_demand
from bot.domain.turnover import ABC
from bot.domain.watch import Assessment, Taught

DAYS = 7  # a forecast's horizon
LEVELS = TOLD  # quantiles of every forecast, beside the one at the series' own service level
USUAL_DAYS = 28  # whose mean day is the forecast that any model must beat
GRACE_DAYS = 3  # by which a stock-out may come after the day foretold and still have been foretold


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """What was foretold of n series for their next `DAYS` days, in units."""

    mean: Floats  # (n,)
    quantiles: Floats  # (n, levels) at LEVELS
    level: Floats  # (n,) the service level
    at_service: Floats  # (n,) the quantile there
    usual: Floats  # (n,) USUAL_DAYS' mean day x DAYS
    abc: Ints  # (n,) index into turnover.ABC

    def only(self, chosen: Bools) -> Forecasts:
        """Some of the series."""
        return Forecasts(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def week_ahead(assessed: Assessment, history: SeriesHistory, taught: Taught) -> Forecasts:
    """What the watch expects of the next week: the one place that knows how it expects.

    The mean and the service quantile are those of its outlook, or of `span_demand`, over `DAYS` days, the span being
    certain and events ahead counting as more.
    """
    demand, supply, rules = assessed.demand, assessed.supply, assessed.settings.replenishment
    n = assessed.series
    usual = history.units[:, -USUAL_DAYS:].mean(axis=1, dtype=np.float64) * DAYS
    days = np.full(n, float(DAYS))
    if taught.lift is not None:
        days = days + taught.lift.of(taught.groups, days)
    if taught.lessons is not None:
        question = Question(days, days, None, np.zeros(n), supply.service_level, taught.groups)
        told = outlook(history, demand, assessed.settings.demand, taught.lessons, question).lead
        return Forecasts(
            mean=told.mean,
            quantiles=np.maximum.accumulate(told.quantile[:, 1:], axis=1),
            level=supply.service_level,
            at_service=told.quantile[:, 0],
            usual=usual,
            abc=assessed.stock.abc,
        )
    ahead = span_demand(
        demand.velocity,
        demand.sd,
        days,
        np.zeros(n),
        supply.service_level,
        irregular(demand.kind, demand.cv, rules),
        rules.skewed,
    )
    return Forecasts(
        mean=ahead.mean,
        quantiles=demand_quantile(ahead.mean, ahead.variance, ahead.skewed, np.array(LEVELS)),
        level=supply.service_level,
        at_service=ahead.mean + ahead.safety_stock,
        usual=usual,
        abc=assessed.stock.abc,
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of `of` series sold no more than their quantile at `level`; `abc` is a letter, or empty for all."""

    level: float
    within: int
    of: int
    abc: str = ""

    @property
    def share(self) -> float | None:
        """The share that held; None of none."""
        return self.within / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """A week's forecasts against its sales. `bias` is (forecast - sold) / sold over all units; None where none sold.

    `skill` is 1 - pinball loss / that of the mean day of `USUAL_DAYS` days: 0 is no better, 1 is perfect.
    """

    series: int
    forecast: float  # units
    sold: int  # units
    bias: float | None
    skill: float | None
    coverage: tuple[Coverage, ...]  # at LEVELS
    service: tuple[Coverage, ...]  # at the service level of each class that has series


def pinball(level: float, quantile: Floats, sold: Floats) -> Floats:
    """A quantile's loss: level x what it fell short, (1 - level) x what it went beyond (Koenker & Bassett 1978)."""
    short = sold - quantile
    return np.maximum(level * short, (level - 1) * short)


def score(foretold: Forecasts, sold: Ints) -> ForecastScore:
    """The forecasts of n series against the units (n,) that they sold.

    Each unit counts alike, so the loss is the sum over series and LEVELS; the mean day stands in at every level.
    """
    actual = sold.astype(np.float64)
    total, expected = float(actual.sum()), float(foretold.mean.sum())
    loss = sum(
        float(pinball(level, foretold.quantiles[:, column], actual).sum()) for column, level in enumerate(LEVELS)
    )
    plain = sum(float(pinball(level, foretold.usual, actual).sum()) for level in LEVELS)
    return ForecastScore(
        series=len(sold),
        forecast=expected,
        sold=int(total),
        bias=(expected - total) / total if total > 0 else None,
        skill=1 - loss / plain if plain > 0 else None,
        coverage=tuple(
            Coverage(level, int((actual <= foretold.quantiles[:, column]).sum()), len(sold))
            for column, level in enumerate(LEVELS)
        ),
        service=_service(foretold, actual),
    )


def _service(foretold: Forecasts, sold: Floats) -> tuple[Coverage, ...]:
    """Coverage at the service level, class by class; a class's level is the mean of its series'."""
    found = []
    for number, letter in enumerate(ABC):
        mine = foretold.abc == number
        if mine.any():
            within = int((sold[mine] <= foretold.at_service[mine]).sum())
            found.append(Coverage(float(foretold.level[mine].mean()), within, int(mine.sum()), letter))
    return tuple(found)


def pooled(parts: Sequence[Coverage]) -> tuple[Coverage, ...]:
    """Coverages of several weeks as one per class, in the order of the classes; a level is the weeks' mean."""
    found = []
    for letter in ABC:
        mine = [part for part in parts if part.abc == letter]
        of = sum(part.of for part in mine)
        if of:
            level = sum(part.level * part.of for part in mine) / of
            found.append(Coverage(level, sum(part.within for part in mine), of, letter))
    return tuple(found)


class Fate(IntEnum):
    """What became of an alert by its day, and `GRACE_DAYS` more."""

    WAITING = 0  # its day has not passed, or lies before what is looked at
    LATE = 1  # the shelf was empty when it was told: it foretold nothing
    CAME = 2
    AVERTED = 3  # goods arrived between the alert and its day
    ORDERED = 4  # the stock lasted, and what was ordered had not arrived
    FALSE = 5  # the stock lasted, and nobody did anything


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """m alerts on the rows of a shelf; days are columns of it, and may lie outside of it."""

    row: Ints
    told: Ints  # on which day it was told
    due: Ints  # the day on which the stock was foretold to end
    closed: Ints  # on which day it was taken back; NEVER while it stands
    ordered: Ints  # the first day from `told` on, on which something was ordered for it; NEVER where nothing was


NEVER = 2**31


def fates(alerts: Alerts, closing: Counts, receipts: Counts, first: int) -> Ints:
    """The Fate of each alert whose day, grace included, lies in columns `first` to the last of the shelf (rows, T).

    `closing` stock below zero is not known and counts as some.
    """
    days = closing.shape[1]
    end = alerts.due + GRACE_DAYS
    out = np.full(len(alerts.row), int(Fate.WAITING), dtype=np.int64)
    if not len(out):
        return out
    judged = (end < days) & (end >= first) & (alerts.told >= 1)
    told, last = alerts.told[judged], end[judged]
    some, row = np.unique(alerts.row[judged], return_inverse=True)
    empty = _running(closing[some] == 0)
    came = empty[row, last + 1] > empty[row, told]
    arrived = _running(np.maximum(receipts[some], 0))
    averted = arrived[row, last + 1] > arrived[row, told]
    late = closing[some][row, told - 1] == 0
    ordered = alerts.ordered[judged] <= last
    out[judged] = np.select(
        [late, came, averted, ordered],
        [int(Fate.LATE), int(Fate.CAME), int(Fate.AVERTED), int(Fate.ORDERED)],
        int(Fate.FALSE),
    )
    return out


def _running(values: Counts | Bools) -> Ints:
    """Sums (rows, T + 1) of the columns before each."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), dtype=np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def stockouts(closing: Counts, units: Counts, first: int) -> tuple[Ints, Ints]:
    """(rows, columns) on which a shelf that sold within `USUAL_DAYS` days ran empty, from column `first` on.

    What nobody bought may end: that is no stock-out.
    """
    first = max(first, 1)
    began = (closing[:, first:] == 0) & (closing[:, first - 1 : -1] > 0)
    rows, columns = np.nonzero(began)
    columns = columns + first
    some, row = np.unique(rows, return_inverse=True)
    sold = _running(np.maximum(units[some], 0))
    lately = sold[row, columns + 1] - sold[row, np.maximum(columns + 1 - USUAL_DAYS, 0)]
    return rows[lately > 0], columns[lately > 0]


def foretold(rows: Ints, columns: Ints, alerts: Alerts, shape: tuple[int, int]) -> Bools:
    """Which stock-outs an alert stood before: told on an earlier day, and not taken back before that day."""
    standing = np.zeros((shape[0], shape[1] + 2), dtype=np.int32)
    from_day = np.clip(alerts.told + 1, 0, shape[1] + 1)
    to_day = np.clip(alerts.closed + 1, 0, shape[1] + 1)
    np.add.at(standing, (alerts.row, from_day), 1)
    np.add.at(standing, (alerts.row, np.maximum(to_day, from_day)), -1)
    return np.asarray(np.cumsum(standing, axis=1)[rows, columns] > 0)


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Alerts whose day has passed, by what became of them, and the stock-outs of the same days."""

    came: int
    averted: int
    ordered: int
    false: int
    late: int
    stockouts: int
    foretold: int  # of the stock-outs

    @property
    def right(self) -> int:
        """Alerts that told true: the stock ended, or would have without the goods that came."""
        return self.came + self.averted

    @property
    def judged(self) -> int:
        """Alerts that were right or wrong: what was ordered and has not arrived proves neither."""
        return self.right + self.false


def alert_score(found: Ints, ran_out: int, told: int) -> AlertScore:
    """Counts of the fates, and of the stock-outs."""
    count = np.bincount(found, minlength=len(Fate)).tolist()
    return AlertScore(
        count[Fate.CAME], count[Fate.AVERTED], count[Fate.ORDERED], count[Fate.FALSE], count[Fate.LATE], ran_out, told
    )


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits of a week in hours: how many, their median and the ninth decile (nearest rank); None of none."""

    count: int
    median: float | None
    p90: float | None


def waits(hours: Sequence[float]) -> Waits:
    """The median (of an even number the mean of the two in the middle) and the value that nine of ten do not exceed."""
    if not hours:
        return Waits(0, None, None)
    ranked = sorted(hours)
    return Waits(len(ranked), float(np.median(ranked)), ranked[ceil(0.9 * len(ranked)) - 1])


def least_share(count: int, of: int, z: float = 1.645) -> float:
    """The lower end of Wilson's interval for a share (1927), one-sided 95% by default; 0 of none."""
    if not of:
        return 0.0
    share, weight = count / of, z * z / of
    return float((share + weight / 2 - z * sqrt(share * (1 - share) / of + weight / of / 4)) / (1 + weight))
