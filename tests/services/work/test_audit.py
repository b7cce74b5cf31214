"""The audit chain: it grows one by one, and every tampering shows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.storage import audit as books
from bot.storage import tables
from bot.storage.database import Database


@pytest.fixture
def audit(database: Database, clock: Clock) -> Audit:
    return Audit(database=database, clock=clock)


async def write(database: Database, audit: Audit, count: int) -> list[int]:
    ids = []
    for number in range(count):
        async with database.transaction() as connection:
            data = {"number": number, "name": '雨伞 "x"', "share": 0.1, "inner": {"b": [1, None], "a": True}}
            ids.append(await audit.append(connection, "request.approved", f"request:{number}", data, None, "slack"))
    return ids


async def tamper(database: Database, *statements: Any) -> None:
    """Change the log as somebody would who may lift its guard."""
    async with database.transaction() as connection:
        if database.is_sqlite:
            for deed in ("update", "delete", "replace"):
                await connection.execute(text(f"DROP TRIGGER audit_refuses_{deed}"))
        else:
            await connection.execute(text("DROP TRIGGER audit_refuses_change ON audit"))
        for statement in statements:
            await connection.execute(statement)


async def test_an_empty_log_is_whole(audit: Audit) -> None:
    verdict = await audit.verify()
    assert (verdict.entries, verdict.broken_at) == (0, None)


async def test_an_untouched_log_is_whole(database: Database, audit: Audit) -> None:
    await write(database, audit, 5)
    async with database.transaction() as connection:
        await audit.append_all(connection, [Deed("case.snoozed", f"case:{n}", {}) for n in range(3)])
    verdict = await audit.verify()
    assert (verdict.entries, verdict.broken_at, verdict.fault) == (8, None, "")


async def test_entries_of_a_rolled_back_transaction_leave_no_gap(database: Database, audit: Audit) -> None:
    await write(database, audit, 2)
    async with database.engine.connect() as connection:
        await audit.append(connection, "never", "request:1", {})
        await connection.rollback()
    await write(database, audit, 1)
    assert (await audit.verify()).broken_at is None


@pytest.mark.parametrize(
    "change",
    [{"action": "request.rejected"}, {"subject": "request:9"}, {"platform": "telegram"}, {"data": {"number": 7}}],
)
async def test_an_edit_is_found_where_it_was_made(database: Database, audit: Audit, change: dict[str, Any]) -> None:
    ids = await write(database, audit, 5)
    await tamper(database, update(tables.Audit).where(tables.Audit.id == ids[2]).values(**change))
    verdict = await audit.verify()
    assert (verdict.broken_at, verdict.fault) == (ids[2], "edited")


@pytest.mark.parametrize(("gone", "shown"), [(0, 1), (2, 3)])
async def test_a_deletion_is_found_at_the_entry_after_it(
    database: Database, audit: Audit, gone: int, shown: int
) -> None:
    ids = await write(database, audit, 5)
    await tamper(database, delete(tables.Audit).where(tables.Audit.id == ids[gone]))
    verdict = await audit.verify()
    assert (verdict.broken_at, verdict.fault) == (ids[shown], "unchained")


async def test_entries_cut_off_the_end_are_missed(database: Database, audit: Audit) -> None:
    ids = await write(database, audit, 5)
    await tamper(database, delete(tables.Audit).where(tables.Audit.id >= ids[3]))
    verdict = await audit.verify()
    assert (verdict.broken_at, verdict.fault) == (ids[2], "cut")


async def test_two_entries_that_changed_places_are_found(database: Database, audit: Audit) -> None:
    ids = await write(database, audit, 5)
    low, high = ids[1], ids[2]
    moves = ((low, 10_000), (high, low), (10_000, high))
    await tamper(database, *(update(tables.Audit).where(tables.Audit.id == old).values(id=new) for old, new in moves))
    verdict = await audit.verify()
    assert (verdict.broken_at, verdict.fault) == (low, "unchained")


async def _append_many(database: Database, audit: Audit, writers: int, rounds: int) -> None:
    async def writer(number: int) -> None:
        for turn in range(rounds):
            async with database.transaction() as connection:
                await audit.append(connection, "turn", f"writer:{number}", {"turn": turn})

    await asyncio.gather(*(writer(number) for number in range(writers)))


async def test_entries_written_at_once_chain_one_after_another(database: Database, audit: Audit) -> None:
    await _append_many(database, audit, writers=6, rounds=5)
    verdict = await audit.verify()
    assert (verdict.entries, verdict.broken_at) == (30, None)
    async with database.reading() as connection:
        hashes = (await connection.execute(select(tables.Audit.hash))).scalars().all()
    assert len(set(hashes)) == 30


async def test_verifying_reads_in_batches(database: Database, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "_BATCH", 2)
    await write(database, audit, 5)
    verdict = await audit.verify()
    assert (verdict.entries, verdict.broken_at) == (5, None)
