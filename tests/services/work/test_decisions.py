"""Deciding a request: who may, what follows, and what the others are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.approval import Verdict
from bot.errors import AlreadyDecided, NotAllowed, StaleButton, UnknownReference
from bot.language import language
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY, Desk, add_case, add_channel, open_desk, request_row


@pytest.fixture
async def desk(database: Database, clock: MovableClock) -> Desk:
    return await open_desk(database, clock)


async def test_an_approval_writes_state_effect_and_audit_together(desk: Desk) -> None:
    case_id = await add_case(desk)
    request_id = await desk.pending(case_id=case_id)
    done = await desk.requests.decide(
        request_id, None, "approve", desk.asker("Lin Wei"), "telegram", "before Christmas"
    )

    assert not done.already
    view = done.request
    assert (view.state, view.decided_by, view.decided_platform, view.comment) == (
        "approved", "Lin Wei", "telegram", "before Christmas",
    )  # fmt: skip
    assert view.decided_at == desk.clock.now()
    (effect,) = await desk.all(tables.Effect)
    assert (effect.kind, effect.idempotency_key, effect.state) == (
        "purchase_order", f"purchase:{request_id}", "pending",
    )  # fmt: skip
    assert effect.payload["lines"] == [{"sku": "85123A", "quantity": 100, "unit_cost_minor": 400}]
    (case,) = await desk.all(tables.Case)
    assert case.state == "acting"
    (entry,) = await desk.all(tables.Audit)
    assert (entry.action, entry.subject, entry.member_id) == (
        "request.approved", f"request:{request_id}", desk.members["Lin Wei"],
    )  # fmt: skip
    assert entry.data["local_time"] == "2011-11-21T17:00:00+08:00"
    assert (await desk.audit.verify()).broken_at is None


async def test_a_rejection_spends_nothing_and_frees_the_case(desk: Desk) -> None:
    case_id = await add_case(desk, severity=2, state="acknowledged")
    request_id = await desk.pending(case_id=case_id)
    done = await desk.requests.decide(request_id, None, "reject", desk.asker("Lin Wei"), "slack")
    assert done.request.state == "rejected"
    assert await desk.all(tables.Effect) == []
    (case,) = await desk.all(tables.Case)
    assert case.state == "open"
    assert (await request_row(desk, request_id)).detail["severity"] == 2


@pytest.mark.parametrize(
    ("name", "total", "currency", "said"),
    [
        ("A stranger", 100, "GBP", "do not know you"),
        ("Maria", 100, "GBP", "operator may not decide"),
        ("Jonas", 100, "GBP", "buyer may not decide"),
        ("Ada", 100, "GBP", "admin may not decide"),
        ("Nok", 100, "GBP", "promo_manager may not decide"),
        ("Greta", 500_001, "GBP", "may approve up to £5,000.00"),
        ("Greta", 100, "EUR", "no limit in EUR"),
    ],
)
async def test_who_lacks_authority_is_told_why_and_nothing_happens(
    desk: Desk, name: str, total: int, currency: str, said: str
) -> None:
    request_id = await desk.pending(total, currency)
    before = await request_row(desk, request_id)
    with pytest.raises(NotAllowed) as refused:
        await desk.requests.decide(request_id, None, "approve", desk.asker(name, "approver"), "slack")
    assert said in language("en").say(refused.value.words, shown_plainly)
    assert await request_row(desk, request_id) == before
    assert await desk.all(tables.Effect) == []
    (entry,) = await desk.all(tables.Audit)
    assert (entry.action, entry.data["verdict"]) == ("request.refused", "approve")
    assert entry.member_id == desk.members.get(name)


def shown_plainly(node: object) -> str:
    """An inline node as plain text, as far as refusals use them."""
    money = getattr(node, "money", None)
    return language("en").money(money.amount, money.currency) if money else str(getattr(node, "content", node))


async def test_the_refused_are_told_who_can(desk: Desk) -> None:
    request_id = await desk.pending()
    with pytest.raises(NotAllowed) as refused:
        await desk.requests.decide(request_id, None, "approve", desk.asker("Jonas"), "slack")
    assert "approved by Greta, Lin Wei" in language("en").say(refused.value.words, shown_plainly)


async def test_the_limit_itself_is_within_authority(desk: Desk) -> None:
    request_id = await desk.pending(500_000)
    done = await desk.requests.decide(request_id, None, "approve", desk.asker("Greta"), "slack")
    assert done.request.state == "approved"


async def test_a_request_over_the_limit_may_still_be_rejected(desk: Desk) -> None:
    request_id = await desk.pending(900_000)
    done = await desk.requests.decide(request_id, None, "reject", desk.asker("Greta"), "slack")
    assert done.request.state == "rejected"


async def test_nobody_approves_what_they_asked_for(desk: Desk) -> None:
    request_id = await desk.pending(requested_by=desk.members["Greta"])
    with pytest.raises(NotAllowed):
        await desk.requests.decide(request_id, None, "approve", desk.asker("Greta"), "slack")
    assert (await desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "slack")).request.decided_by


async def test_the_second_person_is_told_who_was_first(desk: Desk) -> None:
    request_id = await desk.pending()
    await desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "telegram")
    for verdict in ("approve", "reject"):
        with pytest.raises(AlreadyDecided) as told:
            await desk.requests.decide(request_id, None, verdict, desk.asker("Greta"), "slack")
        assert (told.value.by, told.value.at) == ("Lin Wei", desk.clock.now())
    assert len(await desk.all(tables.Effect)) == 1


async def test_a_press_that_came_twice_is_no_second_decision(desk: Desk) -> None:
    request_id = await desk.pending()
    await desk.requests.decide(request_id, 2, "approve", desk.asker("Lin Wei"), "telegram")
    again = await desk.requests.decide(request_id, 2, "approve", desk.asker("Lin Wei"), "telegram")
    assert again.already
    assert len(await desk.all(tables.Effect)) == 1
    with pytest.raises(AlreadyDecided):
        await desk.requests.decide(request_id, 2, "reject", desk.asker("Lin Wei"), "telegram")


async def test_a_button_of_an_older_version_decides_nothing(desk: Desk) -> None:
    request_id = await desk.pending()
    shown = (await request_row(desk, request_id)).version
    with pytest.raises(StaleButton):
        await desk.requests.decide(request_id, shown - 1, "approve", desk.asker("Lin Wei"), "slack")
    assert (await request_row(desk, request_id)).state == "pending"
    done = await desk.requests.decide(request_id, shown, "approve", desk.asker("Lin Wei"), "slack")
    assert done.request.state == "approved"


async def test_an_unknown_request_is_a_clear_refusal(desk: Desk) -> None:
    with pytest.raises(UnknownReference):
        await desk.requests.decide(99, None, "approve", desk.asker("Lin Wei"), "slack")
    with pytest.raises(UnknownReference):
        await desk.requests.get(99)


async def test_a_deactivated_approver_is_a_stranger(desk: Desk) -> None:
    request_id = await desk.pending()
    async with desk.database.transaction() as connection:
        await connection.execute(tables.Member.__table__.update().values(active=False))  # type: ignore[attr-defined]
    with pytest.raises(NotAllowed):
        await desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "slack")


async def test_a_decision_edits_every_message_that_shows_the_request(desk: Desk) -> None:
    case_id = await add_case(desk)
    request_id = await desk.pending(case_id=case_id)
    async with desk.database.transaction() as connection:
        channel = await add_channel(connection, "C1", "restock", now=desk.clock.now())
        for message_id, subject in (("1.1", f"case:{case_id}"), ("1.2", f"request:{request_id}"), ("1.3", "case:999")):
            post = {"conversation_id": channel, "subject": subject, "message_id": message_id}
            await connection.execute(
                tables.Post.__table__.insert().values(**post, posted_at=desk.clock.now())  # type: ignore[attr-defined]
            )
    await desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "telegram")
    edits = await desk.all(tables.Outbox)
    assert {(edit.kind, edit.subject) for edit in edits} == {
        ("edit", f"case:{case_id}"), ("edit", f"request:{request_id}"),
    }  # fmt: skip
    assert all("Lin Wei" in str(edit.message) for edit in edits)


async def test_a_request_lapses_after_its_hours_and_not_before(desk: Desk, clock: MovableClock) -> None:
    case_id = await add_case(desk)
    request_id = await desk.pending(case_id=case_id)
    clock.push(DAY - DAY / 24)
    assert await desk.requests.expire(clock.now()) == 0
    clock.push(DAY / 24)
    assert await desk.requests.expire(clock.now()) == 1
    assert await desk.requests.expire(clock.now()) == 0
    assert (await request_row(desk, request_id)).state == "expired"
    (case,) = await desk.all(tables.Case)
    assert (case.state, case.resolved_at) == ("open", None)
    with pytest.raises(StaleButton):
        await desk.requests.decide(request_id, None, "approve", desk.asker("Lin Wei"), "slack")


async def test_what_waits_for_a_person_is_what_they_may_approve(desk: Desk) -> None:
    small = await desk.pending(1_000)
    large = await desk.pending(600_000)
    dollars = await desk.pending(50_000, "USD")
    own = await desk.pending(2_000, requested_by=desk.members["Greta"])
    promotion = await desk.pending(3_000, kind="promotion")

    async def waits(name: str | None) -> set[int]:
        page = await desk.requests.waiting(desk.members[name] if name else None, size=50)
        assert page.total == len(page.items)
        return {view.id for view in page.items}

    assert await waits(None) == {small, large, dollars, own, promotion}
    assert await waits("Lin Wei") == {small, dollars, own, promotion}
    assert await waits("Greta") == {small, dollars, promotion}
    assert await waits("Nok") == {promotion}
    assert await waits("Jonas") == set()
    assert await waits("Ada") == set()


async def test_waiting_requests_come_in_pages(desk: Desk) -> None:
    ids = [await desk.pending(1_000 + n) for n in range(5)]
    pages = [await desk.requests.waiting(None, number, 2) for number in (1, 2, 3)]
    assert [page.pages for page in pages] == [3, 3, 3]
    assert sorted(view.id for page in pages for view in page.items) == ids


@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_request_whose_time_has_passed_cannot_be_decided_before_the_job_lets_it_lapse(
    desk: Desk, clock: MovableClock, verdict: Verdict
) -> None:
    request_id = await desk.pending(case_id=await add_case(desk))
    expires_at = (await request_row(desk, request_id)).expires_at
    assert expires_at is not None
    clock.push(expires_at - clock.now())
    with pytest.raises(StaleButton) as refused:
        await desk.requests.decide(request_id, 2, verdict, desk.asker("Lin Wei"), "slack")
    assert "lapsed" in language("en").say(refused.value.words, shown_plainly)
    assert (await request_row(desk, request_id)).state == "expired"
    assert await desk.all(tables.Effect) == []
    (entry,) = await desk.all(tables.Audit)
    assert entry.action == "request.expired"
    assert await desk.requests.expire(clock.now()) == 0


async def test_a_request_can_be_approved_up_to_the_last_moment(desk: Desk, clock: MovableClock) -> None:
    request_id = await desk.pending()
    expires_at = (await request_row(desk, request_id)).expires_at
    assert expires_at is not None
    clock.push(expires_at - clock.now() - timedelta(microseconds=1))
    done = await desk.requests.decide(request_id, 2, "approve", desk.asker("Lin Wei"), "slack")
    assert done.request.state == "approved"
