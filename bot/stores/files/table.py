"""What every format gives: a table of headers and batches of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

BATCH = 50_000


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a spreadsheet may cost before it is refused; CSV and Parquet stream and need none."""

    bytes_on_disk: int = 256 * 2**20
    bytes_inflated: int = 2 * 2**30
    inflation: int = 100  # times its size on disk; real sheets stay below 20
    rows: int = 1_048_576
    columns: int = 500
    memory: int = 1536 * 2**20  # of the process that parses it
    seconds: int = 600


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows, column by column: `columns[c][r]` is the cell under `headers[c]` of the row at `lines[r]`.

    Lines count from 1, the header included. `odd` names what is wrong with the shape of a row (by its place r).
    """

    lines: Sequence[int]
    columns: Sequence[list[object]]
    odd: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Table:
    """An open table file. `batches(size)` streams it from its first row each time it is called.

    `encoding` is empty where the format has none; `encoding_sure` is False where it was guessed without proof.
    `lines` is about how many rows there are, None where only reading tells.
    """

    format: str
    headers: tuple[str, ...]
    batches: Callable[[int], Iterator[Batch]]
    encoding: str = ""
    encoding_sure: bool = True
    delimiter: str = ""
    lines: int | None = None
