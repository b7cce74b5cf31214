"""Payloads of Slack, read as our own events."""

from __future__ import annotations

import pytest

from bot.chat.incoming import Incoming
from bot.platforms.slack.events import of_action, of_command, of_event, typed
from tests.platforms.slack.payloads import ANNA, BOT, command, direct, envelope, home_press, mention, press

CHANNEL = "C2147483705"


def about(event: dict[str, object]) -> Incoming | None:
    return of_event(envelope(event), BOT)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("/stocktide", "stock 85123A", "stock 85123A"),
        ("/stocktide", "", "help"),
        ("/stock", "85123A  UK", "stock 85123A UK"),
        ("/restock", "", "restock"),
        ("/stock", "`85123A`", "stock 85123A"),
        ("/stock", "salt &amp; pepper", "stock salt & pepper"),
    ],
)
def test_a_slash_command_is_a_line(name: str, text: str, line: str) -> None:
    assert of_command(command(name, text)).text == line


def test_a_command_that_bears_another_name_in_slack_is_ours_again() -> None:
    """Slack holds /huddle itself, so a team may call it /room."""
    assert of_command(command("/room", "85123A"), {"huddle": "room"}).text == "huddle 85123A"
    assert of_command(command("/stock", "85123A"), {"huddle": "room"}).text == "stock 85123A"


def test_a_slash_command_tells_who_where_and_how_to_answer() -> None:
    assert of_command(command()) == Incoming(
        platform="slack",
        event_id="13345224609.738474920.8088930838d88f008e0",
        kind="command",
        person=ANNA,
        conversation=CHANNEL,
        conversation_kind="group",
        text="stock 85123A",
        person_name="anna",
        conversation_title="stock-alerts",
        handle={
            "response_url": "https://hooks.slack.com/commands/1234/5678",
            "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        },
    )


def test_a_slash_command_in_a_direct_conversation_has_no_title() -> None:
    incoming = of_command(command(channel_id="D024BE91L", channel_name="directmessage"))
    assert (incoming.conversation_kind, incoming.conversation_title) == ("direct", "")


def test_a_mention_is_the_text_after_it() -> None:
    incoming = about(mention(f"hey <@{BOT}> stock 85123A"))
    assert incoming is not None
    assert (incoming.kind, incoming.text, incoming.conversation_kind) == ("command", "stock 85123A", "group")
    assert incoming.event_id == "Ev08MFMKH6"
    assert incoming.handle == {}


def test_a_mention_in_a_thread_keeps_the_thread() -> None:
    incoming = about(mention(thread_ts="1515449400.000100"))
    assert incoming is not None
    assert incoming.thread == "1515449400.000100"


def test_a_bare_mention_asks_for_help() -> None:
    incoming = about(mention(f"<@{BOT}>"))
    assert incoming is not None
    assert incoming.text == "help"


def test_people_are_mentioned_by_their_id() -> None:
    incoming = about(direct("huddle sync with <@U1> <@U2|jonas.k>"))
    assert incoming is not None
    assert incoming.text == "huddle sync with @U1 @U2"


def test_a_direct_message_is_a_command() -> None:
    incoming = about(direct(f"<@{BOT}> stock <http://85123a.example|85123A>"))
    assert incoming is not None
    assert (incoming.text, incoming.conversation, incoming.conversation_kind) == ("stock 85123A", "D024BE91L", "direct")


@pytest.mark.parametrize(
    "event",
    [
        direct(bot_id="B0001"),
        direct(subtype="message_changed"),
        direct(user=BOT),
        direct(edited={"user": ANNA, "ts": "1355517524.000000"}),
        direct(channel="C2147483705", channel_type="channel"),
        mention(bot_id="B0002"),
        mention(edited={"user": ANNA, "ts": "1355517524.000000"}),
        {"type": "message", "subtype": "message_deleted", "channel": "D024BE91L", "channel_type": "im"},
        {"type": "app_home_opened", "user": ANNA, "channel": "D024BE91L", "tab": "messages"},
        {"type": "member_joined_channel", "user": ANNA, "channel": CHANNEL},
        {"type": "member_left_channel", "user": ANNA, "channel": CHANNEL},
        {"type": "reaction_added", "user": ANNA},
    ],
)
def test_what_no_person_said_to_us_is_left_alone(event: dict[str, object]) -> None:
    assert about(event) is None


def test_a_press_carries_the_token_and_the_handles() -> None:
    incoming = of_action(press("b7Qx", thread_ts="1548261000.000100"))
    assert incoming is not None
    assert (incoming.kind, incoming.token, incoming.ephemeral) == ("press", "b7Qx", False)
    assert (incoming.message_id, incoming.thread) == ("1548261231.000200", "1548261000.000100")
    assert incoming.handle == {
        "response_url": "https://hooks.slack.com/actions/1234/5678",
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
    }
    assert incoming.event_id == incoming.handle["trigger_id"]


def test_a_press_on_what_only_the_person_sees_says_so() -> None:
    incoming = of_action(press(is_ephemeral=True))
    assert incoming is not None
    assert incoming.ephemeral


def test_a_press_on_a_home_page_happens_on_the_persons_page() -> None:
    incoming = of_action(home_press())
    assert incoming is not None
    assert (incoming.conversation, incoming.conversation_kind) == (ANNA, "home")


def test_a_button_of_somebody_else_is_left_alone() -> None:
    body = press()
    body["actions"][0]["action_id"] = "other"
    assert of_action(body) is None


@pytest.mark.parametrize(
    ("event", "kind", "person", "conversation", "where"),
    [
        ({"type": "app_home_opened", "user": ANNA, "channel": "D1", "tab": "home"}, "home_opened", ANNA, ANNA, "home"),
        (
            {"type": "member_joined_channel", "user": BOT, "channel": CHANNEL, "inviter": ANNA},
            "joined",
            ANNA,
            CHANNEL,
            "group",
        ),
        ({"type": "member_left_channel", "user": BOT, "channel": CHANNEL}, "removed", "", CHANNEL, "group"),
        ({"type": "channel_left", "channel": CHANNEL, "actor_id": ANNA}, "removed", ANNA, CHANNEL, "group"),
        ({"type": "group_left", "channel": "G1", "actor_id": ANNA}, "removed", ANNA, "G1", "group"),
        ({"type": "channel_archive", "channel": CHANNEL, "user": ANNA}, "removed", "", CHANNEL, "group"),
        ({"type": "tokens_revoked", "tokens": {"bot": [BOT]}}, "removed", "", "", "group"),
        ({"type": "app_uninstalled"}, "removed", "", "", "group"),
        ({"type": "user_change", "user": {"id": ANNA, "tz": "Asia/Bangkok"}}, "profile_changed", ANNA, ANNA, "direct"),
    ],
)
def test_what_happens_to_us_and_to_people_is_told(
    event: dict[str, object], kind: str, person: str, conversation: str, where: str
) -> None:
    incoming = about(event)
    assert incoming is not None
    assert (incoming.kind, incoming.person, incoming.conversation, incoming.conversation_kind) == (
        kind,
        person,
        conversation,
        where,
    )


def test_what_a_person_typed_is_plain_again() -> None:
    assert typed("stock\u00a0 <mailto:a@b.example|a@b.example> <#C1|ops> &lt;x&gt;") == "stock a@b.example ops <x>"


def test_an_event_survives_the_inbox() -> None:
    incoming = of_action(press())
    assert incoming is not None
    assert Incoming.from_json(incoming.to_json()) == incoming
