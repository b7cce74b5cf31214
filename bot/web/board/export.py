"""CSV and XLSX that a spreadsheet opens without running anything: what could begin a formula is text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_RISKY = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # how a cell begins that a spreadsheet takes for a formula
_BLANK = ("\t", "\r", "\n")


def safe(value: Any) -> Any:  # noqa: ANN401  # a cell
    """The cell, with an apostrophe before a text that a spreadsheet would calculate (OWASP, CSV injection)."""
    risky = isinstance(value, str) and (value.startswith(_BLANK) or value.lstrip().startswith(_RISKY))
    return f"'{value}" if risky else value


def as_csv(rows: Sequence[Sequence[Any]], title: str) -> bytes:  # noqa: ARG001  # one shape for all writers
    """The rows as UTF-8 with a byte order mark, which Excel needs to read Chinese; empty cells for None."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["" if cell is None else safe(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_xlsx(rows: Sequence[Sequence[Any]], title: str) -> bytes:
    """The rows as a workbook of one sheet; texts are stored as texts, whatever they begin with."""
    from openpyxl import Workbook  # noqa: PLC0415  # loads with the first workbook that is asked for, in its thread

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([_cell(sheet, cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: Any) -> Any:  # noqa: ANN401  # openpyxl's own
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415  # as above
    from openpyxl.utils.exceptions import IllegalCharacterError  # noqa: PLC0415  # as above

    cell = WriteOnlyCell(sheet)
    try:
        cell.value = value
    except IllegalCharacterError:
        cell.value = "".join(letter for letter in value if letter.isprintable())
    cell.data_type = "s"  # never "f", even for =1+1
    return cell


WRITERS: Mapping[str, Callable[[Sequence[Sequence[Any]], str], bytes]] = {"csv": as_csv, "xlsx": as_xlsx}
