"""Columns of Arrow cells into NumPy, each distinct cell read once by the rules of import; bad ones are collected."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Floats, Ints
from bot.errors import Fault, FileRefused
from bot.services.evaluating.periods import period
from bot.services.ingest import values
from bot.services.ingest.values import Bad

Instants = NDArray[np.datetime64]
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
_TRUTH = {"true": 1.0, "yes": 1.0, "y": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "是": 1.0, "否": 0.0}


@dataclass(slots=True)
class Aside:
    """Rows set aside: which, and for the first few the row of the file, the field and what is wrong with it."""

    rows: Ints  # the file's row of each entry
    bad: Bools
    shown: int = 5
    found: list[tuple[int, str, str]] = field(default_factory=list)

    def put(self, which: Bools, name: str, problem: str | Callable[[int], str]) -> None:
        """Set the rows of a mask aside, but for those that already are; `problem` may depend on the entry."""
        fresh = which & ~self.bad
        self.bad |= fresh
        for at in np.flatnonzero(fresh)[: self.shown].tolist():
            said = problem if isinstance(problem, str) else problem(at)
            self.found.append((int(self.rows[at]), name, said))

    @property
    def first(self) -> list[tuple[int, str, str]]:
        """The first of them by their rows."""
        return sorted(self.found)[: self.shown]


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts as numbers into `names`."""

    codes: Ints
    names: tuple[str, ...]

    def marked(self, wanted: Callable[[str], bool]) -> Bools:
        """Where the text is of a kind."""
        return np.asarray([wanted(name) for name in self.names], dtype=bool)[self.codes]


def texts(column: pa.Array[Any], read: Callable[[object], str | Bad], name: str, aside: Aside) -> Texts:
    """Texts as `read` gives them; equal ones share a number."""
    codes, cells = _distinct(column)
    known: dict[str, int] = {}
    reasons: dict[int, str] = {}
    places = np.zeros(len(cells), dtype=np.int64)
    for at, cell in enumerate(cells):
        found = read(cell)
        if isinstance(found, Bad):
            reasons[at] = found.reason
            found = ""
        places[at] = known.setdefault(found, len(known))
    _blame(codes, reasons, name, aside)
    return Texts(places[codes], tuple(known))


def number(cell: object) -> float | Bad:
    """A number, or a word of truth as 1 or 0; NaN where the cell is empty."""
    text = values.text(cell)
    if not text:
        return np.nan
    if text.casefold() in _TRUTH:
        return _TRUTH[text.casefold()]
    found = values.decimal(text)
    return found if isinstance(found, Bad) else float(found)


def share(cell: object) -> float | Bad:
    """A number; `80%` is 0.8."""
    text = unicodedata.normalize("NFKC", values.text(cell))
    if not text.endswith("%"):
        return number(cell)
    found = values.decimal(text[:-1])
    return found if isinstance(found, Bad) else float(found / 100)


def numbers(column: pa.Array[Any], name: str, aside: Aside, read: Callable[[object], float | Bad] = number) -> Floats:
    """Finite numbers as float64, texts as `read` gives them, NaN where the cell is empty."""
    kind = column.type
    if any(is_one(kind) for is_one in _NUMERIC):
        found: Floats = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        aside.put(np.isinf(found), name, "not a finite number")
        return found
    codes, cells = _distinct(column)
    got = [read(cell) for cell in cells]
    _blame(codes, {at: one.reason for at, one in enumerate(got) if isinstance(one, Bad)}, name, aside)
    return np.asarray([np.nan if isinstance(one, Bad) else one for one in got], dtype=np.float64)[codes]


def moments(column: pa.Array[Any], name: str, aside: Aside, order: str, where: str) -> Instants:
    """Times as written, without their zone, in microseconds; NaT where the row is set aside. A month is its first day.

    FileRefused where dates such as 3/4/2011 could be read both ways and `order` (dmy, mdy) does not say.
    """
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind) and not pa.types.is_duration(kind):
        if pa.types.is_timestamp(kind) and kind.tz:
            column = pc.local_timestamp(column)  # type: ignore[call-overload]  # the stubs know one unit alone
        found: Instants = column.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
        aside.put(np.isnat(found), name, "missing")
        return found
    codes, cells = _distinct(column)
    said = order or _order(cells, where)
    read = [_moment(cell, said) for cell in map(values.text, cells)]
    _blame(codes, {at: one.reason for at, one in enumerate(read) if isinstance(one, Bad)}, name, aside)
    naive = [None if isinstance(one, Bad) else _naive(one) for one in read]
    return np.asarray(naive, dtype="datetime64[us]")[codes]


def _moment(text: str, order: str) -> datetime | date | Bad:
    """A moment, or a whole period's first day."""
    found = values.moment(text, order)
    return (period(text) or found) if isinstance(found, Bad) else found


def _naive(found: datetime | date) -> datetime:
    if not isinstance(found, datetime):
        return datetime(found.year, found.month, found.day)  # noqa: DTZ001  # a file's days have no zone
    return found.replace(tzinfo=None)


def _order(cells: Sequence[object], where: str) -> str:
    found = {values.day_order(cell) for cell in cells}
    if "?" in found and not found & {"dmy", "mdy"}:
        problem = "dates such as 3/4/2011 could be of March or of April"
        raise FileRefused(Fault(where, problem, "write --date-order dmy or --date-order mdy"), "dates")
    return "dmy" if "dmy" in found and "mdy" not in found else ""


def _distinct(column: pa.Array[Any]) -> tuple[Ints, list[object]]:
    """The cells as numbers into the distinct ones; an empty cell is None."""
    if pa.types.is_nested(column.type):
        raise FileRefused(Fault("the file", f"a column holds {column.type}", "each cell must be one value"))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    coded: Any = column.dictionary_encode(null_encoding="encode")
    codes: Ints = np.asarray(coded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return codes, list(coded.dictionary.to_pylist())


def _blame(codes: Ints, reasons: dict[int, str], name: str, aside: Aside) -> None:
    if reasons:
        aside.put(np.isin(codes, list(reasons)), name, lambda at: reasons[int(codes[at])])
