"""What a service level costs in stock, and which level a target of days of inventory allows.

A series is ordered when its position falls to the reorder point s = d L + safety stock, up to S = d (L + R) + safety
stock over that span, at least a lot (see docs/arithmetic.md). The position is looked at daily, so when the order is
placed it lies under s already, by U = (sd^2 + d^2) / 2 d - 1/2, the mean excess of a random walk over a line (renewal
theory). The order is then Q = max(S - s + U, lot). With lost sales and demand D of the lead time,

    stock just before goods arrive = E[(s - U - D)+]        lost in a cycle = E[(D - s + U)+]
    mean stock = that + Q / 2                               sold from stock = Q / (Q + lost)

Where the supplier has review dates E days apart, s covers L + E, and an order follows whenever the position on a date
is at s or under it. On the date before it was S where R = E, and above s by an excess of d E / 2 on average where R is
longer. With D the demand of L + E the same formulas hold from there: Q = max(S - s + d E - excess, lot).

Service levels are moved together: z of every series by the same `shift`, so that classes keep their order. A level
under one half would mean negative safety stock; it counts as none. Arrays are (n,), money is in integer minor units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Bools, Floats, Ints, ratio, to_minor
from bot.domain.spans import Spread
from bot.domain.turnover import ABC

MONTH = 30.0  # days of the margin that is said to be lost
FARTHEST = 6.0  # a shift of z beyond it changes no level that a number can hold
_HALVINGS = 13  # of the shift: to about a thousandth, which moves no level by a tenth of a per cent


@dataclass(frozen=True, slots=True, eq=False)
class Sold:
    """What is planned for, one row per series: how it sells, how it is bought, what it costs and earns.

    `lead` is the demand that the reorder point covers, until goods of the next order are here, `cycle` that of lead
    time and review; `sd` is a day's. `level` is the cycle service that is set for it, `abc` its class number, `lot` the
    least order in whole packs, `every` the days between review dates of its supplier, 0 where it has none (None: none
    has any).
    """

    velocity: Floats
    sd: Floats
    lead: Spread
    cycle: Spread
    review: Floats
    lot: Ints
    unit_cost_minor: Ints
    margin_minor: Ints
    level: Floats
    abc: Ints
    every: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is to be expected of each series at some shift: its level, mean units in stock, share sold from stock."""

    level: Floats
    stock: Floats
    fill: Floats


@dataclass(frozen=True, slots=True)
class Group:
    """A class or all of them (`name` empty) at some shift.

    `level` is the mean cycle service by cost of goods sold, `fill` the share of the margin's demand sold from stock,
    `days` of inventory NaN where nothing sells, `lost_minor` the margin that a month of 30 days loses.
    """

    name: str
    series: int
    level: float
    fill: float
    stock_minor: int
    days: float
    lost_minor: int


def shifted(level: Floats, shift: float) -> Floats:
    """Service levels with z moved by `shift`."""
    moved: Floats = scipy.special.ndtr(scipy.special.ndtri(level) + shift)
    return np.minimum(moved, 1 - 1e-9)


def expected(sold: Sold, shift: float) -> Expected:
    """Stock and service of each series with its level moved by `shift`; see the head of this module."""
    level = shifted(sold.level, shift)
    every = np.zeros_like(sold.velocity) if sold.every is None else sold.every
    reorder, up_to = (_covering(spread, level) for spread in (sold.lead, sold.cycle))
    walked = np.maximum(ratio(sold.sd**2 + sold.velocity**2, 2 * sold.velocity, 0.5) - 0.5, 0.0)
    excess = np.where(sold.review > every, sold.velocity * every / 2, 0.0)  # on the date before, above s
    under = np.where(every > 0, sold.velocity * every - excess, walked)
    order = np.maximum(up_to - reorder + under, sold.lot)
    at_order = np.where(every > 0, reorder + excess, reorder - walked)
    lost, left = sold.lead.lost(at_order), sold.lead.left(at_order)
    sells = sold.velocity > 0
    return Expected(
        level, np.where(sells, left + order / 2, 0.0), np.where(sells, order / np.maximum(order + lost, 1e-300), 1.0)
    )


def _covering(spread: Spread, level: Floats) -> Floats:
    """The stock that covers a span at each level: the mean and a safety stock that is never under zero."""
    return np.where(spread.mean > 0, np.maximum(spread.at(level), spread.mean), 0.0)


def groups(sold: Sold, found: Expected) -> tuple[Group, ...]:
    """The classes A, B and C that have series, and all of them last."""
    parts = [_group(name, sold, found, sold.abc == number) for number, name in enumerate(ABC)]
    return (*(part for part in parts if part.series), _group("", sold, found, np.ones(len(sold.abc), dtype=np.bool_)))


def days(sold: Sold, found: Expected) -> float:
    """Days of inventory of all series together: stock at cost / cost of goods sold a day; NaN where nothing sells."""
    return _days(sold, found, np.ones(len(sold.abc), dtype=np.bool_))


def shift_for(sold: Sold, target_days: float) -> float | None:
    """The largest shift whose days of inventory stay at the target; None where no safety stock at all is too much.

    Days grow with the shift but for single steps of whole units, so halving finds the line.
    """
    if not days(sold, expected(sold, -FARTHEST)) <= target_days:
        return None
    low, high = -FARTHEST, FARTHEST
    if days(sold, expected(sold, high)) <= target_days:
        return high
    for _turn in range(_HALVINGS):
        middle = (low + high) / 2
        if days(sold, expected(sold, middle)) <= target_days:
            low = middle
        else:
            high = middle
    return low


def _group(name: str, sold: Sold, found: Expected, mine: Bools) -> Group:
    weight = sold.velocity * sold.unit_cost_minor * mine
    margin = sold.velocity * sold.margin_minor * mine
    total, earned = float(weight.sum()), float(margin.sum())
    lost = float((margin * (1 - found.fill)).sum())
    demand = sold.velocity * mine
    units = float(demand.sum())
    fill = float((demand * found.fill).sum()) / units if units > 0 else np.nan
    return Group(
        name=name,
        series=int(mine.sum()),
        level=float((weight * found.level).sum()) / total if total > 0 else np.nan,
        fill=1 - lost / earned if earned > 0 else fill,
        stock_minor=int(to_minor(np.array([(found.stock * sold.unit_cost_minor * mine).sum()]))[0]),
        days=_days(sold, found, mine),
        lost_minor=int(to_minor(np.array([lost * MONTH]))[0]),
    )


def _days(sold: Sold, found: Expected, mine: Bools) -> float:
    cost = sold.unit_cost_minor * mine
    a_day = float((sold.velocity * found.fill * cost).sum())
    return float((found.stock * cost).sum()) / a_day if a_day > 0 else np.nan
