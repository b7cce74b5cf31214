"""XLSX, parsed by a child process with little memory and no trust.

A workbook is a zip of XML that its sender controls: 0.6 MB may inflate to 200 MB. Sizes are checked before anything
is unpacked, and what is parsed is parsed where a fault or a trap costs only the child.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from bot.errors import Fault, FileRefused
from bot.stores.files.nursery import Rows, child_rows
from bot.stores.files.table import Batch, FileLimits, Table

_AGAIN = "open it in a spreadsheet program and save it as .xlsx or as CSV"


def open_xlsx(path: Path, sheet: str | None = None, limits: FileLimits | None = None) -> Table:
    """Open one worksheet (the first one where none is named); its first row names the columns.

    FileRefused when the file is no workbook, exceeds `limits`, or holds no such sheet.
    """
    limits = limits or FileLimits()
    _check_archive(path, limits)
    rows = _rows(path, sheet, limits)
    try:
        _, first = next(rows, (1, []))
    finally:
        rows.close()
    headers = tuple("" if cell is None else str(cell).strip() for cell in first)
    while headers and not headers[-1]:
        headers = headers[:-1]
    if not headers:
        raise FileRefused(Fault(f"{path.name}:1", "has no header row", "the first row must name the columns"))
    return Table(
        format="XLSX",
        headers=headers,
        batches=lambda size: _batches(_rows(path, sheet, limits), len(headers), size),
    )


def _check_archive(path: Path, limits: FileLimits) -> None:
    size = path.stat().st_size
    if size > limits.bytes_on_disk:
        raise FileRefused(Fault(path.name, f"is {size / 2**20:.0f} MB", "save it as CSV, or split it"), "large")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRefused(Fault(path.name, f"is a damaged archive: {error}", _AGAIN)) from error
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names and "[Content_Types].xml" not in names:
        raise FileRefused(Fault(path.name, "is a zip archive but not an XLSX workbook", _AGAIN))
    inflated = sum(entry.file_size for entry in entries)
    if inflated > limits.bytes_inflated or inflated > limits.inflation * max(size, 64 * 1024):
        problem = f"would unpack from {size / 2**20:.1f} MB to {inflated / 2**20:.0f} MB"
        raise FileRefused(Fault(path.name, problem, "save it as CSV"), "bomb")


def _rows(path: Path, sheet: str | None, limits: FileLimits) -> Rows:
    return child_rows(path, "workbook", {"sheet": sheet}, limits, _AGAIN)


def _batches(rows: Rows, width: int, size: int) -> Iterator[Batch]:
    lines: list[int] = []
    cells: list[list[object]] = []
    odd: dict[int, str] = {}
    try:
        next(rows, None)
        for line, row in rows:
            if len(row) > width and any(cell is not None for cell in row[width:]):
                odd[len(cells)] = f"has cells beyond its {width} headers"
            lines.append(line)
            cells.append([*row[:width], *[None] * (width - len(row))])
            if len(cells) == size:
                yield Batch(lines, [list(column) for column in zip(*cells, strict=True)], odd)
                lines, cells, odd = [], [], {}
        if cells:
            yield Batch(lines, [list(column) for column in zip(*cells, strict=True)], odd)
    finally:
        rows.close()
