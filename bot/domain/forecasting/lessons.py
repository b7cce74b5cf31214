"""What a catalogue's past taught, kept until the next day: with it, any few series are judged as the whole would be.

The engine learns from series that teach; these lessons are its pooled figures as plain numbers. One set of weights
makes every velocity, whatever a route's lead time, so that a product's velocity is one figure; the scatter about it is
learned for each law of lead times that the routes have, for demand over two months scatters otherwise than over one
week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import fitting, newcomers, season, states, targets
from bot.domain.forecasting.engine import EngineSettings
from bot.domain.forecasting.fitting import Scatter, Weights
from bot.domain.forecasting.newcomers import Newcomers
from bot.domain.forecasting.panel import Panel
from bot.domain.forecasting.profile import DAYS, WeekdayPools, weekday_factors, weekday_pools
from bot.domain.leadtime import quantiles

CHANCES = (  # between them: straight lines
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.98, 0.99, 0.995, 0.999,
)  # fmt: skip
FORM = 5  # of lessons as plain JSON; those of another form are learned anew
LEAST_SERIES = 30  # fewer teach nothing that holds for others,
LEAST_DAYS = 84  # nor does less of a past
_STEP = 1.25  # between the mean lengths of two laws that are told apart
_SHARES = (0.0, 0.15, 0.3, 0.5)  # of a law's deviation in its mean
_CERTAIN = 0.5  # days of deviation under which a law has one length
_POINTS = 9  # lengths of a law at most


@dataclass(frozen=True, slots=True, order=True)
class Law:
    """How many days a lead time takes: `mean`, and a deviation of `share` times that."""

    mean: float
    share: float

    def lengths(self, longest: int) -> tuple[Ints, Floats]:
        """Days, ascending, and the chance of each, none beyond `longest`: equally likely points of a gamma.

        The points are the middles of its equal parts, spread about their mean so that they have the law's mean and
        deviation; middles alone fall short of both. Whole days are the nearest, and equal days are one.
        """
        sd = self.share * self.mean
        points = np.array([self.mean])
        if sd >= _CERTAIN:
            middles = quantiles(points, np.array([sd]), (np.arange(_POINTS) + 0.5) / _POINTS)[0]
            points = self.mean + (middles - middles.mean()) * sd / middles.std()
        days, times = np.unique(np.clip(np.rint(points), 1, longest).astype(np.int64), return_counts=True)
        return days, times / len(points)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """How demand over a law's days scatters about its mean; `span` is the length that series' own past is cut into."""

    law: Law
    span: int
    scatter: Scatter


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """The pooled figures as of the close of `learned_on`, from `series` series; `lessons` has one at least.

    `begins` is the day of the first sale of all, `regions` that of each region: before it nobody wrote sales down, and
    stock that lay there tells nothing.
    """

    learned_on: date
    begins: date
    regions: Mapping[int, date]
    series: int
    half_lives: tuple[float, ...]
    weights: Weights
    weekdays: WeekdayPools
    lessons: tuple[Lesson, ...]
    newcomers: Newcomers | None  # None: no product has a category
    uplifts: Mapping[tuple[str, int, int], float]  # the size of events by key, region and category, as `uplift.Sizes`

    def nearest(self, days: Floats, days_sd: Floats) -> Ints:
        """The number of the lesson whose law is most like each of these spans."""
        logs = np.log(np.maximum(days, 1.0))[:, None]
        share = (days_sd / np.maximum(days, 1.0))[:, None]
        laws = np.array([(np.log(lesson.law.mean), lesson.law.share) for lesson in self.lessons])
        away: Floats = np.abs(logs - laws[:, 0]) + np.abs(share - laws[:, 1])
        nearest: Ints = away.argmin(axis=1).astype(np.int64)
        return nearest


def laws_of(days: Floats, days_sd: Floats, weight: Floats, most: int) -> list[Law]:
    """The laws that spans come near to, those of most weight first, at most `most`."""
    rungs = np.rint(np.log(np.maximum(days, 1.0)) / np.log(_STEP))
    shares = np.asarray(_SHARES)
    share = np.abs((days_sd / np.maximum(days, 1.0))[:, None] - shares).argmin(axis=1)
    keys, where = np.unique(np.stack([rungs, share.astype(np.float64)], axis=1), axis=0, return_inverse=True)
    order = np.argsort(-np.bincount(where.ravel(), weights=weight), kind="stable")[:most]
    return [Law(round(_STEP**rung, 3), float(shares[int(at)])) for rung, at in keys[order].tolist()]


def teach(
    panel: Panel,
    laws: Sequence[Law],
    uplifts: Mapping[tuple[str, int, int], float] | None = None,
    settings: EngineSettings | None = None,
) -> Lessons | None:
    """Lessons of a panel of days, the first law that by which levels are weighed; None where it teaches too little.

    `uplifts` are the sizes of events as they were learned; their days have no exposure in the panel.
    """
    settings = settings or EngineSettings()
    regions = _begun(panel)
    panel = recorded(panel, min(regions.values(), default=panel.starts(panel.periods)), regions)
    if panel.series < LEAST_SERIES or panel.periods < LEAST_DAYS or not laws:
        return None
    ready = targets.prepared(panel, weekday_factors(panel, settings.weekday_prior))
    weights: Weights | None = None
    found = []
    for law in laws:
        lengths, chances = law.lengths(max(1, panel.periods // 2))
        span = max(1, round(float(lengths @ chances)))
        spans = targets.by_span(ready, lengths, chances, settings.origins)
        known = states.levels(ready, np.asarray(settings.half_lives["day"]), spans.columns)
        columns = np.append(spans.columns, ready.periods)
        seasons = season.rises(ready, columns, spans.reach, settings.season)
        if weights is None:
            endless = np.full(known.shape[:2], np.inf)  # velocities count the days that they rest on themselves
            weights, means = fitting.combined(spans, known, endless, _steps(ready), seasons, (0.0,), settings.fit)
        else:
            means = fitting.grown(spans, known @ weights.beta, seasons, settings.fit)[1]
        own = states.own(ready, span, spans.columns, np.array([states.SPREAD_LEVEL]))[:, :, 0]
        scatter = fitting.scattered(spans, means, states.spread(own, means), np.asarray(CHANCES), settings.fit)
        if scatter is not None:
            found.append(Lesson(law, span, scatter))
    if not found or weights is None:
        return None
    shares = float(weights.beta.sum())  # so that the levels' weights sum to one, and growth is what it says
    return Lessons(
        learned_on=panel.starts(panel.periods - 1),
        begins=panel.first,
        regions=regions,
        series=panel.series,
        half_lives=tuple(settings.half_lives["day"]),
        weights=Weights(weights.beta / shares, weights.growth * shares),
        weekdays=weekday_pools(panel, settings.weekday_prior),
        lessons=tuple(found),
        newcomers=newcomers.learned(ready),
        uplifts=dict(uplifts or {}),
    )


def recorded(panel: Panel, begins: date, regions: Mapping[int, date]) -> Panel:
    """The panel from the day on which sales were first written down; a region's series are listed from its own."""
    cut = min(max((begins - panel.first).days, 0), panel.periods)
    keys, of = np.unique(panel.region, return_inverse=True)
    first = np.array([(regions.get(key, begins) - panel.first).days for key in keys.tolist()], dtype=np.int64)
    own = first[of] + _behind(panel) if len(keys) else panel.listed
    listed = np.minimum(np.maximum(panel.listed, own), panel.periods)
    return Panel(
        panel.first + timedelta(days=cut),
        panel.freq,
        panel.units[:, cut:],
        None if panel.in_stock is None else panel.in_stock[:, cut:],
        np.maximum(listed - cut, 0),
        panel.pool,
        panel.region,
        panel.price,
        panel.cost,
        panel.behind,
    )


