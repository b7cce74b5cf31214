"""The weekly scorecard, and what it proposes; it changes nothing by itself.

Each rule asks for a number of observations first and says how many are lacking. A proposal names one setting, from
what to what, and on what it rests; `Thresholds` holds every limit of the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import sqrt
from typing import Literal

import scipy  # loads its parts when they are first used

from bot.domain.hindsight import AlertScore, Coverage, ForecastScore, Waits, least_share, pooled

ProposalKind = Literal["raise_level", "lower_level", "lead_time", "decisions"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From what on a rule proposes something."""

    least_weeks: int = 3  # of forecasts, before their coverage is believed: one odd week proves nothing
    least_series: int = 100  # weeks of series, before a class's is
    coverage_gap: float = 0.02  # by which coverage must fall short of its level
    coverage_z: float = 3.0  # standard errors it must fall short by; series of one week err together
    highest_level: float = 0.995
    lowest_level: float = 0.80
    least_alerts: int = 8  # that were right or wrong
    false_share: float = 0.40  # of them; the lower end of its interval must exceed it
    lower_by: float = 0.2  # of z, when too many alerts were false
    least_deliveries: int = 5
    late_days: float = 3.0  # by which deliveries exceed what is stated
    late_share: float = 0.15  # of what is stated, that they exceed it by
    least_decisions: int = 8
    slow_hours: float = 24.0  # that nine of ten decisions should not exceed


@dataclass(frozen=True, slots=True)
class ForecastWeek:
    """One week's forecasts, judged. `replayed`: made afterwards, of the facts known at its beginning.

    `empty` series were out of stock on a day of it, `silent` ones had no fresh facts; both are left out of the score.
    """

    week: date  # its Monday
    replayed: bool
    score: ForecastScore
    empty: int
    silent: int


@dataclass(frozen=True, slots=True)
class AlertsView:
    """Alerts of the last `weeks`; `replayed`: as weekly scans of the facts of then would have told them.

    `by_class` is (letter, false, right or wrong) of each class that has any.
    """

    weeks: int
    replayed: bool
    score: AlertScore
    by_class: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LeadTime:
    """One way of buying: days as stated (the longest of its routes) and the mean of its deliveries."""

    supplier: str
    place: str
    mode: str
    stated: float
    mean: float
    deliveries: int

    @property
    def late(self) -> float:
        """Days by which the deliveries exceed what is stated."""
        return self.mean - self.stated


@dataclass(frozen=True, slots=True)
class Latency:
    """Hours from a request's submission to its decision, and from a case's opening to the first action on it."""

    decisions: Waits
    decisions_before: Waits  # of the week before
    actions: Waits
    actions_before: Waits


@dataclass(frozen=True, slots=True)
class TurnPoint:
    """Days of inventory as of so many weeks ago; None where it cannot be told."""

    weeks_ago: int
    days: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody might change. `subject` is a class's letter or empty; `was` and `to` are levels, days or hours.

    The evidence: `count` of `of` observations.
    """

    kind: ProposalKind
    was: float
    to: float
    count: int
    of: int
    subject: str = ""
    way: LeadTime | None = None


@dataclass(frozen=True, slots=True)
class Lacking:
    """A rule that cannot judge yet: it has so many observations of those it needs."""

    kind: Literal["weeks", "coverage", "alerts", "lead_time", "decisions"]
    have: int
    need: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The card of the week that began on `week`; every part may be empty where nothing is known."""

    week: date
    as_of: datetime
    forecasts: tuple[ForecastWeek, ...]  # newest first; the first is that of `week`, where there is one
    alerts: AlertsView | None
    worst: tuple[LeadTime, ...]  # what exceeds its stated lead time most
    ways: int  # with any delivery
    latency: Latency
    turnover_days: int  # the period of `turnover`
    turnover: tuple[TurnPoint, ...]
    proposals: tuple[Proposal, ...] = ()
    lacking: tuple[Lacking, ...] = ()


@dataclass
class _Advice:
    proposals: list[Proposal] = field(default_factory=list)
    lacking: list[Lacking] = field(default_factory=list)


