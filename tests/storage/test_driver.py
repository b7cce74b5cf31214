"""How statements reach SQLite: in one trip to its thread, or in none where they are about few facts."""

from __future__ import annotations

from typing import Any

import aiosqlite
import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.storage.database import FEW, Database
from bot.storage.tables import Mark

COUNT = select(func.count()).select_from(Mark)
MANY = FEW + 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What travels to a thread of SQLite's, by the name of the function that does it there."""
    trips: list[str] = []
    travel: Any = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, work: Any, *told: Any, **named: Any) -> Any:
        trips.append(work.__name__)
        return await travel(self, work, *told, **named)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    return trips


@pytest.fixture
async def warm(sqlite_database: Database) -> Database:
    """A database with an open connection in its pool, and one row."""
    async with sqlite_database.transaction() as connection:
        await connection.execute(insert(Mark).values(key="a", value="1"))
    return sqlite_database


async def test_a_statement_and_its_rows_make_one_trip(warm: Database, made: list[str]) -> None:
    async with warm.reading() as connection:
        made.clear()
        assert (await connection.execute(COUNT)).scalar_one() == 1
        assert len(made) == 1
        assert (await connection.execute(select(Mark.key, Mark.value))).all() == [("a", "1")]
        assert len(made) == 2


async def test_a_look_at_few_facts_makes_no_trip_and_one_at_many_does(warm: Database, made: list[str]) -> None:
    async with warm.reading_of(FEW) as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 1
    assert made == []
    async with warm.reading_of(MANY) as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 1
    assert len(made) == 3  # it begins, asks and ends
    made.clear()
    async with warm.reading() as connection:  # the same connection, which was brief before
        await connection.execute(COUNT)
    assert len(made) == 3


async def test_a_brief_writer_waits_for_the_lock_and_the_disk_in_the_thread_and_for_nothing_else(
    warm: Database, made: list[str]
) -> None:
    async with warm.transaction_of(1) as connection:
        assert len(made) == 1
        await connection.execute(insert(Mark).values([{"key": str(number), "value": ""} for number in range(9)]))
        await connection.execute(delete(Mark).where(Mark.key == "3"))
        assert len(made) == 1
    assert len(made) == 2
    async with warm.reading() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 9


@pytest.mark.parametrize("facts", [1, MANY])
async def test_a_writer_that_fails_leaves_nothing_behind_and_the_next_one_works(warm: Database, facts: int) -> None:
    async def twice() -> None:
        async with warm.transaction_of(facts) as connection:
            await connection.execute(insert(Mark).values(key="b", value=""))
            await connection.execute(insert(Mark).values(key="a", value=""))

    with pytest.raises(IntegrityError):
        await twice()
    async with warm.transaction_of(facts) as connection:
        changed = await connection.execute(insert(Mark), [{"key": "c", "value": ""}, {"key": "d", "value": ""}])
        assert changed.rowcount == 2
    async with warm.reading_of(facts) as connection:
        assert (await connection.scalars(select(Mark.key).order_by(Mark.key))).all() == ["a", "c", "d"]


@pytest.mark.parametrize("facts", [1, MANY])
async def test_what_is_no_sql_is_an_error_of_the_database_and_the_connection_stays_whole(
    warm: Database, facts: int
) -> None:
    async with warm.reading_of(facts) as connection:
        with pytest.raises(DBAPIError, match="syntax error"):
            await connection.execute(text("SELEKT 1"))
        assert (await connection.execute(text("SELECT 1 WHERE 0"))).all() == []
        assert (await connection.execute(COUNT)).scalar_one() == 1
