"""How a product's demand of 32 days lies in bytes: a record per place, put together and taken apart by columns.

A record holds the place, which of its days have a row of demand (bit 0 is the first day), and a number per day. The
narrow form knows units alone, of 16 bits, and that as many were shipped; the wide one units and what was shipped, of 64
bits. A body is the records of one product and span in one form, by ascending place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.storage.ledgerrows import Ints

SPAN = 32  # days: as many as the bits that tell which of them have a row
_SHIFT = 5
_PLACE = [("place", "<i8"), ("present", "<u4")]
_NARROW = np.dtype([*_PLACE, ("units", "<i2", (SPAN,))])
_WIDE = np.dtype([*_PLACE, ("units", "<i8", (SPAN,)), ("shipped", "<i8", (SPAN,))])
_NARROW_MOST = np.iinfo(np.int16).max

Row: TypeAlias = tuple[int, int, bool, bytes]  # product, span, whether it is wide, body


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """m records: product, place, the day of their first column, the days with a row, units and shipped (m, 32)."""

    product: Ints
    location: Ints
    first: Ints
    present: NDArray[np.uint32]
    units: NDArray[Any]
    shipped: NDArray[Any]

    def within(self, since: int, end: Ints) -> Packed:
        """What the days from `since` up to each record's own `end` (m,), exclusive, hold."""
        cut = (self.first < since) | (self.first + SPAN > end)
        if not cut.any():
            return self
        days = self.first[cut, None] + np.arange(SPAN)
        keep = (days >= since) & (days < end[cut, None])
        present, units, shipped = self.present.copy(), self.units.copy(), self.shipped
        present[cut] &= (keep << np.arange(SPAN, dtype=np.uint32)).sum(axis=1).astype(np.uint32)
        units[cut] = np.where(keep, units[cut], 0)
        if shipped is self.units:
            shipped = units
        else:
            shipped = shipped.copy()
            shipped[cut] = np.where(keep, shipped[cut], 0)
        whole = Packed(self.product, self.location, self.first, present, units, shipped)
        return whole if present.all() else whole.rows(present > 0)

    def rows(self, chosen: NDArray[np.bool_]) -> Packed:
        """Some of the records."""
        return Packed(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def put(self, matrix: NDArray[np.int32], series: Ints, first: int, values: NDArray[Any]) -> None:
        """Write `values` (m, 32) into the rows `series` (m,) of a matrix whose columns are days from `first` on."""
        for day in np.unique(self.first).tolist():
            start = day - first
            low, high = max(0, -start), min(SPAN, matrix.shape[1] - start)
            if low < high:
                mine = self.first == day
                matrix[series[mine], start + low : start + high] = values[mine, low:high]

    def shipped_before(self, series: Ints, first: int) -> tuple[Ints, Ints, Ints]:
        """Series, day and shipped units of what was shipped before the day `first`."""
        early = np.flatnonzero(self.first < first)
        record, column = np.nonzero(self.shipped[early])
        days = self.first[early][record] + column
        kept = days < first
        record, column = early[record[kept]], column[kept]
        return series[record], days[kept], self.shipped[record, column].astype(np.int64)


def span_of(day: int) -> int:
    """The span that holds a day (days since 1970)."""
    return day >> _SHIFT


def packed(rows: Ints) -> Iterator[Row]:
    """Bodies of the rows (product, location, day, units, shipped), whose first three are theirs alone."""
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 2] >> _SHIFT, rows[:, 0]))]
    product, _location, day, units, shipped = rows.T
    body = np.cumsum(_begins(product, day >> _SHIFT)) - 1
    large = (np.abs(units) > _NARROW_MOST) | (units != shipped)
    wide = np.isin(body, body[large])
    for form, chosen in ((_NARROW, ~wide), (_WIDE, wide)):
        yield from _bodies(rows[chosen], form)


def unpacked(rows: Sequence[Row]) -> list[Packed]:
    """The records of the bodies, one set for each form."""
    return [_records([row for row in rows if bool(row[2]) is (form is _WIDE)], form) for form in (_NARROW, _WIDE)]


def _begins(*columns: Ints) -> NDArray[np.bool_]:
    """Where a row of sorted columns differs from the one before."""
    begins = np.ones(len(columns[0]), np.bool_)
    begins[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return begins


def _bodies(rows: Ints, form: np.dtype[Any]) -> Iterator[Row]:
    """The rows, sorted by product, span, place and day, in one form."""
    if not len(rows):
        return
    product, location, day, units, shipped = rows.T
    span, column = day >> _SHIFT, day & (SPAN - 1)
    begins = _begins(product, span, location)
    starts = np.flatnonzero(begins)
    record = np.cumsum(begins) - 1
    records = np.zeros(len(starts), form)
    records["place"] = location[starts]
    records["present"] = np.bitwise_or.reduceat(np.uint32(1) << column.astype(np.uint32), starts)
    records["units"][record, column] = units
    if form is _WIDE:
        records["shipped"][record, column] = shipped
    data = records.tobytes()
    firsts = np.flatnonzero(_begins(product[starts], span[starts]))
    ends = np.append(firsts[1:], len(starts)) * form.itemsize
    heads = starts[firsts]
    columns = (product[heads], span[heads], firsts * form.itemsize, ends)
    for of, at, start, end in zip(*(each.tolist() for each in columns), strict=True):
        yield of, at, form is _WIDE, data[start:end]


def _records(rows: Sequence[Row], form: np.dtype[Any]) -> Packed:
    bodies = [row[3] for row in rows]
    counts = np.fromiter(map(len, bodies), np.int64, len(rows)) // form.itemsize
    records = np.frombuffer(b"".join(bodies), form)
    units = records["units"]
    return Packed(
        np.repeat(np.fromiter((row[0] for row in rows), np.int64, len(rows)), counts),
        records["place"].astype(np.int64),
        np.repeat(np.fromiter((row[1] for row in rows), np.int64, len(rows)) << _SHIFT, counts),
        records["present"],
        units,
        records["shipped"] if form is _WIDE else units,
    )
