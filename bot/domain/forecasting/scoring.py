"""How good a forecast was, per series and free of its scale, so that series can be averaged.

Each score divides by the in-sample error of the naive forecast "as last period" (Hyndman & Koehler 2006, "Another look
at measures of forecast accuracy"), here over what was known at the same origin since the series was listed, as in the
M5 competition (Makridakis, Spiliotis & Assimakopoulos 2022, "The M5 accuracy competition" and "The M5 uncertainty
competition", International Journal of Forecasting 38). Absolute error of the mean is no score here: on intermittent
series a forecast of zero wins it.

Periods that were not wholly in stock are no truth: their sales understate demand. They are left out of the test span
and, with the step before and after them, out of the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats, ratio
from bot.domain.forecasting.panel import Forecast, Panel


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What came after an origin, and the scales of what came before it.

    `units` and `known` (n, H); `absolute` and `squared` (n,): the mean absolute and squared one-step difference of the
    past; `usable` (n,): both are above zero and a period of the test span is known.
    """

    units: Floats
    known: Bools
    absolute: Floats
    squared: Floats
    usable: Bools


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one method: means over series and origins, each series at each origin counting once.

    `rmsse`: root mean squared scaled error. `pinball`: scaled pinball loss by level. `coverage`: the share of known
    periods at or below the quantile, by level. `bias`: (forecast - actual) / actual, all units added up. `series`: how
    many were scored at one origin or more; `left_out`: series at an origin without a scale or a known period.
    """

    method: str
    rmsse: float | None
    pinball: dict[float, float | None]
    coverage: dict[float, float | None]
    bias: float | None
    series: int
    left_out: int


def origins(periods: int, horizon: int, count: int) -> list[int]:
    """The columns that forecasts begin at: the last `count`, a horizon apart; ValueError where the past is too short.

    The first must leave a past as long as the horizon, and of two periods at least.
    """
    if periods - horizon * count < max(horizon, 2):
        need = horizon * count + max(horizon, 2)
        raise ValueError(
            f"{count} origins of {horizon} periods need a history of {need} periods, and there are {periods}"
        )
    return [periods - horizon * back for back in range(count, 0, -1)]


def truth(panel: Panel, origin: int, horizon: int) -> Truth:
    """What the forecasts made at `origin` are held against."""
    known = np.ones(panel.units.shape, dtype=bool) if panel.in_stock is None else panel.in_stock >= 1.0
    span = slice(origin, origin + horizon)
    past = panel.units[:, :origin].astype(np.float64)
    counted = known[:, :origin] & (np.arange(origin)[None, :] >= panel.listed[:, None])
    both = counted[:, 1:] & counted[:, :-1]
    steps = np.where(both, np.diff(past, axis=1), 0.0)
    pairs = both.sum(axis=1)
    absolute = ratio(np.abs(steps).sum(axis=1), pairs, 0.0)
    squared = ratio(np.einsum("ij,ij->i", steps, steps), pairs, 0.0)
    after = known[:, span]
    return Truth(panel.units[:, span].astype(np.float64), after, absolute, squared, (absolute > 0) & after.any(axis=1))


class Tally:
    """Adds up the scores of one method over origins."""

    def __init__(self, method: str, levels: tuple[float, ...], series: int) -> None:
        self.method = method
        self._levels = levels
        self._ever = np.zeros(series, dtype=bool)
        self._pairs = self._left_out = self._periods = 0
        self._rmsse = self._forecast = self._actual = 0.0
        self._pinball = np.zeros(len(levels))
        self._covered = np.zeros(len(levels))

    def add(self, found: Forecast, held: Truth, rows: Bools) -> None:
        """Score the series `rows` of the panel; `found` and `held` hold those series alone."""
        use, known = held.usable, held.known[held.usable]
        units, periods = held.units[use], known.sum(axis=1)
        mean, quantiles = found.mean[use], found.quantiles[use]
        error = np.where(known, mean - units, 0.0)
        scaled = np.einsum("ij,ij->i", error, error) / periods / held.squared[use]
        self._rmsse += float(np.sqrt(scaled).sum())
        for place, level in enumerate(self._levels):
            over = quantiles[:, :, place] - units
            loss = np.where(known, np.maximum((1.0 - level) * over, -level * over), 0.0)
            self._pinball[place] += float((loss.sum(axis=1) / periods / held.absolute[use]).sum())
            self._covered[place] += float((known & (over >= 0.0)).sum())
        self._forecast += float(np.where(known, mean, 0.0).sum())
        self._actual += float(np.where(known, units, 0.0).sum())
        self._pairs += int(use.sum())
        self._periods += int(periods.sum())
        self._left_out += int((~use).sum())
        self._ever[np.flatnonzero(rows)[use]] = True

    def score(self) -> Score:
        """What came out; None where there was nothing to score."""

        def mean(total: float, count: float) -> float | None:
            return float(total) / count if count else None

        return Score(
            self.method,
            mean(self._rmsse, self._pairs),
            dict(zip(self._levels, (mean(loss, self._pairs) for loss in self._pinball), strict=True)),
            dict(zip(self._levels, (mean(met, self._periods) for met in self._covered), strict=True)),
            mean(self._forecast - self._actual, self._actual),
            int(self._ever.sum()),
            self._left_out,
        )
