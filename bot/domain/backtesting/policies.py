"""Order policies: at each review, up to which stock each series is to be ordered, for every setting of a knob at once.

A policy's knob is what its users turn for more service; a backtest runs the policy on a grid of it and compares
policies where they fill equally much. A policy sees the past alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.backtesting.setting import QUARTER, Setting
from bot.domain.backtesting.shared import rises
from bot.domain.backtesting.smoothing import Kind, rate
from bot.domain.backtesting.worth import at_tails, sale_rate, weights
from bot.domain.forecasting import Forecaster, Panel
from bot.domain.forecasting.panel import Singles

# Neighbours on a grid lie close where fill rates of 80% to 99% are reached, so that between them the curve is straight.


def _grid(wide: tuple[float, float], close: tuple[float, float]) -> tuple[float, ...]:
    """Steps of a quarter or so over the wide range and of a sixteenth over the close one."""
    steps = np.union1d(np.geomspace(*wide, 24), np.geomspace(*close, 32))
    return tuple(float(f"{one:.4g}") for one in steps)


def _logistic(least: float, most: float, count: int) -> tuple[float, ...]:
    """Levels of even steps in their log odds."""
    return tuple(float(f"{one:.7g}") for one in expit(np.linspace(least, most, count)))


_LEVELS = _logistic(-3.0, 13.0, 48)  # 0.047 to 0.999998
_ASKED = _logistic(-6.0, 13.0, 64)  # of the forecaster; between them lies what a series is weighed to
_COVER = _grid((0.1, 60.0), (0.9, 6.0))  # times the lead time and the review
_TIMES = _grid((0.05, 80.0), (0.9, 8.0))
_DEVIATIONS = tuple(round(float(one), 3) for one in (*np.linspace(-3.0, 4.0, 36), *np.geomspace(4.5, 25.0, 12)))
VELOCITY_DAYS = 30
_STEEPNESS = 0.5  # how fast the cut of orders is loosened as the tail above the level shrinks tenfold
_LEAST_HALF_LIFE = 6.0  # periods that the rate of sales is smoothed over


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Order up to `up_to` (n, knobs) units wherever the position is not above `reorder`; None: wherever it is below.

    No order is more than `most` (knobs,) times `up_to`, but for what packs and minimum orders raise it to. None: orders
    are what is lacking.
    """

    up_to: Floats | Singles
    reorder: Floats | Singles | None = None
    most: Floats | None = None


class Policy(Protocol):
    """One way to order."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    @property
    def knobs(self) -> tuple[float, ...]:
        """The grid of its knob, from less stock to more."""
        ...

    def plan(self, past: Panel) -> Plan:
        """What to order up to at the review after `past`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Quantile:
    """A quantile of the demand of the lead time and the review after it, from a forecaster; the knob is its level.

    The level is that of a series which sells every period. Where sales are rarer, one more unit spares fewer lost ones
    than the tail above it holds, and the tail is as much longer (`worth`): marginal analysis in units. An order is cut
    to some times a review's share of the level (`cut`), so that one bulk order is not bought again at once; where sales
    are lost, such a cut saves stock (Xin 2021, Operations Research 69).

    `product` (n,) numbers the products of the series, from 0: what sells at many places rises at all of them together.
    """

    forecaster: Forecaster
    setting: Setting
    product: Ints
    knobs: tuple[float, ...] = _LEVELS

    @property
    def name(self) -> str:
        """That of the forecaster."""
        return self.forecaster.name

    def plan(self, past: Panel) -> Plan:
        """One call for all levels."""
        lead, review, span = self.setting.lead, self.setting.review, self.setting.span
        found = self.forecaster.over(past, lead.periods + review, lead.chances, _ASKED)
        found = found * rises(past, self.product)[:, None]
        worth = weights(sale_rate(past, max(span, _LEAST_HALF_LIFE)), self.setting.lead_mean, review)
        tails = 1.0 - np.asarray(self.knobs)
        up_to = at_tails(found, np.asarray(_ASKED), tails[None, :] / worth[:, None])
        return Plan(up_to, most=cut(tails) * review / span)


def cut(tails: Floats) -> Floats:
    """How many times a review's share of the level an order may be, by the chance above the level.

    1 where any sale may be lost, half a share more for each tenfold rarer loss: the dearer a lost sale, the more of an
    order comes at once. That the best cut rises with what a lost sale costs is Xin's (2021); the slope was measured.
    """
    return 1.0 - _STEEPNESS * np.log10(tails)


class Flat30:
    """What shops' own programs ship: the velocity of 30 days x (lead time + review + safety days), the knob."""

    name = "flat30"

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        span = setting.span * setting.days
        self.knobs = tuple(round((times - 1.0) * span, 1) for times in _COVER)

    def plan(self, past: Panel) -> Plan:
        """The last 30 days' mean, whatever happened in them."""
        window = min(max(1, round(VELOCITY_DAYS / self._setting.days)), past.periods)
        velocity = past.units[:, -window:].mean(axis=1, dtype=np.float64)
        cover = self._setting.span + np.asarray(self.knobs) / self._setting.days
        return Plan(velocity[:, None] * np.maximum(cover, 0.0)[None, :])


class MinMax:
    """A static pair, set once: the minimum is the knob times the first quarter's demand of lead time and review.

    The maximum is one review period's demand more. What was listed after the first quarter has its pair from what it
    sold until the first review.
    """

    name = "minmax"
    knobs = _TIMES

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._quarter = max(1, int(QUARTER * setting.periods))

    def plan(self, past: Panel) -> Plan:
        """The same pair at each review."""
        end = np.where(past.listed < self._quarter, self._quarter, self._setting.start)
        columns = np.arange(self._setting.start)
        counted = (columns[None, :] >= past.listed[:, None]) & (columns[None, :] < end[:, None])
        sold = np.where(counted, past.units[:, : self._setting.start], 0.0).sum(axis=1, dtype=np.float64)
        velocity = ratio(sold, counted.sum(axis=1), 0.0)[:, None]
        least = velocity * self._setting.span * np.asarray(self.knobs)[None, :]
        return Plan(least + velocity * self._setting.review, least)


class Smoothed:
    """A smoothed rate with the normal formula: the mean over lead time and review, and the knob times its deviation."""

    knobs = _DEVIATIONS

    def __init__(self, kind: Kind, setting: Setting) -> None:
        self.name: str = kind
        self._kind = kind
        self._setting = setting

    def plan(self, past: Panel) -> Plan:
        """The normal formula, m (L + R) + z sqrt((L + R) sigma^2 + m^2 sigma_L^2), never below zero."""
        found = rate(past, self._kind)
        span = self._setting.span
        deviation = np.sqrt(span * found.error**2 + (found.mean * self._setting.lead_sd) ** 2)
        up_to = (found.mean * span)[:, None] + deviation[:, None] * np.asarray(self.knobs)[None, :]
        return Plan(np.maximum(up_to, 0.0))


NAMES = ("stocktide", "flat30", "minmax", "sba", "tsb", "imapa")


def policy(name: str, ours: Forecaster, setting: Setting, product: Ints) -> Policy:
    """A policy of `NAMES`; `product` (n,) numbers the products of the series, from 0."""
    match name:
        case "stocktide":
            return Quantile(ours, setting, product)
        case "flat30":
            return Flat30(setting)
        case "minmax":
            return MinMax(setting)
        case "sba":
            return Smoothed("sba", setting)
        case "tsb":
            return Smoothed("tsb", setting)
        case "imapa":
            return Smoothed("imapa", setting)
        case _:
            raise ValueError(f"{name!r} is no policy")
