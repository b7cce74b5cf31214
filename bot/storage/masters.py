"""Merging files of things that have a name: new ones are inserted, changed ones updated, the rest left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.bulk import Row, insert_rows
from bot.storage.tables import Base


async def merge(
    connection: AsyncConnection,
    table: type[Base],
    keys: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
) -> tuple[int, int]:
    """Bring `rows` (column -> value, each with its keys) in; (added, updated).

    A column that a row does not have stays as it is, or takes its default in a new row. The table is read whole, so
    this is for masters: products, suppliers, routes, people.
    """
    declared = table.metadata.tables[table.__tablename__]
    known = {
        tuple(found[key] for key in keys): dict(found)
        for found in (await connection.execute(select(declared))).mappings()
    }
    new: dict[tuple[Any, ...], dict[str, Any]] = {}
    changed: dict[int, dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key in new:  # the file names it twice: the later row holds
            new[key].update(row)
        elif key not in known:
            new[key] = {**defaults, **row}
        else:
            differing = {name: value for name, value in row.items() if known[key][name] != value}
            if differing:
                known[key].update(differing)
                changed.setdefault(known[key]["id"], {}).update(differing)
    if new:
        await connection.execute(insert(declared), list(new.values()))
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row_id, values in changed.items():
        bound = {"row_id": row_id, **{f"v_{name}": value for name, value in values.items()}}
        by_columns.setdefault(tuple(sorted(values)), []).append(bound)
    for names, bounds in by_columns.items():
        statement = update(declared).where(declared.c.id == bindparam("row_id"))
        await connection.execute(statement.values({name: bindparam(f"v_{name}") for name in names}), bounds)
    return len(new), len(changed)


async def upsert(
    connection: AsyncConnection,
    table: type[Base],
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> tuple[int, int]:
    """Bring many rows of facts in, in the raw form of `bulk.insert_rows`; (added, updated).

    For tables too long to read whole. Of two rows with one key the later holds.
    """
    places = [columns.index(key) for key in keys]
    distinct = {tuple(row[place] for place in places): row for row in rows}
    counted = select(func.count()).select_from(table)
    before = await connection.scalar(counted) or 0
    own = [name for name in columns if name not in keys]
    name = table.__tablename__
    touched = await insert_rows(
        connection,
        table,
        columns,
        list(distinct.values()),
        f"({', '.join(keys)}) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in own)} "
        f"WHERE {' OR '.join(f'{name}.{c} IS DISTINCT FROM excluded.{c}' for c in own)}",
    )
    added = (await connection.scalar(counted) or 0) - before
    return added, touched - added
