"""Containers: how many an order takes, what fills the last one, and what is left out of one that would go nearly empty.

An order is raised with what runs out next, or cut back, so that it comes in whole containers: the policy of Kiesmüller,
"A multi-item periodic replenishment policy with full truckloads", International Journal of Production Economics 118
(2009), with days of cover in the place of its costs. Volumes are in cubic centimetres, weights in grams, per packed
unit; arrays are (n,), of what one supplier ships one way.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.replenishment import pack_up, whole

STEP_DAYS = 1.0  # a line grows and shrinks by about a day of its sales at a time, in whole packs


@dataclass(frozen=True, slots=True)
class Container:
    """A container's usable volume and payload; a weight of 0 is no limit."""

    name: str
    volume_cm3: int
    weight_g: int = 0

    def facts(self) -> dict[str, Any]:
        """The container as plain JSON; `container_of` is the inverse."""
        return {"name": self.name, "volume_cm3": self.volume_cm3, "weight_g": self.weight_g}


def container_of(detail: Mapping[str, Any] | None) -> Container | None:
    """The container that a request's detail names; None where its goods go as loose cargo."""
    found = (detail or {}).get("container")
    return Container(found["name"], found["volume_cm3"], found["weight_g"]) if found else None


# Volume that can be loaded: vastlog.com, "Types of shipping containers, weight limits"; of the payloads the same, but
# for the 20-foot one, of which not every box is built for 28 t: shippingandfreightresource.com, "20' vs 40' container".
STANDARD: Mapping[str, Container] = MappingProxyType(
    {
        "20GP": Container("20GP", 28_000_000, 21_750_000),
        "40GP": Container("40GP", 56_000_000, 26_480_000),
        "40HQ": Container("40HQ", 68_000_000, 26_280_000),
    }
)


@dataclass(frozen=True, slots=True)
class Stowage:
    """How many containers an order begins, how full the last one is (0 to 1), and whether by volume or by weight."""

    count: int
    share: float
    by: Literal["volume", "weight"]


@dataclass(frozen=True, slots=True, eq=False)
class Cargo:
    """Lines that go into containers: `quantity` units are ordered of each, 0 of those that are not due.

    `position` is the inventory position without this order; above `overstock` it is too much. `pressing` lines are
    never cut back. `rank` (distinct) decides between lines that last equally long. A weight of 0 weighs nothing.
    """

    quantity: Ints
    minimum: Ints
    pack: Ints
    volume_cm3: Ints
    weight_g: Ints
    velocity: Floats
    position: Ints
    order_up_to: Floats
    overstock: Floats
    pressing: Bools
    rank: Ints


