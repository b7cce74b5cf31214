"""Demand over a span of days as a distribution: what plans, budgets and charts ask of it, however it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.losses import expected_lost
from bot.domain.replenishment import demand_quantile


class Spread(Protocol):
    """Demand of n series, in units, never under zero."""

    @property
    def mean(self) -> Floats:
        """(n,)."""
        ...

    def at(self, chance: Floats) -> Floats:
        """What each series' demand stays under with its own chance, (n,)."""
        ...

    def quantiles(self, chances: Floats) -> Floats:
        """What it stays under with each of the chances (m,): (n, m)."""
        ...

    def lost(self, stock: Floats) -> Floats:
        """E[(D - stock)+], (n,) or (n, k) for `stock` of that shape."""
        ...

    def left(self, stock: Floats) -> Floats:
        """E[(stock - D)+], (n,)."""
        ...

    def only(self, rows: Ints) -> Spread:
        """Some of the series, each as often as it is named."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Demand by its shape, all (n,): mean, variance, and which series are skewed (see `bot.domain.losses`)."""

    mean: Floats
    variance: Floats
    skewed: Bools

    @classmethod
    def over(cls, velocity: Floats, sd: Floats, span: Floats, span_sd: Floats, skewed: Bools) -> Demand:
        """Demand over `span` days of deviation `span_sd`: mean d L, variance L sd_d^2 + d^2 sd_L^2."""
        return cls(velocity * span, span * sd**2 + velocity**2 * span_sd**2, skewed)

    def at(self, chance: Floats) -> Floats:
        """As `Spread.at`."""
        found: Floats = demand_quantile(self.mean, self.variance, self.skewed, chance[:, None])[:, 0]
        return found

    def quantiles(self, chances: Floats) -> Floats:
        """As `Spread.quantiles`."""
        return demand_quantile(self.mean, self.variance, self.skewed, chances)

    def lost(self, stock: Floats) -> Floats:
        """As `Spread.lost`."""
        extra = (slice(None),) + (None,) * (stock.ndim - 1)
        return expected_lost(stock, self.mean[extra], self.variance[extra], self.skewed[extra])

    def left(self, stock: Floats) -> Floats:
        """As `Spread.left`."""
        found: Floats = (stock - self.mean + self.lost(stock)).clip(min=0.0)
        return found

    def only(self, rows: Ints) -> Demand:
        """As `Spread.only`."""
        return Demand(self.mean[rows], self.variance[rows], self.skewed[rows])
