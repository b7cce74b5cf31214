"""The Protocols that adapters implement; each has two real implementations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from bot.chat.incoming import ConversationKind, Incoming, MessageRef
from bot.chat.nodes import Message
from bot.words import Words


class Clock(Protocol):
    """Tells the time; handed in, never global."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


@dataclass
class MovableClock:
    """A clock that starts at a chosen instant, runs on with real time, and can be pushed (demo, `--at`, tests).

    With `frozen` it stands still but for pushes.
    """

    start: datetime
    frozen: bool = False
    _zero: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The chosen instant plus what has passed since."""
        return self.start if self.frozen else self.start + (datetime.now(UTC) - self._zero)

    def push(self, by: timedelta) -> None:
        """Move the clock forward; ValueError when `by` is negative."""
        if by < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.start += by


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A received HTTP request, as raw as it came: signatures are computed over `body`. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What to answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """A platform's sending rates: messages per second overall and per conversation, and per minute in a group."""

    overall_per_second: float
    conversation_per_second: float
    group_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post: the platform's conversation id, its kind, and a thread or forum topic in it."""

    conversation: str
    kind: ConversationKind
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a message is put into words.

    `language` is a Babel locale id, `zone` serves what the platform cannot localise itself, and `people` gives the
    external id on this platform of each member who may be mentioned.
    """

    language: str
    zone: ZoneInfo
    people: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform tells of a person; empty strings where it tells nothing."""

    name: str
    zone: str = ""
    language: str = ""
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `stocktide check`."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


Intake = Callable[[Incoming], Awaitable[None]]  # returns once the event is stored; raising means: do not acknowledge


class ChatPlatform(Protocol):
    """One chat platform. Its methods raise only the PlatformErrors of `bot.errors`; nothing is retried inside."""

    name: str
    limits: Limits

    async def start(self, intake: Intake) -> None:
        """Connect and begin to hand every event to `intake`; a platform fed by HTTP only prepares itself."""
        ...

    async def stop(self) -> None:
        """Stop taking events, finish those in hand, close connections; at most 5 s."""
        ...

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Answer a webhook call: verify it, store it through the intake, acknowledge."""
        ...

    async def post(self, target: Target, message: Message, reader: Reader) -> MessageRef:
        """Post to a conversation; a target of kind `home` publishes a person's home page (Slack alone has one)."""
        ...

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Replace a message in place; an unchanged message is no error."""
        ...

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef | None:
        """Answer an event through its own handle.

        Visible to the asker alone where `private` and the platform can do so; in place of the pressed message where
        `incoming` is a press whose message is ephemeral. None where no reference comes back.
        """
        ...

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """Tell the person who pressed a button, and nobody else, one line; also releases the button's spinner.

        Empty words say nothing and only release it.
        """
        ...

    async def profile(self, person: str) -> Profile:
        """What the platform knows of a person."""
        ...

    async def direct(self, person: str) -> str:
        """The id of the private conversation with a person."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the tokens and scopes, and say what is wrong."""
        ...
