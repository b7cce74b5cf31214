"""Demand over any span by what was taught: the one formula that alerts, plans, budgets and charts take it from.

    quantile(p) = (seen (ratio(p) mean (1 - w) + own(p) days w) + gamma(mean, variance, p)) / (seen + 1)

`ratio` is what others alike sold over their mean, `own` what the series itself sold, and the gamma counts where the
past holds few such spans or few others taught, see `bot.domain.forecasting.engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import states, targets
from bot.domain.forecasting.engine import EngineSettings
from bot.domain.forecasting.lessons import CHANCES, Lesson, Lessons
from bot.domain.replenishment import gamma_quantile

_KNOWN = np.asarray(CHANCES)


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """How fast series sell, (n,) each: units a day, a day's deviation, and the deviation of the rate itself where a
    share of it is borrowed (see `bot.domain.forecasting.newcomers`). What others sold over their means counts less by
    that share, for those means were their own.
    """

    velocity: Floats
    daily_sd: Floats
    rate_sd: Floats
    share: Floats

    def rows(self, chosen: slice | Ints) -> Pace:
        """Those of some series."""
        return Pace(self.velocity[chosen], self.daily_sd[chosen], self.rate_sd[chosen], self.share[chosen])


@dataclass(frozen=True, eq=False)
class Prospect:
    """Demand of n series over a span of days each, as `bot.domain.spans.Spread`; (n,) but for (n, K) at `CHANCES`.

    Between the chances lie straight lines, and nothing beyond the outer ones.
    """

    days: Floats
    mean: Floats
    variance: Floats
    seen: Floats
    ratios: Floats  # (n, K)
    owns: Floats  # (n, K) units a day
    trust: Floats  # how far the own past counts where it counts most
    engine: EngineSettings

    def weight(self, chance: Floats) -> Floats:
        """The weight (n,) of the series' own past at a chance (n,)."""
        found: Floats = self.trust * np.interp(chance, [self.engine.own_from, 0.99], [0.0, self.engine.own_share])
        return found

    def ratio(self, chance: Floats) -> Floats:
        """Demand over its mean among others alike, (n,) at a chance (n,)."""
        return _between(self.ratios, chance)

    def own(self, chance: Floats) -> Floats:
        """The series' own units a day, (n,) at a chance (n,)."""
        return _between(self.owns, chance)

    def at(self, chance: Floats) -> Floats:
        """The quantile (n,) of each series at its chance (n,); 0 of what does not sell."""
        w, sells = self.weight(chance), self.mean > states.TINY
        mixed = self.ratio(chance) * self.mean * (1 - w) + self.own(chance) * self.days * w
        gamma = np.zeros(len(mixed))
        gamma[sells] = gamma_quantile(self.mean[sells], self.variance[sells], chance[sells])
        return np.where(sells, (self.seen * mixed + gamma) / (self.seen + 1), 0.0)

    def quantiles(self, chances: Floats) -> Floats:
        """Quantiles (n, m) at the chances (m,)."""
        n = len(self.mean)
        return np.stack([self.at(np.full(n, chance)) for chance in chances.tolist()], axis=1)

    @cached_property
    def table(self) -> Floats:
        """Quantiles (n, K) at `CHANCES`, none under the one before."""
        found: Floats = np.maximum.accumulate(self.quantiles(_KNOWN), axis=1)
        return found

    def lost(self, stock: Floats) -> Floats:
        """E[(D - stock)+]: the integral of what the quantiles exceed the stock by, on straight lines between them."""
        extra = (slice(None),) + (None,) * (stock.ndim - 1)

        def over(column: int) -> Floats:
            found: Floats = np.maximum(self.table[:, column][extra] - stock, 0.0)
            return found

        low = over(0)
        out: Floats = low * _KNOWN[0]
        for column in range(1, len(CHANCES)):
            high = over(column)
            rise = (self.table[:, column] - self.table[:, column - 1])[extra]
            steep = np.where(rise > 0, (high**2 - low**2) / (2 * np.maximum(rise, 1e-12)), high)
            out = out + steep * (CHANCES[column] - CHANCES[column - 1])
            low = high
        return out + low * (1 - CHANCES[-1])

    def left(self, stock: Floats) -> Floats:
        """E[(stock - D)+], by the mean of these very quantiles."""
        found: Floats = np.maximum(stock - self.lost(np.zeros(len(self.mean))) + self.lost(stock), 0.0)
        return found

    def only(self, rows: Ints) -> Prospect:
        """Some of the series, each as often as it is named."""
        chosen = Prospect(
            self.days[rows],
            self.mean[rows],
            self.variance[rows],
            self.seen[rows],
            self.ratios[rows],
            self.owns[rows],
            self.trust[rows],
            self.engine,
        )
        if "table" in self.__dict__:
            chosen.__dict__["table"] = self.table[rows]
        return chosen


