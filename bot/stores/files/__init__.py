"""File formats that facts arrive in, one per file: CSV and TSV, XLSX, Parquet.

The content decides, not the name's ending: sellers rename files.
"""

from __future__ import annotations

from pathlib import Path

from bot.errors import Fault, FileRefused
from bot.stores.files.delimited import open_delimited
from bot.stores.files.table import Batch, FileLimits, Table

__all__ = ["Batch", "FileLimits", "Table", "open_table"]

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_PARQUET = b"PAR1"


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    limits: FileLimits | None = None,
) -> Table:
    """Open a table file for streaming; FileRefused when it cannot be one.

    `encoding` and `delimiter` override the guess for text files, `sheet` names a worksheet (default: the first).
    """
    head = _head(path)
    limits = limits or FileLimits()
    if head.startswith(_PARQUET):
        from bot.stores.files.parquet import open_parquet

        return open_parquet(path)
    if head.startswith(_ZIP):
        from bot.stores.files.xlsx import open_xlsx

        return open_xlsx(path, sheet, limits)
    if head.startswith(_OLD_OFFICE):
        raise FileRefused(Fault(path.name, "is an old or password-protected Excel file", "save it as .xlsx or as CSV"))
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
        raise FileRefused(
            Fault(
                path.name, "is named as an Excel file but is not one", "export it again as .xlsx, or rename it to .csv"
            )
        )
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise FileRefused(Fault(path.name, "is named as a Parquet file but is not one", "export it again"))
    return open_delimited(path, encoding, delimiter)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError as error:
        raise FileRefused(Fault(str(path), "there is no such file", "check the path")) from error
    except OSError as error:
        raise FileRefused(
            Fault(str(path), f"cannot be read: {error.strerror}", "it must be a file you may read")
        ) from error
    if not head:
        raise FileRefused(Fault(path.name, "is empty", "export it again"))
    return head
