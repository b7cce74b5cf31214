"""Opens files that nobody vouches for: sent in a chat, fetched from another machine, dropped into a folder.

Their sizes are capped before anything is read, and texts are cut into cells where workbooks are unpacked: in a child
process with little memory and time. What the parent reads itself is a sample of bounded size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from bot.errors import Fault, FileRefused
from bot.stores.files import open_table
from bot.stores.files.delimited import cut
from bot.stores.files.nursery import Rows, child_rows
from bot.stores.files.table import Batch, FileLimits, Table

# Of a file that a person sends in a chat; Telegram hands a bot no more than 20 MB.
CHAT_LIMITS = FileLimits(
    bytes_on_disk=20_000_000,
    bytes_inflated=400 * 2**20,
    rows=100_000,
    columns=200,
    memory=512 * 2**20,
    seconds=60,
)
_AGAIN = "export it again as CSV or .xlsx"


class Guarded:
    """Opens tables within limits; an `OpenTable` for imports."""

    def __init__(self, limits: FileLimits) -> None:
        self.limits = limits

    def __call__(
        self, path: Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
    ) -> Table:
        """Open a CSV, TSV or XLSX file; FileRefused where it is something else, or larger than is allowed."""
        size = path.stat().st_size
        if size > self.limits.bytes_on_disk:
            most = f"at most {self.limits.bytes_on_disk // 1_000_000} MB are taken here"
            raise FileRefused(Fault(path.name, f"is {size / 1_000_000:.0f} MB", most), "large")
        with path.open("rb") as file:
            if file.read(4) == b"PAR1":  # a page of it may unpack to any size
                raise FileRefused(Fault(path.name, "is a Parquet file", _AGAIN), "format")
        table = open_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet, limits=self.limits)
        if not table.delimiter:
            return table
        if len(table.headers) > self.limits.columns:
            fault = Fault(path.name, f"has more than {self.limits.columns} columns", _AGAIN)
            raise FileRefused(fault, "columns")
        how = {"encoding": table.encoding, "delimiter": table.delimiter}

        def rows() -> Rows:
            return child_rows(path, "table", how, self.limits, _AGAIN)

        return dataclasses.replace(table, batches=lambda size: _batches(rows(), len(table.headers), size))


def _batches(rows: Rows, width: int, size: int) -> Iterator[Batch]:
    try:
        next(rows, None)
        yield from cut(((line, [str(cell) for cell in cells]) for line, cells in rows), width, size)
    finally:
        rows.close()
