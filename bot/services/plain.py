"""An assessment whose columns are Python lists: thousands of rows are put into evidence several times as fast.

Reading one figure out of a NumPy array costs more than out of a list, and evidence reads a hundred per row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Table:
    """Rows of lists that are read as a two-dimensional array is: `table[row]` and `table[row, column]`."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[list[Any]]) -> None:
        self._rows = rows

    def __getitem__(self, key: int | tuple[int, int]) -> Any:  # noqa: ANN401  # a number, or a list of them
        if isinstance(key, tuple):
            row, column = key
            return self._rows[row][column]
        return self._rows[key]


def plainly(value: T, kept: frozenset[str] = frozenset({"incoming"})) -> T:
    """A dataclass with its arrays, and those of its parts, as lists and tables; fields named in `kept` stay arrays.

    It may be read by row number, and nothing else: no arithmetic over columns.
    """
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {
        field.name: _plain(getattr(value, field.name), kept)
        for field in dataclasses.fields(value)
        if field.init and field.name not in kept
    }
    return dataclasses.replace(value, **changed)


def _plain(value: Any, kept: frozenset[str]) -> Any:  # noqa: ANN401  # a field of any type
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim == 1 else Table(value.tolist())
    if isinstance(value, Mapping):
        return {key: _plain(item, kept) for key, item in value.items()}
    return plainly(value, kept)