def stowage(container: Container, volume_cm3: int, weight_g: int) -> Stowage:
    """The containers that so much takes: by volume or by weight, whichever asks for more. ValueError without any."""
    if volume_cm3 <= 0:
        raise ValueError("nothing to stow")
    bulky, heavy = volume_cm3 / container.volume_cm3, weight_g / container.weight_g if container.weight_g else 0.0
    count = max(-(-volume_cm3 // container.volume_cm3), -(-weight_g // container.weight_g) if container.weight_g else 0)
    return Stowage(count, max(bulky, heavy) - (count - 1), "volume" if bulky >= heavy else "weight")


def stowage_of(detail: Mapping[str, Any], lines: Sequence[tuple[int, Mapping[str, Any]]]) -> Stowage | None:
    """The containers of a request by its detail and its lines, (units, detail) each.

    None where its goods go as loose cargo, or where the volume of any is unknown. A weight that is unknown of any line
    is counted of none.
    """
    container = container_of(detail)
    if container is None or not lines or any("volume_cm3" not in each for _units, each in lines):
        return None
    if any("weight_g" not in each for _units, each in lines):
        container = Container(container.name, container.volume_cm3)
    volume, weight = (sum(units * each.get(name, 0) for units, each in lines) for name in ("volume_cm3", "weight_g"))
    return stowage(container, volume, weight)


def stowed(container: Container, cargo: Cargo, quantity: Ints) -> Stowage:
    """The containers of so many units of each line; ValueError without any."""
    return stowage(container, *_totals(cargo, quantity))


def topped_up(container: Container, cargo: Cargo, fill_days: float) -> Ints:
    """The quantities with which the last begun container is as full as it gets.

    Of the line whose position lasts the shortest about a day of sales more is taken, in whole packs (of one that is not
    ordered its minimum first), again and again. What does not fit is passed over, nothing is taken of what does not
    sell, and no position is lifted above its order-up-to level by more than `fill_days` of sales, nor to an overstock.
    """
    quantity = cargo.quantity.astype(np.int64)
    volume, weight = _totals(cargo, quantity)
    count = stowage(container, volume, weight).count
    room = [container.volume_cm3 * count - volume, container.weight_g * count - weight if container.weight_g else None]
    highest = np.minimum(whole(cargo.order_up_to + cargo.velocity * fill_days), np.floor(cargo.overstock))
    most = (highest - cargo.position).astype(np.int64)
    first = pack_up(np.ones_like(cargo.minimum), cargo.minimum, cargo.pack)
    step = _steps(cargo)
    heap = [_soonest(cargo, quantity, line) for line in np.flatnonzero(cargo.velocity > 0).tolist()]
    heapq.heapify(heap)
    while heap:
        _days, _rank, line = heapq.heappop(heap)
        pack, least = int(cargo.pack[line]), 0 if quantity[line] else int(first[line])
        fits = min(
            int(most[line] - quantity[line]),
            *(
                space // unit
                for space, unit in zip(room, _unit(cargo, line), strict=True)
                if space is not None and unit
            ),
        )
        units = min(max(int(step[line]), least), fits // pack * pack)
        if units <= 0 or units < least:
            continue
        quantity[line] += units
        room = [
            None if space is None else space - units * unit
            for space, unit in zip(room, _unit(cargo, line), strict=True)
        ]
        heapq.heappush(heap, _soonest(cargo, quantity, line))
    return quantity


def cut_back(container: Container, cargo: Cargo, count: int) -> Ints | None:
    """The quantities that fit into `count` containers; None where they cannot without a line that presses.

    Of the line whose position lasts the longest about a day of sales less is taken, in whole packs, again and again; a
    line that would fall below its minimum is left out.
    """
    quantity = cargo.quantity.astype(np.int64)
    limit = container.volume_cm3 * count, container.weight_g * count
    first = pack_up(np.ones_like(cargo.minimum), cargo.minimum, cargo.pack)
    step = _steps(cargo)
    heap = [_longest(cargo, quantity, line) for line in np.flatnonzero((quantity > 0) & ~cargo.pressing).tolist()]
    heapq.heapify(heap)
    while True:
        volume, weight = _totals(cargo, quantity)
        over = volume - limit[0], weight - limit[1] if container.weight_g else 0
        if max(over) <= 0:
            return quantity
        if not heap:
            return None
        _days, _rank, line = heapq.heappop(heap)
        pack = int(cargo.pack[line])
        lots = [-(-excess // (unit * pack)) for excess, unit in zip(over, _unit(cargo, line), strict=True) if unit]
        enough = max(lots) * pack
        if enough <= 0:  # what is too heavy grows no lighter without what weighs nothing
            continue
        left = int(quantity[line]) - min(int(step[line]), enough)
        quantity[line] = left if left >= first[line] else 0
        if quantity[line]:
            heapq.heappush(heap, _longest(cargo, quantity, line))


def _steps(cargo: Cargo) -> Ints:
    """About a day of sales of each line in whole packs, a pack at least."""
    packs: Ints = np.maximum(whole(cargo.velocity * STEP_DAYS) // cargo.pack, 1)
    return packs * cargo.pack


def _totals(cargo: Cargo, quantity: Ints) -> tuple[int, int]:
    return int((quantity * cargo.volume_cm3).sum()), int((quantity * cargo.weight_g).sum())


def _unit(cargo: Cargo, line: int) -> tuple[int, int]:
    return int(cargo.volume_cm3[line]), int(cargo.weight_g[line])


def _soonest(cargo: Cargo, quantity: Ints, line: int) -> tuple[float, int, int]:
    return float((cargo.position[line] + quantity[line]) / cargo.velocity[line]), int(cargo.rank[line]), line


def _longest(cargo: Cargo, quantity: Ints, line: int) -> tuple[float, int, int]:
    lasts = _soonest(cargo, quantity, line)[0] if cargo.velocity[line] > 0 else float("inf")
    return -lasts, -int(cargo.rank[line]), line
