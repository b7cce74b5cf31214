"""The Telegram platform: python-telegram-bot's Application, with our own inbox in place of its Updater."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from telegram import BotCommand
from telegram.ext import Application
from telegram.request import HTTPXRequest

from bot.chat.forms import Form
from bot.chat.incoming import Incoming, MessageRef, SharedFile
from bot.chat.nodes import Message
from bot.errors import PayloadRefused, PlatformError
from bot.language import language
from bot.platforms.telegram.checking import checks
from bot.platforms.telegram.files import fetch
from bot.platforms.telegram.inbox import App, Poller, PollRequest, Taker, Webhook
from bot.platforms.telegram.login import vouched
from bot.platforms.telegram.options import OffsetStore, TelegramOptions, quiet_sdk
from bot.platforms.telegram.sending import Sender
from bot.platforms.telegram.text import clip_units
from bot.platforms.telegram.updates import ALLOWED, NAME
from bot.ports import (
    CallNotice,
    CallPerson,
    Check,
    HttpAnswer,
    HttpRequest,
    Intake,
    Limits,
    Profile,
    Reader,
    Target,
)
from bot.words import Words

__all__ = ["OffsetStore", "TelegramOptions", "TelegramPlatform"]

_DRAIN_SECONDS = 4.0
_MAX_SUMMARY = 256
_MENUS = (("en", ""), ("zh_CN", "zh"))  # our language, Telegram's code; the empty one is everybody else's menu

log = logging.getLogger(__name__)


class TelegramPlatform:
    """A bot on Telegram; see `bot.ports.ChatPlatform` for the contract of each method."""

    name = NAME
    has_forms = False
    limits = Limits(overall_per_second=30, conversation_per_second=1, group_per_minute=20)

    def __init__(self, options: TelegramOptions) -> None:
        quiet_sdk()
        self._options = options
        # No retries, no defaults, no rate limiter: the outbox decides. A poll never waits behind a send.
        self._sends = HTTPXRequest(16, read_timeout=10, write_timeout=10, connect_timeout=5, pool_timeout=5)
        self._polls = PollRequest()
        self._application: App = (
            Application.builder()
            .token(options.token)
            .base_url(options.base_url)
            .base_file_url(options.base_file_url)
            .request(self._sends)
            .get_updates_request(self._polls)
            .updater(None)
            .job_queue(None)
            .build()
        )
        self._sender = Sender(self._application.bot, options.token)
        self._poller: Poller | None = None
        self._webhook: Webhook | None = None
        self._polling: asyncio.Task[None] | None = None

    async def start(self, intake: Intake) -> None:
        """Log in, publish the menu, and poll or set the webhook."""
        bot = self._application.bot
        await self._sender.call(self._application.initialize())
        await self._application.start()
        await self._publish_menu()
        taker = Taker(self._application, intake)
        if self._options.webhook_url:
            self._webhook = Webhook(self._application, taker, self._options.webhook_secret)
            await self._sender.call(
                bot.set_webhook(
                    self._options.webhook_url,
                    secret_token=self._options.webhook_secret,
                    allowed_updates=list(ALLOWED),
                    max_connections=20,
                )
            )
            return
        await self._sender.call(bot.delete_webhook(drop_pending_updates=False))
        self._poller = Poller(self._application, self._polls, taker, self._options.offset, self._options)
        self._polling = asyncio.create_task(self._poller.run(), name="telegram-polling")

    async def stop(self) -> None:
        """Take no more updates, finish those in hand (4 s), close the connections."""
        try:
            await asyncio.wait_for(self._drain(), _DRAIN_SECONDS)
        except TimeoutError:
            log.warning("telegram: an update in hand was not stored in time; it will be delivered again")
        if self._polling:
            self._polling.cancel()
            await asyncio.wait({self._polling}, timeout=0.5)
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()
        # An application that never started leaves its bot begun, which would then not open its connections anew.
        await self._application.bot.shutdown()
        await self._sends.shutdown()
        await self._polls.shutdown()

    async def _drain(self) -> None:
        if self._webhook:
            await self._webhook.stop()
        if self._poller and self._polling:
            self._poller.stop()
            await asyncio.wait({self._polling})

    async def _publish_menu(self) -> None:
        """The command menu in each language; a bot without one still works."""
        for ours, theirs in _MENUS if self._options.commands else ():
            speech = language(ours)
            menu = [
                BotCommand(name, clip_units(speech.say(words), _MAX_SUMMARY)) for name, words in self._options.commands
            ]
            try:
                await self._sender.call(self._application.bot.set_my_commands(menu, language_code=theirs or None))
            except PlatformError as error:
                log.warning("telegram: the command menu was not published: %s", error)

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Answer Telegram's webhook call; 404 while updates are polled."""
        return await self._webhook.receive(request) if self._webhook else HttpAnswer(404)

    async def post(self, target: Target, message: Message, reader: Reader) -> MessageRef:
        """Post to a chat, and to a forum topic in it."""
        return await self._sender.post(target, message, reader)

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Replace a message in place."""
        await self._sender.edit(ref, message, reader)

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef | None:
        """Answer in the chat and topic of the event, or in the asker's own chat where `private`."""
        return await self._sender.reply(incoming, message, reader, private=private)

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """Answer the callback query; MessageGone where Telegram has forgotten it."""
        await self._sender.notice(incoming, words, reader)

    async def open_form(self, incoming: Incoming, form: Form, token: str, reader: Reader) -> None:
        """Telegram has no windows."""
        del incoming, token, reader
        raise PayloadRefused(f"Telegram has no window for {form.command}")

    async def profile(self, person: str) -> Profile:
        """Name and handle; Telegram tells neither zone nor, outside an event, language."""
        chat = await self._sender.call(self._application.bot.get_chat(int(person) if person.isdigit() else person))
        return Profile(chat.effective_name or "", handle=chat.username or "")

    async def direct(self, person: str) -> str:
        """The private chat with a person has that person's id."""
        return person

    async def fetch(self, file: SharedFile, person: str, into: Path, most: int) -> None:
        """Write a file that came in a message; whoever sent it is known by that message."""
        del person
        await fetch(self._application.bot, self._sender, file, into, most)

    async def add_call(self, call: CallNotice) -> str:
        """Telegram lists no calls."""
        del call
        return ""

    async def call_people(self, call_id: str, came: Sequence[CallPerson], went: Sequence[CallPerson]) -> None:
        """Telegram lists no calls."""

    async def end_call(self, call_id: str, seconds: int) -> None:
        """Telegram lists no calls."""

    def vouched(self, query: Mapping[str, str], now: datetime) -> str | None:
        """Whom Telegram signed these parameters for, when they pressed a login button."""
        return vouched(query, self._options.token, now)

    async def check(self) -> tuple[Check, ...]:
        """Try the token, and see whether updates reach us."""
        return await checks(self._application.bot, self._sender, self._options.webhook_url)
