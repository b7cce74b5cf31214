"""A small bot on PyPI's aiogram, which we did not write, against the sandbox's Bot API.

Tests that need aiogram share a group, and load it when they run: that takes seconds, in every process that does.
"""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Town
from tests.sandbox.pictures import PNG

pytestmark = pytest.mark.xdist_group("aiogram")


@pytest.mark.parametrize("way", ["polling", "hooked"])
async def test_a_bot_on_aiogram_works_as_on_telegram(town: Town, way: str) -> None:
    from tests.sandbox import aiogram_bot  # noqa: PLC0415  # seconds to load

    telegram, pulse, group = town.sandbox.telegram, town.sandbox.pulse, town.group.id
    async with getattr(aiogram_bot, way)(town) as bot:
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
    from aiogram.exceptions import (  # noqa: PLC0415  # as above
        TelegramBadRequest,
        TelegramForbiddenError,
        TelegramRetryAfter,
    )
    from aiogram.types import BotCommand  # noqa: PLC0415  # as above

    from tests.sandbox.aiogram_bot import connected  # noqa: PLC0415  # as above

    telegram, bot = town.sandbox.telegram, connected(town)
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
