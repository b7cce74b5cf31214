"""Each call is made once: what every outcome leads to, on both databases."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bot.errors import Unreached
from bot.ports import Call, MovableClock
from bot.services.effects import EffectKind
from bot.services.effectworker import Persistence
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.words import verbatim
from tests.runtime.recorder import until
from tests.services.effects.kit import KIND, STEADY, Counterparty, Floor, failed, followed, open_floor
from tests.services.work.kit import add_channel

HOURLY = replace(STEADY, backoff=replace(STEADY.backoff, ceiling=timedelta(hours=1)))


@pytest.fixture
async def floor(database: Database, clock: MovableClock) -> Floor:
    return await open_floor(database, clock)


@pytest.fixture
async def small_floor(sqlite_database: Database, clock: MovableClock) -> Floor:
    """On SQLite alone, and each attempt up to an hour after the last: a day of them tells nothing of either."""
    return await open_floor(sqlite_database, clock, persistence=HOURLY)


async def test_a_planned_call_is_made_once_and_what_follows_is_in_the_same_transaction(floor: Floor) -> None:
    effect_id = await floor.plan()
    await floor.worker.drain()
    await floor.later(3600)
    row = await floor.row(effect_id)
    assert (row.state, row.attempts, row.result) == ("done", 1, {"receipt": "order:1"})
    assert floor.other.applied == ["order:1"]
    assert await floor.followed("order:1") == "done"
    assert await floor.deeds() == ["effect.begun", "effect.done"]
    assert (await floor.desk.audit.verify()).broken_at is None


async def test_a_key_is_planned_once(floor: Floor) -> None:
    first = await floor.plan("order:1")
    assert await floor.plan("order:1", payload={"n": 2}) == first
    await floor.worker.drain()
    assert await floor.plan("order:1") == first
    await floor.worker.drain()
    assert floor.other.asked == ["order:1"]


async def test_what_is_planned_in_a_transaction_that_fails_is_never_made(floor: Floor) -> None:
    async def fail() -> None:
        async with floor.database.transaction() as connection:
            await floor.effects.plan(connection, key="k", kind=KIND, topic="purchases", request_id=None, payload={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await floor.worker.drain()
    assert floor.other.asked == []


async def test_a_call_waits_for_its_time(floor: Floor) -> None:
    await floor.plan(due_at=floor.clock.now() + timedelta(hours=2))
    await floor.later(7199)
    assert floor.other.asked == []
    await floor.later(1)
    assert floor.other.applied == ["order:1"]


async def test_an_unreached_call_is_made_again_after_a_wait_that_grows(floor: Floor) -> None:
    floor.other.deeds.extend(["unreached"] * 3)
    effect_id = await floor.plan()
    await floor.worker.drain()
    for wait in (1, 2, 4):
        row = await floor.row(effect_id)
        assert (row.state, row.due_at - floor.clock.now()) == ("pending", timedelta(seconds=wait))
        await floor.later(wait - 0.1)
        assert (await floor.row(effect_id)).attempts == row.attempts
        await floor.later(0.1)
    assert (await floor.row(effect_id)).state == "done"
    assert floor.other.applied == ["order:1"]
    assert floor.other.looked == []


class Busy(Counterparty):
    """Asks us to come again in a quarter of an hour, once."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        if not self.asked:
            self.asked.append(call.key)
            raise Unreached(verbatim("429"), retry_after=900)
        return await super().perform(call)


async def test_the_other_side_says_when_to_come_again(database: Database, clock: MovableClock) -> None:
    floor = await open_floor(database, clock, Busy())
    await floor.plan()
    await floor.worker.drain()
    await floor.later(899)
    assert floor.other.applied == []
    await floor.later(1)
    assert floor.other.applied == ["order:1"]


