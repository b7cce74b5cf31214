"""Orders across products: what joins one before it is due, and what fills one up to its supplier's minimum.

Arrays are (n,), of what one supplier ships one way.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.replenishment import order_quantity, pack_up, whole


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What one supplier ships one way: `quantity` units are ordered of each line, 0 of those that are not due.

    `position` is the inventory position without this order, and more than `overstock` of it is too much; prices are
    minor units of one currency.
    """

    quantity: Ints
    minimum: Ints
    pack: Ints
    unit_cost_minor: Ints
    velocity: Floats
    position: Ints
    order_up_to: Floats
    overstock: Floats


def joining(shelf: Shelf, reorder_point: Floats, join_days: float) -> Ints:
    """The quantities with what joins an order that is made anyway: what will be due within `join_days`.

    That is the can-order level of joint replenishment (Balintfy, Management Science 10, 1964): a position that so many
    days of sales bring to its reorder point is ordered up to its level now, by its minimum and packs.
    """
    soon = (reorder_point >= 1) & (shelf.position - shelf.velocity * join_days <= reorder_point)
    wanted = order_quantity(shelf.order_up_to, shelf.position, shelf.minimum, shelf.pack)
    return np.where((shelf.quantity == 0) & soon & (shelf.velocity > 0), wanted, shelf.quantity)


def fill_up(shelf: Shelf, least_minor: int, fill_days: float) -> Ints | None:
    """The quantities with which the order comes to `least_minor` at least; None where it cannot.

    Of the line whose position lasts the shortest a pack more is taken (of one that is not due its minimum), again and
    again, until the least is reached: what is bought early is what would be bought next. No position is lifted above
    its order-up-to level by more than `fill_days` of sales, nor to an overstock, and nothing is taken of what does not
    sell.
    """
    quantity = shelf.quantity.astype(np.int64)
    total = int((quantity * shelf.unit_cost_minor).sum())
    most = np.minimum(whole(shelf.order_up_to + shelf.velocity * fill_days), np.floor(shelf.overstock)) - shelf.position
    first = pack_up(np.ones_like(shelf.minimum), shelf.minimum, shelf.pack)

    def lasts(line: int) -> float:
        return float((shelf.position[line] + quantity[line]) / shelf.velocity[line])

    sells = np.flatnonzero((shelf.velocity > 0) & (shelf.unit_cost_minor > 0)).tolist()
    heap = [(lasts(line), line) for line in sells]
    heapq.heapify(heap)
    while total < least_minor and heap:
        _days, line = heapq.heappop(heap)
        step = int(shelf.pack[line] if quantity[line] else first[line])
        if quantity[line] + step > most[line]:
            continue
        quantity[line] += step
        total += step * int(shelf.unit_cost_minor[line])
        heapq.heappush(heap, (lasts(line), line))
    return quantity if total >= least_minor else None


def kept_from(shelf: Shelf, found: Ints | None, least_minor: int, fill_days: float) -> Bools:
    """The lines of which `fill_up` would have taken more, were too much of them no matter; `found` is what it gave."""
    freely = fill_up(replace(shelf, overstock=np.full_like(shelf.order_up_to, np.inf)), least_minor, fill_days)
    taken = shelf.quantity if found is None else found
    more: Bools = np.zeros(len(taken), dtype=np.bool_) if freely is None else freely > taken
    return more
