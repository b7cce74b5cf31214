"""The small sample on both databases, loaded once each and copied for every test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import psycopg
import pytest

from bot.storage.database import Database
from tests.conftest import load_into, named

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
