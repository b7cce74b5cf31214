"""Chat platforms: what they take in and send out, neutral of their names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.chat.forms import Form
from bot.chat.incoming import ConversationKind, Incoming, MessageRef, SharedFile
from bot.chat.nodes import Message
from bot.ports.checks import Check
from bot.words import Words


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
class CallNotice:
    """A video call to be listed. `key` is ours and unique, `url` leads in, `host` may be empty."""

    key: str
    title: str
    url: str
    starts_at: datetime
    host: str  # external id on that platform of whoever opened it


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Somebody in a call: `external` is their id on that platform, empty where `key` and `name` must do."""

    external: str
    key: str
    name: str


Intake = Callable[[Incoming], Awaitable[None]]  # returns once the event is stored; raising means: do not acknowledge


class ChatPlatform(Protocol):
    """One chat platform. Its methods raise only the PlatformErrors of `bot.errors`; nothing is retried inside."""

    name: str
    limits: Limits
    has_forms: bool  # whether `open_form` shows a window; without, a form is asked question by question

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

    async def open_form(self, incoming: Incoming, form: Form, token: str, reader: Reader) -> None:
        """Show a form to the person who caused `incoming`; once sent in it comes back as a `submit` with `token`.

        MessageGone where it came too late for the platform. Only called where `has_forms`.
        """
        ...

    async def profile(self, person: str) -> Profile:
        """What the platform knows of a person."""
        ...

    async def direct(self, person: str) -> str:
        """The id of the private conversation with a person."""
        ...

    async def fetch(self, file: SharedFile, person: str, into: Path, most: int) -> None:
        """Write a file that the person sent to us into `into`; FileRefused where it has more than `most` bytes.

        MessageGone where it is there no more, or is another person's; TokenRefused where we may not read files.
        """
        ...

    async def add_call(self, call: CallNotice) -> str:
        """List a call, so that a `Call` block can show it; its id there, empty where the platform lists no calls.

        A key that was listed before gives the same id again.
        """
        ...

    async def call_people(self, call_id: str, came: Sequence[CallPerson], went: Sequence[CallPerson]) -> None:
        """Say who joined a listed call and who left since the last time; saying it twice is no error.

        MessageGone where the call is over or unknown.
        """
        ...

    async def end_call(self, call_id: str, seconds: int) -> None:
        """Say that a listed call is over and how long it took; one that is over or unknown is no error."""
        ...

    def vouched(self, query: Mapping[str, str], now: datetime) -> str | None:
        """The external id of the person for whom the platform signed these parameters of an address (`Action.login`).

        None where they are forged, stale or not signed at all, and always where the platform signs nothing.
        """
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the tokens and scopes, and say what is wrong."""
        ...
