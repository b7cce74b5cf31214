"""The kill switches: at once, by those who may, and a barrier that no call passes."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.chat.cards import notice_card
from bot.domain.effects import HALT_TOPICS
from bot.errors import NotAllowed
from bot.ports import Call, MovableClock
from bot.services.halts import topics_of
from bot.storage import locks, tables
from bot.storage.database import Database
from bot.words import _
from tests.runtime.recorder import until
from tests.services.effects.kit import Counterparty, Floor, open_floor
from tests.services.work.kit import add_channel


@pytest.fixture
async def floor(database: Database, clock: MovableClock) -> Floor:
    return await open_floor(database, clock)


async def halt(floor: Floor, word: str = "purchases", name: str = "Greta") -> Any:
    """Throw a switch."""
    return await floor.halts.halt(topics_of(word), floor.desk.asker(name), "slack", "wrong prices")


async def resume(floor: Floor, word: str = "all", name: str = "Greta") -> Any:
    """Take it back."""
    return await floor.halts.resume(topics_of(word), floor.desk.asker(name), "telegram")


async def test_while_purchases_are_halted_none_begins_and_then_all_do(floor: Floor) -> None:
    await halt(floor)
    for number in range(3):
        await floor.plan(f"order:{number}")
    await floor.later(86_400)
    assert floor.other.asked == []
    assert await resume(floor) == ("purchases",)
    await floor.worker.drain()
    assert sorted(floor.other.applied) == ["order:0", "order:1", "order:2"]


async def test_a_halt_stops_its_own_topic_alone_and_never_a_restored_price(floor: Floor) -> None:
    await halt(floor, "promotions")
    await floor.plan("order:1", topic="purchases")
    await floor.plan("price:1", topic="promotions")
    await floor.plan("restore:1", topic="restores")
    await floor.worker.drain()
    assert sorted(floor.other.applied) == ["order:1", "restore:1"]
    await halt(floor, "all")
    await floor.plan("order:2", topic="purchases")
    await floor.plan("restore:2", topic="restores")
    await floor.worker.drain()
    assert sorted(floor.other.applied) == ["order:1", "restore:1", "restore:2"]


async def test_what_did_not_happen_waits_for_the_end_of_the_halt_too(floor: Floor) -> None:
    floor.other.deeds.append("dropped")
    floor.other.looks.append("unreached")
    effect_id = await floor.plan()
    await floor.worker.drain()
    await halt(floor)
    await floor.later(3600)
    row = await floor.row(effect_id)
    assert (row.state, row.attempts) == ("pending", 1)  # it was looked for, and waits
    await resume(floor)
    await floor.later(1)
    assert floor.other.applied == ["order:1"]


async def test_what_had_begun_is_named(floor: Floor) -> None:
    floor.other.gate = asyncio.Event()
    effect_id = await floor.plan()
    working = asyncio.create_task(floor.worker.drain())
    await until(lambda: floor.other.applied)
    halted = await halt(floor)
    assert halted.under_way == (effect_id,)
    floor.other.gate.set()
    await working
    assert (await floor.row(effect_id)).state == "done"


class Seeing(Counterparty):
    """Notes every call that was begun after a halt was answered."""

    halted = False
    late = 0

    async def perform(self, call: Call) -> Any:
        self.late += self.halted and call.key not in self.known
        return await super().perform(call)

    known: frozenset[str] = frozenset()


async def test_once_a_halt_is_answered_only_what_it_named_is_called(database: Database, clock: MovableClock) -> None:
    other, cut = Seeing(), 0
    floor = await open_floor(database, clock, other)
    for turn in range(12):
        await resume(floor)
        other.halted, before = False, len(other.asked)
        for number in range(30):
            await floor.plan(f"order:{turn}:{number}")
        working = asyncio.create_task(floor.worker.drain())
        await until(lambda goal=before + turn: len(other.asked) > goal)  # type: ignore[misc]
        named = (await halt(floor)).under_way
        other.known = frozenset({(await floor.row(effect_id)).key for effect_id in named})
        other.halted = True
        await working
        cut += len(other.asked) < before + 30
    assert other.late == 0
    assert cut > 6  # most halts came in the midst of it


async def test_a_switch_that_was_thrown_stays_as_it_is(floor: Floor) -> None:
    await halt(floor, name="Greta")
    again = await halt(floor, "all", name="Lin Wei")
    assert [(one.topic, one.name, one.reason) for one in again.standing] == [
        ("promotions", "Lin Wei", "wrong prices"),
        ("purchases", "Greta", "wrong prices"),
    ]
    assert await floor.deeds("halt.") == ["halt.thrown", "halt.thrown"]
    async with floor.database.reading() as connection:
        assert await floor.halts.halted(connection) == frozenset(HALT_TOPICS)


@pytest.mark.parametrize(
    ("name", "word", "may"),
    [
        ("Greta", "all", ("halt", "resume")),
        ("Ada", "all", ("halt", "resume")),
        ("Nok", "promotions", ("halt",)),
        ("Nok", "purchases", ()),
        ("Nok", "all", ()),
        ("Jonas", "promotions", ()),
        ("nobody", "purchases", ()),
    ],
)
async def test_who_may_throw_a_switch_and_who_may_take_it_back(
    sqlite_database: Database, clock: MovableClock, name: str, word: str, may: tuple[str, ...]
) -> None:
    floor = await open_floor(sqlite_database, clock)
    if "halt" in may:
        await halt(floor, word, name)
    else:
        with pytest.raises(NotAllowed):
            await halt(floor, word, name)
        assert await floor.halts.standing() == ()
        await halt(floor, "all", "Ada")
    if "resume" in may:
        assert await resume(floor, word, name) == tuple(sorted(topics_of(word)))
    else:
        with pytest.raises(NotAllowed):
            await resume(floor, word, name)
        assert len(await floor.halts.standing()) >= 1
    refused = [entry for entry in await floor.desk.all(tables.Audit) if entry.action == "halt.refused"]
    assert len(refused) == 2 - len(may)


async def test_a_halt_and_its_end_are_announced_and_the_first_card_follows(floor: Floor) -> None:
    async with floor.database.transaction() as connection:
        await add_channel(connection, "C1", "requests", now=floor.clock.now())
    await halt(floor, "all")
    (thrown,) = await floor.letters(f"halt:{floor.clock.now().isoformat()}")
    assert "stop" in str(thrown["message"])
    await resume(floor, "purchases")
    (half,) = await floor.letters(thrown["subject"])
    assert half["message"] != thrown["message"]
    assert len(await floor.letters("")) == 1
    await resume(floor, "promotions")
    (over,) = await floor.letters(thrown["subject"])
    assert "halted by" not in str(over["message"])


async def test_a_request_that_waits_is_shown_anew_when_its_calls_are_halted(floor: Floor) -> None:
    async with floor.database.transaction() as connection:
        channel = await add_channel(connection, "C1", now=floor.clock.now())
    request_id = await floor.desk.pending()
    subject = f"request:{request_id}"
    async with floor.database.transaction() as connection:
        await floor.desk.outbox.put(connection, channel, notice_card(_("as it was")), subject=subject)
    await floor.plan(f"order:{request_id}", request_id=request_id)
    async with floor.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(state="approved"))
    await halt(floor, "promotions")
    assert "as it was" in str((await floor.letters(subject))[0]["message"])
    await halt(floor, "purchases")
    (letter,) = await floor.letters(subject)
    assert f"R-{request_id}" in str(letter["message"])
    assert "waits until somebody resumes" in str(letter["message"])
    await resume(floor, "purchases")
    (letter,) = await floor.letters(subject)
    assert "waits until somebody resumes" not in str(letter["message"])


async def test_workers_halts_and_cancellations_at_once_never_block_each_other(
    database: Database, clock: MovableClock
) -> None:
    first = await open_floor(database, clock)
    second = await open_floor(database, clock, first.other, desk=first.desk)
    requests = [await first.desk.pending(10_000 + number) for number in range(24)]
    for request_id in requests:
        await first.plan(f"order:{request_id}", request_id=request_id)

    async def switch() -> None:
        for _turn in range(6):
            await halt(first, "all")
            await resume(second, "all")

    async def call_off() -> int:
        gone = 0
        for request_id in reversed(requests):
            async with database.transaction() as connection:
                await locks.request(connection, request_id)
                gone += await first.effects.cancel(connection, request_id)
        return gone

    with capture_logs() as logs:
        *_others, gone = await asyncio.gather(first.worker.drain(), switch(), second.worker.drain(), call_off())
        await first.worker.drain()
    assert [line for line in logs if line["log_level"] in {"warning", "error"}] == []
    found = Counter(row.state for row in await first.desk.all(tables.Effect))
    assert found["cancelled"] == gone
    assert found["done"] == len(requests) - gone == len(set(first.other.applied)) == len(first.other.applied)
