"""Signed HTTP: what is stored, acknowledged and refused."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import pytest

from bot.errors import TokenRefused
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.ports import HttpRequest
from tests.platforms.slack.conftest import Inbox
from tests.platforms.slack.payloads import (
    ANNA,
    BOT,
    SECRET,
    as_form,
    as_json,
    command,
    direct,
    envelope,
    mention,
    press,
    request,
)
from tests.platforms.slack.server import Answer, Slack, error


async def test_a_command_is_stored_and_then_acknowledged(platform: SlackPlatform, inbox: Inbox) -> None:
    answer = await platform.receive(as_form(command()))
    assert (answer.status, answer.body) == (200, b"")
    assert [incoming.text for incoming in inbox.taken] == ["stock 85123A"]


async def test_the_acknowledgement_waits_for_the_intake(slack: Slack) -> None:
    arrived, stored = asyncio.Event(), asyncio.Event()

    async def slow(_incoming: object) -> None:
        arrived.set()
        await stored.wait()

    platform = SlackPlatform(SlackOptions("xoxb-1", SECRET, base_url=slack.base_url, commands=("stock",)))
    await platform.start(slow)
    for body in (as_form(command()), as_form(press()), as_json(envelope(mention()))):
        arrived.clear()
        stored.clear()
        answering = asyncio.create_task(platform.receive(body))
        await asyncio.wait_for(arrived.wait(), 5)
        assert not answering.done()
        stored.set()
        assert (await asyncio.wait_for(answering, 5)).status == 200
    await platform.stop()


@pytest.mark.parametrize(
    "sign",
    [lambda: as_form(command()), lambda: as_form(press()), lambda: as_json(envelope(direct()))],
    ids=["command", "press", "event"],
)
async def test_an_event_that_could_not_be_stored_is_not_acknowledged(
    platform: SlackPlatform, inbox: Inbox, sign: Callable[[], HttpRequest], caplog: pytest.LogCaptureFixture
) -> None:
    inbox.failure = OSError("the disk is full of planted-secret")
    assert (await platform.receive(sign())).status == 500
    assert "OSError" in caplog.text
    assert "planted-secret" not in caplog.text


async def test_a_redelivery_carries_the_same_event_id(platform: SlackPlatform, inbox: Inbox) -> None:
    inbox.failure = OSError()
    assert (await platform.receive(as_json(envelope(direct())))).status == 500
    inbox.failure = None
    again = as_json(envelope(direct()))
    headers = {**again.headers, "x-slack-retry-num": "1", "x-slack-retry-reason": "http_error"}
    for _attempt in range(2):
        assert (await platform.receive(HttpRequest("POST", again.path, "", headers, again.body))).status == 200
    assert [incoming.event_id for incoming in inbox.taken] == ["Ev08MFMKH6"] * 2


async def test_an_event_is_not_acknowledged_while_slack_cannot_tell_who_we_are(slack: Slack, inbox: Inbox) -> None:
    slack.answers["auth.test"].extend([error("internal_error"), error("internal_error")])
    platform = SlackPlatform(SlackOptions("xoxb-1", SECRET, base_url=slack.base_url))
    await platform.start(inbox)
    assert (await platform.receive(as_json(envelope(direct())))).status == 500
    assert (await platform.receive(as_json(envelope(direct())))).status == 200
    assert len(inbox.taken) == 1
    await platform.stop()


async def test_events_that_do_not_concern_us_are_acknowledged(platform: SlackPlatform, inbox: Inbox) -> None:
    own = envelope(direct(user=BOT, bot_id="B0001"))
    assert (await platform.receive(as_json(own))).status == 200
    assert (await platform.receive(as_json(envelope({"type": "reaction_added", "user": "U1"})))).status == 200
    assert inbox.taken == []


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (mention(), "command"),
        ({"type": "app_home_opened", "user": ANNA, "channel": "D1", "tab": "home"}, "home_opened"),
        ({"type": "member_joined_channel", "user": BOT, "channel": "C1", "inviter": ANNA}, "joined"),
        ({"type": "member_left_channel", "user": BOT, "channel": "C1"}, "removed"),
        ({"type": "channel_left", "channel": "C1", "actor_id": ANNA}, "removed"),
        ({"type": "channel_archive", "channel": "C1", "user": ANNA}, "removed"),
        ({"type": "tokens_revoked", "tokens": {"bot": [BOT]}}, "removed"),
        ({"type": "app_uninstalled"}, "removed"),
        ({"type": "user_change", "user": {"id": ANNA, "tz": "Asia/Bangkok"}}, "profile_changed"),
    ],
    ids=lambda value: str(value.get("type", "")) if isinstance(value, dict) else str(value),
)
async def test_bolt_lets_every_event_through_that_we_live_by(
    platform: SlackPlatform, inbox: Inbox, event: dict[str, object], kind: str
) -> None:
    assert (await platform.receive(as_json(envelope(event)))).status == 200
    assert [incoming.kind for incoming in inbox.taken] == [kind]


async def test_a_press_is_stored_with_its_token(platform: SlackPlatform, inbox: Inbox) -> None:
    assert (await platform.receive(as_form(press("b7Qx")))).status == 200
    assert [(incoming.kind, incoming.token) for incoming in inbox.taken] == [("press", "b7Qx")]


async def test_the_address_is_confirmed_to_slack(platform: SlackPlatform) -> None:
    challenge = {
        "token": "x",
        "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
        "type": "url_verification",
    }
    answer = await platform.receive(as_json(challenge))
    assert answer.status == 200
    assert json.loads(answer.body)["challenge"] == challenge["challenge"]


def altered(good: HttpRequest, **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(good.method, good.path, "", {**good.headers, **named}, good.body)


def signature_of(other: HttpRequest) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in other.headers.items() if name.startswith("x-slack")}


@pytest.mark.parametrize(
    "forge",
    [
        lambda: as_form(command(), secret="another"),
        lambda: as_form(command(), age=301),
        lambda: as_form(command(), age=-302),
        lambda: altered(as_form(command()), x_slack_signature="v0=0"),
        lambda: altered(as_form(command()), x_slack_signature="v0=é"),
        lambda: altered(as_form(command()), x_slack_request_timestamp="yesterday"),
        lambda: altered(as_form(command()), x_slack_request_timestamp="²"),
        lambda: HttpRequest("POST", "/slack/events", "", {"content-type": "application/json"}, b"{}"),
        lambda: altered(as_form(command(text="10002")), **signature_of(as_form(command()))),
    ],
    ids=["secret", "late", "early", "short", "not ASCII", "no time", "odd time", "unsigned", "other body"],
)
async def test_a_forged_or_late_request_is_refused_and_noted(
    platform: SlackPlatform, inbox: Inbox, forge: Callable[[], HttpRequest], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await platform.receive(forge())
    assert answer.status == 401
    assert len(answer.body) < 50
    assert inbox.taken == []
    assert "forged or late" in caplog.text
    assert "85123A" not in caplog.text
    assert "v0=" not in caplog.text


async def test_nothing_is_believed_without_a_signing_secret(slack: Slack, inbox: Inbox) -> None:
    platform = SlackPlatform(SlackOptions("xoxb-1", "", base_url=slack.base_url, commands=("stock",)))
    await platform.start(inbox)
    assert (await platform.receive(as_form(command(), secret=""))).status == 401
    await platform.stop()


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[]", b"{"])
async def test_a_body_that_cannot_be_read_is_refused(platform: SlackPlatform, body: bytes) -> None:
    assert (await platform.receive(request(body, "application/json"))).status in {400, 401}


async def test_other_methods_are_refused(platform: SlackPlatform) -> None:
    assert (await platform.receive(HttpRequest("GET", "/slack/events", "", {}, b""))).status == 405


async def test_a_stop_waits_for_the_event_in_hand_and_takes_no_more(slack: Slack) -> None:
    arrived, stored = asyncio.Event(), asyncio.Event()

    async def slow(_incoming: object) -> None:
        arrived.set()
        await stored.wait()

    platform = SlackPlatform(SlackOptions("xoxb-1", SECRET, base_url=slack.base_url, commands=("stock",)))
    assert (await platform.receive(as_form(command()))).status == 503
    await platform.start(slow)
    answering = asyncio.create_task(platform.receive(as_form(command())))
    await asyncio.wait_for(arrived.wait(), 5)
    stopping = asyncio.create_task(platform.stop())
    await asyncio.sleep(0)  # lets the stop begin
    assert (await platform.receive(as_form(command()))).status == 503
    done, _waiting = await asyncio.wait({stopping}, timeout=0.1)
    assert not done
    stored.set()
    assert (await answering).status == 200
    await asyncio.wait_for(stopping, 5)


async def test_a_refused_token_stops_the_start(slack: Slack, inbox: Inbox) -> None:
    slack.answers["auth.test"].append(error("invalid_auth"))
    platform = SlackPlatform(SlackOptions("xoxb-1", SECRET, base_url=slack.base_url))
    with pytest.raises(TokenRefused):
        await platform.start(inbox)


async def test_logs_hold_no_secret_even_at_debug(slack: Slack, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options = SlackOptions("xoxb-planted-token", SECRET, "xapp-planted", base_url=slack.base_url, commands=("stock",))
    platform = SlackPlatform(options)
    slack.answers["auth.test"].append(Answer(500, "planted-answer"))
    await platform.start(inbox)
    body = command(response_url=f"{slack.origin}/hook/planted-url")
    await platform.receive(as_form(body))
    await platform.receive(as_form(body, secret="another"))
    inbox.failure = OSError("planted-failure")
    await platform.receive(as_json(envelope(direct("planted-text"))))
    await platform.stop()
    ours = "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    assert "not taken" in ours
    assert "planted" not in ours
    assert SECRET not in ours
    assert "planted" not in repr(options)
