"""Many rows in one statement: a multi-row VALUES on SQLite, unnested arrays on PostgreSQL.

Values are given as they are stored on SQLite: an instant as microseconds since 1970 (`types.to_micros`), a date as ISO
text, a Micros decimal as its integer of millionths. That spares a conversion per value and row, which is most of
the time of a large import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Date, Integer, LargeBinary, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Base
from bot.storage.types import JsonData, Micros, UtcDateTime

_PARAMETERS = 30_000  # SQLite takes 32,766; the longer a statement, the fewer waits between threads
_ROWS = 50_000

Row = tuple[Any, ...]


async def insert_rows(
    connection: AsyncConnection,
    table: type[Base],
    columns: Sequence[str],
    rows: Sequence[Row],
    conflict: str = "DO NOTHING",
) -> int:
    """Insert `rows` in their order; what to do with those already there is the `conflict` clause.

    Gives how many rows were inserted or changed. A clause that updates must not meet the same key twice in one call.
    """
    if not rows:
        return 0
    declared = table.metadata.tables[table.__tablename__]
    if connection.dialect.name == "sqlite":
        return await _insert_values(connection, declared, columns, rows, conflict)
    return await _insert_arrays(connection, declared, columns, rows, conflict)


async def _insert_values(
    connection: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[Row], conflict: str
) -> int:
    size = max(_PARAMETERS // len(columns), 1)
    one = f"({', '.join('?' * len(columns))})"
    done = 0
    for part in _cut(rows, size):
        values = ", ".join([one] * len(part))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {values} ON CONFLICT {conflict}"  # noqa: S608  # declared names
        result = await connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))
        done += result.rowcount
    return done


def _cut(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Parts of `size` rows, then of ever smaller powers of two.

    The driver keeps the last statements it prepared, and one of thousands of parameters takes a megabyte: a rest of
    any length would fill its memory with statements that never come again.
    """
    start = 0
    while left := len(rows) - start:
        taken = size if left >= size else 1 << (left.bit_length() - 1)
        yield rows[start : start + taken]
        start += taken


async def _insert_arrays(
    connection: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[Row], conflict: str
) -> int:
    forms = [_form(table, name) for name in columns]
    arrays = ", ".join(f"%s::{kind}[]" for kind, _ in forms)
    names = [f"c{place}" for place in range(len(columns))]
    values = ", ".join(form.format(name) for name, (_, form) in zip(names, forms, strict=True))
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} "  # noqa: S608  # declared names
        f"FROM unnest({arrays}) WITH ORDINALITY AS given({', '.join(names)}, place) "
        f"ORDER BY place ON CONFLICT {conflict}"
    )
    done = 0
    for start in range(0, len(rows), _ROWS):
        turned = tuple(list(column) for column in zip(*rows[start : start + _ROWS], strict=True))
        result = await connection.exec_driver_sql(statement, turned)
        done += result.rowcount
    return done


def _form(table: Table, column: str) -> tuple[str, str]:
    """PostgreSQL's array element type for a column, and how an element becomes the column's value."""
    kind = table.c[column].type
    if isinstance(kind, UtcDateTime):
        return "bigint", "timestamptz 'epoch' + {} * interval '1 microsecond'"
    if isinstance(kind, Date):
        return "text", "{}::date"
    if isinstance(kind, Boolean):
        return "boolean", "{}"
    if isinstance(kind, LargeBinary):
        return "bytea", "{}"
    if isinstance(kind, type(JsonData)):
        return "text", "{}::json"
    return ("bigint", "{}") if isinstance(kind, Micros | Integer) else ("text", "{}")
