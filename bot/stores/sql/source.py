"""A database that is read: in a thread, in a transaction that cannot write, for no longer and no more than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, TextClause, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import Declined, OutsideError, Unreached
from bot.settings import StorePart
from bot.stores.sql.address import engine_of
from bot.words import Words, _

BATCH = 1_000
_LONGEST_DETAIL = 300
_STEPS = 10_000  # of SQLite's machine, less than a millisecond
_GRACE = 5.0  # seconds that a connection has to let go
# What a database says when nobody need come again before somebody looked: it is no matter of the network.
_REFUSALS = ("authentication", "password", "does not exist", "not a database", "permission denied", "no pg_hba")

Record = Mapping[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a query may give, and how many seconds it may take."""

    rows: int
    seconds: float


class Source:
    """Reads one database. Errors are Unreached and Declined; neither tells the password."""

    def __init__(self, part: StorePart, limits: Limits, zone: str) -> None:
        self._part = part
        self._limits = limits
        self._zone = zone

    async def columns(self, statement: TextClause, values: Record) -> tuple[str, ...]:
        """The names of a statement's columns."""
        async with contextlib.aclosing(self._run(statement, values)) as batches:
            names, _ = await anext(batches)
            return names

    async def rows(self, statement: TextClause, values: Record) -> AsyncGenerator[Sequence[Record], None]:
        """A statement's rows, some at a time; names of columns are in lower case."""
        told = 0
        async with contextlib.aclosing(self._run(statement, values)) as batches:
            async for names, batch in batches:
                told += len(batch)
                if told > self._limits.rows:
                    raise Declined(
                        _("more than {rows} rows; ask for less by :since, or set options.rows", rows=self._limits.rows)
                    )
                lower = [name.lower() for name in names]
                yield [dict(zip(lower, row, strict=True)) for row in batch]

    async def quoted(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of columns as the database takes them in a statement."""
        engine = await engine_of(self._part)
        return tuple(engine.dialect.identifier_preparer.quote(name) for name in names)

    async def _run(
        self, statement: TextClause, values: Record
    ) -> AsyncGenerator[tuple[tuple[str, ...], Sequence[Sequence[Any]]], None]:
        """The columns' names with each batch of rows; the first batch comes also where it is empty."""
        session = _Session(await engine_of(self._part), self._limits.seconds, self._zone, self._secrets())
        try:
            result = await session.do(lambda: session.begin(statement, values))
            names = tuple(result.keys())
            batch = await session.do(lambda: result.fetchmany(BATCH))
            yield names, batch
            while batch:
                batch = await session.do(lambda: result.fetchmany(BATCH))
                yield names, batch
        finally:
            await session.end()

    def _secrets(self) -> tuple[str, ...]:
        secret = self._part.secret.get_secret_value()
        return (secret,) if secret else ()


@dataclass
class _Session:
    """One connection in a thread of its own, which is interrupted when its time is over or nobody waits any more."""

    engine: Engine
    seconds: float
    zone: str
    secrets: tuple[str, ...]
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "stocktide-sql"))
    _stopped: threading.Event = field(default_factory=threading.Event)
    _connection: Connection | None = None
    _result: CursorResult[Any] | None = None
    _spent: float = 0.0

    async def do(self, work: Callable[[], Result]) -> Result:
        """Do something in the thread; Declined where the query's time is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        future = loop.run_in_executor(self._thread, self._guarded, work)
        try:
            async with asyncio.timeout(self.seconds - self._spent):
                return await asyncio.shield(future)
        except TimeoutError:
            raise Declined(
                _(
                    "it took longer than {seconds} seconds; make it quicker, or set options.seconds",
                    seconds=format(self.seconds, "g"),
                )
            ) from None
        finally:
            self._spent += loop.time() - began
            if not future.done():
                await self._stop(future)

    async def end(self) -> None:
        """Let go of the connection, whatever became of it."""
        if self._connection is not None:
            closed = asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, self._close)
            with contextlib.suppress(OutsideError, TimeoutError):
                await asyncio.wait_for(asyncio.shield(closed), _GRACE)
        self._thread.shutdown(wait=False)
        self.engine.dispose()

    def begin(self, statement: TextClause, values: Record) -> CursorResult[Any]:
        """Connect and ask, in the thread."""
        self._connection = connection = self.engine.connect()
        postgres = self.engine.dialect.name == "postgresql"
        if postgres:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            # So that times without a zone compare with those that have one, and a hung query ends by itself.
            given = {"zone": self.zone, "ms": str(int(self.seconds * 1000))}
            set_up = "SELECT set_config('TimeZone', :zone, true), set_config('statement_timeout', :ms, true)"
            connection.execute(text(set_up), given)
        if self.engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA query_only = ON"))
            # An interruption between two statements is lost in SQLite: each asks now and then whether it is to end.
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(self._stopped.is_set, _STEPS)
        if self._stopped.is_set():
            raise Declined(_("nobody waits for it any more"))
        connection = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
        self._result = connection.execute(statement, dict(values))
        return self._result

    def _close(self) -> None:
        if self._result is not None:
            with contextlib.suppress(SQLAlchemyError):  # it was interrupted, or the connection is lost
                self._result.close()
        if self._connection is not None:
            self._connection.close()

    def _guarded(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except DBAPIError as error:
            raise self._meant(error) from None
        except SQLAlchemyError as error:
            raise Declined(_refused(self._said(error))) from None
        except UnicodeError:
            raise Declined(_("a text of it is not in the encoding that the database says")) from None

    def _meant(self, error: DBAPIError) -> OutsideError:
        said = self._said(error.orig or error)
        unasked = self._connection is None or error.connection_invalidated or "database is locked" in said
        if getattr(error.orig, "sqlstate", "") == "57014":
            return Declined(
                _(
                    "it took longer than {seconds} seconds; make it quicker, or set options.seconds",
                    seconds=format(self.seconds, "g"),
                )
            )
        words = _refused(said)
        return Unreached(words) if unasked and not any(word in said for word in _REFUSALS) else Declined(words)

    def _said(self, error: BaseException) -> str:
        said = " ".join(str(error).split())
        for secret in self.secrets:
            said = said.replace(secret, "***")
        return said[:_LONGEST_DETAIL]

    async def _stop(self, future: asyncio.Future[Any]) -> None:
        """Interrupt what the thread is at, so that it ends; a driver that knows no such thing is left to itself."""
        self._stopped.set()
        driver = self._connection.connection.driver_connection if self._connection is not None else None
        stop = getattr(driver, "cancel", None)
        if stop is not None:
            with contextlib.suppress(Exception):
                stop()
        with contextlib.suppress(Exception):
            await asyncio.wait({future}, timeout=_GRACE)
            future.exception()


def _refused(said: str) -> Words:
    return _("the database says: {said}", said=said)
