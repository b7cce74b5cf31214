"""What every policy of a backtest shares: the calendar of reviews, and how long an order takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import gamma

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import Freq

DAYS: dict[Freq, float] = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}  # of a period
WARM = 0.4  # of the periods are history before the first review
QUARTER = 0.25  # of the periods: what a static pair is set from
_CUT = 1e-6  # the chance beyond which a lead time is not followed


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How many whole periods an order takes: `periods[k]` with the chance `chances[k]`."""

    periods: Ints
    chances: Floats

    def drawn(self, orders: tuple[int, ...], seed: int) -> Ints:
        """A lead time for every order, by the seed alone: each policy meets the same ones."""
        even = np.random.default_rng(seed).random(orders)
        places = np.searchsorted(np.cumsum(self.chances), even, side="right")
        return self.periods[np.clip(places, 0, len(self.periods) - 1)]


def lead_time(mean: float, sd: float) -> LeadTime:
    """A gamma distribution of that mean and deviation, in periods, rounded to whole ones; certain where `sd` is 0."""
    if sd <= 0.0 or mean <= 0.0:
        return LeadTime(np.asarray([round(mean)], dtype=np.int64), np.ones(1))
    law = gamma((mean / sd) ** 2, scale=sd**2 / mean)
    periods = np.arange(math.ceil(float(law.ppf(1.0 - _CUT))) + 1)
    edges = law.cdf(np.concatenate([periods - 0.5, periods[-1:] + 0.5]))
    chances = np.diff(np.where(edges < 0.0, 0.0, edges))
    kept = chances > _CUT / len(periods)
    return LeadTime(periods[kept].astype(np.int64), chances[kept] / chances[kept].sum())


@dataclass(frozen=True, slots=True)
class Setting:
    """A backtest's calendar, all in periods.

    Columns before `start` are history. Stock is reviewed at `start` and every `review` periods after it. What happens
    before `measured` is left out of the figures: that long the stock of the beginning lasts on average.
    """

    freq: Freq
    periods: int
    start: int
    measured: int
    review: int
    lead: LeadTime
    lead_mean: float
    lead_sd: float

    @property
    def days(self) -> float:
        """How long a period is."""
        return DAYS[self.freq]

    @property
    def reviews(self) -> list[int]:
        """The columns that a review falls on; it is held before that period's sales."""
        return list(range(self.start, self.periods, self.review))

    @property
    def span(self) -> float:
        """How many periods an order must last on average: the lead time and the review after it."""
        return self.lead_mean + self.review


def setting(freq: Freq, periods: int, lead_days: float, sd_days: float, review_days: float) -> Setting:
    """The calendar for a history of `periods`; ValueError where it is too short, with what it needs."""
    days = DAYS[freq]
    mean, sd = lead_days / days, sd_days / days
    review = max(1, round(review_days / days))
    start = max(math.ceil(WARM * periods), math.ceil(mean + review))
    measured = start + math.ceil(mean)
    if measured + review > periods:
        need = measured + review if start > WARM * periods else math.ceil((math.ceil(mean) + review + 1) / (1 - WARM))
        raise ValueError(f"{periods} periods are too few: with that lead time and review it takes {need}")
    return Setting(freq, periods, start, measured, review, lead_time(mean, sd), mean, sd)
