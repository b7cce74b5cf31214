"""The check of Janus, and the sizes of rooms with and without one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Check, MovableClock
from bot.rooms import janus_of
from bot.rooms.janus import JanusServer
from tests.rooms.faults import Fault
from tests.rooms.kit import make, nobody, served, settings_of
from tests.web_rooms.janus_server import ADMIN_KEY, Janus


async def checked(janus: Janus, clock: MovableClock, **keys: Any) -> tuple[Check, ...]:
    """What the check of our own rooms says of Janus."""
    async with served(janus.app()) as url:
        given = {"janus_url": f"{url}/janus", "janus_admin_key": ADMIN_KEY} | keys
        lines = await make("embedded", clock, seconds=0.5, **given).check()
    assert janus.sessions == {}, "the check leaves nothing behind"
    return tuple(line for line in lines if line.name == "rooms janus")


async def test_a_janus_with_our_key_is_good(clock: MovableClock) -> None:
    janus = Janus()
    (line,) = await checked(janus, clock)
    assert (line.verdict, line.detail) == ("ok", "Janus WebRTC Server 1.1.2 answers")
    assert janus.rooms == {}


async def test_a_wrong_key_fails_and_is_not_told(clock: MovableClock) -> None:
    _, line = await checked(Janus(), clock, janus_admin_key="wrong-key-canary")
    assert line.verdict == "fail"
    assert "wrong admin_key [hidden]" in line.detail
    assert "admin_key" in line.remedy


async def test_a_janus_where_anybody_may_make_rooms_is_warned_of(clock: MovableClock) -> None:
    _, line = await checked(Janus(admin_key=""), clock)
    assert (line.verdict, line.detail) == ("warn", "whoever reaches Janus may make rooms there")
    assert "janus.plugin.videoroom.jcfg" in line.remedy


async def test_a_janus_without_its_plugin_fails(clock: MovableClock) -> None:
    (line,) = await checked(Janus(plugins=("janus.plugin.echotest",)), clock)
    assert (line.verdict, line.detail) == ("fail", "Janus runs without its VideoRoom plugin")


@pytest.mark.parametrize("fault", ["drop", "silent", (500, {}), (403, {})], ids=str)
async def test_a_janus_that_fails_in_between_is_told(clock: MovableClock, fault: Fault) -> None:
    janus = Janus()
    janus.faults.queue.append(fault)
    (line,) = [line for line in await checked(janus, clock) if line.verdict != "ok"]
    assert line.verdict == "fail"
    assert "rooms.janus_url" in line.remedy


async def test_an_address_where_nobody_is_fails_the_check_with_what_to_look_at(clock: MovableClock) -> None:
    lines = await make("embedded", clock, janus_url=f"{nobody()}/janus").check()
    assert (lines[-1].verdict, lines[-1].detail) == ("fail", "Janus was not reached: ConnectError")


async def test_without_a_janus_the_check_says_nothing_of_it(clock: MovableClock) -> None:
    assert {line.name for line in await make("embedded", clock).check()} == {"rooms embedded"}
    assert janus_of(settings_of("slack_huddle", janus_url="http://127.0.0.1:8088/janus")) is None


def test_rooms_are_as_large_as_janus_is_meant_for_unless_a_size_was_written_down() -> None:
    url = "http://127.0.0.1:8088/janus"
    assert settings_of("embedded").rooms.most == 6
    assert settings_of("embedded", janus_url=url, janus_cap=40).rooms.most == 40
    assert settings_of("embedded", janus_url=url, janus_cap=40, cap=9).rooms.most == 9
    assert settings_of("embedded", janus_url=url, janus_cap=40, cap=90).rooms.most == 40
    assert settings_of("livekit", janus_url=url, cap=9).rooms.most == 9


async def test_what_janus_refuses_and_what_it_leaves_open_are_different_errors() -> None:
    janus = Janus()
    async with served(janus.app()) as url:
        server = JanusServer(f"{url}/janus", ADMIN_KEY, seconds=0.3)
        session = await server.open()
        handle = await session.attach()
        with pytest.raises(Declined, match="No such room"):
            await session.ask(handle, {"request": "destroy", "room": 5, "secret": "s" * 32, "permanent": False})
        with pytest.raises(Unanswered, match="did not answer join"):  # nobody listens for the event
            await session.ask(handle, {"request": "join", "ptype": "publisher", "room": 5, "pin": "p", "id": 1})
        janus.restart()
        with pytest.raises(Unreached, match="No such session"):
            await session.attach()
        with pytest.raises(Unreached):
            await session.listen(lambda _sender, _event: None)
        await session.close()
        await server.close()


async def test_a_poll_that_breaks_off_costs_nothing_while_the_session_is_there() -> None:
    janus = Janus()
    async with served(janus.app()) as url:
        server = JanusServer(f"{url}/janus", ADMIN_KEY, seconds=2)
        session = await server.open()
        janus.broken_polls = 1
        listening = asyncio.create_task(session.listen(lambda _sender, _event: None))
        await janus.until(lambda: janus.kept_alive == 1)
        await session.make(await session.attach(), {"room": 5, "secret": "s" * 32, "pin": "p" * 32})
        assert not listening.done()
        janus.restart()
        with pytest.raises(Unreached):
            await listening
        await server.close()