async def test_what_cannot_be_reached_for_a_day_fails_and_is_told(small_floor: Floor) -> None:
    async with small_floor.database.transaction() as connection:
        await add_channel(connection, "C1", "requests", now=small_floor.clock.now())
    small_floor.other.deeds.extend(["unreached"] * 1000)
    effect_id = await small_floor.plan()
    began = small_floor.clock.now()
    while (row := await small_floor.row(effect_id)).state == "pending":
        small_floor.clock.push(max(timedelta(0), row.due_at - small_floor.clock.now()))
        await small_floor.worker.drain()
    assert row.state == "failed"
    assert HOURLY.age < small_floor.clock.now() - began <= HOURLY.age + HOURLY.backoff.ceiling
    assert await small_floor.followed("order:1") == "failed(nobody listens)"
    assert (await small_floor.deeds())[-1] == "effect.failed"
    assert len(await small_floor.letters(f"effect:{effect_id}")) == 1


async def test_what_is_never_there_is_given_up_too(small_floor: Floor) -> None:
    small_floor.other.deeds.extend(["dropped"] * 1000)
    effect_id = await small_floor.plan()
    while (row := await small_floor.row(effect_id)).state in {"pending", "sending"}:
        await small_floor.later(max(0.0, (row.due_at - small_floor.clock.now()).total_seconds()))
    assert row.state == "failed"
    assert 24 <= row.attempts < 100
    assert small_floor.other.applied == []


async def test_a_declined_call_fails_at_once(floor: Floor) -> None:
    floor.other.deeds.append("declined")
    effect_id = await floor.plan()
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "failed"
    assert await floor.followed("order:1") == "failed(not sold any more)"
    await floor.later(86_400)
    assert floor.other.asked == ["order:1"]


@pytest.mark.parametrize("deed", ["lost", "broken"])
async def test_a_call_without_an_answer_is_read_back_and_not_made_again(floor: Floor, deed: Any) -> None:
    floor.other.deeds.append(deed)
    effect_id = await floor.plan()
    await floor.worker.drain()
    row = await floor.row(effect_id)
    assert (row.state, row.result) == ("done", {"receipt": "order:1", "found": True})
    assert (floor.other.asked, floor.other.looked) == (["order:1"], ["order:1"])
    assert await floor.followed("order:1") == "done"


async def test_what_certainly_did_not_happen_is_made_again_under_the_same_key(floor: Floor) -> None:
    floor.other.deeds.append("dropped")
    effect_id = await floor.plan()
    await floor.worker.drain()
    assert floor.other.asked == ["order:1"]
    await floor.later(1)
    row = await floor.row(effect_id)
    assert (row.state, row.attempts) == ("done", 2)
    assert floor.other.asked == ["order:1", "order:1"]
    assert floor.other.applied == ["order:1"]
    assert await floor.deeds() == ["effect.begun", "effect.begun", "effect.done"]


async def test_the_first_look_leaves_the_other_side_time_to_finish(database: Database, clock: MovableClock) -> None:
    floor = await open_floor(database, clock, persistence=replace(STEADY, pause=timedelta(seconds=5)))
    floor.other.deeds.append("lost")
    await floor.plan()
    await floor.worker.drain()
    await floor.later(4.9)
    assert floor.other.looked == []
    await floor.later(0.1)
    assert floor.other.looked == ["order:1"]


async def test_while_the_other_side_cannot_be_asked_nothing_is_sent_again(floor: Floor) -> None:
    floor.other.deeds.append("lost")
    floor.other.looks.extend(["unreached", "refused", "unreached"])
    effect_id = await floor.plan()
    await floor.worker.drain()
    while (row := await floor.row(effect_id)).state == "sending":
        await floor.later(max(0.0, (row.due_at - floor.clock.now()).total_seconds()))
    assert row.state == "done"
    assert floor.other.asked == ["order:1"]
    assert len(floor.other.looked) == 4


async def test_where_nobody_can_be_asked_for_a_day_a_person_is(small_floor: Floor) -> None:
    small_floor.other.deeds.append("lost")
    small_floor.other.looks.extend(["unreached"] * 1000)
    effect_id = await small_floor.plan()
    await small_floor.worker.drain()
    while (row := await small_floor.row(effect_id)).state == "sending":
        await small_floor.later((row.due_at - small_floor.clock.now()).total_seconds())
    assert row.state == "halted"
    assert small_floor.other.asked == ["order:1"]


