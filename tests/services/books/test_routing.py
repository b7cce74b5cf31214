"""Routing on a real database: private messages to people at work, once, and locked by the decision."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.codec import decode_message
from bot.chat.nodes import Action, Actions, Message
from bot.domain.policy import Policy, default_policy
from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.services.conversations import Conversations
from bot.services.members import Members
from bot.services.policies import Policies
from bot.services.routing import Routing
from bot.storage import offers, tables
from bot.storage.database import Database
from tests.services.work.kit import Desk, add, open_desk, request_row

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere

MINUTE = timedelta(minutes=1)


@dataclass
class Everyone:
    """Lets the named members approve everything; who may is `Decisions`' affair."""

    members: tuple[int, ...] = ()
    asked: list[int] = field(default_factory=list)

    async def able(self, connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
        del connection
        self.asked.append(len(request_ids))
        return dict.fromkeys(request_ids, self.members)


@dataclass
class Exchange:
    """The desk, the routing, and whose private conversation is which."""

    desk: Desk
    clock: MovableClock
    authority: Everyone
    routing: Routing
    places: dict[str, int]

    def second(self) -> Routing:
        """A replica of the routing."""
        return routing_of(self.desk.database, self.clock, self.desk, self.authority)

    async def told(self) -> list[tuple[str, str, Message]]:
        """Who was told, of what subject, in what words."""
        names = {place: name for name, place in self.places.items()}
        rows = await self.desk.all(tables.Outbox)
        return [(names[row.conversation_id], row.subject, decode_message(row.message)) for row in rows]

    async def whom(self) -> list[str]:
        return [name for name, _subject, _message in await self.told()]

    async def hours(self, name: str, start: int, end: int) -> None:
        """Change somebody's working hours (UTC)."""
        async with self.desk.database.transaction() as connection:
            await connection.execute(
                update(tables.Member)
                .where(tables.Member.name == name)
                .values(working_from=time(start), working_to=time(end))
            )


def routing_of(
    database: Database, clock: MovableClock, desk: Desk, authority: Everyone, policy: Policy | None = None
) -> Routing:
    shared: dict[str, Any] = {"database": database, "clock": clock}
    audit = Audit(**shared)
    return Routing(
        members=Members(audit=audit, **shared),
        conversations=Conversations(platforms={}, **shared),
        outbox=desk.outbox,
        policies=Policies(audit=audit, initial=policy or default_policy("GBP"), **shared),
        authority=authority,
        **shared,
    )


@pytest.fixture
async def office(database: Database, clock: MovableClock) -> Exchange:
    """Lin Wei at work from 6 to 12 UTC, Greta from 8 to 17, Jonas from 14 to 22; it is Monday, 9 UTC."""
    desk = await open_desk(database, clock)
    places = {}
    async with database.transaction() as connection:
        for name in ("Lin Wei", "Greta", "Jonas"):
            whose = desk.members[name]
            await add(
                connection, tables.Identity, member_id=whose, platform="slack", external_id=f"U-{name}",
                linked_at=clock.now(),
            )  # fmt: skip
            places[name] = await add(
                connection, tables.Conversation, platform="slack", external_id=f"D-{name}", kind="direct",
                member_id=whose,
            )  # fmt: skip
    authority = Everyone((desk.members["Lin Wei"], desk.members["Greta"]))
    made = Exchange(desk, clock, authority, routing_of(database, clock, desk, authority), places)
    for name, start, end in (("Lin Wei", 6, 12), ("Greta", 8, 17), ("Jonas", 14, 22)):
        await made.hours(name, start, end)
    return made


def buttons(message: Message) -> list[Action]:
    return [button for block in message.blocks if isinstance(block, Actions) for button in block.buttons]


async def test_one_request_comes_as_its_own_card_to_one_person_at_work(office: Exchange) -> None:
    number = await office.desk.pending()
    done = await office.routing.tick()
    assert (done.offers, done.messages) == (1, 1)
    [(name, subject, card)] = await office.told()
    assert (name, subject) == ("Lin Wei", f"request:{number}")  # a decision finds this copy and locks it
    assert "approve" in {button.command for button in buttons(card)}


async def test_several_come_as_one_list_with_a_button_each(office: Exchange) -> None:
    await office.hours("Greta", 20, 21)
    numbers = [await office.desk.pending(total) for total in (10_000, 30_000, 20_000)]
    assert (await office.routing.tick()).messages == 1
    [(name, subject, message)] = await office.told()
    assert (name, subject) == ("Lin Wei", "")
    assert [(button.command, button.arguments) for button in buttons(message)] == [
        ("requests", (f"R-{numbers[place]}",)) for place in (1, 2, 0)
    ]


@pytest.mark.databases("sqlite", "postgres")
async def test_a_first_scan_with_hundreds_tells_each_person_once(office: Exchange) -> None:
    numbers = {await office.desk.pending() for _request in range(120)}
    done = await office.routing.tick()
    assert {offer.request_id for offer in await office.desk.all(tables.Offer)} == numbers
    assert done.messages == 2
    assert sorted(await office.whom()) == ["Greta", "Lin Wei"]
    for _tick in range(3):
        office.clock.push(MINUTE)
        assert (await office.routing.tick()).messages == 0
    assert office.authority.asked == [120, 120]  # an idle tick asks nobody's authority


async def test_what_comes_within_the_hour_waits_for_it_unless_urgent(office: Exchange) -> None:
    await office.hours("Greta", 20, 21)
    await office.desk.pending()
    await office.routing.tick()
    await office.desk.pending()
    office.clock.push(59 * MINUTE)
    await office.routing.tick()
    assert len(await office.told()) == 1
    await office.desk.pending(urgent=True)
    await office.routing.tick()
    assert len(await office.told()) == 2
    office.clock.push(61 * MINUTE)
    await office.routing.tick()
    assert len(await office.told()) == 3


async def test_after_the_wait_somebody_else_at_work_is_asked_and_then_the_delegate(office: Exchange) -> None:
    number = await office.desk.pending()
    async with office.desk.database.transaction() as connection:
        await add(
            connection, tables.Delegation, from_member=office.desk.members["Lin Wei"],
            to_member=office.desk.members["Jonas"], starts_at=office.clock.now(),
            ends_at=office.clock.now() + timedelta(days=3), created_at=office.clock.now(),
        )  # fmt: skip
    await office.routing.tick()
    office.clock.push(120 * MINUTE)  # 11:00
    await office.routing.tick()
    assert await office.whom() == ["Lin Wei", "Greta"]
    office.clock.push(200 * MINUTE)  # 14:20: Lin Wei sleeps, his delegate is at work
    await office.routing.tick()
    assert await office.whom() == ["Lin Wei", "Greta", "Jonas"]
    async with office.desk.database.reading() as connection:
        found = await offers.of_request(connection, number)
    assert [(offer.name, offer.reason, offer.version) for offer in found] == [
        ("Lin Wei", "awake", found[0].version), ("Greta", "escalated", found[0].version),
        ("Jonas", "delegate", found[0].version),
    ]  # fmt: skip


async def test_nobody_is_woken_and_the_first_to_wake_is_asked(office: Exchange) -> None:
    office.clock.push(timedelta(hours=11))  # 20:00
    await office.desk.pending(urgent=True, total_minor=1)
    asleep = []
    start = office.clock.now()
    while not await office.told():
        await office.routing.tick()
        asleep.append(office.clock.now())
        office.clock.push(30 * MINUTE)
    assert await office.whom() == ["Lin Wei"]
    assert asleep[-1] == start.replace(hour=6) + timedelta(days=1)  # Tuesday, 6 UTC


@pytest.mark.databases("sqlite", "postgres")
async def test_a_decided_or_lapsed_request_is_put_before_nobody(office: Exchange) -> None:
    decided, lapsed = await office.desk.pending(), await office.desk.pending()
    async with office.desk.database.transaction() as connection:
        rows = tables.Request
        await connection.execute(update(rows).where(rows.id == decided).values(state="approved"))
        await connection.execute(update(rows).where(rows.id == lapsed).values(expires_at=office.clock.now()))
    assert (await office.routing.tick()).offers == 0


@pytest.mark.databases("sqlite", "postgres")
async def test_a_changed_request_comes_back_to_who_saw_it(office: Exchange) -> None:
    number = await office.desk.pending()
    await office.routing.tick()
    office.clock.push(61 * MINUTE)
    async with office.desk.database.transaction() as connection:
        await connection.execute(
            update(tables.Request).where(tables.Request.id == number).values(version=tables.Request.version + 1)
        )
    await office.routing.tick()
    assert await office.whom() == ["Lin Wei", "Lin Wei"]
    async with office.desk.database.reading() as connection:
        versions = [offer.version for offer in await offers.of_request(connection, number)]
    current = (await request_row(office.desk, number)).version
    assert versions == [current - 1, current]


@pytest.mark.databases("sqlite", "postgres")
async def test_replicas_put_nothing_before_anybody_twice(office: Exchange) -> None:
    for _request in range(5):
        await office.desk.pending()
    await asyncio.gather(*(office.second().tick() for _replica in range(4)))
    rows = await office.desk.all(tables.Offer)
    assert len(rows) == len({row.request_id for row in rows}) == 5
    assert len(await office.told()) == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_whoever_cannot_be_reached_leaves_it_to_the_others(office: Exchange) -> None:
    async with office.desk.database.transaction() as connection:
        await connection.execute(
            update(tables.Conversation)
            .where(tables.Conversation.id == office.places["Lin Wei"])
            .values(closed_at=office.clock.now())
        )
    await office.desk.pending()
    done = await office.routing.tick()
    assert (done.unreachable, done.messages) == (1, 1)
    assert await office.whom() == ["Greta"]


async def test_the_waits_are_those_of_the_policy(office: Exchange) -> None:
    hasty = replace(default_policy("GBP"), wait_minutes=10)
    routing = routing_of(office.desk.database, office.clock, office.desk, office.authority, hasty)
    await office.desk.pending()
    await routing.tick()
    office.clock.push(10 * MINUTE)
    await routing.tick()
    assert await office.whom() == ["Lin Wei", "Greta"]
