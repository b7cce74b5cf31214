"""Who is inside, when the processes that hold their connections die, stall, stop, or live side by side."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from bot.chat.codec import decode_message
from bot.chat.command import Invocation, Origin
from bot.domain.roomviews import Minutes
from bot.storage import rooms as rows
from bot.storage import tables
from bot.storage.rooms import RoomRow
from tests.handlers.conftest import text
from tests.services.rooms.kit import Floor, Process
from tests.web_rooms.kit import SECONDS

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def holder(floor: Floor) -> Process:
    """The process that holds the connections of Lin Wei and Jonas; it is killed by never being heard of again."""
    process = floor.process()
    assert not (await floor.ask(process, "huddle carrier delays with Jonas")).refused
    for name in ("Lin Wei", "Jonas"):
        await floor.sit(process, name)
    return process


@pytest.fixture
def other(floor: Floor, holder: Process) -> Process:
    """Another process on the same database, or the one that comes after."""
    del holder
    return floor.process()


async def cards(floor: Floor) -> list[str]:
    """What the room's cards say that wait to be posted."""
    return [text(decode_message(row.message)) for row in await floor.all(tables.Outbox) if row.subject == "room:1"]


async def test_the_people_of_a_killed_process_left_when_they_were_seen_last(
    floor: Floor, holder: Process, other: Process
) -> None:
    began = floor.clock.now()
    floor.later(10 * MINUTE)
    await holder.beat()
    floor.later(2 * MINUTE)
    assert (await other.tick())["missed"] == 0
    assert await floor.inside() == {"Lin Wei", "Jonas"}
    floor.later(SECOND)
    assert (await other.tick())["missed"] == 2
    assert await floor.inside() == set()
    assert [stay.left_at for stay in await floor.all(tables.RoomVisit)] == [began + 10 * MINUTE] * 2
    assert (await other.tick())["missed"] == 0


@pytest.mark.databases("sqlite")
async def test_the_card_and_the_call_lose_them_as_if_they_had_left(
    floor: Floor, holder: Process, other: Process
) -> None:
    [call] = floor.slack.calls.values()
    assert len(call.people) == 2
    assert "nobody is inside" not in (await cards(floor))[-1]
    floor.later(3 * MINUTE)
    await other.tick()
    assert call.people == {}
    assert "nobody is inside" in (await cards(floor))[-1]
    assert holder.hub.rooms


async def test_their_room_is_closed_after_a_while_and_its_minutes_say_the_honest_length(
    floor: Floor, holder: Process, other: Process
) -> None:
    floor.later(10 * MINUTE)
    await holder.beat()
    floor.later(60 * MINUTE)
    assert [(await other.tick())[what] for what in ("missed", "ended")] == [2, 0]  # people may be talking on without us
    floor.later(14 * MINUTE)
    assert (await other.tick())["ended"] == 0
    floor.later(2 * MINUTE)
    assert (await other.tick())["ended"] == 1
    assert await floor.stayed() == {"Lin Wei": 10 * MINUTE, "Jonas": 10 * MINUTE}
    assert [call.seconds for call in floor.slack.calls.values()] == [86 * 60]


async def test_the_stays_that_another_replica_holds_go_on(floor: Floor, holder: Process, other: Process) -> None:
    await floor.sit(other, "Maria")
    for _minute in range(5):
        floor.later(MINUTE)
        await other.beat()
        await other.tick()
    assert await floor.inside() == {"Maria"}
    assert holder.hub.rooms


@pytest.mark.databases("sqlite")
async def test_a_page_that_comes_back_after_that_begins_a_stay_of_its_own(
    floor: Floor, holder: Process, other: Process
) -> None:
    visit = next(iter(await floor.all(tables.RoomVisit))).visit
    floor.later(10 * MINUTE)
    await holder.beat()
    floor.later(5 * MINUTE)
    await other.tick()
    back = await floor.sit(other, "Lin Wei", resume=visit)
    assert back.connection.peer
    assert back.connection.peer.visit != visit
    assert await floor.inside() == {"Lin Wei"}
    floor.later(3 * MINUTE)
    await other.beat()
    await floor.ask(other, "huddle end V-1")
    assert await floor.stayed() == {"Lin Wei": 13 * MINUTE, "Jonas": 10 * MINUTE}


@pytest.mark.databases("sqlite")
async def test_a_process_that_was_merely_away_takes_its_stays_up_again(
    floor: Floor, holder: Process, other: Process
) -> None:
    floor.later(5 * MINUTE)
    assert (await other.tick())["missed"] == 2
    await holder.beat()
    await holder.services.rooms.settle()
    assert await floor.inside() == {"Lin Wei", "Jonas"}
    assert [len(call.people) for call in floor.slack.calls.values()] == [2]
    assert (await other.tick())["missed"] == 0
    floor.later(MINUTE)
    await floor.ask(other, "huddle end V-1")
    assert await floor.stayed() == {"Lin Wei": 6 * MINUTE, "Jonas": 6 * MINUTE}


async def test_whoever_leaves_a_process_that_was_merely_away_leaves_now(
    floor: Floor, holder: Process, other: Process
) -> None:
    third = await floor.sit(holder, "Maria")
    floor.later(5 * MINUTE)
    assert (await other.tick())["missed"] == 3
    await third.say("leave")
    await holder.services.rooms.settle()
    stay = (await floor.all(tables.RoomVisit))[-1]
    assert (stay.left_at, stay.missed_at) == (floor.clock.now(), None)