@pytest.mark.parametrize("look", ["cannot", "broken"])
async def test_where_nobody_can_tell_the_call_is_halted_and_never_made_again(floor: Floor, look: Any) -> None:
    async with floor.database.transaction() as connection:
        await add_channel(connection, "C1", "requests", now=floor.clock.now())
    floor.other.deeds.append("lost")
    floor.other.looks.append(look)
    effect_id = await floor.plan()
    await floor.worker.drain()
    for _day in range(3):
        await floor.later(86_400)
    assert (await floor.row(effect_id)).state == "halted"
    assert floor.other.asked == ["order:1"]
    assert await floor.followed("order:1") is None
    assert await floor.deeds() == ["effect.begun", "effect.halted"]
    assert len(await floor.letters(f"effect:{effect_id}")) == 1


async def test_a_call_that_takes_too_long_is_looked_for(database: Database, clock: MovableClock) -> None:
    floor = await open_floor(database, clock, persistence=replace(STEADY, call=timedelta(seconds=0.05)))
    floor.other.deeds.append("hangs")
    effect_id = await floor.plan()
    await floor.worker.drain()
    assert floor.other.looked == ["order:1"]
    await floor.later(1)
    assert (await floor.row(effect_id)).attempts == 2
    assert floor.other.applied == ["order:1"]


async def test_a_lease_that_could_end_during_its_call_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Persistence(call=timedelta(seconds=60), lease=timedelta(seconds=90))


async def test_a_worker_lost_in_a_call_leaves_it_to_be_looked_for(database: Database, clock: MovableClock) -> None:
    first = await open_floor(database, clock, Counterparty(gate=asyncio.Event()))
    effect_id = await first.plan()
    first.worker.start()
    await until(lambda: first.other.applied)
    await first.worker.stop(0)
    assert (await first.row(effect_id)).state == "sending"
    second = await open_floor(database, clock, first.other, desk=first.desk)
    await second.worker.drain()
    assert second.other.looked == []  # the lease still runs
    await second.later(STEADY.lease.total_seconds())
    assert (await second.row(effect_id)).state == "done"
    assert (second.other.asked, second.other.looked) == (["order:1"], ["order:1"])


async def test_a_late_answer_of_a_worker_that_was_replaced_changes_nothing(
    database: Database, clock: MovableClock
) -> None:
    slow = await open_floor(database, clock, Counterparty(gate=asyncio.Event()))
    effect_id = await slow.plan()
    working = asyncio.create_task(slow.worker.drain())
    await until(lambda: slow.other.applied)
    clock.push(STEADY.lease)
    swift = await open_floor(database, clock, Counterparty(applied=slow.other.applied), desk=slow.desk)
    await swift.worker.drain()
    settled = await swift.row(effect_id)
    assert slow.other.gate is not None
    with capture_logs() as logs:
        slow.other.gate.set()
        await working
    assert any("not acted upon" in line["event"] for line in logs)
    assert await swift.row(effect_id) == settled
    assert settled.result == {"receipt": "order:1", "found": True}
    assert await swift.followed("order:1") == "done"
    assert (await swift.deeds()).count("effect.done") == 1


async def test_a_process_that_stood_still_between_intent_and_call_does_not_call(
    database: Database, clock: MovableClock
) -> None:
    floor = await open_floor(database, clock)
    effect_id = await floor.plan()
    held = await floor.row(effect_id)
    outcome = await floor.worker._perform(held, -1e9)
    assert outcome.state == "pending"
    assert floor.other.asked == []