def _begun(panel: Panel) -> dict[int, date]:
    """The day of the first sale in each region."""
    sold = np.flatnonzero(panel.units.any(axis=1))
    column = (panel.units[sold] > 0).argmax(axis=1) - _behind(panel)[sold]
    found: dict[int, date] = {}
    for region in np.unique(panel.region[sold]).tolist():
        found[region] = panel.starts(int(column[panel.region[sold] == region].min()))
    return found


def _behind(panel: Panel) -> Ints:
    """Days by which each series' columns lie before those of the panel."""
    return np.zeros(panel.series, dtype=np.int64) if panel.behind is None else panel.behind


def _steps(ready: targets.Past) -> Floats:
    """The root mean square of each series' steps between days in stock: errors are held against it."""
    steps = np.diff(ready.units, axis=1).astype(np.float64)
    both = ready.whole[:, 1:] & ready.whole[:, :-1]
    squares = np.where(both, steps**2, 0.0).sum(axis=1)
    root: Floats = np.sqrt(squares / np.maximum(both.sum(axis=1), 1))
    return root


def plain(lessons: Lessons) -> dict[str, Any]:
    """Lessons as plain JSON."""
    return {
        "form": FORM,
        "learned_on": lessons.learned_on.isoformat(),
        "begins": lessons.begins.isoformat(),
        "regions": [(region, day.isoformat()) for region, day in lessons.regions.items()],
        "series": lessons.series,
        "half_lives": list(lessons.half_lives),
        "beta": lessons.weights.beta.tolist(),
        "growth": lessons.weights.growth,
        "weekdays": {
            "everyone": lessons.weekdays.everyone.tolist(),
            "regions": lessons.weekdays.regions.tolist(),
            "in_region": lessons.weekdays.in_region.tolist(),
            "keys": lessons.weekdays.keys.tolist(),
            "factors": lessons.weekdays.factors.tolist(),
        },
        "newcomers": None if lessons.newcomers is None else lessons.newcomers.plain(),
        "uplifts": [(*key, size) for key, size in lessons.uplifts.items()],
        "lessons": [
            {
                "mean": lesson.law.mean,
                "share": lesson.law.share,
                "span": lesson.span,
                "centres": lesson.scatter.centres.tolist(),
                "spreads": lesson.scatter.spreads.tolist(),
                "ratios": lesson.scatter.ratios.tolist(),
            }
            for lesson in lessons.lessons
        ],
    }


