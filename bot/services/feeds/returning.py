"""What came back of an order's lines, as a store tells it apart from the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.ports import OrderFact, ReturnedLine, ReturnedUnits


def named(back: ReturnedUnits) -> str:
    """What faults call it."""
    return f"{back.order}/{back.line}/{back.id}"


def fitting(told: Iterable[ReturnedUnits], sold: int) -> Iterator[ReturnedLine]:
    """What came back of a line, as far as it was sold: no more units can than left."""
    left = sold
    for back in told:
        units = min(back.quantity, left)
        if units <= 0:
            return
        left -= units
        yield ReturnedLine(back.id, back.line, units, back.at)


def with_returns(order: OrderFact, told: Sequence[ReturnedUnits]) -> OrderFact:
    """The order with what is known to have come back of it beside what it says itself."""
    if not told:
        return order
    returns = list(order.returns)
    for line in order.lines:
        gone = sum(back.quantity for back in order.returns if back.line == line.id)
        returns += fitting((back for back in told if back.line == line.id), line.quantity - gone)
    return replace(order, returns=tuple(returns))
