"""For how much of a day there was stock, from the instants of what changed it.

A day's part is told where the stock as it began, and every change from and to nothing within it, are known with their
times. It is not told of a day before the first count, of one with a sale of what was not there, of one on which
something moved at the very midnight (files without hours say so), or of those over which a count tells another
story than what moved since the one before, unless the change is known to have come in the last `TIMED` before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bot.storage.ledger import HistoryArrays, Told
from bot.storage.ledgermath import Counts
from bot.storage.ledgerrows import Ints
from bot.storage.types import of_micros, to_micros

_EPOCH = date(1970, 1, 1)
TIMED = timedelta(minutes=90)  # stores are read every hour, and now and then a little later
_BLOCK = 512  # rows looked through together, so that they stay in the processor's cache
_LONGEST = 26  # hours of a day at most
_HOUR = 3_600_000_000  # microseconds
_STARTS, _MOVES, _COUNTS = 0, 1, 2  # of events at one instant: a count saw what moved by then

Bools = NDArray[np.bool_]


class Cells(NamedTuple):
    """Days of series: the row and the column of each in a history, in that order."""

    row: Ints
    column: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """What was told with an instant, and the cell (row x days + column) it belongs to."""

    history: HistoryArrays
    counts: Counts
    count_row: Ints
    count_column: Ints
    count_cell: Ints  # -1 before the window
    moved_cell: Ints
    moved_units: Ints
    moved_at: Ints

    @classmethod
    def of(cls, told: Told) -> _Placed:
        history, counts, moved = told.history, told.counts, told.moved
        series = history.product_ids << 32 | history.location_ids
        days, first = history.on_hand.shape[1], (history.first_day - _EPOCH).days
        count_row = np.searchsorted(series, counts.product << 32 | counts.location)
        moved_row = np.searchsorted(series, moved[:, 0] << 32 | moved[:, 1])
        counted, when = counts.day - first, moved[:, 2] - first
        inside = (when >= 0) & (when < days)
        return cls(
            history,
            counts,
            count_row,
            counted,
            np.where(counted >= 0, count_row * days + counted, -1),
            (moved_row * days + when)[inside],
            moved[inside, 3],
            moved[inside, 5],
        )


def doubtful(told: Told) -> Cells:
    """The days on which stock may have come to nothing, or come from it: what is to be looked at by the hour."""
    history = told.history
    if not len(history.product_ids) or history.on_hand.shape[1] < 2:
        return Cells(np.zeros(0, np.int64), np.zeros(0, np.int64))
    placed, days = _Placed.of(told), history.on_hand.shape[1]
    flat = np.unique(np.concatenate([*_ended(history), _recounted(placed), _passing(placed)]))
    row, column = np.divmod(flat, days)
    kept = history.counted[row] & (column > 0)
    return Cells(row[kept], column[kept])


def _ended(history: HistoryArrays) -> list[Ints]:
    """Days that began or ended without stock and not both, or sold all that they began with."""
    days, found = history.on_hand.shape[1], [np.zeros(0, np.int64)]
    for start in range(0, len(history.on_hand), _BLOCK):
        stock, units = history.on_hand[start : start + _BLOCK], history.units[start : start + _BLOCK]
        there = stock > 0
        row, column = np.nonzero((there[:, 1:] != there[:, :-1]) | (there[:, :-1] & (stock[:, :-1] <= units[:, 1:])))
        found.append((row + start) * days + column + 1)
    return found


def _recounted(placed: _Placed) -> Ints:
    """Days with a count that is all sold, or that came where there was nothing."""
    counts, stock, units = placed.counts, placed.history.on_hand, placed.history.units.reshape(-1)
    known = np.flatnonzero(placed.count_column > 0)
    cell, value = placed.count_cell[known], counts.units[known]
    closing = stock.reshape(-1)[cell]
    opening = np.where(counts.opens[known], value, stock.reshape(-1)[cell - 1])
    low = (np.minimum(opening, value) <= units[cell]) & ((opening > 0) | (value > 0) | (closing > 0))
    found: Ints = cell[low]
    return found


def _passing(placed: _Placed) -> Ints:
    """Days on which something came and went, or was taken away before more came."""
    cell, stock = placed.moved_cell, placed.history.on_hand
    inner = cell % stock.shape[1] > 0
    cell, moved = cell[inner], placed.moved_units[inner]
    opening, closing = stock.reshape(-1)[cell - 1], stock.reshape(-1)[cell]
    came = (moved > 0) & (opening == 0) & (closing == 0)
    went = (moved < 0) & (opening > 0) & (opening + moved <= placed.history.units.reshape(-1)[cell])
    found: Ints = cell[came | went]
    return found


def shares(
    told: Told, cells: Cells, sold: Ints, hours: Mapping[int, NDArray[np.float64]], at: datetime
) -> NDArray[np.float64]:
    """The share (k,) of each day that had stock, NaN where it is not known; `at` is the instant of the history.

    `sold`: index of the cell, instant, units taken off the shelf. `hours`: by location what part of a day each of its
    24 hours counts for.
    """
    placed, history = _Placed.of(told), told.history
    spans = Spans.of(cells, history, told.zones, hours)
    start, end = spans.start, spans.end
    opening = history.on_hand[cells.row, cells.column - 1].astype(np.int64)
    where = cells.row * history.on_hand.shape[1] + cells.column
    count, of_count = _matched(where, placed.count_cell)
    opens = placed.counts.opens[count]
    opening[of_count[opens]] = placed.counts.units[count[opens]]  # in order of time: the last one holds
    line = _line(placed, where, (start, opening), (count[~opens], of_count[~opens]), sold)
    share = line.share(spans)
    closes = history.on_hand[cells.row, cells.column] > 0
    bad = line.doubted(start, end) | ((line.last > 0) != closes)
    bad |= (_first_counted(placed)[cells.row] > start) | (end > to_micros(at))
    bad |= _untold(placed, line, (cells, start, end))
    return np.where(bad, np.nan, share)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """When each day (k,) begins and ends at its place, 23 or 25 hours apart where clocks turn, and what passed by when.

    `passed` (d, m): the part of a day that is over after so many hours, of `d` different days; `day` (k,): of which.
    """

    start: Ints
    end: Ints
    day: Ints
    passed: NDArray[np.float64]

    @classmethod
    def of(
        cls, cells: Cells, history: HistoryArrays, zones: Mapping[int, str], hours: Mapping[int, NDArray[np.float64]]
    ) -> Spans:
        """Of the days at their places, as their clocks show them."""
        days = history.on_hand.shape[1]
        pairs, which = np.unique(history.location_ids[cells.row] * days + cells.column, return_inverse=True)
        place, column = np.divmod(pairs, days)
        places, of = np.unique(place, return_inverse=True)
        clocks = [ZoneInfo(zones[each]) for each in places.tolist()]
        dates = [history.first_day + timedelta(days=ahead) for ahead in range(days + 1)]
        ends = np.array(
            [
                [to_micros(datetime.combine(dates[at + side], time(), clocks[one]).astimezone(UTC)) for side in (0, 1)]
                for one, at in zip(of.tolist(), column.tolist(), strict=True)
            ],
            np.int64,
        )
        passed = np.ones((len(pairs), _LONGEST + 1))
        usual = np.stack([hours[each] for each in places.tolist()])
        passed[:, 0], passed[:, 1:25] = 0.0, np.cumsum(usual, axis=1)[of]
        for odd in np.flatnonzero(np.diff(ends)[:, 0] != 24 * _HOUR).tolist():
            lasted = range(ends[odd, 0], ends[odd, 1], _HOUR)
            shares = usual[of[odd], [of_micros(at).astimezone(clocks[of[odd]]).hour for at in lasted]]
            passed[odd, 1:] = 1.0
            passed[odd, 1 : len(shares) + 1] = np.cumsum(shares) / shares.sum()
        return cls(ends[which, 0], ends[which, 1], which, passed)

    def over(self, cell: Ints, instant: Ints) -> NDArray[np.float64]:
        """What part of the days of some cells is over at an instant, from 0 to 1."""
        since = np.clip(instant - self.start[cell], 0, self.end[cell] - self.start[cell])
        whole, rest = np.divmod(since, _HOUR)
        day, ahead = self.day[cell], np.minimum(whole + 1, _LONGEST)
        before = self.passed[day, whole]
        # The last hour of a day may be a short one, where clocks turn by half an hour.
        lasts = np.minimum(self.end[cell] - self.start[cell] - whole * _HOUR, _HOUR)
        part: NDArray[np.float64] = before + (self.passed[day, ahead] - before) * rest / np.maximum(lasts, 1)
        return part


def _matched(where: Ints, cell: Ints) -> tuple[Ints, Ints]:
    """Which of the cells given are among `where` (ascending), and the places there."""
    if not len(where):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(where, cell), len(where) - 1)
    hit = np.flatnonzero(where[place] == cell)
    return hit, place[hit]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Stock after each event, cell by cell in order of time; every cell begins with what it opened with."""

    cell: Ints
    instant: Ints
    kind: Ints
    units: Ints  # the change, or what was counted
    count: Ints  # the number of the count; -1 of others
    level: Ints

    @property
    def before(self) -> Ints:
        """Stock before each event; that of an opening itself."""
        found = np.append(self.level[:1], self.level[:-1])
        return np.where(self.kind == _STARTS, self.level, found)

    @property
    def last(self) -> Ints:
        """(k,): stock at the end of each cell."""
        last: Ints = self.level[np.append(np.flatnonzero(self.kind == _STARTS)[1:], len(self.cell)) - 1]
        return last

    def share(self, spans: Spans) -> NDArray[np.float64]:
        """(k,): how much of each cell's day there was stock."""
        over = spans.over(self.cell, self.instant)
        until = np.ones(len(over))
        until[:-1] = over[1:]
        until[:-1][self.cell[1:] != self.cell[:-1]] = 1.0
        there = np.where(self.level > 0, until - over, 0.0)
        return np.bincount(self.cell, weights=there, minlength=len(spans.start)).astype(np.float64)

    def doubted(self, start: Ints, end: Ints) -> Bools:
        """(k,): cells where something was sold that was not there, or moved at no hour of the day."""
        moves = self.kind == _MOVES
        odd = moves & ((self.instant <= start[self.cell]) | (self.instant >= end[self.cell]))
        odd |= moves & (self.units < 0) & (self.before <= 0)
        return np.bincount(self.cell[odd], minlength=len(start)) > 0

    def turned(self) -> Ints:
        """The numbers of counts that found stock where there was none, or none where there was."""
        turned: Ints = self.count[(self.kind == _COUNTS) & ((self.before > 0) != (self.level > 0))]
        return turned


