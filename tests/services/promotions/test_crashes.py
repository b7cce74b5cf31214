"""A process that dies between the calls of a promotion, or in one: the next one goes on, and changes nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.bootstrap import App, build
from bot.sandbox.store import Weather
from tests.services.promotions.kit import Yard, pounds


async def reborn(yard: Yard) -> App:
    """The process is gone; another one starts on the same database."""
    await yard.app.close()
    yard.app = build(yard.app.settings, yard.clock, ())
    return yard.app


async def cut_off_in(yard: Yard, method: str, changes: int) -> None:
    """The process dies while it waits for the store's answer to a call that the store has carried out."""
    yard.store.faults.add(method, "delay:30")
    work = asyncio.create_task(yard.works())
    await yard.store.pulse.until(lambda: len(yard.store.changes) == changes, 20)
    for call in yard.app.effect_worker._calls.values():
        call.cancel()
    work.cancel()
    await asyncio.gather(work, *yard.app.effect_worker._calls.values(), return_exceptions=True)
    await reborn(yard)


async def test_between_reading_and_setting_the_prior_price_is_never_lost(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await yard.approved()
    with monkeypatch.context() as patch:
        patch.setattr(yard.app.effect_worker, "_claim", _only_the_first(yard))
        await yard.app.effect_worker._round()
        await asyncio.gather(*yard.app.effect_worker._calls.values())
    assert (await yard.promotion(request_id)).prior_minor == 250
    assert not yard.store.changes
    await reborn(yard)
    await yard.works()
    assert (await yard.request(request_id)).stage == "running"
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    await yard.works()
    assert yard.price() == (pounds(250), None)


def _only_the_first(yard: Yard):  # type: ignore[no-untyped-def]  # noqa: ANN202  # stands in for a bound method
    claim = yard.app.effect_worker._claim
    claimed: list[int] = []

    async def once(ids: list[int]) -> None:
        if not claimed:
            claimed.extend(ids)
            await claim(ids)

    return once


async def test_a_process_that_dies_after_the_price_was_lowered_leaves_it_to_be_found(yard: Yard) -> None:
    request_id = await yard.approved()
    await cut_off_in(yard, "set_price", 1)
    assert (await yard.request(request_id)).stage == "starting"
    await yard.works()
    assert (await yard.request(request_id)).stage == "starting"  # its lease has not ended
    await yard.passes(minutes=2)
    assert (await yard.request(request_id)).stage == "running"
    assert len(yard.store.changes) == 1
    assert (await yard.promotion(request_id)).prior_minor == 250


async def test_a_process_that_dies_after_the_price_was_restored_leaves_it_to_be_found(yard: Yard) -> None:
    request_id = await yard.runs()
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    await cut_off_in(yard, "set_price", 2)
    await yard.passes(minutes=2)
    over = await yard.request(request_id)
    assert (over.state, over.stage) == ("done", "stopped")
    assert (await yard.promotion(request_id)).restored is True
    assert [change.price for change in yard.store.changes] == [pounds(200), pounds(250)]


async def test_two_processes_that_tick_at_once_stop_and_report_once(yard: Yard) -> None:
    request_id = await yard.runs()
    other = build(yard.app.settings, yard.clock, ())
    yard.clock.push(timedelta(days=5))
    watches = (yard.app.services.promotion_watch, other.services.promotion_watch)
    stopped = await asyncio.gather(*(watch.tick(yard.clock.now()) for watch in watches))
    assert sum(tick.stopped for tick in stopped) == 1
    await yard.works()
    yard.clock.push(timedelta(days=1))
    reported = await asyncio.gather(*(watch.tick(yard.clock.now()) for watch in watches))
    assert sum(tick.reported for tick in reported) == 1
    assert len(await yard.posts("What {request} brought")) == 1
    assert (await yard.promotion(request_id)).reported_at == yard.clock.now()
    await other.close()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_weather_each_price_changes_once(small: Yard, seed: int) -> None:

    request_id = await small.approved()
    small.store.weather = Weather(seed, 0.5, ("drop_after_reading", "drop_before_applying", "429:1", "500"))
    for _ in range(60):
        await small.passes(minutes=10)
        if (await small.request(request_id)).stage == "running":
            break
    await small.presses("Lin Wei", "stop", f"R-{request_id}")
    for _ in range(60):
        await small.passes(minutes=10)
        if (await small.request(request_id)).stage == "stopped":
            break
    assert small.store.weather.met > 0
    assert [change.price for change in small.store.changes] == [pounds(200), pounds(250)]
