from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.errors import BadArgument, Refusal, UnknownReference
from bot.ports import MovableClock, Profile
from bot.services.audit import Audit
from bot.services.daysoff import DaysOff
from bot.services.members import Members, working_days
from bot.storage import tables
from bot.storage.database import Database

SLACK, TELEGRAM = ("slack", "U1"), ("telegram", "1001")


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """These run on SQLite alone; what differs between the databases is in test_linking."""
    return sqlite_database


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


async def test_somebody_new_becomes_a_viewer_with_what_their_platform_tells(
    members: Members, database: Database
) -> None:
    asker = await members.of(*SLACK, Profile("Lin Wei", zone="Asia/Shanghai", language="zh-Hans", handle="lin"))
    assert (asker.role, asker.language, asker.zone.key) == ("viewer", "zh_CN", "Asia/Shanghai")
    view = await members.get(asker.member_id)
    assert view.zone_known
    assert view.platforms == ("slack",)
    assert await members.of(*SLACK, Profile("Lin Wei")) == asker
    assert await actions(database) == ["member.seen"]


async def test_where_a_platform_tells_no_zone_the_organisation_s_is_assumed(members: Members) -> None:
    asker = await members.of(*TELEGRAM, Profile("Nok"))
    assert asker.zone.key == "Europe/Berlin"
    assert not (await members.get(asker.member_id)).zone_known


async def test_the_zone_is_asked_for_once_and_only_where_it_is_not_known(members: Members) -> None:
    asker = await members.of(*TELEGRAM, Profile("Nok"))
    assert await members.ask_zone(asker.member_id)
    assert not await members.ask_zone(asker.member_id)
    known = await members.of(*SLACK, Profile("Lin", zone="Asia/Shanghai"))
    assert not await members.ask_zone(known.member_id)


async def test_a_zone_that_makes_no_sense_is_not_believed(members: Members) -> None:
    asker = await members.of(*SLACK, Profile("Lin", zone="Moon/Base"))
    assert asker.zone.key == "Europe/Berlin"


async def test_a_traveller_s_zone_is_followed_and_the_digest_planned_anew(members: Members, database: Database) -> None:
    asker = await members.of(*SLACK, Profile("Lin", zone="Asia/Shanghai"))
    async with database.transaction() as connection:
        await connection.execute(update(tables.Member).values(next_digest_at=datetime(2011, 11, 22, 1, tzinfo=UTC)))
    assert (await members.of(*SLACK, Profile("Lin", zone="Europe/Berlin"))).zone.key == "Europe/Berlin"
    assert (await rows(database, tables.Member))[0].next_digest_at is None
    assert (await members.asker(asker.member_id)).zone.key == "Europe/Berlin"


async def test_two_people_of_one_name_are_two_members(members: Members) -> None:
    one = await members.of("slack", "U1", Profile("Wang Wei"))
    two = await members.of("slack", "U2", Profile("Wang Wei"))
    assert one.member_id != two.member_id
    assert two.name == "Wang Wei (2)"


async def test_where_nobody_is_admitted_by_speaking_one_stays_a_stranger(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    closed = Members(database=database, clock=clock, audit=audit, admit=frozenset({"slack"}))
    asker = await closed.of(*TELEGRAM, Profile("Eve", language="zh"))
    assert (asker.member_id, asker.role, asker.language) == (0, "viewer", "zh_CN")
    assert await rows(database, tables.Member) == []


async def test_a_deactivated_person_is_a_stranger(members: Members, database: Database) -> None:
    await members.of(*SLACK, Profile("Lin"))
    async with database.transaction() as connection:
        await connection.execute(update(tables.Member).values(active=False))
    assert (await members.of(*SLACK, Profile("Lin"))).member_id == 0


async def test_awake_follows_zone_hours_days_and_holidays(members: Members, clock: MovableClock) -> None:
    lin = await members.of(*SLACK, Profile("Lin", zone="Asia/Shanghai"))  # Monday 17:00 there
    assert (await members.get(lin.member_id)).awake
    clock.push(timedelta(hours=1))
    asleep = await members.get(lin.member_id)
    assert not asleep.awake
    assert asleep.awake_from == datetime(2011, 11, 22, 1, tzinfo=UTC)
    await members.update(lin.member_id, workdays="67")
    assert (await members.get(lin.member_id)).awake_from == datetime(2011, 11, 26, 1, tzinfo=UTC)


async def test_a_public_holiday_is_a_day_off(members: Members, clock: MovableClock) -> None:
    clock.push(timedelta(days=3))  # Thursday the 24th of November 2011: Thanksgiving
    maria = await members.of("slack", "U2", Profile("Maria", zone="America/Chicago"))
    clock.push(timedelta(hours=7))  # 10:00 in Austin
    assert (await members.get(maria.member_id)).awake
    await members.update(maria.member_id, country="us")
    view = await members.get(maria.member_id)
    assert not view.awake
    assert view.awake_from == datetime(2011, 11, 25, 15, tzinfo=UTC)


async def test_everyone_lists_those_at_work_first_then_who_is_back_soonest(members: Members) -> None:
    for name, zone in (("Austin", "America/Chicago"), ("Shenzhen", "Asia/Shanghai"), ("Auckland", "Pacific/Auckland")):
        await members.add(name, zone=zone)
    assert [view.name for view in await members.everyone()] == ["Shenzhen", "Austin", "Auckland"]


Change = Callable[[Members, int], Any]


@pytest.mark.parametrize(
    "change",
    [
        lambda members, number: members.update(number, zone="Mars"),
        lambda members, number: members.update(number, zone="../etc/passwd"),
        lambda members, number: members.update(number, country="XX"),
        lambda members, number: members.update(number, country="Germany"),
        lambda members, number: members.update(number, workdays="8"),
        lambda members, number: members.update(number, workdays=""),
    ],
)
async def test_a_setting_that_makes_no_sense_is_refused_and_nothing_changes(members: Members, change: Change) -> None:
    lin = await members.of(*SLACK, Profile("Lin", zone="Asia/Shanghai"))
    before = await members.get(lin.member_id)
    with pytest.raises(BadArgument):
        await change(members, lin.member_id)
    assert await members.get(lin.member_id) == before


async def test_a_name_or_an_identity_that_is_taken_is_refused_whole(members: Members, database: Database) -> None:
    await members.add("Jonas", identities={"slack": "U9"})
    with pytest.raises(Refusal):
        await members.add("Jonas")
    with pytest.raises(Refusal):
        await members.add("Greta", identities={"telegram": "1", "slack": "U9"})
    assert len(await rows(database, tables.Member)) == 1
    assert len(await rows(database, tables.Identity)) == 1


async def test_nobody_of_that_number_or_name_is_said_so(members: Members) -> None:
    for attempt in (
        members.get(9),
        members.asker(9),
        members.set_role("Nobody", "buyer"),
        members.update(9, zone="UTC"),
    ):
        with pytest.raises(UnknownReference):
            await attempt


def test_days_off_are_those_of_the_country_in_any_year() -> None:
    calendar = DaysOff()
    assert date(2011, 10, 3) in calendar.of("CN")
    assert date(2026, 10, 1) in calendar.of("cn")
    assert date(2011, 10, 3) in calendar.of("DE")
    assert date(2011, 10, 3) not in calendar.of("US")
    assert date(2011, 10, 3) not in calendar.of("ZZ")
    assert not calendar.knows("")


def test_iso_weekdays_count_from_monday_as_zero() -> None:
    assert working_days("12345") == frozenset({0, 1, 2, 3, 4})
    assert working_days("7") == frozenset({6})