def advise(
    weeks: Sequence[ForecastWeek],
    alerts: AlertsView | None,
    ways: Sequence[LeadTime],
    decisions: Waits,
    thresholds: Thresholds | None = None,
) -> tuple[tuple[Proposal, ...], tuple[Lacking, ...]]:
    """What the figures propose, and which rules lack observations."""
    limits = thresholds or Thresholds()
    found = _Advice()
    judged = [week for week in weeks if week.score.series]
    coverage: tuple[Coverage, ...] = ()
    if len(judged) < limits.least_weeks:
        found.lacking.append(Lacking("weeks", len(judged), limits.least_weeks))
    else:
        coverage = pooled([part for week in judged for part in week.score.service])
        _levels(found, coverage, limits)
    _false_alarms(found, coverage, alerts, limits)
    _lead_times(found, ways, limits)
    _decisions(found, decisions, limits)
    return tuple(found.proposals), tuple(found.lacking)


def raised(level: float, share: float, highest: float) -> float:
    """The level to ask for so that `level` is what one gets, where asking for it got `share`; rounded to 0.005.

    Both are taken as quantiles of a normal: what was missed in z is asked for on top, z(level) - z(share).
    """
    z = scipy.special.ndtri
    wanted = float(scipy.special.ndtr(2 * z(level) - z(min(max(share, 1e-6), 1 - 1e-6))))
    return min(max(_rounded(wanted), _rounded(level + 0.005)), highest)


def _levels(found: _Advice, coverage: Sequence[Coverage], limits: Thresholds) -> None:
    """A class whose demand exceeds its service quantile more often than promised asks for a higher level."""
    most = max((part.of for part in coverage), default=0)
    if most < limits.least_series:
        found.lacking.append(Lacking("coverage", most, limits.least_series))
    for part in coverage:
        if part.share is None or part.of < limits.least_series or part.level >= limits.highest_level:
            continue
        gap = part.level - part.share
        error = sqrt(part.level * (1 - part.level) / part.of)
        if gap >= limits.coverage_gap and gap >= limits.coverage_z * error:
            to = raised(part.level, part.share, limits.highest_level)
            found.proposals.append(Proposal("raise_level", part.level, to, part.within, part.of, part.abc))


def _false_alarms(found: _Advice, coverage: Sequence[Coverage], alerts: AlertsView | None, limits: Thresholds) -> None:
    """Many false alarms in a class whose level holds ask for a lower one: alerts then come later, and fewer."""
    judged = 0 if alerts is None else alerts.score.judged
    if alerts is None or judged < limits.least_alerts:
        found.lacking.append(Lacking("alerts", judged, limits.least_alerts))
        return
    held = {part.abc: part for part in coverage if part.of >= limits.least_series}
    for letter, false, of in alerts.by_class:
        part = held.get(letter)
        if part is None or part.share is None or part.share < part.level or of < limits.least_alerts:
            continue
        if least_share(false, of) > limits.false_share and part.level > limits.lowest_level:
            lower = float(scipy.special.ndtr(scipy.special.ndtri(part.level) - limits.lower_by))
            to = max(_rounded(lower), limits.lowest_level)
            found.proposals.append(Proposal("lower_level", part.level, to, false, of, letter))


def _lead_times(found: _Advice, ways: Sequence[LeadTime], limits: Thresholds) -> None:
    """Deliveries that take clearly longer than stated ask for it to be stated."""
    most = max((way.deliveries for way in ways), default=0)
    if most < limits.least_deliveries:
        found.lacking.append(Lacking("lead_time", most, limits.least_deliveries))
    late = [
        way
        for way in ways
        if way.deliveries >= limits.least_deliveries
        and way.late >= max(limits.late_days, limits.late_share * way.stated)
    ]
    found.proposals += [
        Proposal("lead_time", way.stated, float(round(way.mean)), way.deliveries, way.deliveries, way=way)
        for way in worst(late)
    ]


def _decisions(found: _Advice, decisions: Waits, limits: Thresholds) -> None:
    """Decisions that take long ask for somebody who decides in one's place, or for an earlier digest."""
    if decisions.p90 is None or decisions.count < limits.least_decisions:
        found.lacking.append(Lacking("decisions", decisions.count, limits.least_decisions))
    elif decisions.p90 > limits.slow_hours:
        found.proposals.append(
            Proposal("decisions", decisions.p90, limits.slow_hours, decisions.count, decisions.count)
        )


def worst(ways: Sequence[LeadTime], most: int = 3) -> tuple[LeadTime, ...]:
    """The ways that exceed their stated lead time by most days, by half a day at least."""
    ranked = sorted(ways, key=lambda way: (-way.late, -way.deliveries, way.supplier, way.place, way.mode))
    return tuple(way for way in ranked if way.late >= 0.5)[:most]


def _rounded(level: float) -> float:
    return round(round(level / 0.005) * 0.005, 3)
