import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from bot.chat.command import Asker, Origin, Role
from bot.errors import BadArgument, NotAllowed
from bot.ports import MovableClock, Profile
from bot.services.audit import Audit
from bot.services.linking import LIFE, TRIES, AnswerBack, AskFirst, Linked, LinkOutcome
from bot.services.members import Members
from bot.services.topics import Topics
from bot.storage import digests, tables
from bot.storage.database import Database

SLACK, TELEGRAM = ("slack", "U1"), ("telegram", "1001")
AT_SLACK, AT_TELEGRAM = Origin(*SLACK, "D1", "direct"), Origin(*TELEGRAM, "1001", "direct")
STRANGER = Asker(0, "Eve", "viewer", "en", ZoneInfo("UTC"))


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


async def half(members: Members, asker: Asker, *, confirmed: bool = False) -> str:
    """A code got on Slack and entered on Telegram; the second code."""
    first, _until = await members.issue_code(asker, AT_SLACK)
    answer = await members.redeem(STRANGER, AT_TELEGRAM, first, confirmed=confirmed)
    assert isinstance(answer, AnswerBack)
    return answer.code


async def whole(members: Members, asker: Asker, *, there: bool = False, back: bool = False) -> LinkOutcome:
    """Both codes, entered; `there` and `back` say yes to the question on either side."""
    second = await half(members, asker, confirmed=there)
    return await members.redeem(asker, AT_SLACK, second, confirmed=back)


async def test_a_code_from_each_side_makes_one_person(members: Members, database: Database, audit: Audit) -> None:
    slack, telegram = await on_both(members)
    first, expires_at = await members.issue_code(slack, AT_SLACK)
    assert expires_at - datetime(2011, 11, 21, 9, tzinfo=UTC) == LIFE
    answer = await members.redeem(telegram, AT_TELEGRAM, first.lower().replace("-", " "))
    assert isinstance(answer, AnswerBack)
    assert (answer.platform, answer.expires_at) == ("slack", expires_at)
    assert len(await members.everyone()) == 2  # one side alone joins nothing
    assert await members.redeem(slack, AT_SLACK, answer.code) == Linked(slack.member_id)
    for identity in (SLACK, TELEGRAM):
        assert (await members.of(*identity, Profile("x"))).member_id == slack.member_id
    assert (await members.get(slack.member_id)).platforms == ("slack", "telegram")
    assert [view.name for view in await members.everyone()] == ["Lin Wei"]
    assert (await actions(database))[-1] == "member.linked"
    assert (await audit.verify()).broken_at is None


async def test_whoever_has_a_role_is_asked_before_it_is_shared(members: Members) -> None:
    slack, _telegram = await on_both(members, slack="approver")
    second = await half(members, slack)
    assert await members.redeem(slack, AT_SLACK, second) == AskFirst("Eve", "telegram", "approver")
    assert (await members.of(*TELEGRAM, Profile("x"))).role == "viewer"
    assert await members.redeem(slack, AT_SLACK, second, confirmed=True) == Linked(slack.member_id)
    assert (await members.of(*TELEGRAM, Profile("x"))).role == "approver"


