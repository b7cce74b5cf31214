"""What to expect of each series: its velocity and the demand of its lead time, by what the catalogue's past taught.

Where there are no lessons (`bot.domain.forecasting.lessons`), the blended velocity and the shapes of
`bot.domain.replenishment` stand in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.demand import DemandEstimate, DemandSettings, SeriesHistory, day_masks, without_spikes
from bot.domain.forecasting import states, targets
from bot.domain.forecasting.compiled import in_blocks
from bot.domain.forecasting.engine import EngineSettings
from bot.domain.forecasting.lessons import CHANCES, Lesson, Lessons, recorded
from bot.domain.forecasting.panel import Panel
from bot.domain.forecasting.profile import leaning_on
from bot.domain.replenishment import gamma_quantile
from bot.domain.uplift import Lift

TOLD = (0.5, 0.8, 0.95)  # quantiles that are shown beside that of the service level


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Demand over a span of days; (n,) but for the columns of chances `p` (n, m), the first that of the service level.

    quantile = (seen (ratio mean (1 - w) + own days w) + gamma(mean, variance, p)) / (seen + 1), see `bot.domain.
    forecasting.engine`: what others alike sold over their mean, what the series itself sold, and a gamma.
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
class Outlook:
    """Velocities (n,) of the days ahead as `growth x levels @ beta x known`, and demand over the spans asked for."""

    lessons: Lessons
    levels: Floats  # (n, kinds) units a day in stock
    known: Floats  # share of the days that a rate must rest on which were in stock
    velocity: Floats
    daily_sd: Floats  # units, of a day in stock
    lead: Span
    cycle: Span
    joint: Span | None


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Lessons (None: too little was learned), what events ahead add, and the region (n,) of each series for both."""

    lessons: Lessons | None
    lift: Lift | None
    region: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The spans asked about, (n,), in days of usual demand: the lead time; it and the review after it; until goods of a
    supplier's next date come (None where no date is today). The deviation of the lead time, the service level, and the
    region.
    """

    lead_days: Floats
    cycle_days: Floats
    joint_days: Floats | None
    lead_time_sd: Floats
    service_level: Floats
    region: Ints


def panel_of(history: SeriesHistory, settings: DemandSettings, region: Ints) -> Panel:
    """A history of days as forecasters see it: days that do not count have no stock."""
    masks = day_masks(history, settings)
    there = masks.listed.any(axis=1)
    nothing = np.full(history.series, np.nan)
    return Panel(
        first=history.first_day,
        freq="day",
        units=history.units.astype(np.float32),
        in_stock=masks.usable.astype(np.float32),
        listed=np.where(there, masks.listed.argmax(axis=1), history.days).astype(np.int64),
        pool=np.zeros(history.series, dtype=np.int64),
        region=region,
        price=nothing,
        cost=nothing,
    )


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
    A rate that rests on few days in stock is a part of itself, as there.
    """
    engine = engine or EngineSettings()
    n = history.series
    known = ratio(estimate.in_stock_days[:, -1], estimate.base_days[:, -1], 0.0) * (estimate.velocity > 0)
    levels, velocity, daily = np.zeros((n, len(lessons.half_lives))), np.zeros(n), np.zeros(n)
    level = question.service_level[:, None]
    shown = np.concatenate([level, np.broadcast_to(np.asarray(TOLD), (n, len(TOLD)))], axis=1)
    lead = _empty(question.lead_days, shown)
    cycle = _empty(question.cycle_days, level)
    joint = None if question.joint_days is None else _empty(question.joint_days, level)
    spans = [span for span in (lead, cycle, joint) if span is not None]

    def say(block: slice) -> None:
        panel = panel_of(without_spikes(history.rows(block), settings), settings, question.region[block])
        panel = recorded(panel, lessons.begins, lessons.regions)
        ready = targets.prepared(panel, leaning_on(lessons.weekdays, panel, engine.weekday_prior))
        now = np.array([ready.periods])
        levels[block] = states.levels(ready, np.asarray(lessons.half_lives), now)[0]
        velocity[block] = lessons.weights.growth * (levels[block] @ lessons.weights.beta) * known[block]
        daily[block] = _daily_sd(ready)
        spread = daily[block], question.lead_time_sd[block]
        for span in spans:
            _fill(_rows(span, block), ready, velocity[block], spread, lessons, engine)

    in_blocks(n, say)
    return Outlook(lessons, levels, known, velocity, daily, lead, cycle, joint)


