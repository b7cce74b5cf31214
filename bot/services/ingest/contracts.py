"""What goes into an import and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from bot.services.audit import Audit
    from bot.services.orders import Orders
    from bot.services.receiving import Receiving

Kind = Literal[
    "sales", "stock", "products", "suppliers", "routes", "members", "inbounds", "locations", "orders", "receipts"
]  # fmt: skip

Progress = Callable[[int, int | None], None]  # rows done, and about how many there are


class TableBatch(Protocol):
    """Consecutive rows of a file, column by column (see `bot.stores.files.table.Batch`)."""

    @property
    def lines(self) -> Sequence[int]:
        """The line each row stands on."""
        ...

    @property
    def columns(self) -> Sequence[list[object]]:
        """The cells, one list per header."""
        ...

    @property
    def odd(self) -> Mapping[int, str]:
        """What is wrong with the shape of a row, by its place in the batch."""
        ...


class TableFile(Protocol):
    """An open file of a format that `bot.stores.files` knows."""

    @property
    def format(self) -> str:
        """CSV, TSV, XLSX or Parquet."""
        ...

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns' names as written."""
        ...

    @property
    def encoding(self) -> str:
        """The codec of a text file, else empty."""
        ...

    @property
    def encoding_sure(self) -> bool:
        """Whether no other encoding could be meant."""
        ...

    @property
    def delimiter(self) -> str:
        """What parts the cells of a text file, else empty."""
        ...

    @property
    def lines(self) -> int | None:
        """About how many rows there are."""
        ...

    @property
    def batches(self) -> Callable[[int], Iterator[TableBatch]]:
        """Stream the rows, at most so many at a time."""
        ...


class OpenTable(Protocol):
    """Opens a file; bootstrap hands in `bot.stores.files.open_table`."""

    def __call__(
        self, path: Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
    ) -> TableFile:
        """Open `path`; FileRefused when it is no table."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What files of people, orders and receipts need besides the database; a reader of other files has no orders."""

    audit: Audit
    orders: Orders | None = None
    receiving: Receiving | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person says about a file; everything has a sensible absence.

    `mapping` is field -> header (`--map sku=StockCode`). `source` names whose facts these are: the same line of the
    same source is taken once. `zone` is the IANA zone of times without one (default: their location's). `location` is
    the code for rows that name none. `date_order` (`dmy` or `mdy`) reads 03/04/2011. `as_of` is when a stock file
    without its own date was true (default: when the file was last written).
    """

    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    source: str = "file"
    zone: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    location: str | None = None
    currency: str | None = None
    date_order: str = ""
    as_of: datetime | None = None
    rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would make of a file: shown before anything is written.

    `mapping` is field -> header, `unmapped` the headers nothing is taken from, `missing` the required fields without
    a header (an import would refuse), `rows` the first cells as text.
    """

    kind: Kind
    format: str
    encoding: str
    encoding_sure: bool
    delimiter: str
    headers: tuple[str, ...]
    mapping: Mapping[str, str]
    unmapped: tuple[str, ...]
    missing: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class ImportReport:
    """What an import did, in rows of the file.

    `added` + `updated` + `unchanged` + `rejected` = `rows`. Of a sales file: `fees`, `write_offs`, `adjustments` and
    `samples` are how many of its lines are no demand; `cancellations` and `returns` how many the newly derived span
    holds. `rejects_path` is None where nothing was rejected.
    """

    kind: Kind
    file_name: str
    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    fees: int = 0
    write_offs: int = 0
    adjustments: int = 0
    samples: int = 0
    cancellations: int = 0
    returns: int = 0
    rejects_path: Path | None = None
    seconds: float = 0.0