def _line(placed: _Placed, where: Ints, opened: tuple[Ints, Ints], counted: tuple[Ints, Ints], sold: Ints) -> _Line:
    """All events of the cells in one line. `opened`: instant and stock of each cell; `counted`: counts, their cells."""
    start, opening = opened
    count, of_count = counted
    moved, of_moved = _matched(where, placed.moved_cell)
    parts = (
        (np.arange(len(where)), start, _STARTS, opening, None),
        (sold[:, 0], sold[:, 1], _MOVES, -sold[:, 2], None),
        (of_moved, placed.moved_at[moved], _MOVES, placed.moved_units[moved], None),
        (of_count, placed.counts.instant[count], _COUNTS, placed.counts.units[count], count),
    )
    cell, instant, units = (np.concatenate([part[at] for part in parts]) for at in (0, 1, 3))
    kind = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    number = np.concatenate([np.full(len(part[0]), -1) if part[4] is None else part[4] for part in parts])
    first = np.where(kind == _MOVES, -units, number)  # at one instant what comes stands before what goes
    order = np.lexsort((first, kind, np.where(kind == _STARTS, 0, instant), cell))
    cell, instant, units, kind, number = (each[order] for each in (cell, instant, units, kind, number))
    running = np.cumsum(np.where(kind == _MOVES, units, 0))
    anchor = np.maximum.accumulate(np.where(kind == _MOVES, 0, np.arange(len(kind))))
    return _Line(cell, instant, kind, units, number, running - running[anchor] + units[anchor])


