"""Figures of many series as JSON texts, a whole column at a time.

A scan writes down what thousands of cases rest on. Making a tree per case and serialising it takes several times as
long as turning each column into texts once and filling a template per row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Ints

Texts = list[str]  # one JSON text per row; empty where a row has none
Given = NDArray[Any] | float | Sequence[float]  # a column of figures, or a constant of every row

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_text(value: object) -> str:
    """A plain value as compact JSON."""
    return _ENCODER.encode(value)


def column_texts(column: NDArray[Any]) -> Texts:
    """Each number (or truth) of a column as JSON; what is not finite becomes null."""
    if not len(column):
        return []
    plain = json.dumps(column.tolist())[1:-1]
    if column.dtype.kind == "f":
        plain = plain.replace("NaN", "null").replace("-Infinity", "null").replace("Infinity", "null")
    return plain.split(", ")


def joined(columns: Sequence[Texts]) -> Texts:
    """Each row's texts as the items of a JSON array, leaving out those that it has not."""
    return ["[" + ",".join(filter(None, row)) + "]" for row in zip(*columns, strict=True)]


class Sheet:
    """Chosen rows of a catalogue; the columns given to it have one figure per series of the whole catalogue."""

    def __init__(self, rows: Ints) -> None:
        self.rows = rows
        self._known: dict[int, tuple[NDArray[Any], Texts]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, column: NDArray[Any]) -> Texts:
        """The column's figures at the chosen rows; a column is put into text once."""
        known = self._known.get(id(column))
        if known is None:  # the column is kept beside its texts, so that its id stays its own
            known = self._known[id(column)] = (column, column_texts(column[self.rows]))
        return known[1]

    def named(self, of: Sequence[str], column: Ints) -> Texts:
        """The names that a column of indices stands for, as JSON."""
        quoted = [json_text(name) for name in of]
        return [quoted[index] for index in column[self.rows].tolist()]

    def record(self, members: Mapping[str, Given | Texts]) -> Texts:
        """A JSON object per row; a member is a column, a list of texts, or a constant."""
        places, columns = [], []
        for name, given in members.items():
            if isinstance(given, np.ndarray):
                columns.append(self.texts(given))
                place = "%s"
            elif isinstance(given, list):
                columns.append(given)
                place = "%s"
            else:
                place = json_text(given).replace("%", "%%")
            places.append(f"{json_text(name)}:{place}")
        form = "{" + ",".join(places) + "}"
        return [form % row for row in zip(*columns, strict=True)] if columns else [form % ()] * len(self)

    def step(self, name: str, formula: str, result: NDArray[Any], **values: Given) -> Texts:
        """One step of a calculation per row: its formula, the values in it, and what came out."""
        form = self.record(values)
        head = f'{{"name":{json_text(name)},"formula":{json_text(formula)},"values":'
        return [f'{head}{text},"result":{out}}}' for text, out in zip(form, self.texts(result), strict=True)]

    def where(self, chosen: Bools, make: Callable[[Sheet], Texts]) -> Texts:
        """What `make` writes for the rows that a column of truths chooses; the others have nothing."""
        here = chosen[self.rows]
        if here.all():
            return make(self)
        made = iter(make(Sheet(self.rows[here])))
        return [next(made) if yes else "" for yes in here.tolist()]

    def either(self, parts: Iterable[tuple[Bools, Callable[[Sheet], Texts]]]) -> Texts:
        """Each row by the first part that chooses it; a row that none chooses has nothing."""
        found, left = [""] * len(self), None
        for chosen, make in parts:
            mine = chosen if left is None else chosen & left
            left = ~mine if left is None else left & ~mine
            if mine[self.rows].any():
                found = [old or new for old, new in zip(found, self.where(mine, make), strict=True)]
        return found
