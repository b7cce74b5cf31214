"""Socket Mode over a real local WebSocket: acknowledging, stopping, and noticing silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.chat.incoming import Incoming
from bot.errors import TokenRefused
from bot.platforms.slack import app
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from tests.platforms.slack.conftest import Inbox
from tests.platforms.slack.payloads import command, direct, envelope, press
from tests.platforms.slack.server import Answer, Slack, error


def options(slack: Slack, ping_interval: float = 10) -> SlackOptions:
    return SlackOptions(
        "xoxb-1", "", "xapp-1", base_url=slack.base_url, commands=("stock",), ping_interval=ping_interval
    )


@pytest.fixture
async def connected(slack: Slack, inbox: Inbox) -> AsyncIterator[SlackPlatform]:
    platform = SlackPlatform(options(slack))
    await platform.start(inbox)
    yield platform
    await platform.stop()


@pytest.mark.usefixtures("connected")
async def test_every_kind_of_envelope_is_stored_and_acknowledged(slack: Slack, inbox: Inbox) -> None:
    await slack.until(lambda: slack.sockets)
    await slack.send("slash_commands", command(), "e1")
    await slack.send("interactive", press(), "e2")
    await slack.send("events_api", envelope(direct()), "e3")
    await slack.until(lambda: len(slack.acks) == 3)
    assert sorted(slack.acks) == ["e1", "e2", "e3"]
    assert sorted(incoming.kind for incoming in inbox.taken) == ["command", "command", "press"]


@pytest.mark.usefixtures("connected")
async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(slack: Slack, inbox: Inbox) -> None:
    await slack.until(lambda: slack.sockets)
    inbox.failure = OSError()
    await slack.send("events_api", envelope(direct(), "Ev1"), "lost")
    await slack.send("events_api", envelope(direct(user="U0BOT00001"), "Ev0"), "after")
    await slack.until(lambda: "after" in slack.acks)
    inbox.failure = None
    await slack.send("events_api", envelope(direct(), "Ev1"), "again")
    await slack.until(lambda: "again" in slack.acks)
    assert "lost" not in slack.acks
    assert [incoming.event_id for incoming in inbox.taken] == ["Ev1"]


async def test_a_stop_drains_the_event_in_hand_before_it_disconnects(slack: Slack) -> None:
    arrived, stored = asyncio.Event(), asyncio.Event()

    async def slow(_incoming: Incoming) -> None:
        arrived.set()
        await stored.wait()

    platform = SlackPlatform(options(slack))
    await platform.start(slow)
    await slack.until(lambda: slack.sockets)
    await slack.send("events_api", envelope(direct()), "in hand")
    await asyncio.wait_for(arrived.wait(), 5)
    stopping = asyncio.create_task(platform.stop())
    await asyncio.sleep(0)  # lets the stop begin
    await slack.send("events_api", envelope(direct(), "Ev2"), "too late")
    done, _waiting = await asyncio.wait({stopping}, timeout=0.1)
    assert not done
    assert slack.acks == []
    stored.set()
    await asyncio.wait_for(stopping, 5)
    await slack.until(lambda: slack.sockets[0].closed)
    assert slack.acks == ["in hand"]


async def test_a_stop_does_not_wait_for_ever(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_DRAIN_SECONDS", 0.05)
    arrived = asyncio.Event()

    async def stuck(_incoming: Incoming) -> None:
        arrived.set()
        await asyncio.Event().wait()

    platform = SlackPlatform(options(slack))
    await platform.start(stuck)
    await slack.until(lambda: slack.sockets)
    await slack.send("events_api", envelope(direct()))
    await asyncio.wait_for(arrived.wait(), 5)
    await asyncio.wait_for(platform.stop(), 3)
    assert slack.acks == []


async def test_a_stop_leaves_no_task_behind(slack: Slack, inbox: Inbox) -> None:
    before = asyncio.all_tasks()
    platform = SlackPlatform(options(slack))
    await platform.start(inbox)
    await slack.until(lambda: slack.sockets)
    await platform.stop()
    await slack.until(lambda: slack.sockets[0].closed)
    left = [task for task in asyncio.all_tasks() - before if "bot" in str(task) or "slack_sdk" in str(task)]
    assert left == []


async def test_a_deaf_connection_is_noticed_and_made_anew(slack: Slack, inbox: Inbox) -> None:
    platform = SlackPlatform(options(slack, ping_interval=0.1))
    await platform.start(inbox)
    await slack.until(lambda: slack.sockets)
    socket = platform._socket
    assert socket is not None
    # The SDK's own watch and its reader have died, as reported of it; the connection itself is fine.
    assert socket._client.current_session_monitor is not None
    assert socket._client.message_receiver is not None
    socket._client.current_session_monitor.cancel()
    socket._client.message_receiver.cancel()
    await slack.until(lambda: len(slack.sockets) == 2)
    await slack.send("events_api", envelope(direct()), "heard")
    await slack.until(lambda: "heard" in slack.acks)
    await platform.stop()


async def test_silence_alone_is_noticed(slack: Slack, inbox: Inbox) -> None:
    platform = SlackPlatform(options(slack, ping_interval=0.1))
    await platform.start(inbox)
    await slack.until(lambda: slack.sockets)
    socket = platform._socket
    assert socket is not None
    assert socket._client.current_session_monitor is not None
    socket._client.current_session_monitor.cancel()  # nobody pings any more
    await slack.until(lambda: len(slack.sockets) >= 2)
    await platform.stop()


async def test_a_dead_worker_of_the_sdk_is_replaced(slack: Slack, inbox: Inbox) -> None:
    platform = SlackPlatform(options(slack, ping_interval=0.1))
    await platform.start(inbox)
    await slack.until(lambda: slack.sockets)
    socket = platform._socket
    assert socket is not None
    socket._client.message_processor.cancel()
    await slack.until(lambda: len(slack.sockets) >= 2)
    await slack.send("events_api", envelope(direct()), "heard")
    await slack.until(lambda: "heard" in slack.acks)
    await platform.stop()


async def test_a_healthy_connection_is_left_alone(slack: Slack, inbox: Inbox) -> None:
    platform = SlackPlatform(options(slack, ping_interval=0.05))
    await platform.start(inbox)
    await slack.until(lambda: slack.sockets)
    await slack.until(lambda: slack.pings >= 24)  # the SDK and its HTTP library each ping
    await slack.send("events_api", envelope(direct()), "heard")
    await slack.until(lambda: "heard" in slack.acks)
    assert len(slack.sockets) == 1
    await platform.stop()


@pytest.mark.usefixtures("connected")
async def test_events_go_on_when_slack_asks_for_a_new_connection(slack: Slack, inbox: Inbox) -> None:
    await slack.until(lambda: slack.sockets)
    await slack.sockets[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
    await slack.until(lambda: len(slack.sockets) == 2)
    await slack.until(lambda: slack.sockets[0].closed)
    await slack.send("events_api", envelope(direct()), "heard")
    await slack.until(lambda: "heard" in slack.acks)
    assert len(inbox.taken) == 1


async def test_a_start_while_slack_is_down_connects_later(
    slack: Slack, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    slack.answers["auth.test"].append(Answer(503, "down"))
    slack.answers["apps.connections.open"].append(Answer(503, "down"))
    platform = SlackPlatform(options(slack, ping_interval=0.1))
    await platform.start(inbox)
    assert "not connected yet" in caplog.text
    await slack.until(lambda: slack.sockets)
    await slack.send("events_api", envelope(direct()), "heard")
    await slack.until(lambda: "heard" in slack.acks)
    await platform.stop()


async def test_a_refused_app_token_stops_the_start(slack: Slack, inbox: Inbox) -> None:
    slack.answers["apps.connections.open"].append(error("invalid_auth"))
    with pytest.raises(TokenRefused):
        await SlackPlatform(options(slack)).start(inbox)


async def test_a_refused_connection_is_logged_without_its_ticket(
    slack: Slack, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.answers["link"].extend([Answer(403, "no")] * 3)
    platform = SlackPlatform(options(slack, ping_interval=0.1))
    starting = asyncio.create_task(platform.start(inbox))
    await slack.until(lambda: len(slack.of("link")) == 2)  # the first refusal has been dealt with
    starting.cancel()
    await asyncio.wait([starting])
    await platform.stop()
    ours = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    assert any("WSServerHandshakeError" in line for line in ours)
    assert not any("planted" in line for line in ours)
