"""SQLite's driver with one trip to its thread for each statement, where SQLAlchemy's own makes four, or with none.

A connection of aiosqlite is a thread, and a trip there and back takes as long as the other threads let it wait. A
statement is executed, its rows are fetched and its cursor is closed in the same trip. Where a connection is `brief` the
statement is executed where it is asked for: what takes a fraction of a millisecond need not travel.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util.concurrency import await_

_UNUSED: Final = SimpleNamespace(description=None, rowcount=-1, lastrowid=None, arraysize=1)


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A statement and its rows; it holds nothing open."""

    __slots__ = ()

    def __init__(self, adapt_connection: Any) -> None:  # noqa: ANN401  # the adapted connection
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor = _UNUSED
        self._rows = deque()

    @property
    def description(self) -> Any:  # noqa: ANN401  # a tuple of tuples, or None
        """The columns of the last statement."""
        return self._cursor.description

    def close(self) -> None:
        """Forget the rows that nobody fetched."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """There is nothing left to close."""

    async def _execute_async(self, operation: Any, parameters: Any) -> None:  # noqa: ANN401  # SQL, and values by position
        await self._trip(lambda cursor: cursor.execute(operation, () if parameters is None else parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:  # noqa: ANN401
        await self._trip(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _trip(self, work: Callable[[sqlite3.Cursor], object]) -> None:
        def there() -> tuple[sqlite3.Cursor, deque[Any]]:
            cursor = self._connection._conn.cursor()
            try:
                work(cursor)
                return cursor, deque(cursor.fetchall() if cursor.description else ())
            finally:
                cursor.close()

        adapted: Any = self._adapt_connection
        adapted.settled = False  # before the wait: whoever is cancelled in it has begun
        async with adapted._execute_mutex:
            done: Any = there() if adapted.brief else await self._connection._execute(there)
            self._cursor, self._rows = done


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose statements travel, unless `brief` says that each takes next to no time.

    The pool rolls back whatever comes back to it: that is a trip only where it is not `settled`.
    """

    __slots__ = ("brief", "settled")

    _cursor_cls = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:  # noqa: ANN401  # of the driver
        """Take an open connection over."""
        super().__init__(dbapi, connection)
        self.brief = False
        self.settled = True  # no statement was sent since the last commit or rollback was answered

    def commit(self) -> None:
        """Keep what was done."""
        super().commit()
        self.settled = True

    def rollback(self) -> None:
        """Undo what was done, where anything was."""
        if self.settled:
            return
        if self.brief and self._connection._connection:
            self._connection._conn.rollback()
        else:
            super().rollback()
        self.settled = True


class OneTrip(AsyncAdapt_aiosqlite_dbapi):
    """What `create_async_engine` takes as its `module` for SQLite."""

    def __init__(self) -> None:
        """Stand for the drivers that are installed."""
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> Connection:  # noqa: ANN401  # what the driver takes
        """Open a connection whose thread dies with the process."""
        connection: Any = aiosqlite.connect(*arg, **kw)
        connection._thread.daemon = True
        return Connection(self, await_(connection))
