from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.platforms.telegram.app import TelegramOptions, TelegramPlatform
from bot.words import _
from tests.platforms.telegram.botapi import TOKEN, BotApi, Offsets

Make = Callable[..., TelegramPlatform]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def make(api: BotApi) -> AsyncIterator[Make]:
    made: list[TelegramPlatform] = []

    def build(**more: Any) -> TelegramPlatform:
        commands = (("stock", _("Stock, velocity and cover of a SKU")), ("help", _("What the bot can do")))
        given = {"token": TOKEN, "offset": Offsets(), "base_url": api.base_url, "commands": commands, "poll_seconds": 5}
        platform = TelegramPlatform(TelegramOptions(**{**given, **more}))
        made.append(platform)
        return platform

    yield build
    for platform in made:
        await platform.stop()


@pytest.fixture
def platform(make: Make) -> TelegramPlatform:
    return make()
