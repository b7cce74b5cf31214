"""Files: fetched for the bot from where Slack keeps them, and handed over as messages of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.chat.incoming import SharedFile
from bot.chat.nodes import Attachment
from bot.errors import Fault, FileRefused, MessageGone, PayloadRefused, TokenRefused
from bot.platforms.slack.errors import of_answer, translated
from bot.platforms.slack.web import SlackWeb

_TIMEOUT = aiohttp.ClientTimeout(total=40, connect=5)  # seconds
_PIECE = 64 * 1024

Json = dict[str, Any]


class SlackFiles:
    """Reads and shares files with the bot's token; raises PlatformErrors, and FileRefused for what is too large."""

    def __init__(self, web: SlackWeb, token: str, base_url: str) -> None:
        self._web = web
        self._token = token
        self._base = urlsplit(base_url)

    async def fetch(self, file: SharedFile, person: str, into: Path, most: int) -> None:
        """Write a file that the person uploaded; see `ChatPlatform.fetch`."""
        try:
            found: Json = (await self._web.call(lambda client: client.files_info(file=file.id)))["file"]
        except PayloadRefused as error:  # file_not_found, file_deleted
            raise MessageGone(error.detail) from None
        if found.get("user") != person:
            raise MessageGone("the file is another person's")
        if int(found.get("size") or 0) > most:
            raise _large(file, most)
        url = str(found.get("url_private_download") or found.get("url_private") or "")
        if not self._slacks_own(url):
            raise MessageGone("Slack does not have the file itself")
        await self._save(file, url, into, most)

    async def share(self, channel: str, thread: str, file: Attachment, words: str) -> str:
        """Post a file with words beside it; its id. Nothing is posted before the last call."""
        return await self._web.share(channel, thread, file, words)

    def _slacks_own(self, url: str) -> bool:
        """The token goes to Slack alone: to its own domain over https, or to where we were told that Slack is."""
        parts = urlsplit(url)
        told = (parts.scheme, parts.netloc) == (self._base.scheme, self._base.netloc)
        return told or (parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com"))

    async def _save(self, file: SharedFile, url: str, into: Path, most: int) -> None:
        with translated():
            async with self._web.get(url, self._token, _TIMEOUT) as answer:
                # Without the scope Slack leads to its page for people, or shows it.
                if 300 <= answer.status < 400 or (answer.status == 200 and answer.content_type == "text/html"):
                    raise TokenRefused("needs the scope files:read")
                if answer.status in {404, 410}:
                    raise MessageGone(f"HTTP {answer.status}")
                if answer.status != 200:
                    raise of_answer(answer.status, "", answer.headers, ["files"])
                size = 0
                with into.open("wb") as out:
                    async for piece in answer.content.iter_chunked(_PIECE):
                        size += len(piece)
                        if size > most:
                            raise _large(file, most)
                        out.write(piece)


def _large(file: SharedFile, most: int) -> FileRefused:
    return FileRefused(Fault(file.name, f"has more than {most // 1_000_000} MB", "split it"), "large")
