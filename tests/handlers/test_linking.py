import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.chat.command import Asker, Origin, Role
from bot.domain.money import Money
from bot.errors import BadArgument, NotAllowed, Refusal
from bot.ports import MovableClock, Profile
from bot.services.audit import Audit
from bot.services.linking import LIFE, TRIES, AskFirst, Linked
from bot.services.members import Members
from bot.services.topics import Topics
from bot.storage import tables
from bot.storage.database import Database

SLACK, TELEGRAM = ("slack", "U1"), ("telegram", "1001")


@pytest.fixture
def audit(database: Database, clock: MovableClock) -> Audit:
    return Audit(database=database, clock=clock)


@pytest.fixture
def members(database: Database, clock: MovableClock, audit: Audit) -> Members:
    return Members(database=database, clock=clock, audit=audit, default_zone="Europe/Berlin")


async def rows(database: Database, table: type[tables.Base]) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(select(*table.__table__.columns).order_by(*table.__table__.primary_key)))


async def actions(database: Database) -> list[str]:
    return [row.action for row in await rows(database, tables.Audit)]


async def on_both(members: Members, slack: Role = "viewer", telegram: Role = "viewer") -> tuple[Asker, Asker]:
    """The same person as two members, one on each platform."""
    one = await members.of(*SLACK, Profile("Lin Wei", zone="Asia/Shanghai", language="zh-CN"))
    two = await members.of(*TELEGRAM, Profile("林伟"))
    await members.set_role("Lin Wei", slack)
    await members.set_role("林伟", telegram)
    return await members.asker(one.member_id), await members.asker(two.member_id)


async def test_two_first_events_at_once_make_one_member(members: Members, database: Database) -> None:
    found = await asyncio.gather(*(members.of(*SLACK, Profile("Lin")) for _time in range(5)))
    assert len({asker.member_id for asker in found}) == 1
    assert len(await rows(database, tables.Identity)) == 1


async def test_a_code_from_one_platform_entered_on_the_other_makes_one_person(
    members: Members, database: Database, audit: Audit
) -> None:
    slack, _telegram = await on_both(members, slack="approver")
    code, expires_at = await members.issue_code(slack, *SLACK)
    assert expires_at - datetime(2011, 11, 21, 9, tzinfo=UTC) == LIFE
    outcome = await members.redeem(*TELEGRAM, code.lower().replace("-", " "))
    assert outcome == Linked(slack.member_id)
    for identity in (SLACK, TELEGRAM):
        found = await members.of(*identity, Profile("x"))
        assert (found.member_id, found.role) == (slack.member_id, "approver")
    assert (await members.get(slack.member_id)).platforms == ("slack", "telegram")
    assert [view.name for view in await members.everyone()] == ["Lin Wei"]
    assert (await actions(database))[-1] == "member.linked"
    assert (await audit.verify()).broken_at is None


