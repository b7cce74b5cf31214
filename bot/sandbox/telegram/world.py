"""The state of the sandbox's Telegram: people, chats, topics, messages, files, and the bot's own settings."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.ports import Clock

ChatKind = Literal["private", "group", "supergroup"]


class NoSuch(LookupError):
    """A person, chat, message or button that the test or the page named is not there."""


@dataclass(slots=True)
class TelegramUser:
    """A person. Telegram tells bots no zone; `zone` is where the person's own screen shows times."""

    id: int
    first_name: str
    username: str = ""
    language: str = "en"
    zone: str = "Etc/UTC"
    is_bot: bool = False
    blocked_bot: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """What a message said before an edit."""

    text: str
    entities: tuple[dict[str, Any], ...]
    keyboard: dict[str, Any] | None
    at: datetime


@dataclass(slots=True)
class TelegramMessage:
    """One message; `message_id` identifies it within its chat.

    `text` holds a photo's or document's caption. `thread_id` is its forum topic, 0 for none. `media` is empty, photo or
    document, and `file_id` the file it shows.
    """

    message_id: int
    chat_id: int
    sender: int
    text: str
    at: datetime
    entities: tuple[dict[str, Any], ...] = ()
    keyboard: dict[str, Any] | None = None
    thread_id: int = 0
    reply_to: int = 0
    media: Literal["", "photo", "document"] = ""
    file_id: str = ""
    edited_at: datetime | None = None
    deleted: bool = False
    revisions: list[Revision] = field(default_factory=list)


@dataclass(slots=True)
class TelegramChat:
    """A chat; `topics` are a forum's threads by id, `migrated_to` is set once a group became a supergroup."""

    id: int
    kind: ChatKind
    title: str
    members: set[int] = field(default_factory=set)
    messages: list[TelegramMessage] = field(default_factory=list)
    topics: dict[int, str] = field(default_factory=dict)
    is_forum: bool = False
    bot_was_kicked: bool = False
    migrated_to: int = 0


@dataclass(frozen=True, slots=True)
class TelegramFile:
    """A file: `path` is what getFile names."""

    id: str
    unique_id: str
    path: str
    content: bytes
    width: int = 0
    height: int = 0
    name: str = ""


@dataclass(slots=True)
class Press:
    """A callback query: `answer` is what the person was shown, None until the bot answered."""

    id: str
    user: int
    chat_id: int
    message_id: int
    data: str
    at: datetime
    answer: str | None = None
    alert: bool = False


class TelegramWorld:
    """Everything. Ids are counted, so that a run repeats; the token is drawn anew each time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.users: dict[int, TelegramUser] = {}
        self.chats: dict[int, TelegramChat] = {}
        self.files: dict[str, TelegramFile] = {}
        self.presses: dict[str, Press] = {}
        self.commands: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self._count = itertools.count(1)
        self.bot = TelegramUser(700_000_001, "Stocktide", "stocktide_bot", is_bot=True)
        self.users[self.bot.id] = self.bot
        self.domain = ""  # as @BotFather's /setdomain links one to the bot: login buttons lead nowhere else
        self.token = f"{self.bot.id}:{secrets.token_urlsafe(27)[:35]}"

    def fresh(self) -> int:
        """A new small number."""
        return next(self._count)

    def add_user(
        self, first_name: str, *, username: str = "", language: str = "en", zone: str = "Etc/UTC", user_id: int = 0
    ) -> TelegramUser:
        """A new person with a private chat of the same id, as Telegram has it; the id is counted if none is given."""
        ZoneInfo(zone)
        user = TelegramUser(user_id or 500_000_000 + self.fresh(), first_name, username, language, zone)
        self.users[user.id] = user
        self.chats[user.id] = TelegramChat(user.id, "private", first_name, {user.id, self.bot.id})
        return user

    def add_group(
        self, title: str, members: Iterable[int] = (), *, kind: ChatKind = "group", forum: bool = False
    ) -> TelegramChat:
        """A new group; a forum is always a supergroup. `telegram.bot.id` among the members puts the bot in it."""
        kind = "supergroup" if forum else kind
        number = self.fresh()
        chat_id = -(1_002_000_000_000 + number) if kind == "supergroup" else -(4_000_000 + number)
        chat = TelegramChat(chat_id, kind, title, set(members), is_forum=forum)
        self.chats[chat_id] = chat
        return chat

    def chat(self, chat_id: int) -> TelegramChat:
        """A chat by id; NoSuch otherwise."""
        if chat_id not in self.chats:
            raise NoSuch(str(chat_id))
        return self.chats[chat_id]

    def message(self, chat_id: int, message_id: int) -> TelegramMessage:
        """A message that still stands; NoSuch otherwise."""
        for message in self.chat(chat_id).messages:
            if message.message_id == message_id and not message.deleted:
                return message
        raise NoSuch(f"{chat_id} {message_id}")

    def next_message_id(self, chat: TelegramChat) -> int:
        """The id of the chat's next message."""
        return chat.messages[-1].message_id + 1 if chat.messages else 1

    def visible(self, viewer: int, chat_id: int) -> list[TelegramMessage]:
        """What `viewer` sees in a chat, oldest first."""
        chat = self.chat(chat_id)
        return [m for m in chat.messages if not m.deleted] if viewer in chat.members else []

    def add_file(
        self, content: bytes, folder: str, suffix: str, size: tuple[int, int] = (0, 0), name: str = ""
    ) -> TelegramFile:
        """Keep a file."""
        number = self.fresh()
        file_id = f"AgACSandbox{number:06d}{secrets.token_urlsafe(9)}"
        file = TelegramFile(file_id, f"AQAD{number:06d}", f"{folder}/file_{number}{suffix}", content, *size, name)
        self.files[file_id] = file
        return file
