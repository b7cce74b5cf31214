"""Two people at once: one wins, the other is told. The race is shown to be lost without the guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Verdict
from bot.errors import AlreadyDecided, Refusal
from bot.ports import MovableClock
from bot.services.guard import DecisionGuard
from bot.services.requests import Decision
from bot.storage import requests as rows
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from tests.services.work.kit import Desk, open_desk, request_row

ROUNDS = 12


class Unguarded(DecisionGuard):
    """What a careless author would write: it trusts what it read before the transaction, and writes blindly.

    Everybody reads before anybody writes, as happens by chance in real life.
    """

    def __init__(self, people: int) -> None:
        self._all_have_read = asyncio.Barrier(people)

    @asynccontextmanager
    async def hold(
        self, database: Database, request_id: int
    ) -> AsyncIterator[tuple[AsyncConnection, RequestRow | None]]:
        async with database.reading() as connection:
            read = await rows.row(connection, request_id)
        await self._all_have_read.wait()
        async with database.transaction() as connection:
            yield connection, read

    async def settle(self, connection: AsyncConnection, held: RequestRow, values: Mapping[str, Any]) -> bool:
        await connection.execute(update(tables.Request).where(tables.Request.id == held.id).values(**values))
        return True


async def race(desk: Desk, request_id: int, verdicts: Mapping[str, Verdict]) -> list[Decision | Refusal | Exception]:
    """Everybody decides the same request at the same moment."""
    started = asyncio.Barrier(len(verdicts))

    async def decide(name: str, verdict: Verdict) -> Decision:
        await started.wait()
        return await desk.requests.decide(request_id, None, verdict, desk.asker(name), "slack")

    results = await asyncio.gather(
        *(decide(name, verdict) for name, verdict in verdicts.items()), return_exceptions=True
    )
    return [result for result in results if isinstance(result, Decision | Exception)]


async def test_of_two_people_at_once_one_wins_and_the_other_is_told(database: Database, clock: MovableClock) -> None:
    desk = await open_desk(database, clock)
    for turn in range(ROUNDS):
        request_id = await desk.pending(10_000 + turn)
        results = await race(desk, request_id, {"Lin Wei": "approve", "Greta": "reject"})
        (won,) = [result for result in results if isinstance(result, Decision)]
        (told,) = [result for result in results if isinstance(result, AlreadyDecided)]
        assert told.by == won.request.decided_by
        assert (await request_row(desk, request_id)).state == won.request.state
    entries = await desk.all(tables.Audit)
    assert len(entries) == ROUNDS
    approved = [entry for entry in entries if entry.action == "request.approved"]
    assert len(await desk.all(tables.Effect)) == len(approved)
    assert (await desk.audit.verify()).broken_at is None


async def test_one_person_pressing_twice_at_once_decides_once(database: Database, clock: MovableClock) -> None:
    desk = await open_desk(database, clock)
    request_id = await desk.pending()
    pressed = await asyncio.gather(
        *(desk.requests.decide(request_id, 2, "approve", desk.asker("Lin Wei"), "slack") for _press in range(4))
    )
    assert sorted(decision.already for decision in pressed) == [False, True, True, True]
    assert len(await desk.all(tables.Effect)) == 1
    assert len(await desk.all(tables.Audit)) == 1


async def test_without_the_guard_both_win(database: Database, clock: MovableClock) -> None:
    """The race is real: were the guard to fail, the test above would see it."""
    desk = await open_desk(database, clock, Unguarded(people=2))
    request_id = await desk.pending()
    results = await race(desk, request_id, {"Lin Wei": "approve", "Greta": "reject"})
    assert sum(isinstance(result, Decision) for result in results) == 2
    said = {entry.action for entry in await desk.all(tables.Audit)}
    assert said == {"request.approved", "request.rejected"}


async def test_a_decision_and_the_expiry_at_once_leave_one_outcome(database: Database, clock: MovableClock) -> None:
    desk = await open_desk(database, clock)
    for _turn in range(ROUNDS // 2):
        request_id = await desk.pending()
        expires_at = (await request_row(desk, request_id)).expires_at
        assert expires_at is not None
        decision, expired = await asyncio.gather(
            desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "slack"),
            desk.requests.expire(expires_at),
            return_exceptions=True,
        )
        state = (await request_row(desk, request_id)).state
        if expired:
            assert state == "expired"
            assert isinstance(decision, Refusal)
        else:
            assert state == "approved"
    entries = await desk.all(tables.Audit)
    assert len(entries) == ROUNDS // 2
