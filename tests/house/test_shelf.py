"""The PostgreSQL databases that go from test to test: the next one finds nothing of the last one's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.storage.database import Database
from bot.storage.tables import Audit as AuditTable
from tests.conftest import named
from tests.postgres import USES, Shelf


@pytest.fixture
def shelf(postgres_server: str, postgres_shelf: Shelf) -> Iterator[Shelf]:
    """One with new databases."""
    found = Shelf(postgres_server, postgres_shelf.kept, "test_shelf")
    yield found
    for name in found.names():
        found.drop(name)
    found.close()


async def test_the_next_test_finds_no_row_and_counts_from_one(
    postgres_server: str, shelf: Shelf, clock: MovableClock
) -> None:
    found = []
    for _use in range(2):
        name = shelf.take()
        database = Database(named(postgres_server, name))
        audit = Audit(database=database, clock=clock)
        async with database.transaction() as connection:
            await audit.append(connection, "case.snoozed", "case:1", {})
        async with database.reading() as connection:
            found.append((name, (await connection.execute(select(AuditTable.id))).scalars().all()))
        await database.close()
        shelf.give_back(name)
    assert found == [(found[0][0], [1])] * 2


async def test_a_connection_is_the_same_process_and_another_session(postgres_server: str, shelf: Shelf) -> None:
    look = text("SELECT pg_backend_pid(), current_setting('statement_timeout'), pg_try_advisory_lock(7)")
    found = []
    for _use in range(2):
        name = shelf.take()
        database = Database(named(postgres_server, name))
        async with database.transaction() as connection:
            found.append((name, *(await connection.execute(look)).one()))
            await connection.execute(text("SET statement_timeout = '50s'"))
        await database.close()
        shelf.give_back(name)
    assert found[0] == found[1]
    assert found[0][2:] == ("0", True)


async def test_a_database_whose_schema_was_changed_serves_no_other_test(postgres_server: str, shelf: Shelf) -> None:
    name = shelf.take()
    database = Database(named(postgres_server, name))
    async with database.transaction() as connection:
        await connection.execute(text("DROP TRIGGER audit_refuses_change ON audit"))
    await database.close()
    shelf.give_back(name)
    assert name not in shelf.names()
    assert shelf.take() != name


async def test_a_worn_database_is_dropped(shelf: Shelf) -> None:
    first = shelf.take()
    shelf.give_back(first)
    for _use in range(USES):
        shelf.give_back(shelf.take())
    assert first not in shelf.names()
