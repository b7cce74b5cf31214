"""Calls to Slack: the Web API, response URLs and uploads, over one HTTP session, each sent exactly once."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chat.nodes import Attachment, Image
from bot.errors import MessageGone, PlatformError, TokenRefused, Uncertain, Unreachable
from bot.platforms.slack.errors import CODES, of_answer, translated
from bot.platforms.slack.inline import clip, pieces, to_plain
from bot.platforms.slack.logs import sdk_logger
from bot.ports import Reader

_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)  # seconds; the connection is made well before the whole ends
_CODE = re.compile(r"[a-z_]{3,60}")

Json = dict[str, Any]
Response = aiohttp.ClientResponse


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """How to reach one workspace.

    With `app_token` (xapp-...) events come over Socket Mode, otherwise over HTTP signed with `signing_secret`.
    `commands` are the short slash commands, `renamed` those that bear another name in Slack; `base_url` ends in /api/.
    In seconds: `ping_interval` is how often the socket is pinged, `file_waits` are the pauses while Slack is still
    scanning an uploaded picture.
    """

    bot_token: str = field(repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    base_url: str = "https://slack.com/api/"
    commands: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    ping_interval: float = 10.0
    file_waits: tuple[float, ...] = (0.5, 1.0, 2.0)


class SlackWeb:
    """The way out. Its methods raise only PlatformErrors; nothing is sent a second time."""

    def __init__(self, options: SlackOptions) -> None:
        self._logger = sdk_logger()
        self._session: aiohttp.ClientSession | None = None
        self._client = AsyncWebClient(
            options.bot_token, base_url=options.base_url, timeout=15, logger=self._logger, retry_handlers=[]
        )
        if is_loopback(options.base_url):
            self._client.proxy = None  # the SDK takes one from the environment and knows no exceptions

    def client(self) -> AsyncWebClient:
        """The SDK's client on the open session; its own exceptions are the caller's to translate."""
        self._client.session = self._opened()
        return self._client

    async def call(self, method: Callable[[AsyncWebClient], Awaitable[Any]]) -> Any:  # noqa: ANN401  # Slack's JSON
        """The SDK's response to one API call."""
        with translated():
            return await method(self.client())

    async def respond(self, url: str, body: Json) -> None:
        """Post to a response URL; MessageGone where it is used up or too old."""
        webhook = AsyncWebhookClient(
            url, timeout=15, session=self._opened(), logger=self._logger, retry_handlers=[], proxy=self._client.proxy
        )
        webhook.proxy = self._client.proxy
        with translated():
            response = await webhook.send_dict(body)
        if (error := _refusal(response.status_code, response.body, response.headers)) is not None:
            raise error

    async def upload(self, image: Image, reader: Reader) -> str:
        """Hand a picture to Slack and return its file id; only messages that name the id show it."""
        alt = to_plain(clip(pieces(image.alt, reader), 1000))
        file = await self._hand_over("stocktide.png", image.png, "image/png", alt)
        await self.call(
            lambda client: client.files_completeUploadExternal(files=[{"id": file, "title": "stocktide.png"}])
        )
        return file

    async def share(self, channel: str, thread: str, file: Attachment, words: str) -> str:
        """Post a file with words beside it and give its id; only the last call posts anything."""
        with nothing_said_yet():
            key = await self._hand_over(file.name, file.content, "application/octet-stream", "")
        await self.call(
            lambda client: client.files_completeUploadExternal(
                files=[{"id": key, "title": file.name}],
                channel_id=channel,
                initial_comment=words,
                thread_ts=thread or None,
            )
        )
        return key

    def get(self, url: str, token: str, timeout: aiohttp.ClientTimeout) -> AbstractAsyncContextManager[Response]:
        """Ask for a private file; another host that the answer may lead to never sees the token."""
        headers = {"Authorization": f"Bearer {token}"}
        return self._opened().get(
            url, headers=headers, timeout=timeout, allow_redirects=False, proxy=self._client.proxy
        )

    async def _hand_over(self, name: str, content: bytes, kind: str, alt: str) -> str:
        """Upload what nobody sees yet; its id."""
        place = await self.call(
            lambda client: client.files_getUploadURLExternal(filename=name, length=len(content), alt_txt=alt or None)
        )
        with translated():
            async with self._opened().post(
                place["upload_url"], data=content, proxy=self._client.proxy, headers={"Content-Type": kind}
            ) as answer:
                if answer.status != 200:
                    raise of_answer(answer.status, "", answer.headers, ["upload"])
        return str(place["file_id"])

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._session


@contextmanager
def nothing_said_yet() -> Iterator[None]:
    """Before the message itself is sent no outcome is uncertain: all may be done again."""
    try:
        yield
    except Uncertain as error:
        raise Unreachable(error.detail) from None


def is_loopback(url: str) -> bool:
    """Whether the address is this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(status: int, body: str, headers: Any) -> PlatformError | None:  # noqa: ANN401  # the SDK's multidict
    code = _code_in(body)
    if status == 200 and (code is None or code not in CODES):
        return None
    error = of_answer(status, code or "", headers)
    # The only token here is the address's own, so a refused one means that the address is over.
    unknown = code not in CODES and status in {403, 404, 410}
    return MessageGone(error.detail) if unknown or isinstance(error, TokenRefused) else error


def _code_in(body: str) -> str | None:
    """The error code of a response URL's answer, which may be JSON or a bare word."""
    try:
        data = json.loads(body)
    except ValueError:
        word = body.strip()
        return word if word != "ok" and _CODE.fullmatch(word) else None
    if isinstance(data, dict) and data.get("ok") is False:
        return str(data.get("error", ""))
    return None
