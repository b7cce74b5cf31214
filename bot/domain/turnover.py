"""Turnover, sell-through, and the ABC and XYZ classes.

Quantities are units, values integer minor units of one currency; every figure is over one stated period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Counts, Floats, Ints, ratio
from bot.domain.demand import SeriesHistory

ABC = ("A", "B", "C")  # letters of the class numbers 0, 1, 2
XYZ = ("X", "Y", "Z")


@dataclass(frozen=True, slots=True)
class TurnoverSettings:
    """Defaults of turnover and of the classes."""

    period_days: int = 90
    abc_shares: tuple[float, float] = (0.80, 0.95)  # cumulative revenue: A to 80%, B the next 15%, C the last 5%
    xyz_limits: tuple[float, float] = (0.5, 1.0)  # coefficient of variation of weekly rates


@dataclass(frozen=True, slots=True)
class Period:
    """What a period of days held, per series (n,)."""

    days: int
    units: Ints  # sold
    average_on_hand: Floats  # units: mean closing stock of the days on which it is known
    ending_on_hand: Ints  # units; the last known closing stock, 0 where none is known


def period(history: SeriesHistory, days: int) -> Period:
    """The last `days` days of a history (fewer where it is shorter)."""
    recent = history.tail(days)
    known = recent.on_hand >= 0
    stock = np.where(known, recent.on_hand, 0).astype(np.float64)
    last = recent.days - 1 - known[:, ::-1].argmax(axis=1)
    ending = np.take_along_axis(stock, last[:, None], axis=1)[:, 0]
    return Period(
        recent.days,
        recent.units.sum(axis=1, dtype=np.float64).round().astype(np.int64),
        ratio(stock.sum(axis=1), known.sum(axis=1), 0.0),
        ending.astype(np.int64),
    )


def inventory_turnover(cost_of_goods_sold: Floats | Ints, average_inventory: Floats | Ints) -> Floats:
    """Cost of goods sold / average inventory at cost, over the same period; NaN where there was no inventory."""
    return ratio(cost_of_goods_sold, average_inventory, np.nan)


def days_of_inventory(turnover: Floats, days: int) -> Floats:
    """Days in the period / turnover; inf where stock lay and nothing sold, NaN where there was no inventory."""
    return np.where(np.isnan(turnover), np.nan, ratio(np.full(turnover.shape, float(days)), turnover, np.inf))


def sell_through(units_sold: Counts, ending_units: Counts) -> Floats:
    """Units sold / (units sold + ending units), the variant without receipts; NaN where both are zero."""
    sold = np.asarray(units_sold, dtype=np.float64)
    return ratio(sold, sold + np.maximum(ending_units, 0), np.nan)


def group_sums(labels: Ints, values: Floats | Ints, groups: int) -> Floats:
    """Sums of `values` per label 0..groups-1, for the turnover of a location, a supplier or a SKU."""
    return np.bincount(labels, weights=values, minlength=groups).astype(np.float64)


def abc(revenue: Floats | Ints, settings: TurnoverSettings) -> Ints:
    """Class number by revenue: 0 A, 1 B, 2 C.

    Ranked by revenue (ties keep their order), a series belongs to the class in which its share begins, so that the
    largest is always A. Without revenue it is C.
    """
    order = np.argsort(-revenue, kind="stable")
    ranked = np.maximum(revenue[order], 0).astype(np.float64)
    begins = np.cumsum(ranked) - ranked
    total = ranked.sum()
    share = begins / total if total > 0 else np.ones_like(begins)
    letter = np.empty(len(revenue), dtype=np.int64)
    letter[order] = np.where(ranked > 0, np.searchsorted(np.asarray(settings.abc_shares), share, "right"), 2)
    return letter


def xyz(cv: Floats, settings: TurnoverSettings) -> Ints:
    """Class number by coefficient of variation: 0 X under 0.5, 1 Y under 1.0, 2 Z; unknown (NaN) is Z."""
    limits = np.asarray(settings.xyz_limits)
    return np.where(np.isnan(cv), 2, np.searchsorted(limits, cv, "right")).astype(np.int64)
