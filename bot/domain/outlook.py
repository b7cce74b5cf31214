"""What to expect of each series: its velocity and the demand of its lead time, by what the catalogue's past taught.

Where there are no lessons (`bot.domain.forecasting.lessons`), the blended velocity and the shapes of
`bot.domain.replenishment` stand in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.demand import BLOCK, DemandEstimate, DemandSettings, SeriesHistory, day_shares, without_spikes
from bot.domain.forecasting import states, targets
from bot.domain.forecasting.compiled import in_blocks
from bot.domain.forecasting.engine import EngineSettings
from bot.domain.forecasting.lessons import Lessons, recorded
from bot.domain.forecasting.newcomers import LATER, NEW_DAYS
from bot.domain.forecasting.panel import Panel
from bot.domain.forecasting.profile import leaning_on
from bot.domain.groups import Groups
from bot.domain.prospects import Pace, Prospect, joined, prospect
from bot.domain.uplift import Lift

Columns = TypeVar("Columns", "Borrowed", "Span")
TOLD = (0.5, 0.8, 0.95)  # quantiles that are shown beside that of the service level


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Demand over a span of days; (n,) but for the columns of chances `p` (n, m), the first that of the service level.

    The quantiles and what they are made of are those of `bot.domain.prospects`.
    """

    days: Floats
    mean: Floats
    variance: Floats
    seen: Floats
    p: Floats
    ratio: Floats
    own: Floats  # units a day
    w: Floats
    quantile: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Borrowed:
    """What products that are new at their place borrow from their category, (n,) each; nothing where `counts` is 0."""

    rate: Floats  # units a day in stock, as the category sells
    counts: Floats  # days that this counts as: fewer with every day since the product was listed, none after NEW_DAYS
    days: Floats  # in stock, each by what its weekday sells
    series: Ints  # that told the rate,
    near: Ints  # and whose they were, see `newcomers.Prior`
    share: Floats  # counts / (counts + days)
    rate_sd: Floats  # units a day

    @classmethod
    def nothing(cls, n: int) -> Borrowed:
        """Nothing, of n series."""
        whole = np.zeros(n, dtype=np.int64)
        return cls(np.zeros(n), np.zeros(n), np.zeros(n), whole, whole.copy(), np.zeros(n), np.zeros(n))


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """Velocities (n,) of the days ahead as `growth x levels @ beta x known`, and demand over the spans asked for.

    A product that is new at its place borrows: `growth x (share x rate + (1 - share) x levels @ beta) x known`.
    """

    lessons: Lessons
    levels: Floats  # (n, kinds) units a day in stock
    known: Floats  # share of the days that a rate must rest on which were in stock
    velocity: Floats
    daily_sd: Floats  # units, of a day in stock
    borrowed: Borrowed
    lead: Span
    cycle: Span
    joint: Span | None

    @property
    def pace(self) -> Pace:
        """How fast each series sells."""
        return Pace(self.velocity, self.daily_sd, self.borrowed.rate_sd, self.borrowed.share)


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Lessons (None: too little was learned), what events ahead add, and what series have in common for both."""

    lessons: Lessons | None
    lift: Lift | None
    groups: Groups


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The spans asked about, (n,), in days of usual demand: the lead time; it and the review after it; until goods of a
    supplier's next date come (None where no date is today). The deviation of the lead time, the service level, and what
    series have in common.
    """

    lead_days: Floats
    cycle_days: Floats
    joint_days: Floats | None
    lead_time_sd: Floats
    service_level: Floats
    groups: Groups


def panel_of(history: SeriesHistory, settings: DemandSettings, groups: Groups) -> Panel:
    """A history of days as forecasters see it: days that do not count have no stock, others as much as is known."""
    days = day_shares(history, settings)
    masks = days.masks
    there = masks.listed.any(axis=1)
    nothing = np.full(history.series, np.nan)
    listed = np.where(there, masks.listed.argmax(axis=1), history.days)
    return Panel(
        first=history.first_day,
        freq="day",
        units=history.units.astype(np.float32),
        in_stock=days.share,
        listed=_told_of(history, listed).astype(np.int64),
        pool=groups.category,
        region=groups.region,
        price=nothing,
        cost=nothing,
        behind=history.behind,
    )


