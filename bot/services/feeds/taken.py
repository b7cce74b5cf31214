"""What taking facts did, and what is done with demand that it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Fault


@dataclass(slots=True)
class Taken:
    """What a page changed: counts of facts, and the products (ids) whose figures are others now."""

    facts: int = 0
    changed: int = 0
    faults: int = 0
    touched: set[int] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)  # orders of the last page of which a later state is known
    aside: tuple[Fault, ...] = ()  # the last page's alone: a whole reading may have any number

    def add(self, other: Taken) -> None:
        """Count another page in."""
        self.facts += other.facts
        self.changed += other.changed
        self.faults += other.faults
        self.touched |= other.touched


@dataclass(frozen=True, slots=True)
class Demand:
    """What becomes of changed demand, of (source, products, since which local day), and when products are judged."""

    note: Callable[[AsyncConnection, str, Collection[int], str], Awaitable[None]]
    wait: timedelta
    noted: AbstractSet[int] = frozenset()  # products that will be judged anyway
