"""A small bot on PyPI's aiogram, which we did not write, against the sandbox's Bot API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.filters import Command
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageEntity,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from tests.sandbox.conftest import Town
from tests.sandbox.pictures import PNG

SECRET = "a-Secret_1"


def _keyboard(label: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=label, callback_data="approve:1")]])


def _router() -> Router:
    router = Router()

    @router.message(Command("stock"))
    async def stock(message: Message) -> None:
        entities = [
            MessageEntity(type="code", offset=9, length=6),
            MessageEntity(type="date_time", offset=19, length=4, unix_time=1321876800, date_time_format="t"),
        ]
        await message.answer("Stock of 85123A at noon.", entities=entities, reply_markup=_keyboard("Approve"))

    @router.message(Command("picture"))
    async def picture(message: Message) -> None:
        await message.answer_photo(
            BufferedInputFile(PNG, "chart.png"), caption="<b>Chart</b>", parse_mode=ParseMode.HTML
        )

    @router.callback_query(F.data == "approve:1")
    async def approve(query: CallbackQuery) -> None:
        await query.answer("Approved", show_alert=True)
        assert isinstance(query.message, Message)
        await query.message.edit_text(f"Approved by {query.from_user.first_name}")

    return router


def _bot(town: Town) -> Bot:
    server = TelegramAPIServer(
        base=f"{town.sandbox.url}/telegram/bot{{token}}/{{method}}",
        file=f"{town.sandbox.url}/telegram/file/bot{{token}}/{{path}}",
    )
    return Bot(town.sandbox.telegram.world.token, session=AiohttpSession(api=server))


@asynccontextmanager
async def _polling(town: Town) -> AsyncIterator[Bot]:
    bot, dispatcher = _bot(town), Dispatcher()
    dispatcher.include_router(_router())
    work = asyncio.create_task(
        dispatcher.start_polling(bot, polling_timeout=5, handle_signals=False, close_bot_session=False)
    )
    try:
        yield bot
    finally:
        with suppress(RuntimeError):
            await dispatcher.stop_polling()
        await work
        await bot.session.close()


@asynccontextmanager
async def _hooked(town: Town) -> AsyncIterator[Bot]:
    bot, dispatcher, app = _bot(town), Dispatcher(), web.Application()
    dispatcher.include_router(_router())
    SimpleRequestHandler(dispatcher, bot, secret_token=SECRET).register(app, path="/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (host, port) = runner.addresses[0][:2]
    await bot.set_webhook(f"http://{host}:{port}/hook", secret_token=SECRET)
    try:
        yield bot
    finally:
        await bot.delete_webhook()
        await runner.cleanup()
        await bot.session.close()


@pytest.mark.parametrize("way", [_polling, _hooked])
async def test_a_bot_on_aiogram_works_as_on_telegram(town: Town, way: object) -> None:
    telegram, pulse, group = town.sandbox.telegram, town.sandbox.pulse, town.group.id
    async with (_polling if way is _polling else _hooked)(town) as bot:
        telegram.say(town.lin.id, group, "/stock@stocktide_bot 85123A")
        await pulse.until(lambda: len(town.group.messages) == 2)
        answer = telegram.visible(town.anna.id, group)[-1]
        assert telegram.text_for("Asia/Shanghai", answer) == "Stock of 85123A at 8:00 PM.\n[Approve]"
        assert telegram.text_for("Europe/Berlin", answer, "de") == "Stock of 85123A at 13:00.\n[Approve]"

        press = telegram.press(town.anna.id, group, answer.message_id, "approve:1")
        await pulse.until(lambda: answer.edited_at)
        assert (press.answer, press.alert) == ("Approved", True)
        assert telegram.text_for("Etc/UTC", answer) == "Approved by Anna"
        assert [revision.text for revision in answer.revisions] == ["Stock of 85123A at noon."]

        telegram.say(town.lin.id, town.lin.id, "/picture")
        chat = telegram.world.chat(town.lin.id)
        await pulse.until(lambda: len(chat.messages) == 2)
        photo = chat.messages[-1]
        assert (photo.media, photo.text, photo.entities) == (
            "photo", "Chart", ({"type": "bold", "offset": 0, "length": 5},),
        )  # fmt: skip
        content = await bot.download(photo.file_id)
        assert content is not None
        assert content.read() == PNG


async def test_aiogram_reads_the_sandboxs_refusals(town: Town) -> None:
    telegram, bot = town.sandbox.telegram, _bot(town)
    try:
        await bot.set_my_commands([BotCommand(command="stock", description="Stock of a SKU")])
        assert [command.command for command in await bot.get_my_commands()] == ["stock"]
        assert telegram.menu() == [{"command": "stock", "description": "Stock of a SKU"}]
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await bot.send_message(4242, "x")
        telegram.block_bot(town.anna.id)
        with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
            await bot.send_message(town.anna.id, "x")
        telegram.fail_next("sendMessage", "429:7")
        with pytest.raises(TelegramRetryAfter) as slow:
            await bot.send_message(town.lin.id, "x")
        assert slow.value.retry_after == 7
    finally:
        await bot.session.close()