def _told_of(history: SeriesHistory, listed: Ints) -> Ints:
    """When series were listed (n,): what is new and sold at no time before it was told of, no sooner than then."""
    if history.since is None:
        return listed
    rows = np.flatnonzero(history.since > listed)
    sold = history.units[rows] > 0
    fresh = sold.any(axis=1) & (sold.argmax(axis=1) >= history.since[rows])
    out = listed.copy()
    out[rows[fresh]] = history.since[rows[fresh]]
    return out


def outlook(
    history: SeriesHistory,
    estimate: DemandEstimate,
    settings: DemandSettings,
    lessons: Lessons,
    question: Question,
    engine: EngineSettings | None = None,
) -> Outlook:
    """Every series' outlook as of the close of the history's last day.

    Spikes are capped as those who teach have them capped. What `estimate` gives no velocity has none here: what had no
    stock for 180 days, and what was in stock for 90 days without a sale.
    A rate that rests on few days in stock is a part of itself, as there; a product that is new at its place borrows one
    from its category.
    """
    engine = engine or EngineSettings()
    n = history.series
    part = ratio(estimate.in_stock_days[:, -1], estimate.base_days[:, -1], 0.0)
    known, borrowed = part * (estimate.velocity > 0), Borrowed.nothing(n)
    levels, velocity, daily = np.zeros((n, len(lessons.half_lives))), np.zeros(n), np.zeros(n)
    level = question.service_level[:, None]
    shown = np.concatenate([level, np.broadcast_to(np.asarray(TOLD), (n, len(TOLD)))], axis=1)
    lead = _empty(question.lead_days, shown)
    cycle = _empty(question.cycle_days, level)
    joint = None if question.joint_days is None else _empty(question.joint_days, level)
    spans = [span for span in (lead, cycle, joint) if span is not None]

    def say(block: slice) -> None:
        ready = _ready(history.rows(block), settings, lessons, question.groups.rows(block), engine)
        now = np.array([ready.periods])
        levels[block] = states.levels(ready, np.asarray(lessons.half_lives), now)[0]
        velocity[block] = lessons.weights.growth * (levels[block] @ lessons.weights.beta) * known[block]
        daily[block] = _daily_sd(ready, velocity[block])
        pace = Pace(velocity[block], daily[block], borrowed.rate_sd[block], borrowed.share[block])
        _borrow(_rows(borrowed, block), ready, lessons, levels[block], part[block], known[block], pace)
        for span in spans:
            mine = _rows(span, block)
            _fill(mine, prospect(ready, pace, (mine.days, question.lead_time_sd[block]), lessons, engine))

    in_blocks(n, say)
    return Outlook(lessons, levels, known, velocity, daily, borrowed, lead, cycle, joint)


def _borrow(
    into: Borrowed, ready: targets.Past, lessons: Lessons, levels: Floats, part: Floats, known: Floats, pace: Pace
) -> None:
    """Let the products of a block that are new at their place lean on their category, in the arrays given.

    New is what came there well after its sales were first written down, and was sold there: of what was not, nobody
    knows whether it lay there long, or whether anybody wants it there. By the day they were listed, `known` is no less
    for days without stock; by the 90th it is what it is of any other.
    """
    if lessons.newcomers is None:
        return
    age = (ready.periods - ready.panel.listed).astype(np.float64)
    rows = np.flatnonzero((age < NEW_DAYS) & (ready.panel.pool > 0) & (known > 0) & _came_later(ready.panel, lessons))
    days = ready.exposure[rows].sum(axis=1, dtype=np.float64)
    rows, days = rows[days > 0], days[days > 0]
    if not len(rows):
        return
    prior, fresh = lessons.newcomers.prior(ready.panel.pool[rows], ready.panel.region[rows]), 1 - age[rows] / NEW_DAYS
    counts = prior.days * fresh
    whole = counts + days
    share = counts / whole
    known[rows] = part[rows] + (1 - part[rows]) * fresh
    leaning = share * prior.mean + (1 - share) * (levels[rows] @ lessons.weights.beta)
    velocity = lessons.weights.growth * leaning * known[rows]
    phi = lessons.newcomers.phi
    daily = (counts * phi * velocity + days * pace.daily_sd[rows] ** 2) / whole
    pace.velocity[rows], pace.share[rows] = velocity, share
    pace.daily_sd[rows] = np.sqrt(np.maximum(daily, velocity))
    pace.rate_sd[rows] = np.sqrt(phi * velocity / whole)
    into.rate[rows], into.counts[rows], into.days[rows] = prior.mean, counts, days
    into.series[rows], into.near[rows] = prior.series, prior.near


