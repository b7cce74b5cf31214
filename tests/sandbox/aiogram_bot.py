"""A small bot on PyPI's aiogram; a module of its own, as aiogram takes seconds to load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.filters import Command
from aiogram.types import (
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


def connected(town: Town) -> Bot:
    """A client of the sandbox."""
    server = TelegramAPIServer(
        base=f"{town.sandbox.url}/telegram/bot{{token}}/{{method}}",
        file=f"{town.sandbox.url}/telegram/file/bot{{token}}/{{path}}",
    )
    return Bot(town.sandbox.telegram.world.token, session=AiohttpSession(api=server))


@asynccontextmanager
async def polling(town: Town) -> AsyncIterator[Bot]:
    """The bot at work, asking for its updates."""
    bot, dispatcher = connected(town), Dispatcher()
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
async def hooked(town: Town) -> AsyncIterator[Bot]:
    """The bot at work, its updates brought by webhook."""
    bot, dispatcher, app = connected(town), Dispatcher(), web.Application()
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
