"""What both kinds of database promise: one state while reading, turns while writing, and discreet errors."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.storage.database import Database
from bot.storage.tables import Mark

ALL_WAIT = timedelta(seconds=30)
# A few tenths of a second in the database: who polls for the lock meanwhile polls rarely by the end.
LONG_WORK = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000) SELECT count(*) FROM n"
)


async def test_a_reader_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    count = select(func.count()).select_from(Mark)
    async with database.reading() as reader:
        assert (await reader.execute(count)).scalar_one() == 0
        async with database.transaction() as writer:
            await writer.execute(insert(Mark).values(key="new", value=""))
        assert (await reader.execute(count)).scalar_one() == 0
    async with database.reading() as reader:
        assert (await reader.execute(count)).scalar_one() == 1


async def test_a_log_that_grows_while_it_is_verified_is_whole(database: Database, clock: MovableClock) -> None:
    audit = Audit(database=database, clock=clock)
    verified = asyncio.Event()

    async def append() -> None:
        async with database.transaction() as connection:
            await audit.append(connection, "case.snoozed", "case:1", {})

    async def grow() -> None:
        while not verified.is_set():
            await append()

    await append()
    growing = asyncio.create_task(grow())
    verdicts = [await audit.verify()]
    while len(verdicts) < 20 or verdicts[-1].entries < 3:
        verdicts.append(await audit.verify())
    verified.set()
    await growing
    assert {verdict.fault for verdict in verdicts} == {""}


async def test_a_statement_of_sqlite_is_one_visit_to_its_thread_and_so_is_the_end(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await sqlite_database.answers(), "one connection is open"
    visits: list[object] = []
    plain = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, *given: Any) -> Any:
        visits.append(given)
        return await plain(self, *given)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with sqlite_database.transaction() as connection:
        await connection.execute(insert(Mark), [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        found = await connection.execute(select(Mark.key).order_by(Mark.key))
        changed = await connection.execute(update(Mark).where(Mark.value < "2").values(value="3"))
    assert len(visits) == 1 + 3 + 1
    visits.clear()
    async with sqlite_database.reading() as connection:
        await connection.execute(select(Mark))
    assert len(visits) == 1 + 1 + 1
    assert (found.scalars().all(), changed.rowcount) == (["a", "b"], 1)


@pytest.mark.parametrize("ends", ["fault", "cancelled"])
async def test_what_was_broken_off_leaves_no_transaction_open(sqlite_database: Database, ends: str) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with sqlite_database.transaction() as connection:
            await connection.execute(insert(Mark).values(key="half", value=""))
            begun.set()
            if ends == "fault":
                await connection.execute(insert(Mark).values(key="half", value=""))
            await connection.execute(LONG_WORK)

    working = asyncio.create_task(work())
    if ends == "cancelled":
        await begun.wait()
        working.cancel()
    with pytest.raises((DBAPIError, asyncio.CancelledError)):
        await working
    async with sqlite_database.transaction() as connection:
        await connection.execute(insert(Mark).values(key="whole", value=""))
    async with sqlite_database.reading() as connection:
        assert (await connection.execute(select(Mark.key))).scalars().all() == ["whole"]


async def test_a_reader_cannot_write_on_postgresql(postgres_database: Database) -> None:
    async with postgres_database.reading() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(insert(Mark).values(key="no", value=""))
    async with postgres_database.transaction() as connection:  # the connection went back as it was
        await connection.execute(insert(Mark).values(key="yes", value=""))


async def test_an_error_of_the_database_tells_no_bound_value(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(Mark).values(key="K7QW2-MXP4R", value="https://hooks.example/secret"))
    with pytest.raises(DBAPIError) as failed:
        async with database.transaction() as connection:
            await connection.execute(insert(Mark).values(key="K7QW2-MXP4R", value="https://hooks.example/secret"))
    assert "hooks.example" not in str(failed.value)


async def test_a_writer_that_comes_again_and_again_starves_no_other_on_sqlite(sqlite_database: Database) -> None:
    written: list[str] = []
    begun, asked = asyncio.Event(), asyncio.Event()

    async def greedy() -> None:
        for number in range(3):
            async with sqlite_database.transaction() as connection:
                begun.set()
                await connection.execute(insert(Mark).values(key=f"greedy {number}", value=""))
                await asked.wait()
                await connection.execute(LONG_WORK)
            written.append("greedy")

    async def patient() -> None:
        await begun.wait()
        asked.set()
        async with sqlite_database.transaction() as connection:
            await connection.execute(insert(Mark).values(key="patient", value=""))
        written.append("patient")

    async with asyncio.timeout(ALL_WAIT.total_seconds()):
        await asyncio.gather(greedy(), patient())
    assert written.index("patient") <= 1


async def test_a_transaction_within_a_transaction_is_refused_on_sqlite_where_it_would_wait_for_itself(
    sqlite_database: Database,
) -> None:
    async with sqlite_database.transaction():
        with pytest.raises(RuntimeError, match="within a transaction"):
            async with sqlite_database.transaction():
                pytest.fail("a second one began")
    async with sqlite_database.transaction() as connection:  # and the first one ended well
        await connection.execute(insert(Mark).values(key="after", value=""))
