"""Video rooms by their command: what about, with whom, and the way in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.chat.nodes import Table, Text
from bot.ports import Profile
from bot.services.rooms import Rooms
from bot.storage import rooms as rows
from bot.storage import tables
from tests.handlers.conftest import LANTERN, Office, button, buttons, text
from tests.handlers.rooms import ADDRESS, Silent, count, later, letters, reach, room


@pytest.fixture
async def office(office: Office) -> Office:
    """The office with people on both platforms."""
    return await reach(office)


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
