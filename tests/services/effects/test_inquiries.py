"""Where nobody can tell whether a call happened, a person says so: whoever may, once, on every copy."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.arguments import EffectRef
from bot.chat.codec import decode_message
from bot.chat.nodes import Actions
from bot.chat.values import read_effect
from bot.errors import AlreadyDecided, BadArgument, NotAllowed, StaleButton, UnknownReference
from bot.language import language
from bot.ports import MovableClock
from bot.services.inquiries import Told
from bot.storage import authority, tables
from bot.storage.database import Database
from tests.services.effects.kit import Floor, open_floor
from tests.services.work.kit import add_channel


@pytest.fixture
async def floor(database: Database, clock: MovableClock) -> Floor:
    return await open_floor(database, clock)


async def doubtful(floor: Floor, kind: str = "purchase_order") -> int:
    """A call of a request that went out and of which nobody can tell; its id."""
    request_id = await floor.desk.pending(kind=kind)
    floor.other.deeds.append("lost")
    floor.other.looks.append("cannot")
    effect_id = await floor.plan(f"order:{request_id}", request_id=request_id)
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "halted"
    return effect_id


async def say(floor: Floor, effect_id: int, verdict: Any, name: str = "Greta", attempt: int | None = None) -> Told:
    """A person's word."""
    return await floor.inquiries.answer(effect_id, attempt, verdict, floor.desk.asker(name), "slack", "by phone")


