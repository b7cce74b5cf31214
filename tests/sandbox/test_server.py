"""The server and what both platforms share: starting, mounting, ending, the record, the pulse and the pace."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.world import Call, Fault, Faults, Pace, Pulse, Sight
from tests.sandbox.conftest import NOON, Town


async def test_signals_stay_with_their_owner_and_the_end_is_quick(http: httpx.AsyncClient) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    sandbox = Sandbox(MovableClock(NOON))
    await sandbox.start()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    url = f"{sandbox.telegram_base_url}{sandbox.telegram.world.token}/getUpdates"
    poll = asyncio.create_task(http.post(url, json={"timeout": 50}, timeout=60))
    await sandbox.pulse.until(lambda: sandbox.telegram.updates.polling)
    began = time.monotonic()
    await sandbox.stop()
    assert time.monotonic() - began < 1
    await asyncio.gather(poll, return_exceptions=True)
    with pytest.raises(httpx.ConnectError):
        await http.get(sandbox.url)


async def test_a_taken_port_is_an_error_and_leaves_nothing_behind(town: Town) -> None:
    port = int(town.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Sandbox(town.clock).start(port)


async def test_other_applications_stand_beside_and_below_the_platforms(town: Town, http: httpx.AsyncClient) -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse(request.url.path)

    app = Starlette(routes=[Route("/{path:path}", page)])
    town.sandbox.mount("/", app)
    town.sandbox.mount("/demo", app)
    assert (await http.get(f"{town.sandbox.url}/demo/x")).text == "/demo/x"
    assert (await http.get(f"{town.sandbox.url}/")).text == "/"
    assert (await http.post(f"{town.sandbox.slack_base_url}api.test")).json()["ok"]


async def test_the_record_tells_calls_and_sights_in_order_with_their_time(town: Town) -> None:
    await town.web().chat_postMessage(channel=town.channel.id, text="one")
    town.clock.push(timedelta(hours=1))
    town.sandbox.telegram.say(town.lin.id, town.group.id, "two")
    entries = town.sandbox.record.entries
    assert [entry.number for entry in entries] == [0, 1, 2]
    seen, call, said = entries
    assert isinstance(seen, Sight)
    assert isinstance(call, Call)
    assert isinstance(said, Sight)
    assert (seen.platform, seen.text, call.method, call.verdict) == ("slack", "one", "chat.postMessage", "ok")
    assert (said.platform, said.text, said.at - seen.at) == ("telegram", "two", timedelta(hours=1))
    assert town.sandbox.record.calls("telegram") == []


async def test_the_pulse_wakes_who_waits_and_gives_up_in_time() -> None:
    pulse = Pulse()
    found: list[int] = []
    waiting = asyncio.create_task(pulse.until(lambda: found, 5))
    await asyncio.sleep(0)
    pulse.beat()
    found.append(7)
    pulse.beat()
    assert await waiting == [7]
    assert await pulse.after(pulse.beats, 0.01) == 2
    with pytest.raises(TimeoutError, match="not seen within"):
        await pulse.until(lambda: False, 0.01)


async def test_a_cancellation_that_comes_with_a_beat_is_not_lost() -> None:
    pulse = Pulse()

    async def listen() -> None:
        while True:
            await pulse.after(pulse.beats)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    pulse.beat()
    listening.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await listening


def test_a_pace_lets_a_burst_pass_and_then_one_in_its_time() -> None:
    seconds = [0.0]
    pace = Pace(per_second=0.5, burst=2, seconds=lambda: seconds[0])
    for _ in range(2):
        assert pace.wait("a") == 0
        pace.spend("a")
    assert pace.wait("a") == pytest.approx(2)
    assert pace.wait("b") == 0
    seconds[0] = 1
    assert pace.wait("a") == pytest.approx(1)
    seconds[0] = 2
    assert pace.wait("a") == 0


def test_faults_are_met_in_order_and_once() -> None:
    faults = Faults()
    faults.add("chat.postMessage", "429:3")
    faults.add("chat.postMessage", "error:is_archived")
    faults.add("*", "delay:0.5")
    assert faults.take("chat.postMessage") == Fault("rate", 3)
    assert faults.take("auth.test") == Fault("delay", 0.5)
    assert faults.take("chat.postMessage") == Fault("error", detail="is_archived")
    assert faults.take("chat.postMessage") is None


@pytest.mark.parametrize("mode", ["", "boom", "error:", "delay:soon"])
def test_a_mode_that_is_none_is_refused(mode: str) -> None:
    with pytest.raises(ValueError, match=r"fault mode|could not convert"):
        Fault.parse(mode)


async def test_answers_are_not_held_back_by_nagles_delay(town: Town, http: httpx.AsyncClient) -> None:
    async def page(request: Request) -> Response:
        connection = request.scope["extensions"]["sandbox.transport"].get_extra_info("socket")
        return PlainTextResponse(str(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))

    town.sandbox.mount("/delay", Starlette(routes=[Route("/", page)]))
    assert (await http.get(f"{town.sandbox.url}/delay/")).text != "0"
