"""The small sample on both databases, loaded once each and copied for every test; the whole one in one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest

from bot.ports import MovableClock
from bot.sandbox import sample
from bot.sandbox.sample import SampleReport, load_sample
from bot.storage.database import Database
from tests.conftest import load_into, named
from tests.sample.oracle import Oracle

WHOLE = Path(sample.__file__).parent / "online_retail.parquet"

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_sample(postgres_server: str) -> str:
    """The name of a PostgreSQL database that holds the small sample, to be copied."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sample_loaded TEMPLATE declared STRATEGY file_copy")
    asyncio.run(load_into(named(postgres_server, "sample_loaded")))
    return "sample_loaded"


@pytest.fixture
async def postgres_sample_database(postgres_server: str, postgres_sample: str) -> AsyncIterator[Database]:
    """A PostgreSQL database of its own with the small sample."""
    name = f"sample_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_sample} STRATEGY file_copy")
    database = Database(named(postgres_server, name))
    yield database
    await database.close()
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sample_database", "postgres_sample_database"], ids=["sqlite", "postgres"])
def loaded(request: pytest.FixtureRequest) -> Database:
    """The small sample, on SQLite and on PostgreSQL."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Database)
    return found


@dataclass(frozen=True)
class WholeYear:
    """A SQLite file with the whole sample, to be read only, and what loading it reported."""

    file: Path
    report: SampleReport


@pytest.fixture(scope="session")
def whole_year(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> WholeYear:
    """The whole sample, loaded once: its tests share a group, and so a process."""
    file = tmp_path_factory.mktemp("whole") / "year.db"
    file.write_bytes(sqlite_template)

    async def load() -> SampleReport:
        database = Database(f"sqlite+aiosqlite:///{file}")
        report = await load_sample(database, MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True))
        await database.close()
        return report

    return WholeYear(file, asyncio.run(load()))


@pytest.fixture
async def whole_database(whole_year: WholeYear) -> AsyncIterator[Database]:
    """The whole sample; tests only read it."""
    database = Database(f"sqlite+aiosqlite:///{whole_year.file}")
    yield database
    await database.close()


@pytest.fixture(scope="session")
def whole_oracle() -> Oracle:
    """Every raw row of the year, classified."""
    return Oracle(WHOLE)