async def test_a_stranger_may_enter_a_code_and_become_that_person(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    closed = Members(database=database, clock=clock, audit=audit, admit=frozenset({"slack"}))
    lin = await closed.of(*SLACK, Profile("Lin"))
    assert await whole(closed, lin) == Linked(lin.member_id)
    assert (await closed.of(*TELEGRAM, Profile("x"))).member_id == lin.member_id


async def test_only_the_hash_of_a_code_is_kept(members: Members, database: Database) -> None:
    slack, _telegram = await on_both(members)
    second = await half(members, slack)
    stored = str(await rows(database, tables.LinkCode)) + str(await rows(database, tables.Audit))
    assert second not in stored
    assert second.replace("-", "") not in stored


async def test_a_code_works_once_in_ten_minutes_and_a_new_one_kills_the_old(
    members: Members, clock: MovableClock
) -> None:
    slack, telegram = await on_both(members)
    first, _until = await members.issue_code(slack, AT_SLACK)
    second, _until = await members.issue_code(slack, AT_SLACK)
    with pytest.raises(BadArgument):
        await members.redeem(telegram, AT_TELEGRAM, first)
    clock.push(LIFE)
    with pytest.raises(BadArgument):
        await members.redeem(telegram, AT_TELEGRAM, second)
    late = await half(members, slack)
    clock.push(LIFE)
    with pytest.raises(BadArgument):
        await members.redeem(slack, AT_SLACK, late)
    old, new = await half(members, slack), await half(members, slack)
    with pytest.raises(BadArgument):
        await members.redeem(slack, AT_SLACK, old)
    assert await members.redeem(slack, AT_SLACK, new) == Linked(slack.member_id)
    with pytest.raises(BadArgument):
        await members.redeem(slack, AT_SLACK, new)


async def test_the_second_code_has_ten_minutes_of_its_own(members: Members, clock: MovableClock) -> None:
    slack, telegram = await on_both(members)
    first, _until = await members.issue_code(slack, AT_SLACK)
    clock.push(LIFE - timedelta(seconds=1))
    answer = await members.redeem(telegram, AT_TELEGRAM, first)
    assert isinstance(answer, AnswerBack)
    clock.push(LIFE - timedelta(seconds=1))
    assert await members.redeem(slack, AT_SLACK, answer.code) == Linked(slack.member_id)


async def test_wrong_codes_shut_the_door_for_a_while_even_for_the_right_one(
    members: Members, clock: MovableClock
) -> None:
    slack, telegram = await on_both(members)
    second = await half(members, slack)
    for origin, asker, right in ((AT_TELEGRAM, telegram, "AAAAA-AAAAA"), (AT_SLACK, slack, second)):
        for _try in range(TRIES):
            with pytest.raises(BadArgument):
                await members.redeem(asker, origin, "AAAAA-AAAAA")
        with pytest.raises(NotAllowed):
            await members.redeem(asker, origin, right)
    clock.push(LIFE + timedelta(seconds=1))
    assert await whole(members, slack) == Linked(slack.member_id)


async def test_a_code_entered_where_it_was_got_is_refused_and_not_used_up(members: Members) -> None:
    slack, telegram = await on_both(members)
    mallory = await members.of("slack", "U2", Profile("Mallory"))
    code, _until = await members.issue_code(slack, AT_SLACK)
    with pytest.raises(BadArgument, match="other platform"):
        await members.redeem(mallory, Origin("slack", "U2", "D2", "direct"), code)
    assert isinstance(await members.redeem(telegram, AT_TELEGRAM, code), AnswerBack)


@pytest.mark.parametrize("platform", ["slack", "telegram"])
async def test_the_second_code_is_worth_nothing_to_anybody_else(members: Members, platform: str) -> None:
    slack, telegram = await on_both(members)
    mallory = await members.of(platform, "666", Profile("Mallory"))
    second = await half(members, slack)
    with pytest.raises(BadArgument, match="wrong, used"):
        await members.redeem(mallory, Origin(platform, "666", "D6", "direct"), second)
    with pytest.raises(BadArgument, match="wrong, used"):
        await members.redeem(telegram, AT_TELEGRAM, second)  # where it was got
    assert await members.redeem(slack, AT_SLACK, second) == Linked(slack.member_id)


async def test_a_first_code_in_wrong_hands_joins_nobody(members: Members) -> None:
    slack, telegram = await on_both(members, slack="approver")
    mallory = await members.of("telegram", "666", Profile("Mallory"))
    first, _until = await members.issue_code(slack, AT_SLACK)
    theirs = await members.redeem(mallory, Origin("telegram", "666", "666", "direct"), first)
    assert isinstance(theirs, AnswerBack)
    mine = await members.redeem(telegram, AT_TELEGRAM, first)
    assert isinstance(mine, AnswerBack)
    outcome = await members.redeem(slack, AT_SLACK, mine.code, confirmed=True)
    assert outcome == Linked(slack.member_id)
    with pytest.raises(BadArgument):
        await members.redeem(slack, AT_SLACK, theirs.code, confirmed=True)
    assert (await members.of("telegram", "666", Profile("x"))).role == "viewer"


async def test_the_second_code_goes_where_the_first_was_got(members: Members) -> None:
    slack, telegram = await on_both(members)
    group = Origin(*SLACK, "C1", "group")
    first, _until = await members.issue_code(slack, group)
    answer = await members.redeem(telegram, AT_TELEGRAM, first)
    assert isinstance(answer, AnswerBack)
    for elsewhere in (AT_SLACK, Origin(*SLACK, "C2", "group")):
        with pytest.raises(BadArgument, match="conversation"):
            await members.redeem(slack, elsewhere, answer.code)
    assert await members.redeem(slack, group, answer.code) == Linked(slack.member_id)


async def test_one_s_own_page_is_as_good_as_one_s_private_conversation(members: Members) -> None:
    slack, telegram = await on_both(members)
    first, _until = await members.issue_code(slack, Origin(*SLACK, "U1", "home"))
    answer = await members.redeem(telegram, AT_TELEGRAM, first)
    assert isinstance(answer, AnswerBack)
    assert await members.redeem(slack, AT_SLACK, answer.code) == Linked(slack.member_id)


async def test_an_approver_who_enters_a_viewer_s_code_is_asked_first(members: Members) -> None:
    viewer, approver = await on_both(members, telegram="approver")
    first, _until = await members.issue_code(viewer, AT_SLACK)
    assert await members.redeem(approver, AT_TELEGRAM, first) == AskFirst("Lin Wei", "slack", "approver")
    assert (await members.of(*SLACK, Profile("x"))).role == "viewer"
    assert await whole(members, viewer, there=True) == Linked(approver.member_id)
    kept = await members.of(*SLACK, Profile("x"))
    assert (kept.member_id, kept.role) == (approver.member_id, "approver")
    assert kept.zone.key == "Asia/Shanghai"  # known to the one who was joined


async def test_two_linked_people_are_never_joined(members: Members, database: Database) -> None:
    slack, telegram = await on_both(members)
    await whole(members, slack)
    other = await members.of("slack", "U2", Profile("Jonas"))
    code, _until = await members.issue_code(other, Origin("slack", "U2", "D2", "direct"))
    with pytest.raises(NotAllowed):
        await members.redeem(telegram, AT_TELEGRAM, code)
    again, _until = await members.issue_code(slack, AT_SLACK)
    with pytest.raises(NotAllowed, match="linked already"):
        await members.redeem(telegram, AT_TELEGRAM, again)
    assert len([row for row in await rows(database, tables.Member) if row.active]) == 2


async def test_a_role_given_between_the_two_codes_is_looked_at_again(members: Members) -> None:
    slack, _telegram = await on_both(members, slack="buyer")
    second = await half(members, slack)
    await members.set_role("林伟", "approver")
    with pytest.raises(NotAllowed, match="two different roles"):
        await members.redeem(slack, AT_SLACK, second, confirmed=True)


async def test_two_different_roles_or_reaches_are_not_joined(members: Members, database: Database) -> None:
    slack, telegram = await on_both(members, slack="buyer", telegram="approver")
    code, _until = await members.issue_code(slack, AT_SLACK)
    with pytest.raises(NotAllowed, match="two different roles"):
        await members.redeem(telegram, AT_TELEGRAM, code)
    await members.set_role("Lin Wei", "approver")
    async with database.transaction() as connection:
        values = {"member_id": slack.member_id, "kind": "location", "code": "UK"}
        await connection.execute(insert(tables.MemberScope).values(**values))
    with pytest.raises(NotAllowed, match="reach different places"):
        await members.redeem(telegram, AT_TELEGRAM, code)


async def test_a_second_code_entered_twice_at_once_joins_once(members: Members, database: Database) -> None:
    slack, _telegram = await on_both(members)
    second = await half(members, slack)
    outcomes = await asyncio.gather(
        *(members.redeem(slack, AT_SLACK, second) for _time in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Linked) for outcome in outcomes) == 1
    linked = [row for row in await rows(database, tables.Identity) if row.member_id == slack.member_id]
    assert sorted(row.platform for row in linked) == ["slack", "telegram"]


async def test_a_morning_that_either_had_is_had_by_the_one(
    members: Members, database: Database, clock: MovableClock
) -> None:
    slack, telegram = await on_both(members, slack="approver")
    today, now = clock.now().date(), clock.now()
    mornings = [
        (slack.member_id, today - timedelta(days=1), "sent"),
        (telegram.member_id, today - timedelta(days=1), "late"),
        (telegram.member_id, today, "sent"),
    ]
    async with database.transaction() as connection:
        for member_id, on, state in mornings:
            assert await digests.record(connection, member_id, on, now, now, state)
    await whole(members, slack, back=True)
    async with database.transaction() as connection:
        assert not await digests.record(connection, slack.member_id, today, now, now, "sent")
        assert await digests.last_sent(connection, slack.member_id) == (today, now)
    assert len(await rows(database, tables.DigestEntry)) == 3


async def test_what_one_asked_for_before_linking_stays_one_s_own(
    members: Members, database: Database, clock: MovableClock
) -> None:
    slack, telegram = await on_both(members, slack="approver")
    async with database.transaction() as connection:
        location = {"code": "UK", "name": "UK", "zone": "UTC", "country": "GB", "currency": "GBP", "markets": []}
        place = await connection.execute(insert(tables.Location).values(**location).returning(tables.Location.id))
        request = {
            "kind": "purchase_order", "state": "pending", "location_id": place.scalar_one(), "total_minor": 1,
            "currency": "GBP", "detail": {}, "requested_by": telegram.member_id, "created_at": clock.now(),
        }  # fmt: skip
        made = await connection.execute(insert(tables.Request).values(**request).returning(tables.Request.id))
        offer = {"request_id": made.scalar_one(), "version": 1, "reason": "awake", "at": clock.now()}
        for member_id in (slack.member_id, telegram.member_id):
            await connection.execute(insert(tables.Offer).values(member_id=member_id, **offer))
    await whole(members, slack, back=True)
    assert (await rows(database, tables.Request))[0].requested_by == slack.member_id
    assert len(await rows(database, tables.Offer)) == 2


async def test_a_stranger_gets_no_code(members: Members, database: Database) -> None:
    await members.of(*SLACK, Profile("Lin"))
    with pytest.raises(NotAllowed):
        await members.issue_code(STRANGER, AT_TELEGRAM)
    assert await rows(database, tables.LinkCode) == []


async def test_an_administrator_s_changes_are_in_the_audit_log(
    members: Members, database: Database, audit: Audit
) -> None:
    added = await members.add("Jonas", role="buyer", identities={"slack": "U9"})
    await members.set_role("Jonas", "approver")
    assert added.platforms == ("slack",)
    assert await actions(database) == ["member.added", "member.role"]
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
