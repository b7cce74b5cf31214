"""What to order first with limited cash: lot by lot, whatever saves most margin for its money.

A line's order grows in steps: its minimum first, then pack by pack (long orders in about `MOST_STEPS` lots of packs).
Each step saves margin x (expected units lost without it - with it), and a unit more never saves more than the one
before, so that taking the best next step of all lines, and passing over what the cash no longer pays, is the fractional
knapsack's greedy order (Dantzig 1957): no choice saves more than it but by less than the first step that was passed
over. Money is in integer minor units of one currency, all arrays are (n,).
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats, Ints, to_minor
from bot.domain.replenishment import pack_up
from bot.domain.spans import Spread

MOST_STEPS = 50  # of one line after its minimum: a longer order goes up by several packs at a time
NODES = (np.arange(9) + 0.5) / 9  # equally likely levels of the demand until the goods are here


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The orders as they would be without a limit.

    `stock` is the position without them; `before` the demand until their goods are here, `after` that of the time which
    they are to last: until goods bought with the next money could be here.
    """

    quantity: Ints
    minimum: Ints
    pack: Ints
    unit_cost_minor: Ints
    margin_minor: Ints
    stock: Ints
    before: Spread
    after: Spread


@dataclass(frozen=True, slots=True, eq=False)
class Spending:
    """What to order within the budget, and what is left out.

    `place` (n,): the how-manieth line to be taken up, from 0; -1 where nothing is ordered. `saved_minor` is the margin
    that the ordered units are expected to save, `forgone_minor` what those left out would. `at_most_minor` bounds what
    any other choice within the budget could save more.
    """

    quantity: Ints
    place: Ints
    spent_minor: int
    saved_minor: Ints
    forgone_minor: Ints
    at_most_minor: int


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Steps of all lines, line by line: (m,) units in all after each, its cost, what it saves; `first` (n + 1,)."""

    first: Ints
    level: Ints
    cost: Ints
    saved: Floats


def spend(wanted: Wanted, budget_minor: int) -> Spending:
    """Split `budget_minor` over the lines; ValueError for a line without a price.

    Never spends more, and never orders more than `wanted.quantity`; enough money orders all of it.
    """
    if ((wanted.quantity > 0) & (wanted.unit_cost_minor <= 0)).any():
        raise ValueError("a line without a price cannot be weighed against a budget")
    steps = _steps(wanted)
    taken, order, spent, gap = _greedy(steps, max(budget_minor, 0))
    n = len(wanted.quantity)
    quantity, place = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    chosen = taken > 0
    quantity[chosen] = steps.level[steps.first[:-1][chosen] + taken[chosen] - 1]
    place[order] = np.arange(len(order))
    sums = np.concatenate([[0.0], np.cumsum(steps.saved)])
    cut = steps.first[:-1] + taken
    return Spending(
        quantity=quantity,
        place=place,
        spent_minor=spent,
        saved_minor=to_minor(sums[cut] - sums[steps.first[:-1]]),
        forgone_minor=to_minor(sums[steps.first[1:]] - sums[cut]),
        at_most_minor=int(np.ceil(gap)),
    )


def saved_units(wanted: Wanted, rows: Ints, quantity: Ints) -> Floats:
    """Units that `quantity` (m,) more of the lines `rows` (m,) are expected to sell before the next goods are here.

    Stock runs down until the order is here, at the latest to nothing: what is lost before, no order made now can save.
    """
    until = wanted.before.quantiles(NODES)  # (n, nodes)
    left = np.maximum(wanted.stock[:, None] - until, 0.0)[rows]
    after = wanted.after.only(rows)
    gained: Floats = (after.lost(left) - after.lost(left + quantity[:, None])).mean(axis=1)
    return gained


def _steps(wanted: Wanted) -> _Steps:
    least = np.minimum(pack_up(np.minimum(wanted.quantity, 1), wanted.minimum, wanted.pack), wanted.quantity)
    rest = wanted.quantity - least
    lot = wanted.pack * np.maximum(-(-rest // (wanted.pack * MOST_STEPS)), 1)
    count = np.where(wanted.quantity > 0, 1 + -(-rest // lot), 0)
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    rows = np.repeat(np.arange(len(count)), count)
    number = np.arange(first[-1]) - first[rows]
    level = np.minimum(least[rows] + number * lot[rows], wanted.quantity[rows])
    before = np.where(number > 0, np.minimum(least[rows] + (number - 1) * lot[rows], wanted.quantity[rows]), 0)
    units = saved_units(wanted, rows, level) - saved_units(wanted, rows, before)
    return _Steps(
        first,
        level,
        (level - before) * wanted.unit_cost_minor[rows],
        np.maximum(units, 0.0) * np.maximum(wanted.margin_minor[rows], 0),
    )


def _greedy(steps: _Steps, budget: int) -> tuple[Ints, NDArray[np.int64], int, float]:
    """Steps taken of each line, the lines as they were taken up, what is spent, and a bound of what is missed."""
    worth = steps.saved / np.maximum(steps.cost, 1)
    cost, starts = steps.cost.tolist(), steps.first.tolist()
    taken = np.zeros(len(starts) - 1, dtype=np.int64)
    order: list[int] = []
    spent, gap, since = 0, 0.0, 0.0
    heap = [(-worth[start], line, start) for line, (start, end) in enumerate(itertools.pairwise(starts)) if end > start]
    heapq.heapify(heap)
    full = False
    while heap:
        best, line, step = heapq.heappop(heap)
        if spent + cost[step] > budget:
            if not full:  # the rest of the cash, spent at this step's worth, is more than any choice could make of it
                full, gap = True, -best * (budget - spent)
            continue
        spent += cost[step]
        since += float(steps.saved[step]) if full else 0.0
        if step == starts[line]:
            order.append(line)
        taken[line] += 1
        if step + 1 < starts[line + 1]:
            heapq.heappush(heap, (-worth[step + 1], line, step + 1))
    return taken, np.array(order, dtype=np.int64), spent, max(gap - since, 0.0)
