"""More than one person: two votes, distinct people, what binds them, budgets, scopes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from bot.domain.policy import RoleLimit
from bot.domain.routing import Offering
from bot.errors import AlreadyDecided, NotAllowed, StaleButton
from bot.ports import MovableClock
from bot.services.settings import ServiceSettings
from bot.storage import members, offers, tables
from bot.storage import requests as rows
from bot.storage.database import Database
from tests.services.policy.kit import LARGE, POLICY, WIDE, Court, change, lend, open_court, said, wide_court
from tests.services.work.kit import SETTINGS, add_channel, request_row

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def court(database: Database, clock: MovableClock) -> Court:
    return await wide_court(database, clock)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_large_request_takes_two_people_and_shows_the_first_on_every_copy(court: Court) -> None:
    request_id = await court.pending(LARGE)
    assert (await request_row(court, request_id)).needs == 2
    async with court.database.transaction() as connection:
        conversation = await add_channel(connection, "C1", "requests", now=court.clock.now())
        post = {"conversation_id": conversation, "subject": f"request:{request_id}", "message_id": "1.1"}
        await connection.execute(insert(tables.Post).values(**post, posted_at=court.clock.now()))
    first = await court.decide(request_id, "Lin Wei", version=2)
    assert (first.request.state, first.votes_missing, first.already) == ("pending", 1, False)
    assert [vote.name for vote in first.request.votes] == ["Lin Wei"]
    (edit,) = await court.all(tables.Outbox)
    assert "{given} of {needs} approvals" in str(edit.message)
    assert court.begun.requests == []

    again = await court.decide(request_id, "Lin Wei", version=2)
    assert (again.already, again.votes_missing) == (True, 1)
    second = await court.decide(request_id, "Greta", version=2)  # the button of the same version still holds
    assert (second.request.state, second.votes_missing) == ("approved", 0)
    assert court.begun.requests == [(request_id, "approved")]
    with pytest.raises(AlreadyDecided):
        await court.decide(request_id, "Bo")
    assert (await court.decide(request_id, "Lin Wei", version=2)).already
    actions = [entry.action for entry in await court.all(tables.Audit) if entry.subject == f"request:{request_id}"]
    assert actions == ["request.voted", "request.approved", "request.refused"]


@pytest.mark.databases("sqlite", "postgres")
@pytest.mark.parametrize("change", [{"active": False}, {"role": "buyer"}], ids=["left", "another role"])
async def test_an_approval_counts_no_more_once_its_giver_may_not_approve(court: Court, change: dict[str, Any]) -> None:
    request_id = await court.pending(LARGE)
    await court.decide(request_id, "Lin Wei")
    async with court.database.transaction() as connection:
        await members.change(connection, court.members["Lin Wei"], **change)
    (waiting,) = (await court.decisions.waiting(None)).items
    assert waiting.votes == ()
    async with court.database.reading() as connection:
        assert [each.approved for each in await offers.pending(connection, court.clock.now())] == [0]
    second = await court.decide(request_id, "Greta")
    assert (second.request.state, second.votes_missing) == ("pending", 1)
    assert [vote.name for vote in second.request.votes] == ["Greta"]
    third = await court.decide(request_id, "Bo")
    assert third.request.state == "approved"
    assert [vote.name for vote in third.request.votes] == ["Greta", "Bo"]


@pytest.mark.databases("sqlite", "postgres")
async def test_who_lent_their_authority_may_approve_themselves_once_the_other_has_left(court: Court) -> None:
    await court.rules(limits=(*WIDE[:1], RoleLimit("buyer", "GBP", 5_000_000)))
    request_id = await court.pending(LARGE)
    await lend(court, "Lin Wei", "Jonas")
    await court.decide(request_id, "Jonas")
    async with court.database.transaction() as connection:
        await members.change(connection, court.members["Jonas"], active=False)
    own = await court.decide(request_id, "Lin Wei")
    assert (own.votes_missing, [vote.name for vote in own.request.votes]) == (1, ["Lin Wei"])


async def test_neither_the_requester_nor_the_last_editor_is_one_of_two(court: Court) -> None:
    request_id = await court.pending(LARGE, requested_by=court.members["Lin Wei"])
    await change(court, request_id, edited_by=court.members["Greta"])
    for name in ("Lin Wei", "Greta"):
        with pytest.raises(NotAllowed):
            await court.decide(request_id, name)
    assert await court.refusals() == ["own", "editor"]
    await court.decide(request_id, "Bo")
    assert (await court.decide(request_id, "Cy")).request.state == "approved"


async def test_one_rejection_ends_it_even_by_who_approved_before(court: Court) -> None:
    request_id = await court.pending(LARGE)
    await court.decide(request_id, "Lin Wei")
    assert (await court.decide(request_id, "Lin Wei", "reject")).request.state == "rejected"
    assert [vote.verdict for vote in await court.all(tables.Vote)] == ["reject"]
    assert court.begun.requests == []


@pytest.mark.databases("sqlite", "postgres")
async def test_votes_given_to_an_older_version_do_not_count(court: Court) -> None:
    request_id = await court.pending(LARGE)
    await court.decide(request_id, "Lin Wei", version=2)
    async with court.database.transaction() as connection:
        held = await rows.row(connection, request_id)
        assert held is not None
        (line,) = (await rows.lines(connection, [request_id]))[request_id]
        new = rows.DraftLine(line.product_id, line.quantity + 1, line.unit_cost_minor)
        assert await court.requests.change(connection, held, [new], [], {})
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Greta", version=2)
    assert (await court.decide(request_id, "Greta", version=3)).votes_missing == 1
    assert (await court.decide(request_id, "Lin Wei", version=3)).request.state == "approved"


async def test_a_new_policy_lets_the_request_wait_anew_with_the_difference_shown(court: Court) -> None:
    request_id = await court.pending(LARGE)
    await court.decide(request_id, "Lin Wei", version=2)
    number = await court.rules(purchase_hours=12)
    with pytest.raises(StaleButton, match="needs approval again"):
        await court.decide(request_id, "Greta", version=2)
    row = await request_row(court, request_id)
    assert (row.state, row.version) == ("pending", 3)
    assert row.detail["difference"] == [{"what": "policy", "before": str(number - 1), "after": str(number)}]
    (*_first, entry) = await court.all(tables.Audit)
    assert entry.action == "request.reopened"
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Greta", version=2)
    assert (await court.decide(request_id, "Greta", version=3)).votes_missing == 1
    assert (await court.decide(request_id, "Lin Wei", version=3)).request.state == "approved"


@pytest.mark.databases("sqlite", "postgres")
async def test_an_order_that_was_tampered_with_is_not_approved_as_shown(court: Court) -> None:
    """Changed without a new version, as no code of ours does: the hash of what was shown tells."""
    request_id = await court.pending(LARGE)
    async with court.database.transaction() as connection:
        await connection.execute(update(tables.RequestLine).values(quantity=999))
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Lin Wei", version=2)
    assert court.begun.requests == []


async def test_a_rejection_needs_no_fresh_terms(court: Court) -> None:
    request_id = await court.pending(LARGE)
    await court.rules(purchase_hours=12)
    assert (await court.decide(request_id, "Lin Wei", "reject", version=2)).request.state == "rejected"


async def test_orders_to_one_supplier_add_up(court: Court, clock: MovableClock) -> None:
    first = await court.pending(300_000)
    assert (await court.decide(first, "Lin Wei")).request.state == "approved"
    second = await court.pending(300_000)
    row = await request_row(court, second)
    (reason,) = row.detail["reasons"]
    assert (row.needs, reason["kind"], reason["facts"]["sum_minor"], reason["facts"]["count"]) == (2, "split", LARGE, 2)
    clock.push(timedelta(days=8))
    assert (await request_row(court, await court.pending(300_000))).needs == 1


async def test_an_order_without_a_rate_cannot_be_added_and_asks_for_a_second_person(court: Court) -> None:
    await court.pending(100, "THB")
    row = await request_row(court, await court.pending(100))
    assert (row.needs, [each["kind"] for each in row.detail["reasons"]]) == (2, ["others_unknown"])


@pytest.mark.databases("sqlite", "postgres")
async def test_an_order_that_came_meanwhile_asks_for_a_second_person(court: Court) -> None:
    """What is shown is the same; only more people are needed than were at first."""
    first = await court.pending(300_000)
    await court.pending(300_000)
    assert (await request_row(court, first)).needs == 1
    assert (await court.decide(first, "Lin Wei", version=2)).votes_missing == 1
    assert (await request_row(court, first)).needs == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_a_new_supplier_takes_two_until_something_was_ordered_from_it(court: Court, clock: MovableClock) -> None:
    async with court.database.transaction() as connection:
        await connection.execute(update(tables.Supplier).values(created_at=clock.now() - timedelta(days=89)))
    request_id = await court.pending(1_000)
    assert (await request_row(court, request_id)).needs == 2
    await change(court, request_id, state="done")
    assert (await request_row(court, await court.pending(1_000))).needs == 1


async def test_quantity_and_price_of_a_line_are_held_against_need_and_quote(court: Court) -> None:
    line = {"need_90": 20, "quote_minor": 9}
    row = await request_row(court, await court.pending(1_000, line=line))
    assert [reason["kind"] for reason in row.detail["reasons"]] == ["quantity", "price"]
    assert row.needs == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_a_rate_that_nobody_stated_takes_two_and_binds(clock: MovableClock, database: Database) -> None:
    settings = ServiceSettings(
        watch=SETTINGS.watch, organisation_currency="GBP", default_zone="Europe/London", rates={"CNY": Decimal("0.1")}
    )
    court = await open_court(database, clock, dataclasses.replace(POLICY, limits=WIDE), settings=settings)
    request_id = await court.pending(10_000, "CNY")
    row = await request_row(court, request_id)
    assert (row.needs, [each["kind"] for each in row.detail["reasons"]]) == (2, ["rate_stale"])
    async with court.database.transaction() as connection:
        await connection.execute(
            insert(tables.ExchangeRate).values(
                source="ecb", base="CNY", currency="GBP", day=clock.now().date(), rate=Decimal("0.11"),
                stated_at=clock.now() - timedelta(hours=1), fetched_at=clock.now(),
            )
        )  # fmt: skip
    with pytest.raises(StaleButton):
        await court.decide(request_id, "Lin Wei", version=2)
    row = await request_row(court, request_id)
    assert (row.needs, row.detail["difference"][0]["what"]) == (1, "rate")
    assert (await court.decide(request_id, "Lin Wei", version=3)).request.state == "approved"


async def test_a_day_s_and_a_month_s_limit_hold_over_what_was_approved(court: Court, clock: MovableClock) -> None:
    await court.rules(limits=(RoleLimit("approver", "GBP", 100_000, 150_000, 220_000),))
    ids = [await court.pending(total, kind="transfer") for total in (100_000, 50_000, 1)]
    await court.decide(ids[0], "Lin Wei")
    await court.decide(ids[1], "Lin Wei")
    with pytest.raises(NotAllowed) as refused:
        await court.decide(ids[2], "Lin Wei")
    assert "within 24 hours" in said(refused.value.words)
    assert "approved by Bo, Cy, Greta" in said(refused.value.words)
    clock.push(timedelta(hours=24))
    later = await court.pending(70_001, kind="transfer")
    with pytest.raises(NotAllowed) as refused:
        await court.decide(later, "Lin Wei")
    assert "within 30 days" in said(refused.value.words)
    assert (await court.decide(await court.pending(70_000, kind="transfer"), "Lin Wei")).request.state == "approved"
    assert await court.refusals() == ["over_day", "over_month"]


async def test_a_word_that_led_to_nothing_spends_nothing(court: Court) -> None:
    await court.rules(limits=(RoleLimit("approver", "GBP", LARGE, LARGE),))
    lost = await court.pending(LARGE, kind="transfer")
    await court.decide(lost, "Lin Wei")
    other = await court.pending(1, kind="transfer")
    with pytest.raises(NotAllowed):
        await court.decide(other, "Lin Wei")  # one of two is spent already: the other may come at any moment
    await court.decide(lost, "Greta", "reject")
    assert (await court.decide(other, "Lin Wei")).request.state == "approved"


@pytest.mark.parametrize(("kind", "code", "fits"), [("location", "UK", True), ("location", "DE", False),
    ("supplier", "YIWU", True), ("supplier", "OTHER", False), ("store", "shop", True)])  # fmt: skip
async def test_a_scope_says_where_a_role_reaches(court: Court, kind: Any, code: str, fits: bool) -> None:  # noqa: FBT001  # a table of cases
    async with court.database.transaction() as connection:
        scope = {"member_id": court.members["Greta"], "kind": kind, "code": code}
        await connection.execute(insert(tables.MemberScope).values(**scope))
    request_id = await court.pending()
    assert (await court.decisions.waiting(court.members["Greta"])).total == int(fits)
    if fits:
        assert (await court.decide(request_id, "Greta")).request.state == "approved"
        return
    with pytest.raises(NotAllowed) as refused:
        await court.decide(request_id, "Greta")
    assert "does not reach" in said(refused.value.words)


async def test_self_approval_is_for_small_totals_and_only_where_the_policy_says_so(court: Court) -> None:
    small = await court.pending(50_000, kind="transfer", requested_by=court.members["Greta"])
    with pytest.raises(NotAllowed):
        await court.decide(small, "Greta")
    await court.rules(self_approval=True)
    small = await court.pending(50_000, kind="transfer", requested_by=court.members["Greta"])
    more = await court.pending(50_001, kind="transfer", requested_by=court.members["Greta"])
    assert (await court.decide(small, "Greta")).request.state == "approved"
    with pytest.raises(NotAllowed):
        await court.decide(more, "Greta")


@pytest.mark.databases("sqlite", "postgres")
async def test_the_rules_are_explained_one_by_one(court: Court) -> None:
    request_id = await court.pending(LARGE, requested_by=court.members["Lin Wei"])
    await court.decide(request_id, "Greta")
    bo = await court.decisions.explain(request_id, court.members["Bo"])
    assert (bo.may, bo.needs, bo.given, bo.able) == (True, 2, 1, ("Bo", "Cy"))
    assert all(line.fits for line in bo.rules)
    lin = await court.decisions.explain(request_id, court.members["Lin Wei"])
    assert (lin.may, lin.objection) == (False, "own")
    assert [line.rule for line in lin.rules if not line.fits] == ["requester"]
    greta = await court.decisions.explain(request_id, court.members["Greta"])
    assert [line.rule for line in greta.rules if not line.fits] == ["vote"]
    async with court.database.transaction() as connection:
        await offers.add(connection, [Offering(request_id, 2, court.members["Cy"], "awake")], court.clock.now())
        (waiting,) = await offers.pending(connection, court.clock.now())
    assert waiting.approved == 1
    jonas = await court.decisions.explain(request_id, court.members["Jonas"])
    assert jonas.offered == ("Cy",)
    assert {line.rule for line in jonas.rules if not line.fits} == {"role", "limit"}


async def test_able_names_for_many_requests_who_may_approve_each_now(court: Court) -> None:
    one = await court.pending(100, kind="transfer")
    own = await court.pending(100, kind="transfer", requested_by=court.members["Greta"])
    large = await court.pending(LARGE, kind="transfer")
    await court.decide(large, "Bo")
    async with court.database.reading() as connection:
        found = await court.decisions.able(connection, [one, own, large])
    names = {number: name for name, number in court.members.items()}
    assert [[names[each] for each in found[request_id]] for request_id in (one, own, large)] == [
        ["Bo", "Cy", "Greta", "Lin Wei"],
        ["Bo", "Cy", "Lin Wei"],
        ["Cy", "Greta", "Lin Wei"],
    ]