def _empty(days: Floats, p: Floats) -> Span:
    mean, variance, seen = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    shares, own, weight, quantile = (np.zeros(p.shape) for _ in range(4))
    return Span(days.astype(np.float64), mean, variance, seen, p, shares, own, weight, quantile)


def _rows(span: Span, rows: slice) -> Span:
    """A view of some rows: what is written into it stands in the whole."""
    return Span(*(getattr(span, field.name)[rows] for field in fields(Span)))


def _fill(
    span: Span,
    ready: targets.Past,
    velocity: Floats,
    spread: tuple[Floats, Floats],
    lessons: Lessons,
    engine: EngineSettings,
) -> None:
    """Reckon a block of rows, by lesson; `spread` are the deviations of a day's units and of the span's days."""
    daily, days_sd = spread
    span.mean[:] = velocity * span.days
    span.variance[:] = span.days * daily**2 + velocity**2 * days_sd**2
    span.seen[:] = (ready.periods / np.maximum(span.days, 1.0) / engine.spans_needed) ** 2
    whole = ready.whole.sum(axis=1)
    numbers = lessons.nearest(span.days, days_sd)
    for number in np.unique(numbers).tolist():
        rows = np.flatnonzero((numbers == number) & (span.mean > states.TINY))
        if not len(rows):
            continue
        lesson = lessons.lessons[number]
        own = _own(ready, rows, lesson)
        large = states.spread(own[:, -1], velocity[rows])
        pooled = states.looked_up(lesson.scatter, span.mean[rows, None], large)[:, 0]
        for column in range(span.p.shape[1]):
            p = span.p[rows, column]
            share = np.interp(p, [engine.own_from, 0.99], [0.0, engine.own_share])
            samples = whole[rows] / lesson.span
            span.ratio[rows, column] = _between(pooled, p)
            span.own[rows, column] = _between(own[:, :-1], p)
            span.w[rows, column] = samples / (samples + engine.own_samples) * share
    mean, sells = span.mean[:, None], span.mean > states.TINY
    mixed = span.ratio * mean * (1 - span.w) + span.own * span.days[:, None] * span.w
    gamma = np.zeros(mixed.shape)
    for column in range(span.p.shape[1]):
        gamma[sells, column] = gamma_quantile(span.mean[sells], span.variance[sells], span.p[sells, column])
    seen = span.seen[:, None]
    span.quantile[:] = np.where(sells[:, None], (seen * mixed + gamma) / (seen + 1), 0.0)


def _own(ready: targets.Past, rows: Ints, lesson: Lesson) -> Floats:
    """Quantiles (rows, chances + 1) of each series' own units a day over a lesson's span; the last tells its spread."""
    chances = np.array([*CHANCES, states.SPREAD_LEVEL])
    some = targets.Past(ready.panel.chosen(rows), ready.units[rows], ready.exposure[rows], ready.whole[rows])
    found: Floats = states.own(some, lesson.span, np.array([ready.periods]), chances)[0]
    return found


def _between(table: Floats, p: Floats) -> Floats:
    """The figure of each row of `table` (n, chances) at its chance, on straight lines between those of CHANCES."""
    known = np.asarray(CHANCES)
    p = np.clip(p, known[0], known[-1])
    high = np.clip(np.searchsorted(known, p), 1, len(known) - 1)
    part = (p - known[high - 1]) / (known[high] - known[high - 1])
    row = np.arange(len(p))
    found: Floats = table[row, high - 1] * (1 - part) + table[row, high] * part
    return found


def _daily_sd(ready: targets.Past) -> Floats:
    """The deviation of a whole day in stock, at least that of Poisson sales."""
    sold = np.where(ready.whole, ready.units, 0.0).astype(np.float64)
    count = ready.whole.sum(axis=1)
    mean = ratio(sold.sum(axis=1), count, 0.0)
    squares = ratio(np.einsum("ij,ij->i", sold, sold), count, 0.0)
    return np.sqrt(np.maximum(squares - mean**2, mean))


def levels_named(half_lives: Sequence[float]) -> list[str]:
    """How formulas call each level: l7 for a half-life of seven days, l_ever for the plain mean."""
    return [f"l{half:g}".replace(".", "_") if half < 1e5 else "l_ever" for half in half_lives]
