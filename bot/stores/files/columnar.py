"""Whole columns of a table file as Arrow arrays: for files that are computed with, not taken in row by row.

Parquet keeps its types; the cells of CSV and XLSX are text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import compute

from bot.errors import Fault, FileRefused
from bot.stores.files import open_table
from bot.stores.files.table import BATCH, Table

Choose = Callable[[tuple[str, ...]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The chosen columns by place, the row of the file each entry stands on (the header is row 1), and rows at fault.

    `odd` are rows that have more or fewer cells than the header, (row, what is wrong); they are not in the columns.
    """

    format: str
    headers: tuple[str, ...]
    cells: dict[int, pa.Array[Any]]
    rows: NDArray[np.int64]
    odd: tuple[tuple[int, str], ...]


def read_columns(
    path: Path,
    choose: Choose,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Columns:
    """Read the columns whose places `choose` picks from the headers; FileRefused where the file cannot be a table."""
    table = open_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet)
    places = sorted(set(choose(table.headers)))
    if table.format == "Parquet":
        return _parquet(path, table, places)
    if table.delimiter:
        return _delimited(path, table, places)
    return _workbook(table, places)


def _parquet(path: Path, table: Table, places: Sequence[int]) -> Columns:
    doubled = [table.headers[place] for place in places if table.headers.count(table.headers[place]) > 1]
    if doubled:
        raise FileRefused(Fault(path.name, f"has two columns {doubled[0]!r}", "rename one of them"), "several")
    try:
        with pq.ParquetFile(path) as file:
            found = file.read([table.headers[place] for place in places])
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(Fault(path.name, f"is damaged: {_first(error)}", "export it again")) from error
    cells = {place: _whole(found.column(table.headers[place])) for place in places}
    return Columns(table.format, table.headers, cells, np.arange(2, 2 + found.num_rows), ())


def _delimited(path: Path, table: Table, places: Sequence[int]) -> Columns:
    odd: list[tuple[int, str]] = []
    skipped: list[int] = []

    def aside(row: pc.InvalidRow) -> Literal["skip"]:
        number = int(row.number or 0)
        skipped.append(number)
        if row.text.strip():
            odd.append((number, f"has {row.actual_columns} cells under {row.expected_columns} headers"))
        return "skip"

    names = [f"c{place}" for place in range(len(table.headers))]
    chosen = [names[place] for place in places]
    try:
        found = pc.read_csv(
            path,
            read_options=pc.ReadOptions(
                use_threads=False, column_names=names, skip_rows_after_names=1, encoding=table.encoding
            ),
            parse_options=pc.ParseOptions(
                delimiter=table.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=aside,
            ),
            convert_options=pc.ConvertOptions(
                include_columns=chosen, column_types=dict.fromkeys(chosen, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError, UnicodeError) as error:
        remedy = "name its encoding with --encoding, or look for a quotation mark that is never closed"
        raise FileRefused(Fault(path.name, f"cannot be cut into cells: {_first(error)}", remedy)) from error
    rows = np.setdiff1d(np.arange(2, 2 + found.num_rows + len(skipped)), skipped)[: found.num_rows]
    cells = {place: _whole(found.column(names[place])) for place in places}
    filled = np.zeros(found.num_rows, dtype=bool)
    for column in cells.values():  # an empty line comes as a row of empty cells
        filled |= np.asarray(compute.not_equal(column, pa.scalar("")))
    if not filled.all():
        cells = {place: column.filter(pa.array(filled)) for place, column in cells.items()}
    return Columns(table.format, table.headers, cells, rows[filled], tuple(odd))


def _workbook(table: Table, places: Sequence[int]) -> Columns:
    rows: list[int] = []
    texts: dict[int, list[str | None]] = {place: [] for place in places}
    odd: list[tuple[int, str]] = []
    for batch in table.batches(BATCH):
        kept = [at for at in range(len(batch.lines)) if at not in batch.odd]
        odd += [(batch.lines[at], problem) for at, problem in batch.odd.items()]
        rows += [batch.lines[at] for at in kept]
        for place in places:
            column = batch.columns[place]
            texts[place] += [_written(column[at]) for at in kept]
    cells: dict[int, pa.Array[Any]] = {place: pa.array(column, pa.string()) for place, column in texts.items()}
    return Columns(table.format, table.headers, cells, np.asarray(rows, dtype=np.int64), tuple(odd))


def _written(cell: object) -> str | None:
    """A workbook's cell as text: dates as ISO 8601, whole floats without their `.0`."""
    match cell:
        case None:
            return None
        case datetime() | date():
            return cell.isoformat()
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)


def _whole(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    joined: Any = column.combine_chunks()
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
