"""Video rooms by their command, and what becomes of them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from bot.chat.codec import decode_message
from bot.chat.nodes import Table, Text
from bot.errors import Declined, StaleButton
from bot.ports import Admission, Check, Guest, MovableClock, OpenRoom, Profile, RoomPlan
from bot.services.rooms import Rooms
from bot.storage import rooms as rows
from bot.storage import tables
from tests.handlers.conftest import LANTERN, Office, button, buttons, text

ADDRESS = "http://127.0.0.1:8320"


class Silent:
    """A provider that is down."""

    name, cap = "embedded", 6

    async def open(self, plan: RoomPlan) -> OpenRoom:
        raise Declined(f"secret words of the provider on {plan.key}")

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        raise Declined(f"secret words of the provider on {room.key}, {guest.name}, {now}")

    async def close(self, room: OpenRoom) -> None:
        raise Declined(f"secret words of the provider on {room.key}")

    async def check(self) -> tuple[Check, ...]:
        return ()


class Meetings(Silent):
    """A provider that gives a new meeting each time it is asked, at its leisure."""

    name = "zoom"

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.both = asyncio.Barrier(2)

    async def open(self, plan: RoomPlan) -> OpenRoom:
        await self.both.wait()
        self.opened.append(f"M{len(self.opened)}")
        return OpenRoom(plan.key, plan.title, 6, self.opened[-1], f"https://zoom.example/{self.opened[-1]}")

    async def close(self, room: OpenRoom) -> None:
        self.closed.append(room.reference)


@pytest.fixture
async def office(office: Office) -> Office:
    """The office with pages that listen, and Jonas on Telegram as well."""
    office.services.sessions.address.local = ADDRESS
    async with office.shop.database.transaction() as connection:
        identity = {"platform": "telegram", "external_id": "700", "member_id": office.shop.members["Jonas"]}
        await connection.execute(insert(tables.Identity).values(linked_at=office.shop.clock.now(), **identity))
        await connection.execute(
            insert(tables.Conversation).values(
                platform="telegram", external_id="700", kind="direct", thread="", title="", language="en", zone="UTC",
                member_id=office.shop.members["Jonas"], closed_reason="",
            )
        )  # fmt: skip
    return office


async def letters(office: Office) -> list[tuple[str, str, str]]:
    """(platform, subject, text) of what waits to be sent, in order."""
    async with office.shop.database.reading() as connection:
        found = await connection.execute(
            select(tables.Conversation.platform, tables.Outbox.subject, tables.Outbox.message)
            .join(tables.Conversation, tables.Conversation.id == tables.Outbox.conversation_id)
            .where(tables.Outbox.kind == "post", tables.Outbox.subject.like("room:%") | (tables.Outbox.subject == ""))
            .order_by(tables.Outbox.id)
        )
        return [(row[0], row[1], text(decode_message(row[2]))) for row in found]


def later(office: Office, by: timedelta) -> None:
    """Let time pass."""
    clock = office.shop.clock
    assert isinstance(clock, MovableClock)
    clock.push(by)


async def room(office: Office, number: int = 1) -> rows.RoomRow:
    return await office.services.rooms.by_id(number)


async def count(office: Office, table: Any) -> int:
    async with office.shop.database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_a_room_tells_why_it_is_open_and_who_is_awake(office: Office) -> None:
    answer = await office.ask(f"huddle {LANTERN} carrier delays with Jonas, Maria")
    said = text(answer)
    assert not answer.private
    assert answer.message.subject == "room:1"
    for part in (
        "carrier delays",
        LANTERN,
        "30 units",
        "C-",
        "R-",
        "Jonas",
        "Maria",
        "nobody is inside",
    ):
        assert part in said
    assert [each.command for each in buttons(answer)] == ["huddle", "board", "huddle"]
    assert len((await room(office)).key) == 22


@pytest.mark.parametrize(
    ("line", "topic", "people"),
    [
        ("what to do with returns with Jonas", "what to do with returns", {"Jonas"}),
        ("problems with DE warehouse", "problems with DE warehouse", set()),
    ],
)
async def test_a_with_of_the_topic_is_left_there(office: Office, line: str, topic: str, people: set[str]) -> None:
    assert not (await office.ask(f"huddle {LANTERN} {line}")).refused
    view = await office.services.rooms.views.view(await room(office))
    assert view.topic == topic
    assert {person.member.name for person in view.people if person.invited} == people


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("slack", "<@U-Jonas>"), ("slack", "<@U-Jonas|anybody>"), ("slack", "@U-Jonas"), ("telegram", "@Jonas_TG"),
        ("telegram", "@700"), ("telegram", "@A Name"), ("telegram", "@Jonas"), ("cli", "@Jonas"),
    ],
)  # fmt: skip
async def test_people_are_mentioned_as_their_platform_writes_it(office: Office, platform: str, words: str) -> None:
    async with office.shop.database.transaction() as connection:
        theirs = tables.Identity.external_id == "700"
        await connection.execute(update(tables.Identity).where(theirs).values(handle="jonas_tg"))
    call = office.call("Lin Wei", platform, "group", 1)
    call = replace(call, origin=replace(call.origin, mentions={"@A Name": "700"}))
    assert not (await office.router.run(call, f"huddle sync with {words}, Maria")).refused
    view = await office.services.rooms.views.view(await room(office))
    assert view.topic == "sync"
    assert {person.member.name for person in view.people if person.invited} == {"Jonas", "Maria"}


async def test_an_id_of_another_platform_mentions_nobody(office: Office) -> None:
    answer = await office.ask("huddle sync with @700")
    assert answer.refused
    assert "Which member is @700?" in text(answer)


async def test_who_is_unknown_among_members_is_told(office: Office) -> None:
    answer = await office.ask("huddle prices with Jonas, Nobody")
    assert answer.refused
    assert "Which member is Nobody?" in text(answer)


async def test_in_a_large_team_the_card_begins_with_who_is_inside_and_calls_all_who_are_asked(office: Office) -> None:
    members = office.services.members
    crowd = [
        (await members.of("slack", f"U{n}", Profile(f"P{n:02}", zone="Europe/London"))).member_id for n in range(14)
    ]
    await office.ask(f"huddle {LANTERN}")
    await office.services.room_life.joined(await room(office), crowd[-1], "v1")
    answer = await office.ask("huddle V-1")
    said = text(answer)
    assert "Inside now: P13" in said
    assert "nobody is inside" not in said
    [table] = [block for block in answer.message.blocks if isinstance(block, Table)]
    assert table.rows[0][0] == Text("P13")
    assert len(table.rows) == 12
    assert "and 9 more" in said
    asked = text(await office.ask("huddle prices with everyone"))
    wanted = next(line for line in asked.splitlines() if "you are wanted" in line)
    assert all(f"P{n:02}" in wanted for n in range(14))


async def test_those_asked_by_name_are_told_on_their_other_platform(office: Office) -> None:
    await office.ask(f"huddle {LANTERN} with Jonas")
    [(platform, subject, said)] = await letters(office)
    assert (platform, subject) == ("telegram", "room:1")
    assert LANTERN in said


async def test_whoever_sleeps_is_not_woken_and_gets_the_minutes_in_the_morning(office: Office) -> None:
    later(office, timedelta(hours=12))  # 21:00 in London
    await office.ask("huddle late talk with Jonas")
    assert await letters(office) == []
    one = await room(office)
    await office.services.room_life.joined(one, office.shop.members["Lin Wei"], "v1")
    await office.services.room_life.note(one, office.shop.members["Lin Wei"], "note", "call the port", "web")
    later(office, timedelta(minutes=10))
    await office.ask("huddle end V-1")
    assert (await office.services.room_life.tick(office.shop.clock.now()))["told"] == 0
    jonas = await office.services.members.get(office.shop.members["Jonas"])
    assert jonas.awake_from is not None
    later(office, jonas.awake_from - office.shop.clock.now())
    assert (await office.services.room_life.tick(office.shop.clock.now()))["told"] == 1
    told = [said for platform, _subject, said in await letters(office) if platform == "telegram"]
    assert len(told) == 1
    assert "call the port" in told[0]
    assert "Jonas" in told[0]  # asked, and not there


async def test_the_way_in_is_for_the_asker_alone_and_opens_once(office: Office) -> None:
    answer = await office.ask(f"huddle {LANTERN}")
    door = await office.press(button(answer, "huddle"), name="Maria")
    assert door.private
    url = next(part for part in _urls(door) if "/rooms/" in part)
    one = await room(office)
    assert url.startswith(f"{ADDRESS}/rooms/{one.key}#")
    token = url.partition("#")[2]
    entered = await office.services.sessions.enter(token)
    assert (entered.member_id, entered.target) == (office.shop.members["Maria"], f"/rooms/{one.key}")
    with pytest.raises(Exception, match="used or is too old"):
        await office.services.sessions.enter(token)


async def test_in_a_telegram_group_the_link_goes_to_the_private_chat(office: Office) -> None:
    await office.ask(f"huddle {LANTERN}")
    answer = await office.ask("huddle join V-1", name="Jonas", platform="telegram")
    assert answer.private
    assert not _urls(answer)
    sent = await letters(office)
    assert any(
        (platform == "telegram" and "/rooms/" in str(said)) or "Your way in" in said for platform, _s, said in sent
    )


async def test_the_same_command_twice_opens_one_room(office: Office) -> None:
    call = office.call("Lin Wei", "slack", "group", 1)
    again = replace(call.origin, event="Ev1")
    for _each in range(2):
        await office.router.run(
            type(call)(office.services, call.asker, again, call.now, ()), f"huddle {LANTERN} with Jonas"
        )
    assert await count(office, tables.Room) == 1
    assert len(await letters(office)) == 1


async def test_a_wished_hour_that_hurts_is_put_beside_a_better_one(office: Office) -> None:
    answer = await office.ask("huddle plans with Jonas at 05:00")  # in Shanghai: 21:00 in London
    assert [each.arguments[0] for each in buttons(answer)] == ["settle", "settle"]
    better, wished = buttons(answer)
    assert await count(office, tables.Room) == 1
    assert await letters(office) == []
    refused = await office.press(better, name="Maria")
    assert refused.refused
    settled = await office.press(better)
    one = await room(office)
    assert one.agreed
    assert one.starts_at == datetime.fromisoformat(better.arguments[2])
    assert "remind" in text(settled)
    late = await office.press(wished)
    assert late.refused


async def test_a_room_whose_hour_is_not_settled_keeps_its_better_hour_and_can_be_withdrawn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Meetings()
    monkeypatch.setattr(office.services.rooms._venues, "_provider", provider)
    offered = await office.ask("huddle plans with Jonas at 05:00")
    later(office, timedelta(minutes=20))
    again = await office.ask("huddle V-1")
    assert [each.arguments for each in buttons(again)] == [each.arguments for each in buttons(offered)]
    assert (await office.ask("huddle end V-1", name="Maria")).refused
    assert "withdrawn" in text(await office.ask("huddle end V-1"))
    assert (await office.ask("huddle end V-1")).refused
    assert (await room(office)).ended_at is not None
    assert (await office.press(buttons(offered)[0])).refused
    assert await letters(office) == []
    assert (provider.opened, provider.closed) == ([], [])


@pytest.mark.parametrize("line", ["huddle plans with everyone at 10:00", "huddle plans at 10:00"])
async def test_with_nobody_named_and_with_everyone_the_hours_of_all_are_weighed(office: Office, line: str) -> None:
    answer = await office.ask(line)  # in Shanghai: 02:00 in London
    assert [each.arguments[0] for each in buttons(answer)] == ["settle", "settle"]


async def test_everyone_is_invited_by_name_pinged_told_elsewhere_and_owed_the_minutes(office: Office) -> None:
    answer = await office.ask(f"huddle {LANTERN} with everyone")
    assert text(answer).count("you are wanted") == 1
    assert [platform for platform, _subject, _said in await letters(office)] == ["telegram"]
    async with office.shop.database.reading() as connection:
        invited = {guest.member_id for guest in await rows.guests(connection, 1) if guest.invited}
    everyone = {member.id for member in await office.services.members.everyone()}
    assert invited == everyone - {office.shop.members["Lin Wei"]}
    await office.services.room_life.joined(await room(office), office.shop.members["Lin Wei"], "v1")
    await office.ask("huddle end V-1")
    assert len((await office.services.rooms.views.minutes(await room(office))).absent) == len(invited)


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2099-01-01T00:00+00:00", "2011-11-22T21:01+00:00",
        "2011-11-21T08:44+00:00",
    ],
)  # fmt: skip
async def test_an_hour_that_is_past_or_far_is_refused(office: Office, at: str) -> None:
    await office.ask("huddle plans with Jonas at 05:00")
    answer = await office.ask(f"huddle settle V-1 {at}")
    assert answer.refused
    assert "between now and 36 hours ahead" in text(answer)
    assert not (await room(office)).agreed


async def test_an_hour_that_is_near_is_taken(office: Office) -> None:
    await office.ask("huddle plans with Jonas at 05:00")
    assert not (await office.ask("huddle settle V-1 2011-11-22T21:00+00:00")).refused


async def test_an_hour_that_suits_is_planned_at_once_and_reminded_of_once(office: Office) -> None:
    answer = await office.ask("huddle plans with Jonas at 18:00")  # 10:00 in London
    one = await room(office)
    assert one.agreed
    assert "Begins" in text(answer)
    early = await office.press(button(answer, "huddle"))
    assert early.refused
    later(office, one.starts_at - office.shop.clock.now() - timedelta(minutes=10))
    async with office.shop.database.transaction() as connection:
        await connection.execute(
            insert(tables.Post).values(
                conversation_id=one.conversation_id,
                subject="room:1",
                message_id="1.1",
                posted_at=office.shop.clock.now(),
            )
        )
    before = len(await letters(office))
    assert (await office.services.room_life.tick(office.shop.clock.now()))["reminded"] == 1
    assert (await office.services.room_life.tick(office.shop.clock.now()))["reminded"] == 0
    assert len(await letters(office)) == before + 1
    assert not (await office.press(button(answer, "huddle"))).refused


@pytest.mark.parametrize(("minutes", "reminded"), [(-11, 0), (-10, 1), (5, 1), (6, 0), (40, 0)])
async def test_a_reminder_comes_in_time_or_not_at_all(office: Office, minutes: int, reminded: int) -> None:
    await office.ask("huddle plans with Jonas at 18:00")
    later(office, (await room(office)).starts_at + timedelta(minutes=minutes) - office.shop.clock.now())
    assert (await office.services.room_life.tick(office.shop.clock.now()))["reminded"] == reminded


async def test_decisions_are_audited_and_the_minutes_hold_who_how_long_and_what(office: Office) -> None:
    await office.ask("huddle C-1 with Jonas, Maria")
    one = await room(office)
    life, members = office.services.room_life, office.shop.members
    await life.joined(one, members["Lin Wei"], "v1")
    await life.joined(one, members["Jonas"], "v2")
    later(office, timedelta(minutes=20))
    await life.left(one, "v2")
    await office.ask("huddle decide V-1 send 200 by air", name="Jonas")
    await office.ask("huddle note V-1 ask the carrier")
    later(office, timedelta(minutes=10))
    await life.seen(["v1"])
    assert (await office.ask("huddle end V-1", name="Maria")).refused  # who did not open it
    assert not (await office.ask("huddle end V-1")).refused
    minutes = await office.services.rooms.views.minutes(await room(office))
    assert [(one.name, one.stayed) for one in minutes.attended] == [
        ("Lin Wei", timedelta(minutes=30)),
        ("Jonas", timedelta(minutes=20)),
    ]
    assert minutes.absent == ("Maria",)
    assert [(note.kind, note.text, note.by) for note in minutes.notes] == [
        ("decision", "send 200 by air", "Jonas"),
        ("note", "ask the carrier", "Lin Wei"),
    ]
    async with office.shop.database.reading() as connection:
        audited = await connection.execute(
            select(tables.Audit.subject, tables.Audit.member_id).where(tables.Audit.action == "room.decision")
        )
        assert audited.all() == [("case:1", members["Jonas"])]
    with pytest.raises(StaleButton):
        await office.services.rooms.admit(1, members["Jonas"])
    assert await life.end(one, None, "") is None


async def test_the_minutes_stand_below_every_card_of_the_case(office: Office) -> None:
    """In the thread of each Slack card, in the conversation of each Telegram card."""
    async with office.shop.database.transaction() as connection:
        telegram = (
            (await connection.execute(select(tables.Conversation.id).where(tables.Conversation.platform == "telegram")))
            .scalars()
            .first()
        )
        slack = (
            await connection.execute(
                insert(tables.Conversation)
                .values(
                    platform="slack", external_id="C9", kind="group", thread="", title="", language="en", zone="UTC",
                    closed_reason="",
                )
                .returning(tables.Conversation.id)
            )
        ).scalar_one()  # fmt: skip
        for conversation, message in ((telegram, "42"), (slack, "170.5")):
            await connection.execute(
                insert(tables.Post).values(
                    conversation_id=conversation,
                    subject="case:1",
                    message_id=message,
                    posted_at=office.shop.clock.now(),
                )
            )
    await office.ask("huddle C-1")
    one = await room(office)
    await office.services.room_life.joined(one, office.shop.members["Lin Wei"], "v1")
    await office.ask("huddle end V-1")
    async with office.shop.database.reading() as connection:
        found = await connection.execute(
            select(tables.Conversation.platform, tables.Conversation.external_id, tables.Conversation.thread)
            .join(tables.Outbox, tables.Outbox.conversation_id == tables.Conversation.id)
            .where(tables.Outbox.dedupe_key.like("minutes:%"))
            .order_by(tables.Conversation.platform)
        )
        assert [tuple(row) for row in found] == [("slack", "C9", "170.5"), ("telegram", "700", "")]


async def test_a_room_that_everybody_left_is_closed_after_a_while(office: Office) -> None:
    await office.ask("huddle")
    one, life = await room(office), office.services.room_life
    await life.joined(one, office.shop.members["Lin Wei"], "v1")
    later(office, timedelta(minutes=30))
    await life.seen(["v1"])
    assert (await life.tick(office.shop.clock.now()))["ended"] == 0  # somebody is inside
    await life.left(one, "v1")
    later(office, timedelta(minutes=14))
    assert (await life.tick(office.shop.clock.now()))["ended"] == 0
    later(office, timedelta(minutes=2))
    assert (await life.tick(office.shop.clock.now()))["ended"] == 1


async def test_a_provider_that_fails_leaves_no_room_behind_and_says_so_politely(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: Rooms = office.services.rooms
    monkeypatch.setattr(rooms._venues, "_provider", Silent())
    answer = await office.ask(f"huddle {LANTERN}")
    assert answer.refused
    assert "cannot be reached" in text(answer)
    assert "secret" not in text(answer)
    assert await count(office, tables.Room) == 0


async def test_of_two_who_settle_at_once_one_does_and_the_meeting_of_the_other_is_closed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    meetings = Meetings()
    monkeypatch.setattr(office.services.rooms._venues, "_provider", meetings)
    hours = buttons(await office.ask("huddle plans with Jonas at 05:00"))
    answers = await asyncio.gather(*(office.press(hour) for hour in hours))
    assert sorted(answer.refused for answer in answers) == [False, True]
    assert "settled already" in "".join(text(answer) for answer in answers if answer.refused)
    kept = await room(office)
    assert kept.starts_at == next(
        datetime.fromisoformat(hour.arguments[2])
        for hour, answer in zip(hours, answers, strict=True)
        if not answer.refused
    )
    assert meetings.closed == [reference for reference in meetings.opened if reference != kept.reference]
    async with office.shop.database.reading() as connection:
        agreed = select(func.count()).where(tables.Audit.action == "room.agreed")
        assert (await connection.execute(agreed)).scalar_one() == 1
    assert len(await letters(office)) == 1


async def test_of_two_who_settle_at_once_in_our_own_rooms_nobody_is_sent_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There both have the same place, for it goes by the room's key."""
    venues = office.services.rooms._venues
    closed: list[OpenRoom] = []

    async def close(given: OpenRoom) -> None:
        closed.append(given)

    monkeypatch.setattr(venues._provider, "close", close)
    await office.ask("huddle plans with Jonas at 05:00")
    held = rows.agree

    async def beaten(connection: Any, room_id: int, **values: Any) -> bool:
        assert await held(connection, room_id, **values)
        return await held(connection, room_id, **values)

    monkeypatch.setattr(rows, "agree", beaten)
    assert (await office.ask("huddle settle V-1 2011-11-22T09:00+00:00")).refused
    assert (await room(office)).agreed
    assert closed == []


@pytest.mark.parametrize(
    "line",
    [
        "huddle join V-9", "huddle settle V-1 yesterday", "huddle note V-1 x", "huddle with Nobody at all",
        "huddle C-999", "huddle " + "x" * 200, "huddle decide V-77 ok",
    ],
)  # fmt: skip
async def test_rubbish_is_refused_with_a_word(office: Office, line: str) -> None:
    answer = await office.ask(line)
    assert answer.refused
    assert len(text(answer)) > 10
    assert await count(office, tables.Room) == 0


def _urls(answer: Any) -> list[str]:
    return re.findall(r"http://[^\s'\"\\)]+", repr(answer.message))


async def test_over_https_telegram_signs_the_way_in(office: Office) -> None:
    office.services.sessions.address.public = "https://bot.example.com"
    joining = button(await office.ask(f"huddle {LANTERN}"), "huddle")
    key = (await room(office)).key
    assert joining.login == f"https://bot.example.com/telegram/login?to=%2Frooms%2F{key}"
    office.services.sessions.address.public = ""
    assert not button(await office.ask("huddle V-1"), "huddle").login
