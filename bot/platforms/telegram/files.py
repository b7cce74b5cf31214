"""Files that people send: fetched through getFile, which hands a bot 20 MB at most."""

from __future__ import annotations

import asyncio
from pathlib import Path

from telegram import Bot

from bot.chat.incoming import SharedFile
from bot.errors import Fault, FileRefused, MessageGone, PayloadRefused
from bot.platforms.telegram.sending import Sender

_TOO_BIG = "file is too big"
_READ_SECONDS = 40


async def fetch(bot: Bot, sender: Sender, file: SharedFile, into: Path, most: int) -> None:
    """Write a file; see `ChatPlatform.fetch`. Telegram redirects nowhere, and neither do we follow."""
    if file.size > most:
        raise _large(file, most)
    try:
        found = await sender.call(bot.get_file(file.id))
    except PayloadRefused as error:
        if _TOO_BIG in error.detail.lower():
            raise _large(file, most) from None
        raise MessageGone(error.detail) from None
    if (found.file_size or 0) > most:
        raise _large(file, most)
    content = await sender.call(found.download_as_bytearray(read_timeout=_READ_SECONDS))
    if len(content) > most:
        raise _large(file, most)
    await asyncio.to_thread(into.write_bytes, content)


def _large(file: SharedFile, most: int) -> FileRefused:
    return FileRefused(Fault(file.name, f"has more than {most // 1_000_000} MB", "split it"), "large")
