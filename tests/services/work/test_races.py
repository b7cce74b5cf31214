"""Two people at once: one wins, the other is told. The race is shown to be lost without the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.domain.approval import Verdict
from bot.domain.policy import Band
from bot.errors import AlreadyDecided, Refusal
from bot.ports import MovableClock
from bot.services.decisions import Decision
from bot.storage import tables
from bot.storage.database import Database
from tests.faults.test_races import Unguarded
from tests.services.policy.kit import Court, open_court
from tests.services.work.kit import request_row

ROUNDS = 12


async def race(court: Court, request_id: int, verdicts: Mapping[str, Verdict]) -> list[Decision | Refusal | Exception]:
    """Everybody decides the same request at the same moment."""
    started = asyncio.Barrier(len(verdicts))

    async def decide(name: str, verdict: Verdict) -> Decision:
        await started.wait()
        return await court.decide(request_id, name, verdict)

    results = await asyncio.gather(
        *(decide(name, verdict) for name, verdict in verdicts.items()), return_exceptions=True
    )
    return [result for result in results if isinstance(result, Decision | Exception)]


async def decided(court: Court) -> list[str]:
    """The decisions that the audit log keeps."""
    ends = {"request.approved", "request.rejected", "request.expired"}
    return [entry.action for entry in await court.all(tables.Audit) if entry.action in ends]


async def test_of_two_people_at_once_one_wins_and_the_other_is_told(database: Database, clock: MovableClock) -> None:
    court = await open_court(database, clock)
    for turn in range(ROUNDS):
        request_id = await court.pending(10_000 + turn, kind="transfer")
        results = await race(court, request_id, {"Lin Wei": "approve", "Greta": "reject"})
        (won,) = [result for result in results if isinstance(result, Decision)]
        (told,) = [result for result in results if isinstance(result, AlreadyDecided)]
        assert told.by == won.request.decided_by
        assert (await request_row(court, request_id)).state == won.request.state
    ends = await decided(court)
    assert len(ends) == ROUNDS
    assert len(court.begun.requests) == ends.count("request.approved")
    assert len(await court.refusals()) == ROUNDS
    assert (await court.audit.verify()).broken_at is None


async def test_one_person_pressing_twice_at_once_decides_once(database: Database, clock: MovableClock) -> None:
    court = await open_court(database, clock)
    request_id = await court.pending()
    pressed = await asyncio.gather(*(court.decide(request_id, "Lin Wei", version=2) for _press in range(4)))
    assert sorted(decision.already for decision in pressed) == [False, True, True, True]
    assert len(court.begun.requests) == 1
    assert await decided(court) == ["request.approved"]


async def test_two_people_at_once_are_both_heard_where_two_are_needed(database: Database, clock: MovableClock) -> None:
    court = await open_court(database, clock)
    await court.rules(bands=(Band(None, 2),))
    for _turn in range(ROUNDS // 2):
        request_id = await court.pending(kind="transfer")
        results = await race(court, request_id, {"Lin Wei": "approve", "Greta": "approve"})
        assert sorted(result.votes_missing for result in results if isinstance(result, Decision)) == [0, 1]
        assert (await request_row(court, request_id)).state == "approved"
    assert len(court.begun.requests) == ROUNDS // 2


async def test_without_the_guard_both_win(database: Database, clock: MovableClock) -> None:
    """The race is real: were the guard to fail, the test above would see it."""
    court = await open_court(database, clock, guard=Unguarded(people=2))
    request_id = await court.pending()
    results = await race(court, request_id, {"Lin Wei": "approve", "Greta": "reject"})
    assert sum(isinstance(result, Decision) for result in results) == 2
    assert set(await decided(court)) == {"request.approved", "request.rejected"}


async def test_a_decision_and_the_expiry_at_once_leave_one_outcome(database: Database, clock: MovableClock) -> None:
    court = await open_court(database, clock)
    for _turn in range(ROUNDS // 2):
        request_id = await court.pending(kind="transfer")
        expires_at = (await request_row(court, request_id)).expires_at
        assert expires_at is not None
        decision, expired = await asyncio.gather(
            court.decide(request_id, "Lin Wei"), court.requests.expire(expires_at), return_exceptions=True
        )
        state = (await request_row(court, request_id)).state
        if expired:
            assert state == "expired"
            assert isinstance(decision, Refusal)
        else:
            assert state == "approved"
    assert len(await decided(court)) == ROUNDS // 2
