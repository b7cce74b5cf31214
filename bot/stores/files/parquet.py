"""Parquet, streamed by row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bot.errors import Fault, FileRefused
from bot.stores.files.table import Batch, Table


def open_parquet(path: Path) -> Table:
    """Open a Parquet file with flat columns; FileRefused when it is damaged."""
    try:
        with pq.ParquetFile(path) as file:
            headers = tuple(file.schema_arrow.names)
            rows = file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        fault = Fault(path.name, f"is not a readable Parquet file: {str(error).splitlines()[0]}", "export it again")
        raise FileRefused(fault) from error
    return Table(format="Parquet", headers=headers, batches=lambda size: _batches(path, size), lines=rows)


def _batches(path: Path, size: int) -> Iterator[Batch]:
    line = 2  # as in a text file: the header would be line 1
    try:
        with pq.ParquetFile(path) as file:
            for part in file.iter_batches(size):
                yield Batch(range(line, line + part.num_rows), [_cells(column) for column in part.columns])
                line += part.num_rows
    except (pa.ArrowException, OSError) as error:
        where = f"{path.name}, after row {line - 2}"
        raise FileRefused(Fault(where, f"is damaged: {str(error).splitlines()[0]}", "export it again")) from error


def _cells(column: pa.Array[Any]) -> list[object]:
    """Python values; each distinct one is built once, as sales repeat their codes, prices and minutes."""
    if pa.types.is_nested(column.type):
        return [str(value) for value in column.to_pylist()]
    coded: Any = column if pa.types.is_dictionary(column.type) else column.dictionary_encode(null_encoding="encode")
    values = [*coded.dictionary.to_pylist(), None]
    return [values[-1 if place is None else place] for place in coded.indices.to_pylist()]