async def test_what_is_known_is_kept_where_its_following_breaks(database: Database, clock: MovableClock) -> None:
    faults = deque([RuntimeError("a defect"), RuntimeError("a defect")])

    async def fragile(connection: AsyncConnection, held: EffectRow, result: Mapping[str, Any]) -> None:
        await followed(connection, held, result)
        if faults:
            raise faults.popleft()

    other = Counterparty(looks=deque(["cannot"] * 9))
    floor = await open_floor(database, clock, other, kind=EffectKind(other, fragile, failed))
    effect_id = await floor.plan()
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "sending"
    assert await floor.followed("order:1") is None  # rolled back with the rest
    await floor.later(300)
    await floor.later(300)
    row = await floor.row(effect_id)
    assert (row.state, row.result, row.error) == ("done", {"receipt": "order:1"}, "")
    assert (other.asked, other.looked) == (["order:1"], [])
    assert await floor.followed("order:1") == "done"


async def test_an_outcome_is_written_once_the_database_is_back(database: Database, clock: MovableClock) -> None:
    other = Counterparty(looks=deque(["cannot"]))
    away = deque([OSError("connection lost"), OSError("connection lost")])

    async def absent(connection: AsyncConnection, held: EffectRow, result: Mapping[str, Any]) -> None:
        if away:
            raise away.popleft()
        await followed(connection, held, result)

    quick = replace(STEADY, backoff=replace(STEADY.backoff, first=timedelta(milliseconds=1)))
    floor = await open_floor(database, clock, other, kind=EffectKind(other, absent, failed), persistence=quick)
    effect_id = await floor.plan()
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "done"
    assert other.looked == []


async def test_a_call_of_a_kind_that_nobody_knows_is_left_alone(floor: Floor) -> None:
    effect_id = await floor.plan(kind="rocket.launch")
    await floor.worker.drain()
    assert (await floor.row(effect_id)).state == "pending"


async def test_two_workers_never_make_the_same_call(database: Database, clock: MovableClock) -> None:
    first = await open_floor(database, clock)
    second = await open_floor(database, clock, first.other, desk=first.desk)
    for number in range(40):
        await first.plan(f"order:{number}")
    await asyncio.gather(first.worker.drain(), second.worker.drain(), first.worker.drain())
    assert sorted(first.other.applied) == sorted(f"order:{number}" for number in range(40))
    assert sorted(await first.deeds()) == ["effect.begun"] * 40 + ["effect.done"] * 40


async def test_only_what_has_not_begun_is_called_off(floor: Floor) -> None:
    request_id = await floor.desk.pending()
    waiting = await floor.plan("order:1", request_id=request_id)
    restore = await floor.plan(
        "restore:1", request_id=request_id, topic="restores", due_at=floor.clock.now() + timedelta(1)
    )
    async with floor.database.transaction() as connection:
        assert await floor.effects.cancel(connection, request_id)
    await floor.worker.drain()
    assert floor.other.asked == []
    assert (await floor.row(waiting)).state == "cancelled"
    assert (await floor.row(restore)).state == "pending"


@pytest.mark.parametrize("state", ["sending", "done", "halted"])
async def test_what_may_have_happened_cannot_be_called_off(floor: Floor, state: str) -> None:
    request_id = await floor.desk.pending()
    effect_id = await floor.plan("order:1", request_id=request_id)
    async with floor.database.transaction() as connection:
        await connection.execute(update(tables.Effect).values(state=state))
        assert not await floor.effects.cancel(connection, request_id)
    assert (await floor.row(effect_id)).state == state


async def test_a_started_worker_hears_of_what_is_planned_at_once(floor: Floor) -> None:
    floor.worker.start()
    try:
        await until(lambda: floor.worker._loop is not None)
        await floor.plan()
        await until(lambda: floor.other.applied, 0.9)
    finally:
        await floor.worker.stop(1)


async def test_depths_tell_what_is_not_over(floor: Floor) -> None:
    floor.other.deeds.append("lost")
    floor.other.looks.append("cannot")
    await floor.plan("order:1")
    await floor.worker.drain()
    await floor.plan("order:2", due_at=floor.clock.now() + timedelta(1))
    found = {(depth.topic, depth.state): depth.rows for depth in await floor.effects.depths()}
    assert found == {("purchases", "halted"): 1, ("purchases", "pending"): 1}
