"""Axes: round steps, and where a value or a day stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_STEPS = (1, 2, 5, 10)
_DAY_STEPS = (1, 2, 7, 14, 28, 56)


@dataclass(frozen=True, slots=True)
class Linear:
    """Values from 0 to `top`, laid from `low` (for 0) to `high` in the drawing's units."""

    top: float
    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value stands."""
        return self.low + (self.high - self.low) * value / self.top


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days from `first` to `last`, each a column of equal width from `left` to `right`."""

    first: date
    last: date
    left: float
    right: float

    @property
    def width(self) -> float:
        """One day's."""
        return (self.right - self.left) / ((self.last - self.first).days + 1)

    def start(self, on: date) -> float:
        """Where a day begins."""
        return self.left + (on - self.first).days * self.width

    def middle(self, on: date) -> float:
        """Its middle."""
        return self.start(on) + self.width / 2

    def ticks(self, most: int, anchor: date) -> Iterator[date]:
        """Days in equal steps, at most so many, one of them the anchor."""
        span = (self.last - self.first).days
        step = next((days for days in _DAY_STEPS if span / days < most), _DAY_STEPS[-1])
        on = self.first + timedelta(days=(anchor - self.first).days % step)
        while on <= self.last:
            yield on
            on += timedelta(days=step)


def round_top(largest: float, steps: int) -> tuple[float, float]:
    """The least round top of at most `steps` round whole steps that holds the largest value, and one step."""
    rough = max(largest, 1) / steps
    power = 10 ** math.floor(math.log10(rough))
    step = max(1.0, next(factor * power for factor in _STEPS if factor * power >= rough - 1e-9))
    return math.ceil(max(largest, 1) / step - 1e-9) * step, step