def from_plain(told: Mapping[str, Any]) -> Lessons | None:
    """What `plain` made; None where another version of the program did, whose lessons are of another form."""
    if told.get("form") != FORM:
        return None

    def floats(values: object) -> Floats:
        return np.asarray(values, dtype=np.float64)

    def ints(values: object) -> Ints:
        return np.asarray(values, dtype=np.int64)

    days = told["weekdays"]
    return Lessons(
        learned_on=date.fromisoformat(told["learned_on"]),
        begins=date.fromisoformat(told["begins"]),
        regions={region: date.fromisoformat(day) for region, day in told["regions"]},
        series=told["series"],
        half_lives=tuple(told["half_lives"]),
        weights=Weights(floats(told["beta"]), told["growth"]),
        weekdays=WeekdayPools(
            floats(days["everyone"]),
            ints(days["regions"]),
            floats(days["in_region"]).reshape(-1, DAYS),
            ints(days["keys"]),
            floats(days["factors"]).reshape(-1, DAYS),
        ),
        lessons=tuple(
            Lesson(
                Law(one["mean"], one["share"]),
                one["span"],
                Scatter(floats(one["centres"]), floats(one["spreads"]), floats(one["ratios"])),
            )
            for one in told["lessons"]
        ),
        newcomers=None if told["newcomers"] is None else Newcomers.from_plain(told["newcomers"]),
        uplifts={(key, region, category): size for key, region, category, size in told["uplifts"]},
    )
