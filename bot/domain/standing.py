"""How every series stands at one instant, in columns: what the board's tables sort, filter and export.

n series; money in minor units of `currency`, days as whole days since 1970 (`NEVER` for none), figures that are not
known NaN, and infinite where nothing sells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain import ageing, turnover
from bot.domain.arrays import Bools, Floats, Ints, ratio
from bot.domain.views import CaseKind

NEVER = 2**40
KINDS: tuple[CaseKind, ...] = ("stockout_risk", "late_inbound", "slow_mover", "overstock")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The columns; texts as object arrays, `flags` (n, kinds) what the figures alone would open."""

    at: datetime
    currency: str
    sku: NDArray[np.object_]
    name: NDArray[np.object_]
    place: NDArray[np.object_]  # its code
    category: NDArray[np.object_]  # its name; empty where it has none
    found: NDArray[np.object_]  # sku and name in lower case, to be searched
    on_hand: Ints
    available: Ints
    incoming: Ints
    pending: Ints
    per_day: Floats
    cover: Floats
    stockout: Ints
    arrival: Ints
    reorder_point: Floats
    order_up_to: Floats
    value: Ints
    lost_margin: Ints  # expected, where the stock runs out
    tied_up: Ints  # capital and storage ahead, of slow stock and excess
    turn_days: Floats  # days of inventory
    sold_at_cost: Floats  # over the turnover period
    stock_at_cost: Floats  # its mean
    abc: Ints
    xyz: Ints
    idle: Ints  # days in stock without a sale
    excess: Ints
    aged: Ints  # (n, 5) units by age, as its place's store says where it does
    flags: Bools
    step: ageing.NextStep
    fees: Ints  # for keeping it, as its place's store expects them next; NEVER where it says nothing

    @property
    def size(self) -> int:
        """How many series there are (n)."""
        return len(self.sku)

    def column(self, name: str) -> NDArray[Any]:
        """A column by its name; `aged_2` is a bucket of the stock's ages, `step_days` a figure of the next age line."""
        whole, _part, piece = name.partition("_")
        if whole == "aged":
            return self.aged[:, int(piece)]
        if whole == "step":
            figures: Ints = getattr(self.step, piece)
            return np.where(self.step.units > 0, figures, NEVER)
        found: NDArray[Any] = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows, in which order: `text` is looked for in codes and names, `flag` one of KINDS, `sort` a column.

    Empty strings mean all; what is unknown comes last in either direction.
    """

    text: str = ""
    place: str = ""
    flag: str = ""
    abc: str = ""
    sort: str = ""
    descending: bool = False


def select(standing: Standing, query: Query) -> Ints:
    """The rows of a query, in order."""
    chosen = np.ones(standing.size, dtype=np.bool_)
    if query.place:
        chosen &= standing.place == query.place
    if query.flag in KINDS:
        chosen &= standing.flags[:, KINDS.index(query.flag)]
    if query.abc in turnover.ABC:
        chosen &= standing.abc == turnover.ABC.index(query.abc)
    rows = np.flatnonzero(chosen)
    if words := query.text.casefold().split():
        searched = standing.found[rows].tolist()
        rows = rows[[all(word in text for word in words) for text in searched]] if len(rows) else rows
    return _sorted(standing, rows, query) if query.sort else rows


def _sorted(standing: Standing, rows: Ints, query: Query) -> Ints:
    values = standing.column(query.sort)[rows]
    if values.dtype == object:
        order = np.array(sorted(range(len(rows)), key=values.tolist().__getitem__), dtype=np.int64)
        return rows[order[::-1]] if query.descending else rows[order]
    measured = values.astype(np.float64)
    unknown = ~np.isfinite(measured) | (measured >= NEVER)
    measured = np.where(unknown, 0.0, -measured if query.descending else measured)
    return rows[np.lexsort((measured, unknown))]


@dataclass(frozen=True, slots=True)
class Turn:
    """Turnover of a group of series: days of inventory over the period, at cost; None where nothing sold or lay."""

    place: str  # empty: everywhere
    abc: str  # empty: every class
    series: int
    stock_minor: int  # mean stock at cost
    days: float | None


def turns(standing: Standing, period_days: int) -> tuple[Turn, ...]:
    """Every place with each of its classes, and everything together first."""
    places = sorted(set(standing.place.tolist()))
    found = [_turn(standing, "", abc, period_days) for abc in ("", *turnover.ABC)]
    found += [_turn(standing, place, abc, period_days) for place in places for abc in ("", *turnover.ABC)]
    return tuple(turn for turn in found if turn.series)


def _turn(standing: Standing, place: str, abc: str, period_days: int) -> Turn:
    chosen = np.ones(standing.size, dtype=np.bool_)
    if place:
        chosen &= standing.place == place
    if abc:
        chosen &= standing.abc == turnover.ABC.index(abc)
    chosen &= (standing.stock_at_cost > 0) | (standing.sold_at_cost > 0)
    sold, stock = float(standing.sold_at_cost[chosen].sum()), float(standing.stock_at_cost[chosen].sum())
    days = float(ratio(np.array([stock * period_days]), np.array([sold]), np.nan)[0])
    return Turn(place, abc, int(chosen.sum()), round(stock), None if np.isnan(days) else days)


def day_of(number: int) -> date | None:
    """A day of a column; None for NEVER."""
    return None if number >= NEVER else _EPOCH + timedelta(days=number)


def lower(skus: Sequence[str], names: Sequence[str]) -> NDArray[np.object_]:
    """What a search looks in."""
    return np.array([f"{sku} {name}".casefold() for sku, name in zip(skus, names, strict=True)], dtype=object)
