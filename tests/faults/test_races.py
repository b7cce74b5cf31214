"""Four people on two platforms decide the same request at once, each within a day's budget.

Counted from the rows: how often each request was decided and begun, by whom, and what everybody approved within a day.
The same with the guard off is seen to fail, so the count can see a fault. The runs are shared between the databases.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Verdict
from bot.domain.policy import Band, RoleLimit
from bot.errors import Refusal
from bot.ports import MovableClock
from bot.services.decisions import Decision
from bot.services.guard import DecisionGuard
from bot.storage import requests as rows
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from tests.faults.figures import progress, record
from tests.services.policy.kit import POLICY, Court, open_court

ROW = "Races: 4 people x 2 platforms on one request"
CHOSEN = os.environ.get("FAULTS", "")  # unset: the few of an everyday run
REQUESTS = {"": 48, "short": 2_000, "long": 100_000}[CHOSEN]  # in all; each database takes half
BATCH = min(100, REQUESTS // 2)  # requests that share a day's budget
WAVE = 2  # requests decided at once, eight presses each
SMALL, LARGE = 100, 600  # minor units: one person, two people
BUDGET = 50 * BATCH  # a day's, per person: less than four people need for a batch
DECIDERS: tuple[tuple[str, Verdict], ...] = (("Lin Wei", "approve"), ("Greta", "approve"), ("Bo", "approve"))
RULES = dataclasses.replace(
    POLICY, limits=(RoleLimit("approver", "GBP", 1_000, BUDGET),), bands=(Band(500, 1), Band(None, 2))
)


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


class Spendthrift(DecisionGuard):
    """Guards requests and no budgets: everybody has read what was spent before anybody spends more."""

    def __init__(self, presses: int) -> None:
        self._all_are_here = asyncio.Barrier(presses)

    async def hold_people(self, connection: AsyncConnection, ids: Collection[int]) -> None:  # noqa: ARG002  # held by nobody
        await self._all_are_here.wait()

    async def settle(self, connection: AsyncConnection, held: RequestRow, values: Mapping[str, Any]) -> bool:
        await self._all_are_here.wait()
        return await super().settle(connection, held, values)


def hurried(database: Database) -> None:
    """No waiting for the disk: what is tried here is order, not power cuts."""

    @event.listens_for(database.engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF" if database.is_sqlite else "SET synchronous_commit = off")
        cursor.close()
        connection.commit()


async def press(court: Court, request_id: int, name: str, verdict: Verdict, platform: str) -> Decision | Refusal:
    try:
        return await court.decide(request_id, name, verdict, platform=platform)
    except Refusal as refusal:
        return refusal


async def race(court: Court, ids: Sequence[int], last: Verdict) -> None:
    """Everybody on everything at once; the fourth person's word is `last`."""
    people = (*DECIDERS, ("Cy", last))
    await asyncio.gather(
        *(
            press(court, request_id, name, verdict, platform)
            for request_id in ids
            for name, verdict in people
            for platform in ("slack", "telegram")
        )
    )


async def faults_of(court: Court, ids: Collection[int]) -> list[str]:
    """Everything that is wrong with the requests of one batch, told from the rows alone."""
    votes: dict[int, list[Any]] = {request_id: [] for request_id in ids}
    spent: Counter[int] = Counter()
    async with court.database.reading() as connection:
        found = await rows.rows_of(connection, ids)
        chosen = tables.Vote.request_id.in_(ids)
        for vote in await connection.execute(select(*tables.Vote.__table__.columns).where(chosen)):
            votes[vote.request_id].append(vote)
        subjects = [f"request:{request_id}" for request_id in ids]
        audit = tables.Audit
        decided = Counter(
            await connection.scalars(
                select(audit.subject).where(
                    audit.subject.in_(subjects), audit.action.in_(("request.approved", "request.rejected"))
                )
            )
        )
    begun = Counter(request_id for request_id, _state in court.begun.requests)
    wrong = [f"{subject} was decided {count} times" for subject, count in decided.items() if count > 1]
    wrong += [f"R-{each} was begun {begun[each]} times" for each in ids if begun[each] > 1]
    for request in found.values():
        yes = [vote for vote in votes[request.id] if vote.verdict == "approve"]
        needed = 1 if request.total.minor == SMALL else 2
        approved = request.state == "approved"
        if approved != (begun[request.id] == 1) or approved != (len({vote.principal_id for vote in yes}) == needed):
            wrong.append(f"R-{request.id} is {request.state} with {len(yes)} approvals")
        if request.state in {"pending", "approved"}:
            spent.update({vote.principal_id: vote.amount_minor for vote in yes})
    return wrong + [f"member {person} approved {sum_}" for person, sum_ in spent.items() if sum_ > BUDGET]


async def court_of(database: Database, clock: MovableClock, guard: DecisionGuard | None = None) -> Court:
    hurried(database)
    court = await open_court(database, clock, RULES, guard)
    for name in ("Bo", "Cy"):
        await court.join(name, "approver")
    return court


@pytest.mark.timeout(0 if CHOSEN else 600)
async def test_no_request_is_decided_twice_and_no_budget_is_passed(database: Database, clock: MovableClock) -> None:
    court = await court_of(database, clock)
    states: Counter[str] = Counter()
    share = REQUESTS // 2
    for done in range(0, share, BATCH):
        ids = [await court.pending(LARGE if number % 5 == 0 else SMALL, kind="transfer") for number in range(BATCH)]
        for start in range(0, BATCH, WAVE):
            await race(court, ids[start : start + WAVE], "reject" if start % 3 == 0 else "approve")
        wrong = await faults_of(court, ids)
        assert wrong == []
        async with database.reading() as connection:
            states.update(request.state for request in (await rows.rows_of(connection, ids)).values())
        court.begun.requests.clear()
        clock.push(timedelta(days=31))
        await court.requests.expire(clock.now())
        progress(ROW, done + BATCH, share)
    assert states["approved"] > share / 4
    assert states["rejected"] > 0
    assert states["pending"] > 0  # budgets ran out: they do bind
    record(ROW, share, 0, "double decisions and budgets passed; half on each database")


async def test_without_the_guard_requests_are_decided_twice(database: Database, clock: MovableClock) -> None:
    """The race is real: were the guard to fail, the test above would see it."""
    court = await court_of(database, clock, Unguarded(people=2))
    ids = []
    for _turn in range(3):
        ids.append(await court.pending(SMALL, kind="transfer"))
        await asyncio.gather(*(press(court, ids[-1], name, "approve", "slack") for name in ("Lin Wei", "Greta")))
    assert len([each for each in await faults_of(court, ids) if "decided 2 times" in each]) == 3


async def test_without_the_guard_a_budget_is_passed(postgres_database: Database, clock: MovableClock) -> None:
    """SQLite lets one transaction write at a time; on PostgreSQL only the lock on the person keeps the budget."""
    presses = 4
    court = await court_of(postgres_database, clock, Spendthrift(presses))
    await court.rules(limits=(RoleLimit("approver", "GBP", BUDGET, BUDGET),), bands=(Band(None, 1),))
    ids = [await court.pending(BUDGET // 2, kind="transfer") for _each in range(presses)]
    await asyncio.gather(*(press(court, request_id, "Greta", "approve", "slack") for request_id in ids))
    wrong = await faults_of(court, ids)
    assert any(f"approved {2 * BUDGET}" in each for each in wrong), wrong