async def test_a_stranger_may_enter_a_code_and_become_that_person(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    closed = Members(database=database, clock=clock, audit=audit, admit=frozenset({"slack"}))
    lin = await closed.of(*SLACK, Profile("Lin"))
    code, _until = await closed.issue_code(lin, *SLACK)
    assert await closed.redeem(*TELEGRAM, code) == Linked(lin.member_id)
    assert (await closed.of(*TELEGRAM, Profile("x"))).member_id == lin.member_id


async def test_only_the_hash_of_a_code_is_kept(members: Members, database: Database) -> None:
    slack, _telegram = await on_both(members)
    code, _until = await members.issue_code(slack, *SLACK)
    stored = str(await rows(database, tables.LinkCode)) + str(await rows(database, tables.Audit))
    assert code not in stored
    assert code.replace("-", "") not in stored


async def test_a_code_works_once_in_ten_minutes_and_a_new_one_kills_the_old(
    members: Members, clock: MovableClock
) -> None:
    slack, _telegram = await on_both(members)
    first, _until = await members.issue_code(slack, *SLACK)
    second, _until = await members.issue_code(slack, *SLACK)
    with pytest.raises(BadArgument):
        await members.redeem(*TELEGRAM, first)
    clock.push(LIFE)
    with pytest.raises(BadArgument):
        await members.redeem(*TELEGRAM, second)
    third, _until = await members.issue_code(slack, *SLACK)
    assert await members.redeem(*TELEGRAM, third) == Linked(slack.member_id)
    with pytest.raises(Refusal):
        await members.redeem("telegram", "666", third)


async def test_wrong_codes_shut_the_door_for_a_while_even_for_the_right_one(
    members: Members, clock: MovableClock
) -> None:
    slack, _telegram = await on_both(members)
    code, _until = await members.issue_code(slack, *SLACK)
    for _try in range(TRIES):
        with pytest.raises(BadArgument):
            await members.redeem(*TELEGRAM, "AAAAA-AAAAA")
    with pytest.raises(NotAllowed):
        await members.redeem(*TELEGRAM, code)
    clock.push(LIFE + timedelta(seconds=1))
    fresh, _until = await members.issue_code(slack, *SLACK)
    assert await members.redeem(*TELEGRAM, fresh) == Linked(slack.member_id)


async def test_a_code_entered_where_it_was_got_is_refused_and_not_used_up(members: Members) -> None:
    slack, _telegram = await on_both(members)
    await members.of("slack", "U2", Profile("Mallory"))
    code, _until = await members.issue_code(slack, *SLACK)
    with pytest.raises(BadArgument, match="other platform"):
        await members.redeem("slack", "U2", code)
    assert await members.redeem(*TELEGRAM, code) == Linked(slack.member_id)


async def test_an_approver_who_enters_a_viewer_s_code_is_asked_first(members: Members) -> None:
    viewer, approver = await on_both(members, telegram="approver")
    code, _until = await members.issue_code(viewer, *SLACK)
    assert await members.redeem(*TELEGRAM, code) == AskFirst("Lin Wei", "slack", "approver")
    assert (await members.of(*SLACK, Profile("x"))).role == "viewer"
    assert await members.redeem(*TELEGRAM, code, confirmed=True) == Linked(approver.member_id)
    kept = await members.of(*SLACK, Profile("x"))
    assert (kept.member_id, kept.role) == (approver.member_id, "approver")
    assert kept.zone.key == "Asia/Shanghai"  # known to the one who was joined


async def test_two_linked_people_are_never_joined(members: Members, database: Database) -> None:
    slack, _telegram = await on_both(members)
    code, _until = await members.issue_code(slack, *SLACK)
    await members.redeem(*TELEGRAM, code)
    other = await members.of("slack", "U2", Profile("Jonas"))
    code, _until = await members.issue_code(other, "slack", "U2")
    with pytest.raises(NotAllowed):
        await members.redeem(*TELEGRAM, code)
    again, _until = await members.issue_code(slack, *SLACK)
    with pytest.raises(NotAllowed, match="linked already"):
        await members.redeem(*TELEGRAM, again)
    assert len([row for row in await rows(database, tables.Member) if row.active]) == 2


async def test_two_different_roles_are_not_joined(members: Members) -> None:
    slack, _telegram = await on_both(members, slack="buyer", telegram="approver")
    code, _until = await members.issue_code(slack, *SLACK)
    with pytest.raises(NotAllowed, match="two different roles"):
        await members.redeem(*TELEGRAM, code)


async def test_a_code_entered_twice_at_once_joins_one_person(members: Members, database: Database) -> None:
    slack, _telegram = await on_both(members)
    await members.of("telegram", "2002", Profile("Mallory"))
    code, _until = await members.issue_code(slack, *SLACK)
    outcomes = await asyncio.gather(
        members.redeem(*TELEGRAM, code), members.redeem("telegram", "2002", code), return_exceptions=True
    )
    assert sum(isinstance(outcome, Linked) for outcome in outcomes) == 1
    linked = [row for row in await rows(database, tables.Identity) if row.member_id == slack.member_id]
    assert sorted(row.platform for row in linked) == ["slack", "telegram"]


async def test_what_one_asked_for_before_linking_stays_one_s_own(
    members: Members, database: Database, clock: MovableClock
) -> None:
    slack, telegram = await on_both(members, slack="approver")
    async with database.transaction() as connection:
        place = await connection.execute(
            tables.Location.__table__.insert()  # type: ignore[attr-defined]  # a Table
            .values(code="UK", name="UK", zone="UTC", country="GB", currency="GBP", markets=[])
            .returning(tables.Location.id)
        )
        await connection.execute(
            tables.Request.__table__.insert().values(  # type: ignore[attr-defined]  # a Table
                kind="purchase_order", state="pending", location_id=place.scalar_one(), total_minor=1, currency="GBP",
                detail={}, requested_by=telegram.member_id, created_at=clock.now(), version=1, decided_platform="",
                comment="",
            )
        )  # fmt: skip
    code, _until = await members.issue_code(slack, *SLACK)
    await members.redeem(*TELEGRAM, code)
    assert (await rows(database, tables.Request))[0].requested_by == slack.member_id


async def test_a_stranger_gets_no_code(members: Members, database: Database) -> None:
    stranger = Asker(0, "Eve", "viewer", "en", (await members.of(*SLACK, Profile("Lin"))).zone)
    with pytest.raises(NotAllowed):
        await members.issue_code(stranger, *TELEGRAM)
    assert await rows(database, tables.LinkCode) == []


async def test_an_administrator_s_changes_are_in_the_audit_log(
    members: Members, database: Database, audit: Audit
) -> None:
    added = await members.add("Jonas", role="buyer", identities={"slack": "U9"})
    await members.set_role("Jonas", "approver")
    await members.set_limit("approver", Money.of_minor(500_000, "GBP"))
    await members.set_limit("approver", Money.of_minor(600_000, "GBP"))
    assert added.platforms == ("slack",)
    assert await members.limits() == (("approver", Money.of_minor(600_000, "GBP")),)
    assert await actions(database) == ["member.added", "member.role", "limit.set", "limit.set"]
    assert (await audit.verify()).broken_at is None


async def test_a_conversation_keeps_its_topics_by_place(database: Database, clock: MovableClock) -> None:
    topics = Topics(database=database, clock=clock)
    origin = Origin("slack", "U1", "C1", "group")
    assert await topics.of(origin) == ()
    assert await topics.subscribe(origin, "surge")
    assert await topics.subscribe(origin, "restock", "UK")
    assert await topics.subscribe(origin, "restock", "DE")
    assert not await topics.subscribe(origin, "restock", "DE")
    assert await topics.of(origin) == (("restock", "DE"), ("restock", "UK"), ("surge", ""))
    assert await topics.of(Origin("slack", "U1", "C2", "group")) == ()
    assert await topics.unsubscribe(origin, "restock")
    assert not await topics.unsubscribe(origin, "restock")
    assert await topics.of(origin) == (("surge", ""),)
