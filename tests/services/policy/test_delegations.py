"""Authority that is lent: who may act for whom, within which limit and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.domain.policy import RoleLimit
from bot.errors import NotAllowed, Refusal
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.policy.kit import LARGE, WIDE, Court, change, lend, said, wide_court


@pytest.fixture
async def court(database: Database, clock: MovableClock) -> Court:
    return await wide_court(database, clock)


async def test_a_delegate_acts_for_who_named_them_within_the_lower_of_both_limits(court: Court) -> None:
    await lend(court, "Greta", "Jonas")
    small, large = await court.pending(300_000, kind="transfer"), await court.pending(300_001, kind="transfer")
    assert {view.id for view in (await court.decisions.waiting(court.members["Jonas"])).items} == {small}
    done = await court.decide(small, "Jonas")
    (vote,) = done.request.votes
    assert (vote.name, vote.for_whom) == ("Jonas", "Greta")
    with pytest.raises(NotAllowed):
        await court.decide(large, "Jonas")
    (*_first, entry) = await court.all(tables.Audit)
    assert entry.data["objection"] == "role"


async def test_a_delegate_and_who_named_them_are_one_word(court: Court) -> None:
    await court.rules(limits=(*WIDE[:1], RoleLimit("buyer", "GBP", 5_000_000)))
    await lend(court, "Greta", "Jonas")
    await lend(court, "Bo", "Jonas")
    request_id = await court.pending(LARGE)
    await court.decide(request_id, "Jonas")
    with pytest.raises(NotAllowed, match="in your place"):
        await court.decide(request_id, "Greta")
    assert (await court.decide(request_id, "Jonas")).already  # for Bo there is no second word of one person either
    assert (await court.decide(request_id, "Bo")).request.state == "approved"
    first, second = await court.all(tables.Vote)
    assert (first.principal_id, second.principal_id) == (court.members["Greta"], court.members["Bo"])


async def test_a_delegation_begins_ends_and_is_taken_back(court: Court, clock: MovableClock) -> None:
    jonas = court.asker("Jonas")
    start = clock.now() + timedelta(days=1)
    await court.delegations.give(court.asker("Greta"), "Jonas", start + timedelta(days=1), "slack", start)
    ids = [await court.pending(100, kind="transfer") for _each in range(3)]
    with pytest.raises(NotAllowed):
        await court.decide(ids[0], "Jonas")
    clock.push(timedelta(hours=23, minutes=59))
    assert (await court.delegations.of(jonas.member_id)).taken[0].from_name == "Greta"
    await court.rules(transfer_hours=200)
    fresh = await court.pending(100, kind="transfer")
    clock.push(timedelta(minutes=1))
    assert (await court.decide(fresh, "Jonas")).request.state == "approved"
    other = await court.pending(100, kind="transfer")
    clock.push(timedelta(days=1))
    with pytest.raises(NotAllowed):
        await court.decide(other, "Jonas")
    await lend(court, "Greta", "Jonas")
    assert await court.delegations.take_back(court.asker("Greta"), "slack")
    assert not await court.delegations.take_back(court.asker("Greta"), "slack")
    with pytest.raises(NotAllowed):
        await court.decide(other, "Jonas")


async def test_what_is_lent_is_not_lent_on(court: Court) -> None:
    await court.rules(limits=(*WIDE, RoleLimit("promo_manager", "GBP", 5_000_000)))
    await lend(court, "Greta", "Nok")
    await lend(court, "Nok", "Jonas")
    request_id = await court.pending(100, kind="transfer")
    with pytest.raises(NotAllowed):
        await court.decide(request_id, "Jonas")
    assert (await court.decide(request_id, "Nok")).request.votes[0].for_whom == "Greta"


async def test_a_delegate_decides_nothing_they_asked_for_or_for_who_asked(court: Court) -> None:
    await lend(court, "Greta", "Jonas")
    own = await court.pending(100, kind="transfer", requested_by=court.members["Jonas"])
    hers = await court.pending(100, kind="transfer", requested_by=court.members["Greta"])
    edited = await court.pending(100, kind="transfer")
    await change(court, edited, edited_by=court.members["Jonas"])
    for request_id in (own, hers, edited):
        with pytest.raises(NotAllowed):
            await court.decide(request_id, "Jonas")
    assert court.begun.requests == []


@pytest.mark.parametrize(
    ("giver", "taker", "days", "words"),
    [
        ("Greta", "Greta", 1, "yourself"),
        ("Greta", "Maria", 1, "without a limit"),
        ("Greta", "Nobody", 1, "no member called"),
        ("Greta", "Jonas", 15, "14 days at most"),
        ("Greta", "Jonas", 0, "before the start"),
        ("Ada", "Jonas", 1, "decides nothing"),
    ],
)
async def test_a_delegation_that_makes_no_sense_is_refused(
    court: Court, giver: str, taker: str, days: int, words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await lend(court, giver, taker, days)
    assert words in said(refused.value.words)
    assert await court.all(tables.Delegation) == []


async def test_who_named_somebody_and_left_lends_nothing_any_more(court: Court) -> None:
    await lend(court, "Greta", "Jonas")
    async with court.database.transaction() as connection:
        await connection.execute(update(tables.Member).where(tables.Member.name == "Greta").values(active=False))
    with pytest.raises(NotAllowed):
        await court.decide(await court.pending(100, kind="transfer"), "Jonas")
