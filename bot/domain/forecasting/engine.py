"""The engine: what many series teach together, applied to each of them.

1. Exposure: days without stock ask for nothing, and a weekday for its share (`profile`, `targets`).
2. Levels of several half-lives, updated by exposure (`kernels.fill_levels`): simple exponential smoothing that no
   stock-out pulls down.
3. How these combine, how far those of young series are believed, and how fast the whole grows, is learned from the
   past's own origins (`fitting.combined`).
4. Quantiles are those of demand over its mean at these origins among series alike in mean and spread
   (`fitting.scattered`); far in the tail each series' own past has a say.

A few thousand series teach; all are then forecast in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.forecasting import fitting, kernels, season, states, targets
from bot.domain.forecasting.compiled import in_blocks, meanwhile
from bot.domain.forecasting.gammas import Gammas
from bot.domain.forecasting.panel import Forecast, Freq, Panel
from bot.domain.forecasting.profile import DAYS, spread_over, summed_over, weekday_factors
from bot.domain.forecasting.shapes import periods_by_shape, spans_by_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.forecasting.targets import Past, Targets

_EVER = 1e6  # a half-life beyond any history: the plain mean
_HALF_LIVES: Mapping[Freq, tuple[float, ...]] = MappingProxyType({
    "day": (2.5, 7, 14, 28, 56, _EVER),
    "week": (1, 2, 4, 8, 16, _EVER),
    "month": (1.5, 3, 6, 12, 24, _EVER),
})  # fmt: skip
# Ages at which half of a young level is believed, of which the past chooses: beyond three weeks rare sellers lose.
_DOUBTS: Mapping[Freq, tuple[float, ...]] = MappingProxyType({
    "day": (0, 7, 14, 21),
    "week": (0, 1, 2, 3),
    "month": (0, 0.25, 0.5, 0.7),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Defaults, each measured on public data (docs/forecasting.md)."""

    half_lives: Mapping[Freq, tuple[float, ...]] = field(default_factory=lambda: _HALF_LIVES)  # periods, ascending
    doubts: Mapping[Freq, tuple[float, ...]] = field(default_factory=lambda: _DOUBTS)  # periods, ascending
    origins: int = 8  # looked back from
    teachers: int = 5_000  # series that the pooled figures are learned from at most
    weekday_prior: float = 100.0  # units
    own_from: float = 0.9  # above this level a series' own quantiles count,
    own_share: float = 0.4  # at 0.99 with this weight
    own_samples: float = 20.0  # samples that halve that weight
    spans_needed: float = 3.0  # of history for the scatter over spans to count as much as a gamma of their variance
    teachers_needed: float = 500.0  # for the scatter over spans to keep half of that weight
    few: float = 50.0  # teachers whose scatter over single periods counts as much as a shape of the own variance,
    many: int = 1_000  # and from how many on it alone does
    season: season.SeasonSettings = field(default_factory=season.SeasonSettings)
    fit: fitting.FitSettings = field(default_factory=fitting.FitSettings)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What each series tells of itself, (n, ...): its age, levels, own quantiles and, last, its spread, its moments."""

    age: Floats
    levels: Floats
    own: Floats
    moments: Floats

    def rows(self, block: slice) -> _Known:
        """Some of the series."""
        return _Known(self.age[block], self.levels[block], self.own[block], self.moments[block])


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """What the teachers taught; `scatter` is None where they were too few."""

    weights: fitting.Weights
    scatter: fitting.Scatter | None
    trust: float  # in the scatter of single periods, beside shapes of each series' own variance

    def means(self, known: _Known) -> Floats:
        """Units (n,) of a whole period in stock."""
        mean: Floats = known.levels @ self.weights.beta * self.weights.growth
        return mean * fitting.credible(known.age, self.weights.doubt)

    def pooled(self, known: _Known, means: Floats, levels: int) -> Floats:
        """Quantiles (n, C, levels) of cells with `means` (n, C), as all series scatter; zero where too few taught."""
        if self.scatter is None:
            return np.zeros((*means.shape, levels))
        spread = states.spread(known.own[:, -1], self.means(known))
        return states.looked_up(self.scatter, means, spread) * means[:, :, None]


class Engine:
    """Stocktide's forecaster."""

    name = "stocktide"

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self._settings = settings or EngineSettings()

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """Demand of each of the next `horizon` periods, had there always been stock."""
        chosen = np.asarray(levels, dtype=np.float64)
        factors = weekday_factors(past, self._settings.weekday_prior)

        def found(teachers: Past) -> Targets:
            return targets.by_period(teachers, horizon, self._settings.origins)

        learned, known = self._both(past, factors, found, 1, chosen)
        turn = min(horizon, DAYS if past.freq == "day" else 1)  # from then on periods repeat
        cells = np.arange(horizon) % max(turn, 1)
        means, quantiles = np.empty((past.series, horizon)), np.empty((past.series, horizon, len(levels)))

        def say(block: slice) -> None:
            ahead = spread_over(past, factors[block], past.periods, turn)
            rows = known.rows(block)
            mean = learned.means(rows)[:, None] * ahead
            wide = learned.pooled(rows, mean, len(levels))
            if learned.trust < 1:
                wide = learned.trust * wide + (1 - learned.trust) * periods_by_shape(rows.moments, mean, chosen)
            self._lean(rows, ahead, 1, chosen, wide)
            np.take(mean, cells, axis=1, out=means[block], mode="clip")  # unlike "raise" without a buffer
            np.take(wide, cells, axis=1, out=quantiles[block], mode="clip")

        in_blocks(past.series, say)
        return Forecast(means, levels, quantiles)

    def over(self, past: Panel, spans: Ints, weights: Floats, levels: tuple[float, ...]) -> Floats:
        """Quantiles (n, levels) of the demand of the next periods together, their number as random as `weights` say.

        Spans beyond half of the history are looked at over half of it. The fewer spans a history holds, the less its
        scatter over them tells, and the more weight has a gamma whose variance is put together from single periods.
        """
        chosen = np.asarray(levels, dtype=np.float64)
        longest = max(1, past.periods // 2)
        cut = np.minimum(spans, longest)
        span = max(1, round(float(cut @ weights)))
        factors = weekday_factors(past, self._settings.weekday_prior)

        def found(teachers: Past) -> Targets:
            return targets.by_span(teachers, cut, weights, self._settings.origins)

        learned, known = self._both(past, factors, found, span, chosen)
        taught = min(past.series, self._settings.teachers)
        seen = (past.periods / float(spans @ weights) / self._settings.spans_needed) ** 2
        seen *= taught / (taught + self._settings.teachers_needed)
        law = Gammas(chosen, past.series)
        out = np.zeros((past.series, len(levels)))

        def say(block: slice) -> None:
            rows = known.rows(block)
            ahead = summed_over(past, factors[block], spans, weights)[:, None]
            mean = learned.means(rows)[:, None] * ahead
            shaped = spans_by_shape(rows.moments, mean[:, 0], spans, weights, law)
            wide = shaped[:, None].copy() if learned.scatter is None else learned.pooled(rows, mean, len(levels))
            self._lean(rows, ahead, span, chosen, wide)
            out[block] = (wide[:, 0] * seen + shaped) / (seen + 1.0)

        in_blocks(past.series, say)
        return out

    def _both(
        self, past: Panel, factors: Floats, found: Callable[[Past], Targets], span: int, levels: Floats
    ) -> tuple[_Learned, _Known]:
        """What the teachers teach, and, as none of it is needed for that, what each series tells meanwhile."""
        half_lives = np.asarray(self._settings.half_lives[past.freq], dtype=np.float64)
        now, chances = np.array([past.periods]), np.append(levels, states.SPREAD_LEVEL)
        n = past.series
        known = _Known(
            states.ages(past.listed, now)[0],
            np.empty((n, len(half_lives))),
            np.empty((n, len(chances))),
            np.empty((n, 4)),
        )

        def look(block: slice) -> None:
            ready = targets.prepared(past.chosen(block), factors[block])
            known.levels[block] = states.levels(ready, half_lives, now)[0]
            known.own[block] = states.own(ready, span, now, chances)[0]
            known.moments[block] = states.moments(ready)

        def learn() -> _Learned:
            rows = fitting.evenly(n, self._settings.teachers)
            teachers = targets.prepared(past.chosen(rows), factors[rows])
            return self._learn(teachers, found(teachers), half_lives, span, levels)

        return meanwhile(learn, lambda: in_blocks(n, look)), known

    def _learn(self, teachers: Past, found: Targets, half_lives: Floats, span: int, levels: Floats) -> _Learned:
        known = states.levels(teachers, half_lives, found.columns)
        steps = np.diff(teachers.units, axis=1).astype(np.float64)
        both = teachers.whole[:, 1:] & teachers.whole[:, :-1]
        scale = np.sqrt(ratio(np.where(both, steps**2, 0.0).sum(axis=1), both.sum(axis=1), 0.0))
        columns = np.append(found.columns, teachers.periods)
        seasons = season.rises(teachers, columns, found.reach, self._settings.season)
        ages = states.ages(teachers.panel.listed, found.columns)
        doubts = self._settings.doubts[teachers.panel.freq]
        weights, means = fitting.combined(found, known, ages, scale, seasons, doubts, self._settings.fit)
        own = states.own(teachers, span, found.columns, np.array([states.SPREAD_LEVEL]))[:, :, 0]
        scatter = fitting.scattered(found, means, states.spread(own, means), levels, self._settings.fit)
        few = teachers.panel.series if scatter is not None else 0
        trust = 1.0 if few >= self._settings.many else few / (few + self._settings.few)
        return _Learned(weights, scatter, trust)

    def _lean(self, known: _Known, ahead: Floats, span: int, levels: Floats, pooled: Floats) -> None:
        """Let quantiles (n, C, levels) of cells with the exposure `ahead` (n, C) lean on each series' own, in place."""
        samples = known.moments[:, 0] / span
        share = np.interp(levels, [self._settings.own_from, 0.99], [0.0, self._settings.own_share])
        weight = (samples / (samples + self._settings.own_samples))[:, None] * share
        kernels.fill_blend(known.own[:, :-1], ahead, weight, np.argsort(levels, kind="stable"), pooled)
