"""Days that were in stock for a part of their hours, and how much of the day that was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Ints

Shares = NDArray[np.float32]  # summed as doubles, a few hundred of them add up without rounding


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The share of the day with stock, above 0 and below 1, of some days of `series` series; (k,) each.

    They stand by `row` and then by `column`, the day; of every other day whole days are all that is known.
    """

    series: int
    row: Ints
    column: Ints
    share: Shares

    def __post_init__(self) -> None:
        """Refuse what is in no order, or is no part of a day."""
        place = self.row << 32 | self.column
        if len(place) and (place[0] < 0 or self.row[-1] >= self.series or (np.diff(place) <= 0).any()):
            raise ValueError("parts of days stand by series and day, each day once")
        if not ((self.share > 0) & (self.share < 1)).all():
            raise ValueError("a part of a day is above 0 and below 1")

    @classmethod
    def of(cls, series: int, row: Ints, column: Ints, share: NDArray[np.floating[Any]]) -> Parts:
        """Days in any order; those that come to none of the day, or all of it, as far as can be told, are left out."""
        single = share.astype(np.float32)
        kept = np.flatnonzero((single > 0) & (single < 1))
        order = kept[np.lexsort((column[kept], row[kept]))]
        return cls(series, row[order].astype(np.int64), column[order].astype(np.int64), single[order])

    def rows(self, chosen: slice | Ints | Bools) -> Parts:
        """Those of some series, which may be named in any order and more than once."""
        if isinstance(chosen, slice):
            chosen = np.arange(self.series, dtype=np.int64)[chosen]
        elif chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        begin, end = np.searchsorted(self.row, chosen), np.searchsorted(self.row, chosen, side="right")
        count = end - begin
        row = np.repeat(np.arange(len(chosen), dtype=np.int64), count)
        place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
        return Parts(len(chosen), row, self.column[place], self.share[place])

    def tail(self, cut: int) -> Parts:
        """Those of the days from column `cut` on, which becomes the first."""
        kept = self.column >= cut
        return Parts(self.series, self.row[kept], self.column[kept] - cut, self.share[kept])

    def where(self, mask: Bools) -> Parts:
        """Those whose day is true in `mask` (n, T)."""
        kept = mask[self.row, self.column]
        return Parts(self.series, self.row[kept], self.column[kept], self.share[kept])

    def put(self, days: NDArray[Any]) -> None:
        """Write the shares into their places of a matrix (n, T)."""
        days[self.row, self.column] = self.share
