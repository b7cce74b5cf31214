"""The nursery of the bots that are killed: one for all tests of a process, as it takes seconds to make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest_asyncio

from tests.conftest import named
from tests.faults.keeper import Keeper, nursery


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keeper(postgres_server: str) -> AsyncIterator[Keeper]:
    """A nursery that knows both databases."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE nursery")
    async with nursery(named(postgres_server, "nursery")) as found:
        yield found
    assert not _lives(found.pid), "the nursery ends, and every child with it"


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
