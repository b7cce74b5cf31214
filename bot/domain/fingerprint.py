"""A number per series that stands for all its figures, to tell cheaply which of them stayed as they were.

Two series, or one at two instants, whose figures differ anywhere have the same number once in 2^64 times.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from hashlib import blake2b
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Ints
from bot.domain.demand import DemandEstimate
from bot.domain.figures import Stock, Supply
from bot.domain.groups import Groups
from bot.domain.outlook import Borrowed, Outlook, Span
from bot.domain.replenishment import Runout, SpanDemand, Transfers
from bot.domain.slump import SlumpSigns
from bot.domain.surge import SurgeSigns
from bot.domain.turnover import Period
from bot.domain.watch import Assessment
from bot.domain.watch_inputs import Positions, Routes

# Every array in them has a row per series; whatever else there is, is the same for all.
_BY_SERIES = (
    Assessment, Borrowed, DemandEstimate, Groups, Outlook, Period, Positions, Routes, Runout, SlumpSigns, Span,
    SpanDemand, Stock, Supply, SurgeSigns, Transfers,
)  # fmt: skip
_PLAIN = (str, bytes, Number, date, timedelta, Enum)  # what tells itself alike in every process
_BY_DAYS = "incoming"  # a column for each day up to the farthest arrival anywhere
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd: multiplying by it loses nothing
_HALF = np.uint64(32)


class Fingerprints:
    """Takes in what is to be told apart, in an order that is always the same; `numbers` are then (n,)."""

    def __init__(self, series: int) -> None:
        self._marks = np.zeros(series, np.uint64)
        self._shared = blake2b(digest_size=8)

    @property
    def numbers(self) -> Ints:
        """What everything that was taken in so far comes to."""
        made = Fingerprints(len(self._marks))
        made._marks = self._marks.copy()
        made.column(np.full(len(self._marks), int.from_bytes(self._shared.digest()), np.uint64))
        return made._marks.view(np.int64)

    def figures(self, value: object) -> None:
        """An assessment, or a part of one."""
        if isinstance(value, _BY_SERIES):
            for field in fields(value):
                told = getattr(value, field.name)
                self.figures(_summed(told) if field.name == _BY_DAYS else told)
        elif isinstance(value, Mapping):
            for key in sorted(value):
                self.shared(key)
                self.figures(value[key])
        elif isinstance(value, tuple):
            for item in value:
                self.figures(item)
        elif isinstance(value, np.ndarray):
            self.column(value)
        else:
            self.shared(value)

    def column(self, values: NDArray[Any]) -> None:
        """A column of numbers (n,), or several of them (n, k)."""
        for column in [values] if values.ndim == 1 else values.T:
            wide = column.astype(np.float64 if column.dtype.kind == "f" else np.int64)
            self._marks ^= wide.view(np.uint64)
            self._marks *= _FACTOR
            self._marks ^= self._marks >> _HALF

    def shared(self, value: object) -> None:
        """Something that is the same for every series."""
        for part in parts(value):
            self._shared.update(part)
            self._shared.update(b"\x00")


def number(value: object) -> int:
    """64 bits that stand for plain values, to be a series' figure in a column."""
    made = blake2b(digest_size=8)
    for part in parts(value):
        made.update(part + b"\x00")
    return int.from_bytes(made.digest(), signed=True)


def _summed(values: NDArray[Any]) -> NDArray[Any]:
    """(n,) of (n, H) whole numbers: the same whatever columns of zeros follow, whose number others decide."""
    factors = np.array([number(column) for column in range(values.shape[1])], np.int64) | 1
    summed: NDArray[Any] = (values.astype(np.int64) * factors).sum(axis=1)
    return summed


def parts(value: object) -> Any:  # noqa: ANN401  # bytes, one after the other
    """The bytes of plain values, of arrays, and of what is made of them."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield f"{len(value)} of".encode()
        for key, item in value.items():
            yield from parts(key)
            yield from parts(item)
    elif isinstance(value, tuple | list):
        yield f"{len(value)}:".encode()
        for item in value:
            yield from parts(item)
    elif isinstance(value, AbstractSet):  # in one order, whatever process asks
        yield from parts(sorted(repr(item) for item in value))
    elif value is None or isinstance(value, _PLAIN):
        yield repr(value).encode()
    else:
        raise TypeError(f"{type(value).__name__} has no fingerprint")
