"""XLSX, parsed by a child process with little memory and no trust.

A workbook is a zip of XML that its sender controls: 0.6 MB may inflate to 200 MB. Sizes are checked before anything
is unpacked, and what is parsed is parsed where a fault or a trap costs only the child.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Generator, Iterator
from datetime import date, datetime
from pathlib import Path

from bot.errors import Fault, FileRefused
from bot.stores.files.table import Batch, FileLimits, Table

_Rows = Generator[tuple[int, list[object]], None, None]

_CHILD = Path(__file__).with_name("xlsxchild.py")
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
        raise FileRefused(Fault(path.name, f"is {size / 2**20:.0f} MB", "save it as CSV, or split it"))
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
        raise FileRefused(Fault(path.name, problem, "save it as CSV"))


def _rows(path: Path, sheet: str | None, limits: FileLimits) -> _Rows:
    """(row number, cells) from the child, as it reads."""
    # -I: no environment, no working directory on the path; the arguments are data, never options.
    command = [sys.executable, "-I", str(_CHILD)]
    wishes = {
        "path": str(path.resolve()),
        "sheet": sheet,
        "rows": limits.rows,
        "columns": limits.columns,
        "memory": limits.memory,
        "seconds": limits.seconds,
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:  # noqa: S603  # our own interpreter and script
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018  # both are pipes
        try:
            child.stdin.write(json.dumps(wishes).encode())
            child.stdin.close()
            ended = False
            for line in child.stdout:
                said = json.loads(line, object_hook=_moment)
                if isinstance(said, str):
                    ended = said == "end"
                    if not ended:
                        raise FileRefused(_fault(path.name, said))
                else:
                    yield said[0], said[1]
            if not ended:
                raise FileRefused(_fault(path.name, "memory or time ran out while reading it"))
        finally:
            child.kill()


def _moment(said: dict[str, str]) -> datetime | date | str:
    kind, text = next(iter(said.items()))
    return datetime.fromisoformat(text) if kind == "moment" else date.fromisoformat(text)


def _fault(name: str, said: str) -> Fault:
    return Fault(name, f"cannot be read as a workbook: {said}", _AGAIN)


def _batches(rows: _Rows, width: int, size: int) -> Iterator[Batch]:
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
