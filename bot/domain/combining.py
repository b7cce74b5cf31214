"""Which lines go into one order: few orders, the costliest needs first, and none for the sake of pennies."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MOST_LINES = 40  # of one order: a person still reads it through
MOST_SHIPPED = 400  # of one that goes by containers: split up, each part would begin containers of its own


@dataclass(frozen=True, slots=True)
class Piece:
    """A line to be: `group` is what must be alike for two to share an order, `money_minor` is the money at risk."""

    group: Hashable
    money_minor: int


def combine(pieces: Sequence[Piece], least_minor: int = 0, most: int = MOST_LINES) -> list[tuple[int, ...]]:
    """The orders, as places in `pieces`: each at most `most` lines of one group, ranked by money at risk.

    A piece under `least_minor` makes no order: it only fills the room that is left in one which is made anyway. The
    order with the most money at risk comes first; equals stay as they were given.
    """
    groups: dict[Hashable, list[int]] = {}
    for number, piece in enumerate(pieces):
        groups.setdefault(piece.group, []).append(number)
    orders: list[tuple[int, ...]] = []
    for members in groups.values():
        ranked = sorted(members, key=lambda number: (-pieces[number].money_minor, number))
        worth = sum(pieces[number].money_minor >= least_minor for number in ranked)
        room = -(-worth // most) * most
        taken = ranked[:room]
        orders += [tuple(taken[start : start + most]) for start in range(0, len(taken), most)]
    at_risk = {order: sum(pieces[number].money_minor for number in order) for order in orders}
    return sorted(orders, key=lambda order: (-at_risk[order], order[0]))