async def test_it_happened_makes_it_done_with_all_that_follows_and_nothing_is_sent(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    told = await say(floor, effect_id, "done")
    await floor.later(86_400)
    row = await floor.row(effect_id)
    assert (row.state, told.already) == ("done", False)
    assert row.result == {"told_by": floor.desk.members["Greta"], "note": "by phone"}
    assert await floor.followed(row.key) == "told"
    assert floor.other.asked == [row.key]
    assert await floor.deeds() == ["effect.begun", "effect.halted", "effect.answered"]
    assert (await floor.desk.audit.verify()).broken_at is None


async def test_it_did_not_sends_it_once_more_under_the_same_key(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    floor.other.applied.clear()  # it had not arrived indeed
    await say(floor, effect_id, "again")
    await floor.worker.drain()
    row = await floor.row(effect_id)
    assert (row.state, row.attempts) == ("done", 2)
    assert floor.other.applied == [row.key]


async def test_it_did_not_leave_it_fails_it(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    await say(floor, effect_id, "drop")
    await floor.later(86_400)
    row = await floor.row(effect_id)
    assert row.state == "failed"
    assert await floor.followed(row.key) == "failed(no record is kept)"
    assert floor.other.asked == [row.key]


async def test_every_copy_of_the_question_shows_the_answer(floor: Floor) -> None:
    async with floor.database.transaction() as connection:
        for name in ("C1", "C2"):
            await add_channel(connection, name, "requests", now=floor.clock.now())
    effect_id = await doubtful(floor)
    letters = await floor.letters(f"effect:{effect_id}")
    assert len(letters) == 2
    shown = decode_message(letters[0]["message"])
    buttons = [action.arguments for block in shown.blocks if isinstance(block, Actions) for action in block.buttons]
    assert buttons[:3] == [(f"E-{effect_id}@1", word) for word in ("done", "again", "drop")]
    await say(floor, effect_id, "done")
    for letter in await floor.letters(f"effect:{effect_id}"):
        message = decode_message(letter["message"])
        assert "done" in language("en").say(message.summary)
        left = [action.command for block in message.blocks if isinstance(block, Actions) for action in block.buttons]
        assert left == ["requests"]


async def test_a_second_press_is_told_who_was_first(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    await say(floor, effect_id, "again", "Lin Wei", 1)
    with pytest.raises(AlreadyDecided) as told:
        await say(floor, effect_id, "done", "Greta", 1)
    assert told.value.by == "Lin Wei"
    assert (await say(floor, effect_id, "again", "Lin Wei", 1)).already


async def test_a_press_on_an_earlier_doubt_does_not_answer_a_later_one(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    floor.other.deeds.append("lost")
    floor.other.looks.append("cannot")
    await say(floor, effect_id, "again", "Lin Wei", 1)
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "halted"
    with pytest.raises(AlreadyDecided):
        await say(floor, effect_id, "again", "Greta", 1)
    assert (await floor.row(effect_id)).state == "halted"
    await say(floor, effect_id, "done", "Greta", 2)
    assert (await floor.row(effect_id)).state == "done"


async def test_two_people_at_once_are_heard_once(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    results = await asyncio.gather(
        *(say(floor, effect_id, "again", name, 1) for name in ("Greta", "Lin Wei", "Ada")), return_exceptions=True
    )
    assert sum(isinstance(result, Told) for result in results) == 1
    assert sum(isinstance(result, AlreadyDecided) for result in results) == 2
    await floor.worker.drain()
    assert len(floor.other.asked) == 2


async def test_what_is_not_in_doubt_takes_no_word(floor: Floor) -> None:
    effect_id = await floor.plan()
    with pytest.raises(StaleButton):
        await say(floor, effect_id, "done")
    with pytest.raises(UnknownReference):
        await say(floor, effect_id + 1, "done")


@pytest.mark.parametrize(
    ("kind", "name", "outcome"),
    [
        ("purchase_order", "Greta", "heard"),
        ("purchase_order", "Ada", "heard"),
        ("purchase_order", "Jonas", "refused"),
        ("purchase_order", "Maria", "refused"),
        ("purchase_order", "Nok", "refused"),
        ("promotion", "Nok", "heard"),
        ("promotion", "Maria", "refused"),
        ("promotion", "nobody", "refused"),
    ],
)
async def test_only_who_could_approve_the_request_or_an_administrator_is_heard(
    sqlite_database: Database, clock: MovableClock, kind: str, name: str, outcome: str
) -> None:
    floor = await open_floor(sqlite_database, clock)
    effect_id = await doubtful(floor, kind)
    if outcome == "heard":
        await say(floor, effect_id, "done", name)
        return
    with pytest.raises(NotAllowed):
        await say(floor, effect_id, "again", name)
    assert (await floor.row(effect_id)).state == "halted"
    (refused,) = [entry for entry in await floor.desk.all(tables.Audit) if entry.action == "effect.refused"]
    assert refused.data["verdict"] == "again"


async def test_the_list_has_what_is_in_doubt_first_and_then_what_fails(floor: Floor) -> None:
    floor.other.deeds.append("unreached")
    failing = await floor.plan("order:failing")
    await floor.worker.drain()
    floor.other.deeds.append("lost")
    floor.other.looks.append("cannot")
    asking = await floor.plan("order:asking")
    await floor.worker.drain()
    await floor.plan("order:fine", due_at=floor.clock.now() + timedelta(1))
    page = await floor.inquiries.troubled()
    assert [view.id for view in page.items] == [asking, failing]
    assert page.total == 2


async def test_a_role_that_does_not_reach_the_place_is_not_heard(floor: Floor) -> None:
    effect_id = await doubtful(floor)
    async with floor.database.transaction() as connection:
        await authority.add_scope(connection, floor.desk.members["Greta"], "location", "DE")
        await authority.add_scope(connection, floor.desk.members["Lin Wei"], "location", "UK")
    with pytest.raises(NotAllowed, match="reach"):
        await say(floor, effect_id, "done", "Greta")
    await say(floor, effect_id, "done", "Lin Wei")
    assert (await floor.row(effect_id)).state == "done"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("E-5", EffectRef(5)),
        ("e5", EffectRef(5)),
        ("#5", EffectRef(5)),
        ("5", EffectRef(5)),
        ("调用5", EffectRef(5)),
        ("E-5@2", EffectRef(5, 2)),
    ],
)
def test_a_call_is_written_as_people_write_it(text: str, read: EffectRef) -> None:
    assert read_effect(text) == read


@pytest.mark.parametrize("text", ["R-5", "E-", "five", "E-5@", "-5"])
def test_what_is_no_call_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadArgument, match="calls look like"):
        read_effect(text)
