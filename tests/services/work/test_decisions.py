"""Deciding a request: who may, what follows, and what the others are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from bot.domain.approval import Verdict
from bot.errors import AlreadyDecided, NotAllowed, StaleButton, UnknownReference
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.policy.kit import Court, open_court, said
from tests.services.work.kit import DAY, add_case, add_channel, request_row

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def court(database: Database, clock: MovableClock) -> Court:
    return await open_court(database, clock)


@pytest.mark.databases("sqlite", "postgres")
async def test_an_approval_writes_state_vote_and_audit_together_and_begins_what_follows(court: Court) -> None:
    case_id = await add_case(court)
    request_id = await court.pending(case_id=case_id)
    done = await court.decisions.decide(
        request_id, None, "approve", court.asker("Lin Wei"), "telegram", "before Christmas"
    )

    assert (done.already, done.votes_missing) == (False, 0)
    view = done.request
    assert (view.state, view.decided_by, view.decided_platform, view.comment) == (
        "approved", "Lin Wei", "telegram", "before Christmas",
    )  # fmt: skip
    assert view.decided_at == court.clock.now()
    assert court.begun.requests == [(request_id, "approved")]
    (vote,) = await court.all(tables.Vote)
    lin = court.members["Lin Wei"]
    assert (vote.member_id, vote.principal_id, vote.verdict, vote.amount_minor) == (lin, lin, "approve", 40_000)
    (case,) = await court.all(tables.Case)
    assert case.state == "acting"
    *_first, entry = await court.all(tables.Audit)
    assert (entry.action, entry.subject, entry.member_id) == ("request.approved", f"request:{request_id}", lin)
    assert entry.data["local_time"] == "2011-11-21T17:00:00+08:00"
    assert entry.data["lines"] == [{"sku": "85123A", "quantity": 100, "unit_cost_minor": 400}]
    assert (entry.data["digest"], entry.data["limit_minor"]) == (vote.digest, 500_000)
    assert (await court.audit.verify()).broken_at is None


@pytest.mark.databases("sqlite", "postgres")
async def test_a_rejection_begins_nothing_and_frees_the_case(court: Court) -> None:
    case_id = await add_case(court, severity=2, state="acknowledged")
    request_id = await court.pending(case_id=case_id)
    done = await court.decide(request_id, "Lin Wei", "reject")
    assert done.request.state == "rejected"
    assert court.begun.requests == []
    (case,) = await court.all(tables.Case)
    assert case.state == "open"
    assert (await request_row(court, request_id)).detail["severity"] == 2


@pytest.mark.databases("sqlite", "postgres")
@pytest.mark.parametrize(
    ("name", "total", "currency", "words"),
    [
        ("A stranger", 100, "GBP", "do not know you"),
        ("Maria", 100, "GBP", "operator may not decide"),
        ("Jonas", 100, "GBP", "buyer may not decide"),
        ("Ada", 100, "GBP", "administrator may not decide"),
        ("Nok", 100, "GBP", "promotion manager may not decide"),
        ("Greta", 500_001, "GBP", "may approve up to £5,000.00"),
        ("Greta", 100, "EUR", "no limit in EUR"),
    ],
)
async def test_who_lacks_authority_is_told_why_and_nothing_happens(
    court: Court, name: str, total: int, currency: str, words: str
) -> None:
    request_id = await court.pending(total, currency)
    before = await request_row(court, request_id)
    with pytest.raises(NotAllowed) as refused:
        await court.decide(request_id, name)
    assert words in said(refused.value.words)
    assert await request_row(court, request_id) == before
    assert court.begun.requests == []
    *_first, entry = await court.all(tables.Audit)
    assert (entry.action, entry.data["verdict"]) == ("request.refused", "approve")
    assert entry.member_id == court.members.get(name)


async def test_the_refused_are_told_who_can(court: Court) -> None:
    request_id = await court.pending()
    with pytest.raises(NotAllowed) as refused:
        await court.decide(request_id, "Jonas")
    assert "approved by Greta, Lin Wei" in said(refused.value.words)


async def test_the_limit_itself_is_within_authority(court: Court) -> None:
    request_id = await court.pending(500_000)
    assert (await court.decide(request_id, "Greta")).request.state == "approved"


async def test_a_request_over_the_limit_may_still_be_rejected(court: Court) -> None:
    request_id = await court.pending(900_000)
    assert (await court.decide(request_id, "Greta", "reject")).request.state == "rejected"


async def test_nobody_approves_their_own_request_but_may_withdraw_it(court: Court) -> None:
    request_id = await court.pending(requested_by=court.members["Greta"])
    with pytest.raises(NotAllowed) as refused:
        await court.decide(request_id, "Greta")
    assert "You asked for" in said(refused.value.words)
    assert "Lin Wei" in said(refused.value.words)
    assert (await court.decide(request_id, "Greta", "reject")).request.state == "rejected"


@pytest.mark.databases("sqlite", "postgres")
async def test_the_second_press_of_one_person_says_already_and_does_nothing(court: Court) -> None:
    request_id = await court.pending()
    await court.decide(request_id, "Lin Wei", version=2)
    entries = len(await court.all(tables.Audit))
    again = await court.decide(request_id, "Lin Wei", version=2)
    assert again.already
    assert len(court.begun.requests) == 1
    assert len(await court.all(tables.Audit)) == entries


@pytest.mark.databases("sqlite", "postgres")
@pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve"), ("approve", "approve")])
async def test_whoever_comes_second_is_told_who_was_first(court: Court, first: Verdict, second: Verdict) -> None:
    request_id = await court.pending()
    await court.decide(request_id, "Lin Wei", first)
    with pytest.raises(AlreadyDecided) as told:
        await court.decide(request_id, "Greta", second)
    assert (told.value.by, told.value.at) == ("Lin Wei", court.clock.now())
    assert await court.refusals() == ["decided"]


async def test_a_button_shown_before_a_change_is_dead(court: Court) -> None:
    request_id = await court.pending()
    assert (await request_row(court, request_id)).version == 2
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Lin Wei", version=1)
    assert (await request_row(court, request_id)).state == "pending"


async def test_a_number_that_nobody_bears_is_said_so(court: Court) -> None:
    with pytest.raises(UnknownReference):
        await court.decide(77, "Lin Wei")


async def test_the_role_in_the_database_counts_not_the_one_the_chat_believes(court: Court) -> None:
    request_id = await court.pending()
    with pytest.raises(NotAllowed):
        await court.decisions.decide(request_id, None, "approve", court.asker("Jonas", "approver"), "slack")


@pytest.mark.databases("sqlite", "postgres")
async def test_whoever_was_deactivated_decides_nothing(court: Court) -> None:
    request_id = await court.pending()
    async with court.database.transaction() as connection:
        await connection.execute(update(tables.Member).values(active=False))
    with pytest.raises(NotAllowed):
        await court.decide(request_id, "Lin Wei")


async def test_a_decision_edits_every_message_that_shows_the_request(court: Court) -> None:
    case_id = await add_case(court)
    request_id = await court.pending(case_id=case_id)
    async with court.database.transaction() as connection:
        channel = await add_channel(connection, "C1", "restock", now=court.clock.now())
        for message_id, subject in (("1.1", f"case:{case_id}"), ("1.2", f"request:{request_id}"), ("1.3", "case:999")):
            post = {"conversation_id": channel, "subject": subject, "message_id": message_id}
            await connection.execute(insert(tables.Post).values(**post, posted_at=court.clock.now()))
    await court.decide(request_id, "Lin Wei", platform="telegram")
    edits = await court.all(tables.Outbox)
    assert {(edit.kind, edit.subject) for edit in edits} == {
        ("edit", f"case:{case_id}"), ("edit", f"request:{request_id}"),
    }  # fmt: skip
    assert all("Lin Wei" in str(edit.message) for edit in edits)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_request_lapses_after_its_hours_and_not_before(court: Court, clock: MovableClock) -> None:
    case_id = await add_case(court)
    request_id = await court.pending(case_id=case_id)
    clock.push(DAY - DAY / 24)
    assert await court.requests.expire(clock.now()) == 0
    clock.push(DAY / 24)
    assert await court.requests.expire(clock.now()) == 1
    assert await court.requests.expire(clock.now()) == 0
    assert (await request_row(court, request_id)).state == "expired"
    (case,) = await court.all(tables.Case)
    assert (case.state, case.resolved_at) == ("open", None)
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Lin Wei")


async def test_what_waits_for_a_person_is_what_they_may_approve(court: Court) -> None:
    small = await court.pending(1_000, kind="transfer")
    large = await court.pending(600_000, kind="transfer")
    dollars = await court.pending(50_000, "USD", kind="transfer")
    own = await court.pending(2_000, kind="transfer", requested_by=court.members["Greta"])
    terms = {"price_minor": 295, "promo_price_minor": 200, "ends_on": "2011-12-01"}
    promotion = await court.pending(3_000, kind="promotion", detail=terms)

    async def waits(name: str | None) -> set[int]:
        page = await court.decisions.waiting(court.members[name] if name else None, size=50)
        assert page.total == len(page.items)
        return {view.id for view in page.items}

    assert await waits(None) == {small, large, dollars, own, promotion}
    assert await waits("Lin Wei") == {small, dollars, own, promotion}
    assert await waits("Greta") == {small, dollars, promotion}
    assert await waits("Nok") == {promotion}
    assert await waits("Jonas") == set()
    assert await waits("Ada") == set()


async def test_waiting_requests_come_in_pages(court: Court) -> None:
    ids = [await court.pending(1_000 + n) for n in range(5)]
    pages = [await court.decisions.waiting(None, number, 2) for number in (1, 2, 3)]
    assert [page.pages for page in pages] == [3, 3, 3]
    assert sorted(view.id for page in pages for view in page.items) == ids


@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_request_whose_time_has_passed_cannot_be_decided_before_the_job_lets_it_lapse(
    court: Court, clock: MovableClock, verdict: Verdict
) -> None:
    request_id = await court.pending(case_id=await add_case(court))
    expires_at = (await request_row(court, request_id)).expires_at
    assert expires_at is not None
    clock.push(expires_at - clock.now())
    with pytest.raises(StaleButton) as refused:
        await court.decide(request_id, "Lin Wei", verdict, version=2)
    assert "lapsed" in said(refused.value.words)
    assert (await request_row(court, request_id)).state == "expired"
    assert court.begun.requests == []
    *_first, entry = await court.all(tables.Audit)
    assert entry.action == "request.expired"
    assert await court.requests.expire(clock.now()) == 0


@pytest.mark.databases("sqlite", "postgres")
async def test_a_request_can_be_approved_up_to_the_last_moment(court: Court, clock: MovableClock) -> None:
    request_id = await court.pending()
    expires_at = (await request_row(court, request_id)).expires_at
    assert expires_at is not None
    clock.push(expires_at - clock.now() - timedelta(microseconds=1))
    assert (await court.decide(request_id, "Lin Wei", version=2)).request.state == "approved"