def joined(parts: list[Prospect]) -> Prospect:
    """One after the other; there must be one at least."""

    def whole(name: str) -> Floats:
        found: Floats = np.concatenate([getattr(part, name) for part in parts])
        return found

    return Prospect(
        whole("days"),
        whole("mean"),
        whole("variance"),
        whole("seen"),
        whole("ratios"),
        whole("owns"),
        whole("trust"),
        parts[0].engine,
    )


def prospect(
    ready: targets.Past,
    pace: Pace,
    span: tuple[Floats, Floats],
    lessons: Lessons,
    engine: EngineSettings,
) -> Prospect:
    """The demand of each series of a past: `pace` is theirs, `span` the days and their deviation.

    A series' scatter is that of the lesson whose law is most like its span.
    """
    velocity = pace.velocity
    days, days_sd = span
    mean = velocity * days
    n = len(mean)
    ratios, owns, trust = np.zeros((n, len(CHANCES))), np.zeros((n, len(CHANCES))), np.zeros(n)
    whole = ready.whole.sum(axis=1)
    taught = lessons.series / (lessons.series + engine.teachers_needed)  # the tail of what few did is that of one
    numbers = lessons.nearest(days, days_sd)
    for number in np.unique(numbers).tolist():
        rows = np.flatnonzero((numbers == number) & (mean > states.TINY))
        if not len(rows):
            continue
        lesson = lessons.lessons[number]
        own = _own(ready, rows, lesson)
        large = states.spread(own[:, -1], velocity[rows])
        ratios[rows] = states.looked_up(lesson.scatter, mean[rows, None], large)[:, 0]
        owns[rows] = own[:, :-1]
        samples = whole[rows] / lesson.span
        trust[rows] = samples / (samples + engine.own_samples)
    return Prospect(
        days=days,
        mean=mean,
        variance=days * pace.daily_sd**2 + velocity**2 * days_sd**2 + days**2 * pace.rate_sd**2,
        seen=(ready.periods / np.maximum(days, 1.0) / engine.spans_needed) ** 2 * taught * (1 - pace.share),
        ratios=ratios,
        owns=owns,
        trust=trust,
        engine=engine,
    )


def _own(ready: targets.Past, rows: Ints, lesson: Lesson) -> Floats:
    """Quantiles (rows, chances + 1) of each series' own units a day over a lesson's span; the last tells its spread."""
    chances = np.array([*CHANCES, states.SPREAD_LEVEL])
    some = targets.Past(ready.panel.chosen(rows), ready.units[rows], ready.exposure[rows], ready.whole[rows])
    found: Floats = states.own(some, lesson.span, np.array([ready.periods]), chances)[0]
    return found


def _between(table: Floats, p: Floats) -> Floats:
    """The figure of each row of `table` (n, chances) at its chance, on straight lines between those of CHANCES."""
    p = np.clip(p, _KNOWN[0], _KNOWN[-1])
    high = np.clip(np.searchsorted(_KNOWN, p), 1, len(_KNOWN) - 1)
    part = (p - _KNOWN[high - 1]) / (_KNOWN[high] - _KNOWN[high - 1])
    row = np.arange(len(p))
    found: Floats = table[row, high - 1] * (1 - part) + table[row, high] * part
    return found
