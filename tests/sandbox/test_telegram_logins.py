"""Login buttons in the local Telegram: judged as Telegram does, and pressed."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LoginUrl
from telegram.error import BadRequest

from bot.sandbox.telegram.world import NoSuch
from tests.sandbox.conftest import Town

URL = "https://stock.example/telegram/login?to=%2Frooms%2Fk1"


def markup(url: str, **more: Any) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("Join", login_url=LoginUrl(url, **more))]])


def bot(town: Town) -> Bot:
    return Bot(town.sandbox.telegram.world.token, base_url=town.sandbox.telegram_base_url)


@pytest.mark.xdist_group("aiogram")
async def test_pressing_one_opens_the_address_signed_for_whoever_pressed(town: Town) -> None:
    from aiogram.utils.auth_widget import check_signature  # noqa: PLC0415  # seconds to load

    telegram = town.sandbox.telegram
    telegram.world.domain = "stock.example"
    async with bot(town) as sender:
        sent = await sender.send_message(town.group.id, "Tea", reply_markup=markup(URL))
    opened = urlsplit(telegram.log_in(town.lin.id, town.group.id, sent.message_id, URL))
    assert (opened.scheme, opened.netloc, opened.path) == ("https", "stock.example", "/telegram/login")
    data = {name: values[0] for name, values in parse_qs(opened.query).items()}
    assert data.pop("to") == "/rooms/k1"
    assert check_signature(telegram.world.token, **data)
    assert (data["id"], data["username"]) == (str(town.lin.id), "lin_sz")
    assert int(data["auth_date"]) == int(town.clock.now().timestamp())
    shown = telegram.world.message(town.group.id, sent.message_id)
    assert "[Join]" in telegram.text_for("UTC", shown)


async def test_a_button_that_is_not_there_and_a_stranger_open_nothing(town: Town) -> None:
    telegram = town.sandbox.telegram
    telegram.world.domain = "stock.example"
    stranger = telegram.add_user("Eve")
    async with bot(town) as sender:
        sent = await sender.send_message(town.group.id, "Tea", reply_markup=markup(URL))
    with pytest.raises(NoSuch):
        telegram.log_in(town.lin.id, town.group.id, sent.message_id, "https://stock.example/other")
    with pytest.raises(NoSuch):
        telegram.log_in(stranger.id, town.group.id, sent.message_id, URL)


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("http://stock.example/x", {}, "Only HTTPS"),
        ("tg://user?id=1", {}, "Only HTTPS"),
        ("https:///x", {}, "Only HTTPS"),
        ("https://evil.example/x", {}, "BOT_DOMAIN_INVALID"),
        ("https://sub.stock.example/x", {}, "BOT_DOMAIN_INVALID"),
        (URL, {"bot_username": "another_bot"}, "not found"),
    ],
)
async def test_an_address_at_fault_is_refused(town: Town, url: str, more: dict[str, Any], words: str) -> None:
    town.sandbox.telegram.world.domain = "stock.example"
    async with bot(town) as sender:
        with pytest.raises(BadRequest, match=f"(?i){words}"):
            await sender.send_message(town.group.id, "Tea", reply_markup=markup(url, **more))


async def test_without_a_linked_domain_none_is_taken(town: Town) -> None:
    async with bot(town) as sender:
        with pytest.raises(BadRequest, match=r"(?i)bot_domain_invalid"):
            await sender.send_message(town.group.id, "Tea", reply_markup=markup(URL))
