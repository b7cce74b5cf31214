"""In the whole process: commands on both platforms, the worker's start and stop, and what operators see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.nodes import Action, Actions
from bot.chat.router import Answer
from bot.cli.setup import _calls
from bot.ports import MovableClock
from bot.services.effects import EffectKind
from bot.storage import effects as rows
from bot.storage.database import Database
from bot.web.figures import metrics
from tests.runtime.recorder import Recorder, until
from tests.services.effects.kit import KIND, Counterparty, failed, followed
from tests.services.work.kit import add_team


@pytest.fixture
def other() -> Counterparty:
    return Counterparty()


@pytest.fixture
async def app(sqlite_database: Database, clock: MovableClock, other: Counterparty) -> AsyncIterator[App]:
    """An application of two recording platforms, not started, whose orders go to the other side in memory."""
    given = settings.given(database={"url": str(sqlite_database.url)}, web={"port": 0})
    app = build(given, clock, [Recorder("slack"), Recorder("telegram")])
    kinds = cast("dict[str, EffectKind]", app.services.inquiries.settlements.kinds)
    kinds[KIND] = EffectKind(other, followed, failed)
    yield app
    await app.runtime.stop()
    await app.close()


async def plan(app: App, key: str = "order:1") -> int:
    """Write a call down."""
    async with app.services.database.transaction() as connection:
        return await app.services.effects.plan(
            connection, key=key, kind=KIND, topic="purchases", request_id=None, payload={}
        )


async def ask(app: App, line: str | Action, member_id: int, platform: str = "slack") -> Answer:
    """What a member is answered to a line or a press."""
    asker = Asker(member_id, "Greta", "approver", "en", ZoneInfo("Asia/Shanghai"))
    origin = Origin(platform, "U1", "C1", "group")
    call = Invocation(app.services, asker, origin, app.services.clock.now(), ())
    if isinstance(line, Action):
        return await app.router.press(call, line.command, line.arguments)
    return await app.router.run(call, line)


def buttons(answer: Answer) -> dict[str, Action]:
    """The buttons of an answer by what they do."""
    found = [button for block in answer.message.blocks if isinstance(block, Actions) for button in block.buttons]
    return {" ".join((button.command, *button.arguments)): button for button in found}


async def team(app: App) -> dict[str, int]:
    """Members by name."""
    async with app.services.database.transaction() as connection:
        return await add_team(connection, app.services.clock.now())


async def test_the_running_process_makes_a_planned_call_and_ends_in_time(app: App, other: Counterparty) -> None:
    await app.runtime.start()
    await plan(app)
    await until(lambda: other.applied)
    other.gate = asyncio.Event()
    await plan(app, "order:2")
    await until(lambda: len(other.applied) == 2)
    began = asyncio.get_running_loop().time()
    await app.runtime.stop()
    assert asyncio.get_running_loop().time() - began < 9.5
    async with app.services.database.reading() as connection:
        assert await rows.counts(connection) == [("purchases", "sending", 1, app.services.clock.now())]


async def test_a_stop_lets_a_call_under_way_end(app: App, other: Counterparty) -> None:
    other.gate = asyncio.Event()
    await app.runtime.start()
    effect_id = await plan(app)
    await until(lambda: other.applied)
    stopping = asyncio.create_task(app.runtime.stop())
    await asyncio.sleep(0)
    other.gate.set()
    await stopping
    assert (await app.services.inquiries.get(effect_id)).state == "done"


async def test_a_tick_looks_at_what_is_due_by_a_pushed_clock(
    app: App, other: Counterparty, clock: MovableClock
) -> None:
    await app.runtime.start()
    async with app.services.database.transaction() as connection:
        await app.services.effects.plan(
            connection, key="k", kind=KIND, topic="purchases", request_id=None, payload={},
            due_at=clock.now() + timedelta(days=2),
        )  # fmt: skip
    clock.push(timedelta(days=2))
    await app.runtime.tick()
    await until(lambda: other.applied, 0.9)


async def test_the_switches_are_thrown_on_one_platform_and_taken_back_on_the_other(
    app: App, other: Counterparty
) -> None:
    greta = (await team(app))["Greta"]
    assert not (await ask(app, "halt purchases wrong prices", greta)).refused
    await plan(app)
    await app.effect_worker.drain()
    assert other.asked == []
    shown = await ask(app, "叫停", greta, "telegram")
    assert set(buttons(shown)) == {"halt promotions", "resume purchases"}
    await ask(app, buttons(shown)["resume purchases"], greta, "telegram")
    await app.effect_worker.drain()
    assert other.applied == ["order:1"]
    assert set(buttons(await ask(app, "halt", greta))) == {"halt promotions", "halt purchases"}
    assert "stop all" in buttons(await ask(app, "halt all", greta))
    assert not (await ask(app, "resume", greta)).refused
    assert await app.services.halts.standing() == ()


async def test_a_call_in_doubt_is_listed_shown_and_settled_by_its_button(app: App, other: Counterparty) -> None:
    people = await team(app)
    other.deeds.append("lost")
    other.looks.append("cannot")
    effect_id = await plan(app)
    clock = cast("MovableClock", app.services.clock)
    await app.effect_worker.drain()
    clock.push(timedelta(seconds=10))
    await app.effect_worker.drain()
    listed = await ask(app, "effect", people["Greta"])
    shown = await ask(app, buttons(listed)[f"effect E-{effect_id}"], people["Greta"], "telegram")
    answer = await ask(app, buttons(shown)[f"effect E-{effect_id}@1 done"], people["Greta"], "telegram")
    assert not answer.refused
    late = await ask(app, buttons(shown)[f"effect E-{effect_id}@1 again"], people["Lin Wei"])
    assert late.refused
    assert (await app.services.inquiries.get(effect_id)).state == "done"
    assert other.asked == ["order:1"]
    assert (await ask(app, "effect X-1", people["Greta"])).refused
    assert (await ask(app, "effect E-99", people["Greta"])).refused


async def test_operators_see_doubts_and_halts(app: App, other: Counterparty) -> None:
    people = await team(app)
    other.deeds.append("lost")
    other.looks.append("cannot")
    await plan(app)
    await app.effect_worker.drain()
    cast("MovableClock", app.services.clock).push(timedelta(seconds=10))
    await app.effect_worker.drain()
    await ask(app, "halt promotions", people["Greta"])
    samples = {
        (sample.name, *sample.labels.values()): sample.value for sample in await metrics(app.services, app.job_runner)
    }
    assert samples["stocktide_effects", "purchases", "halted"] == 1
    assert samples["stocktide_effects_oldest_seconds", "purchases", "halted"] == 10
    assert samples["stocktide_halted_seconds", "promotions"] == 0
    checks = await _calls(app.services.database)
    assert [(check.name, check.verdict) for check in checks] == [("calls", "warn"), ("kill switch", "warn")]