def _came_later(panel: Panel, lessons: Lessons) -> Bools:
    """Series (n,) that were listed well after the first sale of their region; none of a region that never sold."""
    keys, of = np.unique(panel.region, return_inverse=True)
    begun = [lessons.regions.get(key) for key in keys.tolist()]
    first = np.array([panel.periods if day is None else (day - panel.first).days for day in begun], dtype=np.int64)
    behind = 0 if panel.behind is None else panel.behind
    found: Bools = panel.listed >= first[of] + behind + LATER
    return found


def _empty(days: Floats, p: Floats) -> Span:
    mean, variance, seen = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    shares, own, weight, quantile = (np.zeros(p.shape) for _ in range(4))
    return Span(days.astype(np.float64), mean, variance, seen, p, shares, own, weight, quantile)


def _rows(of: Columns, rows: slice) -> Columns:
    """A view of some rows: what is written into it stands in the whole."""
    return type(of)(*(getattr(of, field.name)[rows] for field in fields(of)))


def _fill(span: Span, found: Prospect) -> None:
    """Put the demand of a block of rows where it belongs, at each of the chances asked for."""
    span.mean[:], span.variance[:], span.seen[:] = found.mean, found.variance, found.seen
    sells = found.mean > states.TINY
    for column in range(span.p.shape[1]):
        p = np.ascontiguousarray(span.p[:, column])
        span.ratio[:, column], span.own[:, column] = found.ratio(p), found.own(p)
        span.w[:, column] = np.where(sells, found.weight(p), 0.0)
        span.quantile[:, column] = found.at(p)


def prospects(
    history: SeriesHistory,
    settings: DemandSettings,
    ahead: Outlook,
    rows: Ints,
    groups: Groups,
    spans: Sequence[tuple[Floats, Floats]],
    engine: EngineSettings | None = None,
) -> tuple[Prospect, ...]:
    """The demand of other spans than an outlook was asked for, by the same lessons and rates.

    `rows` (m,) of the history and of the outlook may name a series more than once; `groups` are theirs, `spans`
    their days and the deviations of these, (m,) each.
    """
    engine = engine or EngineSettings()
    parts: list[list[Prospect]] = [[] for _span in spans]
    for start in range(0, max(len(rows), 1), BLOCK):
        block = slice(start, start + BLOCK)
        mine = rows[block]
        ready = _ready(history.rows(mine), settings, ahead.lessons, groups.rows(block), engine)
        pace = ahead.pace.rows(mine)
        for part, (days, days_sd) in zip(parts, spans, strict=True):
            part.append(prospect(ready, pace, (days[block], days_sd[block]), ahead.lessons, engine))
    return tuple(joined(part) for part in parts)


def _ready(
    history: SeriesHistory, settings: DemandSettings, lessons: Lessons, groups: Groups, engine: EngineSettings
) -> targets.Past:
    """A history as those who taught were looked at."""
    panel = panel_of(without_spikes(history, settings), settings, groups)
    panel = recorded(panel, lessons.begins, lessons.regions)
    return targets.prepared(panel, leaning_on(lessons.weekdays, panel, engine.weekday_prior))


def _daily_sd(ready: targets.Past, velocity: Floats) -> Floats:
    """The deviation of a whole day in stock, at least that of Poisson sales; that of these where no day was whole."""
    sold = np.where(ready.whole, ready.units, 0.0).astype(np.float64)
    count = ready.whole.sum(axis=1)
    mean = ratio(sold.sum(axis=1), count, 0.0)
    squares = ratio(np.einsum("ij,ij->i", sold, sold), count, 0.0)
    return np.sqrt(np.where(count > 0, np.maximum(squares - mean**2, mean), velocity))


def levels_named(half_lives: Sequence[float]) -> list[str]:
    """How formulas call each level: l7 for a half-life of seven days, l_ever for the plain mean."""
    return [f"l{half:g}".replace(".", "_") if half < 1e5 else "l_ever" for half in half_lives]
