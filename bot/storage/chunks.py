"""Long lists of ids, in pieces that every database takes as bound values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
SIZE = 5000  # SQLite binds 32,766 values in a statement, PostgreSQL 65,535


def chunked(items: Collection[T], size: int = SIZE) -> Iterator[Sequence[T]]:
    """The items in order, at most `size` at a time."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece
