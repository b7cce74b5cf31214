"""The ledger's arithmetic: rows of integers into matrices of series and days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bot.storage.ledgerrows import Ints
from bot.storage.packform import Packed
from bot.storage.types import of_micros

_EPOCH = date(1970, 1, 1)
_NEVER = 1 << 40  # a day after every other
_BLOCK = 1_024  # series whose lines are drawn at once: what they take of the memory stays near the processor
_Lines: TypeAlias = NDArray[np.float64]  # (n, T)


class Window(NamedTuple):
    """The columns asked for: `days` local days from `first` (days since 1970)."""

    first: int
    days: int

    @property
    def last(self) -> int:
        """The last day."""
        return self.first + self.days - 1


class Places:
    """Locations by ascending id, and the local day that each lives in at the asked instant."""

    def __init__(self, ids: Ints, zones: Sequence[ZoneInfo], today: Ints) -> None:
        self._ids = ids
        self._zones = zones
        self._today = today

    @property
    def names(self) -> dict[int, str]:
        """The zone of each location, by ascending id."""
        return dict(zip(self._ids.tolist(), (zone.key for zone in self._zones), strict=True))

    def today_of(self, locations: Ints) -> Ints:
        """The local day of each location."""
        today: Ints = self._today[np.searchsorted(self._ids, locations)]
        return today

    def over(self, rows: Ints) -> Ints:
        """The rows (location in column 1, day in column 2) of days that are over at their location."""
        past: Ints = rows[rows[:, 2] < self.today_of(rows[:, 1])]
        return past

    def running(self, rows: Ints, last: int) -> Ints:
        """The rows of the day that is running at their location, up to `last`."""
        running: Ints = rows[(rows[:, 2] == self.today_of(rows[:, 1])) & (rows[:, 2] <= last)]
        return running

    def begun(self, rows: Ints) -> Ints:
        """The rows of days that have begun at their location."""
        begun: Ints = rows[rows[:, 2] <= self.today_of(rows[:, 1])]
        return begun

    def local_days(self, locations: Ints, instants: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The local day of each instant, and whether the instant is that day's very first moment."""
        days = np.zeros(len(instants), np.int64)
        opens = np.zeros(len(instants), np.bool_)
        for place, zone in zip(self._ids, self._zones, strict=True):
            mine = np.flatnonzero(locations == place)
            found, which = np.unique(instants[mine], return_inverse=True)
            local = [of_micros(int(instant)).astimezone(zone) for instant in found]
            days[mine] = np.array([(moment.date() - _EPOCH).days for moment in local], np.int64)[which]
            opens[mine] = np.array([moment.time() == time() for moment in local], np.bool_)[which]
        return days, opens


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of stock as columns, in order of time; `opens` where the count was taken as its local day began.

    `until` is the instant, 0 where nobody knows, after which a count changed what it changed.
    """

    product: Ints
    location: Ints
    instant: Ints
    units: Ints
    committed: Ints
    id: Ints
    until: Ints
    day: Ints
    opens: NDArray[np.bool_]

    @classmethod
    def read(cls, rows: Ints, places: Places, window: Window) -> Counts:
        """Columns of the rows (as `ledgerrows.counts` has them) up to the window's last day."""
        rows = rows[np.lexsort((rows[:, 5], rows[:, 2]))]
        days, opens = places.local_days(rows[:, 1], rows[:, 2])
        kept = days <= window.last
        product, location, instant, units, committed, ids, until = rows[kept].T
        return cls(product, location, instant, units, committed, ids, until, days[kept], opens[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the queries brought.

    `demand`: product, location, day, units, shipped. `moved`: product, location, day, quantity, 1 for an arrival,
    instant. `sold_after`: product, location, day, shipped, id of the count it came after. `packed`: demand of further
    days, in packs.
    """

    demand: Ints
    moved: Ints
    counts: Counts
    sold_after: Ints
    packed: Sequence[Packed] = ()


class Assembled(NamedTuple):
    """The arrays of `ledger.HistoryArrays` after its first day, in its order."""

    product_ids: Ints
    location_ids: Ints
    units: NDArray[np.int32]
    on_hand: NDArray[np.int32]
    receipts: NDArray[np.int32]
    committed: NDArray[np.int32]
    counted: NDArray[np.bool_]
    counted_at: Ints


class _Flow(NamedTuple):
    """Changes of stock, one row each: series, day, signed units."""

    series: Ints
    day: Ints
    units: Ints


def assemble(window: Window, facts: Facts) -> Assembled:
    """Give every series its row, add the facts up by day, and draw the line of closing stock."""
    demand, moved, counts = facts.demand, facts.moved, facts.counts
    keys = [
        _key(demand[:, 0], demand[:, 1]),
        _key(moved[:, 0], moved[:, 1]),
        _key(counts.product, counts.location),
        *(_key(part.product, part.location) for part in facts.packed),
    ]
    series, where = np.unique(np.concatenate(keys), return_inverse=True)
    of_demand, of_moved, of_count, *of_packed = np.split(where, np.cumsum([len(key) for key in keys[:-1]]))
    n = len(series)
    units, moving, early = _spread(window, n, list(zip(facts.packed, of_packed, strict=True)))
    flow = _Flow(
        np.concatenate([of_demand, of_moved, early.series]),
        np.concatenate([demand[:, 2], moved[:, 2], early.day]),
        np.concatenate([-demand[:, 4], moved[:, 3], early.units]),
    )
    closes = counts.units + _rest_of_day(facts, flow, of_count, of_moved) + _opened(window, moving, of_count, counts)
    latest = np.full(n, -1, np.int64)
    latest[of_count] = np.arange(len(of_count))  # counts stand in order of time: the last one holds
    _add(units, window, _Flow(of_demand, demand[:, 2], demand[:, 3]))
    _add(moving, window, flow)
    receipts = np.zeros((n, window.days), np.int32)
    _add(receipts, window, _Flow(of_moved, moved[:, 2], moved[:, 3] * moved[:, 4]))
    return Assembled(
        series >> 32,
        series & 0xFFFFFFFF,
        units,
        _closing(window, flow, moving, (of_count, counts.day, closes)),
        receipts,
        _latest(counts.committed, latest).astype(np.int32),
        latest >= 0,
        _latest(counts.instant, latest),
    )


def _key(product: Ints, location: Ints) -> Ints:
    return product << 32 | location


def _latest(column: Ints, latest: Ints) -> Ints:
    values = np.append(column, 0)  # index -1, no count, finds the zero
    return values[latest]


def _spread(
    window: Window, n: int, packed: Sequence[tuple[Packed, Ints]]
) -> tuple[NDArray[np.int32], NDArray[np.int32], _Flow]:
    """Packs and the series of their records as units sold and changes of stock by day, (n, T), and earlier changes."""
    units = np.zeros((n, window.days), np.int32)
    early = [(np.zeros(0, np.int64),) * 3]
    for part, series in packed:
        part.put(units, series, window.first, part.units)
        early.append(part.shipped_before(series, window.first))
    moving = -units
    for part, series in packed:
        if part.shipped is not part.units:
            part.put(moving, series, window.first, -part.shipped)
    series, day, shipped = map(np.concatenate, zip(*early, strict=True))
    return units, moving, _Flow(series, day, -shipped)


def _opened(window: Window, moving: NDArray[np.int32], of_count: Ints, counts: Counts) -> Ints:
    """What the packs say that stock did on the day of each count that was taken as its day began."""
    change = np.zeros(len(of_count), np.int64)
    inside = counts.opens & (counts.day >= window.first)  # none is later than the window
    change[inside] = moving[of_count[inside], counts.day[inside] - window.first]
    return change


def _add(matrix: NDArray[np.int32], window: Window, flow: _Flow) -> None:
    """Add sums per series and day inside the window to a matrix (n, T)."""
    column = flow.day - window.first
    inside = (column >= 0) & (column < window.days)
    # Most days of most series are empty: adding into zeroed pages touches few of them, a weighted bincount all.
    place = flow.series[inside] * window.days + column[inside]
    np.add.at(matrix.reshape(-1), place, flow.units[inside].astype(np.int32))


def _rest_of_day(facts: Facts, flow: _Flow, of_count: Ints, of_moved: Ints) -> Ints:
    """What stock did between each count and the end of its local day."""
    counts, moved, sold = facts.counts, facts.moved, facts.sold_after
    rest = np.zeros(len(counts.id), np.int64)
    opening = np.flatnonzero(counts.opens)
    if len(opening):  # the whole day follows such a count
        rest[opening] = _sums_at(_key(of_count, counts.day)[opening], _key(flow.series, flow.day), flow.units)
    inner = np.flatnonzero(~counts.opens)
    if len(inner):
        by_id = inner[np.argsort(counts.id[inner])]
        place = by_id[np.searchsorted(counts.id[by_id], sold[:, 4])]
        same = counts.day[place] == sold[:, 2]
        np.add.at(rest, place[same], -sold[same, 3])
        rest[inner] += _moved_after(counts, inner, of_count, (of_moved, moved))
    return rest


def _sums_at(wanted: Ints, keys: Ints, values: Ints) -> Ints:
    """For each wanted key the sum of the values that carry it."""
    distinct, back = np.unique(wanted, return_inverse=True)
    at = np.searchsorted(distinct, keys)
    hit = distinct[np.minimum(at, len(distinct) - 1)] == keys
    sums = np.bincount(at[hit], weights=values[hit], minlength=len(distinct)).astype(np.int64)
    return sums[back]


def _moved_after(counts: Counts, inner: Ints, of_count: Ints, moves: tuple[Ints, Ints]) -> Ints:
    """Movements after each of the `inner` counts, on the count's own day."""
    of_moved, moved = moves
    keys = _key(of_moved, moved[:, 2])
    order = np.lexsort((moved[:, 5], keys))
    running = np.concatenate([[0], np.cumsum(moved[order, 3])])
    # One sorted line of (series, day, instant): a count's rest lies between its own place and the day's end.
    wanted = _key(of_count, counts.day)[inner]
    start, end = np.searchsorted(keys[order], wanted), np.searchsorted(keys[order], wanted, side="right")
    instants = moved[order, 5]
    first = np.array(
        [
            s + np.searchsorted(instants[s:e], at, side="right")
            for s, e, at in zip(start, end, counts.instant[inner], strict=True)
        ],
        np.int64,
    )
    after: Ints = running[end] - running[first]
    return after


def _closing(
    window: Window, flow: _Flow, changes: NDArray[np.int32], counts: tuple[Ints, Ints, Ints]
) -> NDArray[np.int32]:
    """Closing stock (n, T) from the `changes` of each day, and from the `flow` before the window.

    `counts` are their series, day and the stock at that day's end, in order of time.
    """
    of_count, day, closes = counts
    n = len(changes)
    column = day - window.first
    early = np.flatnonzero(column < 0)
    base = np.full(n, -1, np.int64)
    base[of_count[early]] = early
    base_day = np.append(day, _NEVER)[base]
    before = (flow.day > base_day[flow.series]) & (flow.day < window.first)
    carried = np.bincount(flow.series[before], weights=flow.units[before], minlength=n)
    level = np.where(base >= 0, np.append(closes, 0)[base] + carried, np.nan)
    late = np.flatnonzero(column >= 0)
    late = late[np.argsort(of_count[late], kind="stable")]  # of one series still in order of time
    row, column, closes = of_count[late], column[late], closes[late]
    stock = np.empty(changes.shape, np.int32)
    for start in range(0, n, _BLOCK):
        part, mine = slice(start, start + _BLOCK), slice(*np.searchsorted(row, [start, start + _BLOCK]))
        stock[part] = _drawn(changes[part], level[part], row[mine] - start, column[mine], closes[mine])
    return stock


def _drawn(changes: NDArray[np.int32], level: NDArray[np.float64], row: Ints, column: Ints, closes: Ints) -> _Lines:
    """Closing stock of some series from the `level` (n,) that each begins with, nan for none, and its later counts."""
    moving = changes.astype(np.float64)
    np.cumsum(moving, axis=1, out=moving)
    once = np.bincount(row, minlength=len(level)).max(initial=0) <= 1 and bool(np.isnan(level[row]).all())
    if once:  # each counted once and never before: one offset holds on both sides of the count
        level[row] = closes - moving[row, column]
        moving += level[:, None]
        stock = moving
    else:
        stock = moving + level[:, None]
        _re_anchor(stock, moving, row, column, closes)
    return np.fmax(stock, 0, out=stock)  # no count at all, not a number, becomes zero as well


def _re_anchor(stock: NDArray[np.float64], moving: NDArray[np.float64], row: Ints, column: Ints, closes: Ints) -> None:
    """Let each count set the line from its day on; before a series' first count, reckon backwards from it."""
    rows, of_row = np.unique(row, return_inverse=True)
    days = stock.shape[1]
    offset = np.full((len(rows), days), np.nan)
    offset[of_row, column] = closes - moving[row, column]  # in order of time: of two on one day the later holds
    latest = np.maximum.accumulate(np.where(np.isnan(offset), -1, np.arange(days)), axis=1)
    first = np.argmax(latest >= 0, axis=1)
    lines = np.arange(len(rows))
    before = np.where(np.isnan(stock[rows, 0]), offset[lines, first], stock[rows, 0] - moving[rows, 0])
    held = np.where(latest < 0, before[:, None], offset[lines[:, None], latest])
    stock[rows] = moving[rows] + held
