"""python-telegram-bot against the sandbox's Bot API: polling, keyboards, photos, and its own names for refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, Update
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes
from telegram.request import HTTPXRequest

from tests.sandbox.conftest import Town
from tests.sandbox.pictures import PNG


def _request(seconds: float = 5) -> HTTPXRequest:
    return HTTPXRequest(read_timeout=seconds, connect_timeout=5, httpx_kwargs={"trust_env": False})


def _of(town: Town, token: str = "", seconds: float = 5) -> Bot:
    return Bot(
        token or town.sandbox.telegram.world.token,
        base_url=town.sandbox.telegram_base_url,
        base_file_url=town.sandbox.telegram_file_url,
        request=_request(seconds),
        get_updates_request=_request(10),
    )


@pytest.fixture(autouse=True)
def _timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library warns unless its later behaviour is asked for.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
async def bot(town: Town) -> AsyncIterator[Bot]:
    async with _of(town) as found:
        yield found


async def test_an_application_answers_commands_and_buttons(town: Town) -> None:
    async def stock(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message
        rows = [[InlineKeyboardButton("Why?", callback_data="why:7")]]
        await update.message.reply_text("12 left", reply_markup=InlineKeyboardMarkup(rows))

    async def why(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        await update.callback_query.answer("Because")

    telegram, pulse = town.sandbox.telegram, town.sandbox.pulse
    application: Application[Any, Any, Any, Any, Any, Any] = Application.builder().bot(_of(town)).build()
    application.add_handler(CommandHandler("stock", stock))
    application.add_handler(CallbackQueryHandler(why))
    async with application:
        await application.start()
        assert application.updater
        await application.updater.start_polling(timeout=5)
        telegram.say(town.lin.id, town.lin.id, "/stock 22423")
        chat = telegram.world.chat(town.lin.id)
        await pulse.until(lambda: len(chat.messages) == 2)
        press = telegram.press(town.lin.id, chat.id, chat.messages[-1].message_id, "why:7")
        await pulse.until(lambda: press.answer is not None)
        assert press.answer == "Because"
        await application.updater.stop()
        await application.stop()


async def test_a_photo_goes_up_and_comes_down(town: Town, bot: Bot) -> None:
    sent = await bot.send_photo(town.group.id, PNG, caption="Chart")
    assert (sent.photo[-1].width, sent.photo[-1].height) == (2, 3)
    file = await sent.photo[-1].get_file()
    assert bytes(await file.download_as_bytearray()) == PNG
    again = await bot.send_photo(town.group.id, sent.photo[-1].file_id)
    assert again.photo[-1].file_id == sent.photo[-1].file_id
    edited = await sent.edit_caption("New chart")
    assert getattr(edited, "caption", "") == "New chart"


async def test_entities_count_in_utf16_and_come_back_as_sent(town: Town, bot: Bot) -> None:
    entity = MessageEntity("bold", 3, 4)
    sent = await bot.send_message(town.group.id, "🎄 库存ok", entities=[entity])
    assert sent.entities == (entity,)
    assert sent.parse_entities() == {entity: "库存ok"}


def _kicked(town: Town) -> None:
    town.sandbox.telegram.remove_bot(town.group.id, town.lin.id)


def _migrated(town: Town) -> None:
    town.sandbox.telegram.migrate(town.group.id)


@pytest.mark.parametrize(
    ("before", "error", "words"),
    [
        (_kicked, Forbidden, "bot was kicked from the group chat"),
        (_migrated, ChatMigrated, "migrated to supergroup"),
        (lambda t: t.sandbox.telegram.fail_next("sendMessage", "429:3"), RetryAfter, "Retry in 0:00:03"),
        (lambda t: t.sandbox.telegram.fail_next("sendMessage", "500"), NetworkError, "Internal Server Error"),
        (lambda t: t.sandbox.telegram.fail_next("sendMessage", "error:chat is odd"), BadRequest, "is odd"),
        (lambda t: t.sandbox.telegram.fail_next("sendMessage", "error:403 Forbidden: no"), Forbidden, "no"),
    ],
)
async def test_the_client_names_each_refusal(
    town: Town, bot: Bot, before: Callable[[Town], None], error: type[Exception], words: str
) -> None:
    before(town)
    with pytest.raises(error, match=f"(?i){words}"):
        await bot.send_message(town.group.id, "x")


@pytest.mark.parametrize(("mode", "applied"), [("drop_after_reading", 1), ("drop_before_applying", 0)])
async def test_a_dropped_connection_is_real_and_its_effect_is_chosen(
    town: Town, bot: Bot, mode: str, applied: int
) -> None:
    town.sandbox.telegram.fail_next("sendMessage", mode)
    with pytest.raises(NetworkError, match="disconnected"):
        await bot.send_message(town.group.id, "x")
    assert len(town.group.messages) == applied


async def test_a_late_answer_times_out_though_the_message_stands(town: Town) -> None:
    town.sandbox.telegram.fail_next("sendMessage", "delay:5")
    async with _of(town, seconds=0.2) as bot:
        with pytest.raises(TimedOut):
            await bot.send_message(town.group.id, "x")
    assert [message.text for message in town.group.messages] == ["x"]


async def test_a_wrong_token_is_unauthorised(town: Town) -> None:
    with pytest.raises(InvalidToken):
        async with _of(town, "12345:wrong"):
            pass


async def test_a_second_poller_ends_the_first(town: Town, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=10))
    await town.sandbox.pulse.until(lambda: town.sandbox.telegram.updates.polling)
    async with _of(town) as other:
        second = asyncio.create_task(other.get_updates(timeout=10))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        town.sandbox.telegram.say(town.lin.id, town.lin.id, "hello")
        (update,) = await second
        assert update.message
        assert update.message.text == "hello"


async def test_polling_beside_a_webhook_is_a_conflict(bot: Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
