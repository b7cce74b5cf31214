"""Documents that people send to the bot on Telegram, and those that it sends back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.chat.incoming import Incoming
from bot.chat.nodes import Attachment, Message, Paragraph
from bot.errors import FileRefused, MessageGone
from bot.platforms.telegram.app import TelegramOptions, TelegramPlatform
from bot.ports import MovableClock, Reader, Target
from bot.sandbox import Sandbox
from bot.words import _
from tests.platforms.telegram.botapi import Offsets

CONTENT = "sku,库存\nA1,5\n".encode("utf-16")


@dataclass
class Chat:
    """A person and a group on the local Telegram, and what the platform took in."""

    sandbox: Sandbox
    platform: TelegramPlatform
    lin: int
    group: int
    taken: asyncio.Queue[Incoming]

    async def next(self) -> Incoming:
        return await asyncio.wait_for(self.taken.get(), 5)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with Sandbox(MovableClock(datetime(2026, 11, 23, 9, tzinfo=UTC), frozen=True)) as sandbox:
        telegram = sandbox.telegram
        lin = telegram.add_user("Lin")
        group = telegram.add_group("Stock", [lin.id, telegram.bot.id])
        platform = TelegramPlatform(
            TelegramOptions(
                telegram.world.token,
                Offsets(),
                base_url=sandbox.telegram_base_url,
                base_file_url=sandbox.telegram_file_url,
            )
        )
        taken: asyncio.Queue[Incoming] = asyncio.Queue()
        await platform.start(taken.put)
        yield Chat(sandbox, platform, lin.id, group.id, taken)
        await platform.stop()


async def test_a_document_comes_with_its_caption_and_is_fetched(chat: Chat, tmp_path: Path) -> None:
    chat.sandbox.telegram.share(chat.lin, chat.lin, "库存.csv", CONTENT, "import stock")
    taken = await chat.next()
    assert (taken.kind, taken.text, taken.person) == ("files", "import stock", str(chat.lin))
    (file,) = taken.files
    assert (file.name, file.size) == ("库存.csv", len(CONTENT))
    await chat.platform.fetch(file, taken.person, tmp_path / "got", 1_000)
    assert (tmp_path / "got").read_bytes() == CONTENT


async def test_in_a_group_only_a_document_that_is_meant_for_the_bot_is_ours(chat: Chat) -> None:
    telegram = chat.sandbox.telegram
    telegram.share(chat.lin, chat.group, "a.csv", CONTENT, "/import@other_bot stock")
    telegram.share(chat.lin, chat.group, "b.csv", CONTENT, f"/import@{telegram.bot.username} stock")
    telegram.share(chat.lin, chat.group, "c.csv", CONTENT, f"@{telegram.bot.username} stock")
    telegram.share(chat.lin, chat.lin, "d.csv", CONTENT)
    found = [await chat.next() for _number in range(3)]
    assert [(one.files[0].name, one.text) for one in found] == [
        ("b.csv", "import stock"), ("c.csv", "stock"), ("d.csv", ""),
    ]  # fmt: skip


async def test_a_large_document_and_one_that_is_gone_are_not_fetched(chat: Chat, tmp_path: Path) -> None:
    telegram = chat.sandbox.telegram
    telegram.share(chat.lin, chat.lin, "a.csv", bytes(20 * 2**20 + 1))
    (file,) = (await chat.next()).files
    for size in (file.size, 0):  # what the message does not say, getFile does
        with pytest.raises(FileRefused) as refused:
            await chat.platform.fetch(replace(file, size=size), "", tmp_path / "got", 20_000_000)
        assert refused.value.trouble == "large"
    with pytest.raises(MessageGone):
        await chat.platform.fetch(replace(file, id="gone", size=1), "", tmp_path / "got", 20_000_000)
    assert not (tmp_path / "got").exists()


async def test_a_file_goes_back_as_a_document_with_a_caption(chat: Chat) -> None:
    words = _("{count} rows were set aside", count=3)
    message = Message(words, (Paragraph(words),), file=Attachment("stock.rejects.csv", b"line,field\n"))
    reader = Reader("en", ZoneInfo("UTC"))
    await chat.platform.post(Target(str(chat.group), "group"), message, reader)
    (shown,) = chat.sandbox.telegram.visible(chat.lin, chat.group)
    file = chat.sandbox.telegram.world.files[shown.file_id]
    assert (shown.text, shown.media, file.name, file.content) == (
        "3 rows were set aside", "document", "stock.rejects.csv", b"line,field\n",
    )  # fmt: skip