def _first_counted(placed: _Placed) -> Ints:
    """(n,): the instant of each series' first count."""
    found = np.full(len(placed.history.product_ids), np.iinfo(np.int64).max)
    np.minimum.at(found, placed.count_row, placed.counts.instant)
    return found


def _untold(placed: _Placed, line: _Line, cells: tuple[Cells, Ints, Ints]) -> Bools:
    """Cells over which stock came or went at a time that nobody knows: a count found so later, and not at once."""
    (of, start, end), counts = cells, placed.counts
    stock = placed.history.on_hand.reshape(-1)
    opens = np.flatnonzero(counts.opens & (placed.count_column > 0))
    shifted = (counts.units[opens] > 0) != (stock[placed.count_cell[opens] - 1] > 0)
    found = np.concatenate([line.turned(), opens[shifted]])
    since = np.maximum(_counted_before(placed)[found], counts.until[found])
    late = counts.instant[found] - since > TIMED // timedelta(microseconds=1)
    found, since = found[late], since[late]
    # In one line by series and time: the first such count after a day's beginning is the one that may reach into it.
    row = np.concatenate([placed.count_row[found], of.row])
    instant = np.concatenate([counts.instant[found], start])
    is_day = np.arange(len(row)) >= len(found)
    order = np.lexsort((is_day, instant, row))
    ahead = np.where(is_day[order], len(order), np.arange(len(order)))
    following = np.minimum.accumulate(ahead[::-1])[::-1]
    days = np.flatnonzero(is_day[order])
    next_count = np.append(order, -1)[following[days]]
    same = (next_count >= 0) & (row[next_count] == row[order[days]])
    number = order[days] - len(found)
    reaches = same & (np.append(since, 0)[np.where(same, next_count, -1)] < end[number])
    out = np.zeros(len(start), np.bool_)
    out[number] = reaches
    return out


def _counted_before(placed: _Placed) -> Ints:
    """The instant of the count before each one of the same series; 0 where there is none."""
    instant, row = placed.counts.instant, placed.count_row
    order = np.argsort(row, kind="stable")  # counts stand in order of time
    found = np.zeros(len(row), np.int64)
    follows = row[order][1:] == row[order][:-1]
    found[order[1:][follows]] = instant[order[:-1][follows]]
    return found
