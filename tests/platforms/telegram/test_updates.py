"""Recorded updates to our own events."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from bot.chat.incoming import Incoming
from bot.platforms.telegram.updates import incoming_of
from tests.platforms.telegram.recorded import BOT, GROUP, LIN, PRIVATE, SMALL_GROUP, member, message, press


def event(update: dict[str, Any]) -> Incoming | None:
    return incoming_of(Update.de_json(update), "StocktideBot")


def test_a_command_in_a_group_is_told_with_everything_the_inbox_needs() -> None:
    assert event(message(900, "/stock@StocktideBot 85123A", GROUP)) == Incoming(
        platform="telegram",
        event_id="900",
        kind="command",
        person="7012345678",
        conversation="-1001234567890",
        conversation_kind="group",
        text="stock 85123A",
        person_name="Lin Wei",
        person_language="zh-hans",
        conversation_title="Ops Shenzhen",
        message_id="41",
    )


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("/stock 85123A", "stock 85123A"),
        ("/stock@stocktidebot 85123A", "stock 85123A"),
        ("/Stock  85123A ", "stock 85123A"),
        ("/stocktide stock 85123A", "stock 85123A"),
        ("/stocktide", "help"),
        ("/start", "help"),
        ("/start deep-link", "help"),
        ("stock 85123A", "stock 85123A"),
        ("stock http:\u2060/\u2060/\u2060x", "stock http://x"),
        ("库存 85123A", "库存 85123A"),
        ("/reject R-12 too dear\nask again", "reject R-12 too dear\nask again"),
    ],
)
def test_lines_typed_to_the_bot_lose_slash_and_name(typed: str, heard: str) -> None:
    incoming = event(message(1, typed))
    assert incoming is not None
    kind = "command" if typed.startswith("/") else "line"  # a form that waits for a value takes a line
    assert (incoming.kind, incoming.text, incoming.conversation_kind) == (kind, heard, "direct")


def test_people_without_a_username_are_mentioned_by_their_name_and_known_by_their_id() -> None:
    said = message(1, "/huddle 📦 with Nok, Wei Lin")
    said["message"]["entities"] += [
        {"type": "text_mention", "offset": 16, "length": 3, "user": {"id": 700, "is_bot": False, "first_name": "Nok"}},
        {"type": "text_mention", "offset": 21, "length": 7, "user": {"id": 8, "is_bot": False, "first_name": "Wei"}},
    ]
    incoming = event(said)
    assert incoming is not None
    assert incoming.text == "huddle 📦 with @Nok, @Wei Lin"
    assert incoming.mentions == {"@Nok": "700", "@Wei Lin": "8"}


ASKED = {"message_id": 30, "from": BOT, "chat": GROUP, "date": 1321866000, "text": "Quantity?"}


def test_in_a_group_a_plain_answer_to_the_bot_is_a_line_that_names_the_question() -> None:
    incoming = event(message(1, "240", GROUP, reply_to_message=ASKED))
    assert incoming is not None
    assert (incoming.kind, incoming.text, incoming.reply_to) == ("line", "240", "30")
    command = event(message(1, "/cancel", GROUP, reply_to_message=ASKED))
    assert command is not None
    assert (command.kind, command.text) == ("command", "cancel")


@pytest.mark.parametrize("author", [LIN, BOT | {"username": "OtherBot"}])
def test_in_a_group_an_answer_to_somebody_else_is_not_heard(author: dict[str, Any]) -> None:
    assert event(message(1, "240", GROUP, reply_to_message=ASKED | {"from": author})) is None


@pytest.mark.parametrize(
    "update",
    [
        message(1, "/stock@OtherBot 85123A", GROUP),
        message(1, "anyone had lunch?", GROUP),
        message(1, "/stock 85123A", GROUP, **{"from": BOT}),
        message(1, "/", PRIVATE),
        {"update_id": 1, "edited_message": message(1, "/stock 85123A")["message"] | {"edit_date": 1321866001}},
        {"update_id": 1, "channel_post": {"message_id": 5, "date": 1321866000, "text": "hello",
                                          "chat": {"id": -100777, "title": "News", "type": "channel"}}},
        {"update_id": 1, "message": {"message_id": 6, "from": LIN, "chat": PRIVATE, "date": 1321866000,
                                     "sticker": {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 9,
                                                 "height": 9, "is_animated": False, "is_video": False}}},
        {"update_id": 1, "callback_query": {"id": "1", "from": LIN, "chat_instance": "-3", "inline_message_id": "i",
                                            "data": "t"}},
    ],
)  # fmt: skip
def test_what_is_not_meant_for_the_bot_is_no_event(update: dict[str, Any]) -> None:
    assert event(update) is None


def test_a_line_addressed_by_mention_in_a_group_is_heard() -> None:
    incoming = event(message(1, "@StocktideBot stock 85123A", GROUP))
    assert incoming is not None
    assert incoming.text == "stock 85123A"


def test_a_forum_topic_is_the_thread_and_a_mere_reply_thread_is_not() -> None:
    topic = event(message(1, "/stock X", GROUP, message_thread_id=17, is_topic_message=True))
    reply = event(message(2, "/stock X", GROUP, message_thread_id=17))
    assert topic is not None
    assert reply is not None
    assert (topic.thread, reply.thread) == ("17", "")


def test_a_group_that_became_a_supergroup_has_moved() -> None:
    update = message(1, "", SMALL_GROUP, migrate_to_chat_id=-1009998887776, **{"from": BOT})
    del update["message"]["text"]
    incoming = event(update)
    assert incoming is not None
    assert (incoming.kind, incoming.conversation, incoming.moved_to) == ("moved", "-4001122", "-1009998887776")
    assert incoming.person == ""


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("left", "member", "joined"),
        ("kicked", "administrator", "joined"),
        ("member", "left", "removed"),
        ("administrator", "kicked", "removed"),
        ("member", "administrator", None),
        ("left", "kicked", None),
    ],
)
def test_the_bot_joins_and_is_removed_and_a_change_of_rights_is_no_event(old: str, new: str, kind: str | None) -> None:
    incoming = event(member(1, old, new))
    assert (incoming.kind if incoming else None) == kind


def test_a_press_carries_token_message_topic_and_handle() -> None:
    incoming = event(press(5, "b:9f8e", message_thread_id=17, is_topic_message=True))
    assert incoming is not None
    assert (incoming.kind, incoming.token, incoming.message_id, incoming.thread) == ("press", "b:9f8e", "77", "17")
    assert incoming.handle == {"callback_query_id": "4382bfdwdsb323b2d9"}
    assert incoming.person_language == "zh-hans"


def test_a_press_on_a_message_too_old_to_read_still_names_it() -> None:
    update = press(5, "b:9f8e")
    update["callback_query"]["message"] = {"message_id": 77, "chat": GROUP, "date": 0}
    incoming = event(update)
    assert incoming is not None
    assert (incoming.conversation, incoming.message_id) == ("-1001234567890", "77")
