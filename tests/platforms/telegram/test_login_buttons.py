"""Buttons that open one of our pages: signed by Telegram where it can be, ordinary presses everywhere else."""

from __future__ import annotations

import dataclasses
import json
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from bot.chat.codec import decode_message, encode
from bot.chat.incoming import MessageRef
from bot.chat.nodes import Action, Actions, Call, Image, Message, Paragraph
from bot.errors import PayloadRefused
from bot.platforms.slack.blocks import render as render_slack
from bot.platforms.telegram.app import TelegramPlatform
from bot.ports import Reader, Target
from bot.services.buttons import _digest
from bot.words import _
from tests.platforms.telegram.botapi import BotApi, Fail
from tests.platforms.telegram.test_sending import PNG

READER = Reader("en", ZoneInfo("UTC"))
GROUP = Target("-1001234567890", "group")
REF = MessageRef("telegram", "-1001234567890", "77")
URL = "https://stock.example/telegram/login?to=%2Frooms%2Fk1"
UNLINKED = Fail(400, "Bad Request: BOT_DOMAIN_INVALID")
JOIN = Action(_("Join"), "huddle", ("k1",), token="b:1", login=URL)
WHY = Action(_("Why?"), "why", token="b:2")
SIGNED = [{"text": "Join", "login_url": {"url": URL}}, {"text": "Why?", "callback_data": "b:2"}]
PRESSED = [{"text": "Join", "callback_data": "b:1"}, {"text": "Why?", "callback_data": "b:2"}]


def card(join: Action = JOIN, *pictures: Image) -> Message:
    return Message(_("Tea"), (Paragraph(_("Tea")), *pictures, Actions((join, WHY))))


def keyboards(api: BotApi) -> list[list[dict[str, object]]]:
    return [call.params["reply_markup"]["inline_keyboard"][0] for call in api.calls if "reply_markup" in call.params]


async def test_a_login_button_asks_telegram_to_sign_its_address(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.post(GROUP, card(), READER)
    assert keyboards(api) == [SIGNED]


@pytest.mark.parametrize(
    "address", ["", "http://stock.example/x", "https:///x", "tg://user?id=1", "javascript:1", "https://[", "stock"]
)
async def test_an_address_that_telegram_would_not_sign_leaves_an_ordinary_button(
    api: BotApi, platform: TelegramPlatform, address: str
) -> None:
    await platform.post(GROUP, card(dataclasses.replace(JOIN, login=address)), READER)
    assert keyboards(api) == [PRESSED]


async def test_where_no_domain_is_linked_to_the_bot_the_message_still_arrives_with_ordinary_buttons(
    api: BotApi, platform: TelegramPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    api.script("sendMessage", UNLINKED)
    await platform.post(GROUP, card(), READER)
    api.script("editMessageText", UNLINKED)
    await platform.edit(REF, card(), READER)
    assert keyboards(api) == [SIGNED, PRESSED] * 2
    assert "/setdomain" in caplog.text


async def test_pictures_are_not_sent_again_for_it(api: BotApi, platform: TelegramPlatform) -> None:
    api.script("sendMessage", UNLINKED)
    await platform.post(GROUP, card(JOIN, Image(PNG, _("One")), Image(PNG, _("Two"))), READER)
    assert [call.method for call in api.calls] == ["sendPhoto", "sendPhoto", "sendMessage", "sendMessage"]
    api.calls.clear()
    api.script("sendPhoto", UNLINKED)
    await platform.post(GROUP, card(JOIN, Image(PNG, _("One"))), READER)
    api.script("editMessageMedia", UNLINKED)
    await platform.edit(REF, card(JOIN, Image(PNG, _("One"))), READER)
    assert keyboards(api) == [SIGNED, PRESSED] * 2


async def test_the_same_refusal_of_a_message_without_logins_is_told(api: BotApi, platform: TelegramPlatform) -> None:
    api.script("sendMessage", UNLINKED)
    with pytest.raises(PayloadRefused):
        await platform.post(GROUP, card(WHY), READER)
    assert len(api.calls) == 1


def test_slack_and_what_was_stored_before_know_nothing_of_it() -> None:
    assert render_slack(card(), READER) == render_slack(card(dataclasses.replace(JOIN, login="")), READER)
    stored = json.loads(json.dumps(encode(card(WHY))))
    assert "login" not in json.dumps(stored)
    assert decode_message(stored).blocks[-1] == Actions((WHY, WHY))
    assert decode_message(json.loads(json.dumps(encode(card())))) == card()


def test_a_login_changes_no_digest() -> None:
    assert _digest(JOIN) == _digest(dataclasses.replace(JOIN, login=""))
    assert _digest(WHY) == sha256(b'["why", [], 1, false]').hexdigest()  # as every row in the database has it


def test_a_call_is_stored_and_read_again() -> None:
    message = Message(_("Tea"), (Call((("slack", "R1"), ("telegram", "T1"))),))
    assert decode_message(json.loads(json.dumps(encode(message)))) == message