@pytest.mark.databases("sqlite")
async def test_nobody_goes_on_in_a_room_that_is_over(floor: Floor, holder: Process, other: Process) -> None:
    floor.later(5 * MINUTE)
    await other.tick()
    await floor.ask(other, "huddle end V-1")
    before = [stay.left_at for stay in await floor.all(tables.RoomVisit)]
    await holder.beat()
    assert [stay.left_at for stay in await floor.all(tables.RoomVisit)] == before
    assert None not in before


@pytest.mark.databases("sqlite")
async def test_a_room_that_is_ended_before_the_job_looks_counts_the_dead_until_they_were_seen(
    floor: Floor, holder: Process, other: Process
) -> None:
    floor.later(10 * MINUTE)
    await holder.beat()
    await floor.sit(other, "Maria")
    floor.later(3 * MINUTE)
    await other.beat()
    await floor.ask(other, "huddle end V-1")
    assert await floor.stayed() == {"Lin Wei": 10 * MINUTE, "Jonas": 10 * MINUTE, "Maria": 3 * MINUTE}


async def test_a_stay_of_a_dead_process_and_the_one_after_it_count_their_common_time_once(
    floor: Floor, holder: Process, other: Process
) -> None:
    floor.later(10 * MINUTE)
    await holder.beat()
    await floor.sit(other, "Lin Wei")
    floor.later(MINUTE)
    await floor.ask(other, "huddle end V-1")
    assert (await floor.stayed())["Lin Wei"] == 11 * MINUTE


@pytest.mark.databases("sqlite")
async def test_a_process_that_stops_says_until_when_everybody_was_there(floor: Floor, holder: Process) -> None:
    floor.later(SECOND)
    await holder.hub.close()
    assert [stay.seen_at for stay in await floor.all(tables.RoomVisit)] == [floor.clock.now()] * 2


@pytest.mark.databases("postgres")
async def test_marking_stays_does_not_wait_for_a_room_that_is_being_ended(floor: Floor, holder: Process) -> None:
    """Each would wait for what the other has locked; on SQLite one writes at a time anyway."""
    visits = [stay.visit for stay in await floor.all(tables.RoomVisit)]
    async with floor.database.transaction() as ending:
        assert await rows.end(ending, 1, floor.clock.now())
        async with asyncio.timeout(SECONDS):
            await holder.services.room_life.seen(visits)
    assert [stay.left_at for stay in await floor.all(tables.RoomVisit)] == [floor.clock.now()] * 2


async def test_a_process_marks_all_its_stays_with_one_statement(floor: Floor, holder: Process) -> None:
    await floor.ask(holder, "huddle prices", name="Maria")
    await floor.sit(holder, "Maria", number=2)
    said: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "room_visits" in statement:
            said.append(statement)

    event.listen(holder.services.database.engine.sync_engine, "before_cursor_execute", heard)
    floor.later(20 * SECOND)
    await holder.beat()
    assert [statement.split()[0] for statement in said] == ["UPDATE"]
    assert {stay.seen_at for stay in await floor.all(tables.RoomVisit)} == {floor.clock.now()}


async def test_minutes_that_a_crash_left_unwritten_are_written_by_the_job_once(
    floor: Floor, holder: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(_room_id: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(holder.services.room_life, "_write_up", killed)
    with pytest.raises(KeyboardInterrupt):
        await holder.services.room_life.end(await floor.room(), None, "")

    async def written() -> list[str]:
        rows = await floor.all(tables.Outbox)
        return [row.dedupe_key for row in rows if str(row.dedupe_key).startswith("minutes:")]

    assert await written() == []
    for _turn in range(2):
        await other.tick()
        assert len(await written()) == 1


async def test_a_room_that_cannot_be_looked_after_keeps_no_other_waiting(
    floor: Floor, holder: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.ask(holder, "huddle tea")
    for number in (1, 2):
        await floor.ask(holder, f"huddle end V-{number}")
    async with floor.database.transaction() as connection:
        await connection.execute(update(tables.Room).values(minutes_at=None))
    views = other.services.rooms.views
    told = views.minutes

    async def broken(room: RoomRow) -> Minutes:
        if room.id == 1:
            raise RuntimeError("a room of another kind")
        return await told(room)

    monkeypatch.setattr(views, "minutes", broken)
    done = await other.tick()
    assert (done["failed"], done["written"]) == (1, 1)
    assert [row.minutes_at is None for row in await floor.all(tables.Room)] == [True, False]


async def test_a_room_opened_from_a_terminal_has_minutes_that_wait_for_nobody(floor: Floor, holder: Process) -> None:
    asker = await holder.services.members.asker(floor.members["Lin Wei"])
    origin = Origin("cli", "owner", "cli", "terminal")
    call = Invocation(holder.services, asker, origin, floor.clock.now(), ())
    await holder.app.router.run(call, "huddle prices")
    await holder.app.router.run(call, "huddle note V-2 fine as they are")
    await holder.app.router.run(call, "huddle end V-2")
    assert (await floor.all(tables.Room))[1].minutes_at is not None
    assert not [row for row in await floor.all(tables.Outbox) if str(row.dedupe_key).startswith("minutes:2")]
