"""The hour of a video room: weighed, chosen, withdrawn, reminded of."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from bot.ports import OpenRoom
from bot.storage import rooms as rows
from bot.storage import tables
from tests.handlers.conftest import Office, button, buttons, text
from tests.handlers.rooms import Meetings, count, later, letters, reach, room


@pytest.fixture
async def office(office: Office) -> Office:
    """The office with people on both platforms."""
    return await reach(office)


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
