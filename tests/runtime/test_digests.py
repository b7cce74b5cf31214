"""Each member's morning: once per local date, whatever the clocks do; late ones marked, lost ones named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from bot import settings
from bot.bootstrap import App, build
from bot.chat.nodes import Badge, Day
from bot.errors import ConversationGone, RateLimited, Unreachable
from bot.ports import MovableClock
from bot.services.courier import walk
from bot.services.mornings import Mornings
from bot.storage.database import Database
from bot.storage.tables import DigestEntry, Identity, Member
from tests.runtime.recorder import Recorder

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@dataclass
class House:
    """The application, its clock, and what its one platform was told."""

    app: App
    clock: MovableClock
    slack: Recorder

    async def member(self, member_id: int, zone: str, at: time | None = time(9), **more: Any) -> None:
        """Add a member with a Slack identity."""
        values = {
            "id": member_id,
            "name": f"M{member_id}",
            "zone": zone,
            "digest_at": at,
            "created_at": self.clock.now(),
            **more,
        }
        async with self.app.services.database.transaction() as connection:
            await connection.execute(insert(Member).values(**values))
            await connection.execute(
                insert(Identity).values(
                    member_id=member_id, platform="slack", external_id=f"U{member_id}", linked_at=self.clock.now()
                )
            )

    async def tick(self, at: datetime | None = None) -> Any:
        """Move the clock to `at`, tick and deliver."""
        if at is not None:
            self.clock.push(at - self.clock.now())
        done = await self.app.services.digests.tick(self.clock.now())
        await self.app.delivery.drain()
        return done

    async def ledger(self) -> list[tuple[date, str]]:
        """(local date, state) of every morning."""
        async with self.app.services.database.reading() as connection:
            found = await connection.execute(
                select(DigestEntry.local_date, DigestEntry.state).order_by(DigestEntry.local_date)
            )
            return [(row[0], row[1]) for row in found]


def local(zone: str, *moment: int) -> datetime:
    """An instant by the clocks of a zone."""
    return datetime(*moment, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc, arg-type]


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """The application; it is Monday 2011-11-21, 09:00 UTC."""
    slack = Recorder("slack")
    url = database.url.render_as_string(hide_password=False)
    app = build(settings.given(database={"url": url}), clock, [slack])
    yield House(app, clock, slack)
    await app.close()


async def test_a_digest_comes_at_nine_of_each_members_own_morning(house: House) -> None:
    await house.member(1, "Asia/Shanghai")
    await house.member(2, "America/Chicago")
    assert (await house.tick()).planned == 2
    await house.tick(local("America/Chicago", 2011, 11, 21, 8, 59))
    assert house.slack.told == []
    await house.tick(local("America/Chicago", 2011, 11, 21, 9, 0))
    assert [told.conversation for told in house.slack.told] == ["D-U2"]
    await house.tick(local("Asia/Shanghai", 2011, 11, 22, 9, 0))
    assert [told.conversation for told in house.slack.told] == ["D-U2", "D-U1"]
    assert await house.ledger() == [(date(2011, 11, 21), "sent"), (date(2011, 11, 22), "sent")]


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", datetime(2012, 3, 23, 0, 0, tzinfo=UTC)),  # clocks go forward on the 25th
        ("America/Chicago", datetime(2011, 11, 4, 0, 0, tzinfo=UTC)),  # and back on the 6th
        ("Pacific/Apia", datetime(2011, 12, 28, 0, 0, tzinfo=UTC)),  # the 30th does not exist
    ],
)
async def test_every_local_date_gets_one_digest_across_a_change_of_clocks(
    sqlite_database: Database, zone: str, start: datetime
) -> None:
    clock, slack = MovableClock(start, frozen=True), Recorder("slack")
    app = build(settings.given(database={"url": str(sqlite_database.url)}), clock, [slack])
    house = House(app, clock, slack)
    await house.member(1, zone, time(2, 30), workdays="1234567")
    days = 5
    for _step in range(days * 24 * 4):
        await app.services.digests.tick(clock.now())
        clock.push(timedelta(minutes=15))
    ledger = await house.ledger()
    first = ledger[0][0]
    wanted = [first + timedelta(days=ahead) for ahead in range(days + 1)]
    missing = {date(2011, 12, 30)} if zone == "Pacific/Apia" else set()
    assert [on for on, _state in ledger] == [on for on in wanted if on not in missing][: len(ledger)]
    assert len(ledger) >= days - 1
    assert {state for _on, state in ledger} == {"sent"}
    await app.close()


@pytest.mark.databases("sqlite", "postgres")
async def test_two_workers_at_once_send_each_morning_once(database: Database, clock: MovableClock) -> None:
    slack = Recorder("slack")
    url = database.url.render_as_string(hide_password=False)
    apps = [build(settings.given(database={"url": url}), clock, [slack]) for _process in range(2)]
    house = House(apps[0], clock, slack)
    for member_id in range(1, 9):
        await house.member(member_id, "Europe/Berlin")
    await house.tick()
    clock.push(local("Europe/Berlin", 2011, 11, 22, 9, 0) - clock.now())
    done = await asyncio.gather(*(app.services.digests.tick(clock.now()) for app in apps))
    await apps[0].delivery.drain()
    for app in apps:
        await app.close()
    assert sum(one.sent for one in done) == 8
    assert sorted(told.conversation for told in slack.told) == [f"D-U{number}" for number in range(1, 9)]


async def test_a_digest_up_to_four_hours_late_is_sent_and_marked(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    done = await house.tick(local("UTC", 2011, 11, 21, 13, 30))
    assert (done.sent, done.late) == (0, 1)
    assert any(isinstance(node, Badge) for node in walk(house.slack.told[0].message))
    assert await house.ledger() == [(date(2011, 11, 21), "late")]


async def test_a_later_one_joins_the_next_which_says_what_it_stands_for(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    done = await house.tick(local("UTC", 2011, 11, 21, 14, 30))
    assert (done.sent, done.put_off) == (0, 1)
    assert house.slack.told == []
    await house.tick(local("UTC", 2011, 11, 22, 10, 0))
    assert len(house.slack.told) == 1
    days = [node.on for node in walk(house.slack.told[0].message) if isinstance(node, Day)]
    assert days[:2] == [date(2011, 11, 22), date(2011, 11, 21)]
    assert await house.ledger() == [(date(2011, 11, 21), "merged"), (date(2011, 11, 22), "sent")]


async def test_after_a_week_away_one_digest_stands_for_every_missed_morning(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    await house.tick(local("UTC", 2011, 11, 28, 10, 5))
    assert len(house.slack.told) == 1
    states = dict(await house.ledger())
    assert [on.day for on, state in states.items() if state == "merged"] == [21, 22, 23, 24, 25]
    assert states[date(2011, 11, 28)] == "sent"


@pytest.mark.databases("sqlite", "postgres")
async def test_days_off_and_public_holidays_have_no_digest(house: House) -> None:
    await house.member(1, "Europe/Berlin", time(10, 30), country="DE")
    await house.tick()
    for day in range(21, 31):
        await house.tick(local("Europe/Berlin", 2011, 11, day, 10, 31))
    assert [on.day for on, _state in await house.ledger()] == [21, 22, 23, 24, 25, 28, 29, 30]
    await house.tick(local("Europe/Berlin", 2011, 12, 23, 10, 31))
    await house.tick(local("Europe/Berlin", 2011, 12, 26, 10, 31))
    await house.tick(local("Europe/Berlin", 2011, 12, 27, 10, 31))
    assert (await house.ledger())[-1] == (date(2011, 12, 27), "sent")
    assert date(2011, 12, 26) not in dict(await house.ledger())


@pytest.mark.databases("sqlite", "postgres")
async def test_a_new_time_on_a_morning_that_was_sent_means_tomorrow(house: House) -> None:
    await house.member(1, "UTC", time(9, 30))
    await house.tick()
    await house.tick(local("UTC", 2011, 11, 21, 9, 30))
    following = await house.app.services.digests.set_time(1, time(11))
    assert following == local("UTC", 2011, 11, 22, 11, 0)
    assert await house.app.services.digests.set_time(1, None) is None
    await house.tick(local("UTC", 2011, 11, 23, 12, 0))
    assert len(house.slack.told) == 1


@pytest.mark.databases("sqlite", "postgres")
async def test_a_morning_is_not_lost_to_a_setting_changed_in_its_minute(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    house.clock.push(local("UTC", 2011, 11, 21, 10, 0) - house.clock.now())
    async with house.app.services.database.transaction() as connection:
        await connection.execute(update(Member).values(language="zh_CN", next_digest_at=None))
    await house.tick()
    await house.tick()
    assert await house.ledger() == [(date(2011, 11, 21), "sent")]
    assert house.slack.told[0].reader.language == "zh_CN"


@pytest.mark.databases("sqlite", "postgres")
async def test_travelling_west_gives_no_second_digest_for_the_same_date(house: House) -> None:
    await house.member(1, "UTC", time(9, 30))
    await house.tick()
    await house.tick(local("UTC", 2011, 11, 21, 9, 30))
    await house.app.services.members.update(1, zone="America/Chicago")
    await house.tick()
    await house.tick(local("America/Chicago", 2011, 11, 21, 9, 31))
    assert len(house.slack.told) == 1
    await house.tick(local("America/Chicago", 2011, 11, 22, 9, 31))
    assert len(house.slack.told) == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_a_member_nobody_can_reach_is_skipped_and_planned_on(house: House) -> None:
    await house.member(1, "UTC", time(10))
    async with house.app.services.database.transaction() as connection:
        await connection.execute(update(Identity).values(platform="elsewhere"))
    await house.tick()
    done = await house.tick(local("UTC", 2011, 11, 21, 10, 0))
    assert done.unreachable == 1
    assert await house.ledger() == [(date(2011, 11, 21), "skipped")]


async def test_a_digest_waits_for_a_platform_that_cannot_be_asked_for_the_conversation(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    house.slack.faults["direct"] += [Unreachable("no route"), RateLimited(30.0)]
    for minute in (0, 1):
        done = await house.tick(local("UTC", 2011, 11, 21, 10, minute))
        assert (done.failed, done.unreachable) == (1, 0)
    assert await house.ledger() == []
    assert (await house.tick(local("UTC", 2011, 11, 21, 10, 2))).sent == 1
    assert await house.ledger() == [(date(2011, 11, 21), "sent")]


async def test_a_digest_is_skipped_where_the_platform_knows_nobody_of_that_id(house: House) -> None:
    await house.member(1, "UTC", time(10))
    await house.tick()
    house.slack.faults["direct"] += [ConversationGone("user_not_found")]
    assert (await house.tick(local("UTC", 2011, 11, 21, 10, 0))).unreachable == 1
    assert await house.ledger() == [(date(2011, 11, 21), "skipped")]


async def test_a_zone_that_is_none_any_more_stops_nobody_elses_morning(house: House) -> None:
    await house.member(1, "Mars/Olympus_Mons", time(10))
    await house.member(2, "UTC", time(10))
    assert (await house.tick()).planned == 2
    assert (await house.tick(local("UTC", 2011, 11, 21, 10, 0))).sent == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_a_digest_that_fails_half_way_leaves_nothing_and_is_sent_by_the_next_tick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.member(1, "UTC", time(10))
    await house.member(2, "UTC", time(10))
    await house.tick()
    outbox = house.app.services.outbox
    real = outbox.put
    failures = iter([True, False])

    async def failing(*args: Any, **options: Any) -> int:
        row_id = await real(*args, **options)
        if next(failures, False):
            raise OSError("the disk is full")
        return row_id

    monkeypatch.setattr(outbox, "put", failing)
    done = await house.tick(local("UTC", 2011, 11, 21, 10, 0))
    assert (done.sent, done.failed) == (1, 1)
    assert len(await house.ledger()) == 1
    assert (await house.tick(local("UTC", 2011, 11, 21, 10, 1))).sent == 1
    assert sorted(told.conversation for told in house.slack.told) == ["D-U1", "D-U2"]


async def test_looking_at_the_digest_records_nothing(house: House) -> None:
    await house.member(1, "Asia/Shanghai")
    view = await house.app.services.digests.view(1, house.clock.now())
    assert (view.member.name, view.local_date, view.late) == ("M1", date(2011, 11, 21), False)
    assert await house.ledger() == []


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Asia/Shanghai"]
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    zone=ZONES,
    at=st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0)),
    start=st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # given a zone below
    naps=st.lists(st.integers(1, 60 * 24 * 4), min_size=1, max_size=12),
)
def test_however_long_the_process_sleeps_each_date_is_met_once(
    zone: str, at: time, start: datetime, naps: list[int]
) -> None:
    mornings = Mornings(ZoneInfo(zone), at, frozenset(range(7)), frozenset())
    now = start.replace(tzinfo=UTC)
    due = mornings.after(now)
    met: list[date] = []
    for minutes in naps:
        now += timedelta(minutes=minutes)
        if due <= now:
            missed = mornings.missed(due, now)
            met += [mornings.date_of(morning) for morning in missed]
            due = mornings.after(now)
    assert met == [met[0] + timedelta(days=ahead) for ahead in range(len(met))] if met else True
