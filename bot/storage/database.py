"""The database: engines set up so that SQLite and PostgreSQL keep the same promises."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.storage.visits import opened

BUSY_TIMEOUT_MS = 15_000
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
FAILURES = (SQLAlchemyError, OSError)  # what a database that is gone, full or busy raises
SAFE_SQLITE = (3, 51, 3)  # older ones can corrupt a WAL that is reset while it is read (sqlite.org/wal.html)


class Database:
    """Hands out connections; use cases take one transaction each and pass the connection down."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: AsyncEngine = _engine(url, is_sqlite=self.is_sqlite)
        # SQLite's waiting writers poll, and may starve behind one that comes again at once: ours take turns in order.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._holder: asyncio.Task[Any] | None = None  # whose turn it is

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction: committed at the end, rolled back on an error.

        On SQLite it begins IMMEDIATE: the write lock is taken first, so what was read stays true until the commit. A
        use case that holds one transaction must not begin another; on SQLite, where it would wait for itself, that is a
        RuntimeError.
        """
        task = asyncio.current_task()
        if self.is_sqlite and self._holder is task:
            raise RuntimeError("a transaction was begun within a transaction")
        async with self._turn, self.engine.connect() as connection, connection.begin():
            self._holder = task
            try:
                yield connection
            finally:
                self._holder = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A read-only look at one consistent state; it never waits for a writer on SQLite (WAL)."""
        options = {"stocktide_begin": "DEFERRED"} if self.is_sqlite else _SNAPSHOT
        async with self.engine.connect() as connection:
            await connection.execution_options(**options)
            async with connection.begin() as transaction:
                yield connection
                await transaction.rollback()

    async def answers(self) -> bool:
        """Whether a question is answered now."""
        try:
            async with self.reading() as connection:
                await connection.execute(text("SELECT 1"))
        except FAILURES:
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _engine(url: str, *, is_sqlite: bool) -> AsyncEngine:
    """Errors tell no bound values: those are what people wrote, link codes and reply handles among it."""
    if not is_sqlite:
        return create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True)
    given = {"timeout": BUSY_TIMEOUT_MS / 1000, "async_creator_fn": opened}
    engine = create_async_engine(url, hide_parameters=True, connect_args=given)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's adapted connection
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("stocktide_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def sqlite_is_safe() -> bool:
    """Whether the SQLite library is free of the WAL-reset fault."""
    return sqlite3.sqlite_version_info >= SAFE_SQLITE
