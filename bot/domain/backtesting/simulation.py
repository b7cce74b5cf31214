"""Stock simulated period by period, all series and knobs at once.

In each period, in this order: a review orders where it falls due; what is due arrives; customers take what there is,
and what is lacking is lost. Stock of a period is the mean of before and after its sales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.backtesting.policies import Plan
from bot.domain.backtesting.setting import Setting

BLOCK = 512  # series simulated together, so that a block's arrays stay in the processor's cache
_HAIR = 1e-6  # what rounding of float32 demand may leave of a unit


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What policies meet: the demand (n, T), and the lead time of each review's order (reviews, n).

    Orders are multiples of `pack` (n,) units, any amount where it is 0, and at least `minimum` (n,).
    """

    demand: Floats
    leads: Ints
    pack: Floats
    minimum: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """What happened from `measured` on, added up per series and knob (n, knobs).

    `stock`: units times periods; `filled`: units sold; `orders`: how many were placed; `whole`: review periods in which
    nothing was lost.
    """

    stock: Floats
    filled: Floats
    orders: Floats
    whole: Floats


def packed(wanted: Floats, pack: Floats, minimum: Floats) -> Floats:
    """Units raised to the minimum order and rounded up to whole packs, where one is above 0; nothing stays nothing."""
    raised = np.where(wanted > _HAIR, np.maximum(wanted, minimum), 0.0)
    packs = np.ceil(raised / np.where(pack > 0.0, pack, 1.0) - _HAIR)
    return np.where(pack > 0.0, packs * pack, raised)


def simulate(shelf: Shelf, plans: Sequence[Plan], setting: Setting) -> Flows:
    """Follow the plans, one per review; the stock at the start is what the first plan orders up to."""
    parts = [_block(shelf, plans, setting, slice(begin, begin + BLOCK)) for begin in range(0, len(shelf.demand), BLOCK)]
    return Flows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Flows)))


class _Stock:
    """The stock of one block of series: on hand, on order and under way (arrival slot, series, knobs)."""

    def __init__(self, first: Floats, pack: Floats, minimum: Floats, longest: int) -> None:
        self._pack, self._minimum = pack[:, None], minimum[:, None]
        self._each = np.arange(len(first))
        self.on_hand = packed(first, self._pack, self._minimum)
        self._on_order = np.zeros_like(first)
        self._under_way = np.zeros((longest + 1, *first.shape))

    def order(self, plan: Plan, rows: slice, leads: Ints, now: int) -> Floats:
        """Order where the position asks for it; the quantities."""
        position = self.on_hand + self._on_order
        up_to = plan.up_to[rows].astype(np.float64)
        wanted = up_to - position if plan.most is None else np.minimum(up_to - position, up_to * plan.most)
        if plan.reorder is not None:
            wanted = np.where(position <= plan.reorder[rows] + _HAIR, wanted, 0.0)
        quantity = packed(wanted, self._pack, self._minimum)
        self._on_order += quantity
        self._under_way[(now + leads) % len(self._under_way), self._each] += quantity
        return quantity

    def receive(self, now: int) -> None:
        """Take in what is due."""
        due = self._under_way[now % len(self._under_way)]
        self.on_hand += due
        self._on_order -= due
        due[...] = 0.0


def _block(shelf: Shelf, plans: Sequence[Plan], setting: Setting, rows: slice) -> Flows:
    first = plans[0].up_to[rows].astype(np.float64)
    stock = _Stock(first, shelf.pack[rows], shelf.minimum[rows], int(shelf.leads.max(initial=0)))
    flows = Flows(*(np.zeros_like(first) for _ in fields(Flows)))
    short = np.zeros(first.shape, dtype=bool)
    for column in range(setting.start, setting.periods):
        since = column - setting.start
        counts = column >= setting.measured
        if since % setting.review == 0:
            review = since // setting.review
            quantity = stock.order(plans[review], rows, shelf.leads[review, rows], since)
            if counts:
                np.add(flows.orders, quantity > 0.0, out=flows.orders)
        stock.receive(since)
        demand = shelf.demand[rows, column][:, None]
        sold = np.minimum(demand, stock.on_hand)
        stock.on_hand -= sold
        if not counts:
            continue
        np.add(flows.filled, sold, out=flows.filled)
        np.add(flows.stock, stock.on_hand + sold / 2.0, out=flows.stock)
        short |= sold < demand - _HAIR
        if (column - setting.measured + 1) % setting.review == 0:
            np.add(flows.whole, ~short, out=flows.whole)
            short[...] = False
    return flows
