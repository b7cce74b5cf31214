"""A chat command and one call of it, the same for Slack, Telegram and the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from bot.chat.forms import Form
from bot.chat.incoming import ConversationKind
from bot.chat.nodes import Message
from bot.words import Words

S = TypeVar("S")

Role = Literal["viewer", "operator", "buyer", "approver", "promo_manager", "auditor", "admin"]
READERS: frozenset[Role] = frozenset({"viewer", "auditor"})  # they change nothing


@dataclass(frozen=True, slots=True)
class Asker:
    """The member who asks, as known when they asked; a stranger has `member_id` 0 and the role `viewer`."""

    member_id: int
    name: str
    role: Role
    language: str  # a Babel locale id: en, zh_CN
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from: `platform` is slack, telegram or terminal; the rest identifies the conversation there.

    `event` is the platform's id of what caused the call, empty where it has none: a call that a crash made come twice
    has the same one both times. `mentions` are the platform's ids of people by the words that stand for them.
    """

    platform: str
    person: str
    conversation: str
    conversation_kind: ConversationKind
    thread: str = ""
    event: str = ""
    mentions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invocation(Generic[S]):
    """One call of one command: who, where, when, which page, and the services it may use.

    `line` is the command name and its raw arguments, from which page buttons are made. `names` are the commands that
    bear another name on this platform, as they are typed there. The router fills both in.
    """

    services: S
    asker: Asker
    origin: Origin
    now: datetime
    line: tuple[str, ...]
    page: int = 1
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A registered command.

    `run` is an async function whose first parameter is the Invocation and whose others are parsed from their
    annotations (see `bot.chat.arguments`); it answers with a message, or with a form that leads to another call.
    `audience` says who sees the answer in a group: the whole `room` or only the `asker`. `short` commands get a slash
    command of their own; all are reachable as `/stocktide NAME`. `strangers` marks the few that an unlinked person may
    call.
    """

    name: str
    run: Callable[..., Awaitable[Message | Form]]
    summary: Words
    audience: Literal["room", "asker"] = "room"
    short: bool = False
    strangers: bool = False


AnyInvocation = Invocation[Any]
