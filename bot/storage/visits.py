"""SQLite's driver with one visit to the connection's thread for each statement, and one for a transaction's end.

aiosqlite pays a visit each for the cursor, the statement, its rows and the cursor's end; most of our statements take
less time than a visit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite

Told = tuple[Any, int | None, int, list[Any]]  # description, last row's id, rows changed, rows fetched


def opened(path: str, **given: Any) -> Connection:  # noqa: ANN401  # as `sqlite3.connect` takes it
    """A connection to be awaited; for `async_creator_fn` of SQLAlchemy's dialect."""
    connection = Connection(lambda: sqlite3.connect(path, **given), iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001  # as the dialect does to its own
    return connection


class Connection(aiosqlite.Connection):
    """A connection whose cursors are ours.

    The pool rolls back whatever comes back to it; that is a visit only where something was done since the last end.
    """

    _settled = True  # no statement was sent since a commit or a rollback was answered

    def cursor(self) -> Cursor:  # type: ignore[override]  # nothing to wait for
        """A cursor, of which the thread knows nothing yet."""
        return Cursor(self)

    async def visit(self, work: Callable[[sqlite3.Cursor], object]) -> Told:
        """Do something with a cursor that lives as long as the visit, and tell what came of it."""
        self._settled = False  # before the wait: whoever is cancelled in it has begun
        return await self._execute(_worked, self._conn, work)  # type: ignore[no-any-return, no-untyped-call]  # untyped there

    async def commit(self) -> None:
        """Commit what was done."""
        await super().commit()
        self._settled = True

    async def rollback(self) -> None:
        """Take back what was done, where anything was."""
        if not self._settled:
            await super().rollback()
            self._settled = True


class Cursor:
    """What SQLAlchemy asks of a driver's cursor; rows come with the statement, for it fetches them all at once."""

    __slots__ = ("_connection", "_rows", "arraysize", "description", "lastrowid", "rowcount")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = 1
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement and fetch its rows."""
        return await self._visit(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Cursor:
        """Run a statement once for each of `parameters`."""
        return await self._visit(lambda cursor: cursor.executemany(statement, parameters))

    async def fetchall(self) -> list[Any]:
        """The statement's rows."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """The thread's cursor was closed with the visit."""

    async def _visit(self, work: Callable[[sqlite3.Cursor], object]) -> Cursor:
        self.description, self.lastrowid, self.rowcount, self._rows = await self._connection.visit(work)
        return self


def _worked(connection: sqlite3.Connection, work: Callable[[sqlite3.Cursor], object]) -> Told:
    """In the thread."""
    cursor = connection.cursor()
    try:
        work(cursor)
        rows = cursor.fetchall() if cursor.description else []
        return cursor.description, cursor.lastrowid, cursor.rowcount, rows
    finally:
        cursor.close()
