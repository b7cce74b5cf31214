"""The state of the sandbox's one Slack workspace: people, channels, messages, files, views and home pages."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.ports import Clock

ChannelKind = Literal["public", "private", "im"]

SCOPES = frozenset(
    [
        "app_mentions:read",
        "calls:write",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "team:read",
        "users:read",
    ]
)
SUBSCRIPTIONS = frozenset(
    [
        "app_home_opened",
        "app_mention",
        "channel_left",
        "group_left",
        "member_joined_channel",
        "message.im",
        "user_change",
    ]
)


class NoSuch(LookupError):
    """A person, channel, message or button that the test or the page named is not there."""


@dataclass(slots=True)
class SlackUser:
    """A person (or a bot): `zone` is an IANA name and `locale` a Slack locale such as en-US or zh-CN."""

    id: str
    name: str
    real_name: str
    zone: str
    locale: str = "en-US"
    is_bot: bool = False
    deleted: bool = False

    def offset(self, at: datetime) -> int:
        """Seconds east of UTC at `at`."""
        shift = at.astimezone(ZoneInfo(self.zone)).utcoffset()
        return int(shift.total_seconds()) if shift else 0


@dataclass(frozen=True, slots=True)
class Revision:
    """What a message said before an edit."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    at: datetime


@dataclass(slots=True)
class SlackMessage:
    """One message; `ts` identifies it within its channel.

    `ephemeral_to` names its only reader and is empty for the others. `thread_ts` is empty on top-level messages and
    the parent's ts on replies. `revisions` holds earlier contents, oldest first.
    """

    ts: str
    channel: str
    user: str
    text: str
    at: datetime
    blocks: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    thread_ts: str = ""
    ephemeral_to: str = ""
    files: tuple[str, ...] = ()
    edited_at: datetime | None = None
    deleted: bool = False
    revisions: list[Revision] = field(default_factory=list)

    @property
    def all_blocks(self) -> tuple[dict[str, Any], ...]:
        """Its blocks, then those of its attachments, as they stand on screen."""
        below = (block for attachment in self.attachments for block in attachment.get("blocks", ()))
        return (*self.blocks, *below)


@dataclass(slots=True)
class SlackChannel:
    """A channel or a direct conversation; `messages` are in the order they were posted, ephemeral ones included."""

    id: str
    name: str
    kind: ChannelKind
    members: set[str] = field(default_factory=set)
    messages: list[SlackMessage] = field(default_factory=list)
    archived: bool = False

    @property
    def is_direct(self) -> bool:
        """True for a conversation of two."""
        return self.kind == "im"


@dataclass(slots=True)
class SlackFile:
    """An uploaded file; `shared` turns true when the upload is completed. `owner` is who uploaded it."""

    id: str
    name: str
    title: str = ""
    content: bytes = b""
    shared: bool = False
    owner: str = ""


@dataclass(slots=True)
class SlackView:
    """A home page or a modal as one person sees it: `content` is the view as published.

    `errors` are those that the bot answered a submission with, by block id.
    """

    id: str
    user: str
    content: dict[str, Any]
    hash: str
    revisions: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class SlackCall:
    """A call of another service: `people` by id as they were named, `seconds` how long it took once it is over."""

    id: str
    key: str
    url: str
    creator: str
    title: str
    at: datetime
    people: dict[str, Mapping[str, str]] = field(default_factory=dict)
    seconds: int | None = None


@dataclass(slots=True)
class Trigger:
    """What an interaction brings with it: it opens one modal for its person, soon after it was made."""

    user: str
    at: datetime
    used: bool = False


class SlackWorld:
    """Everything in the workspace. Ids are counted, so that a run repeats; secrets are drawn anew each time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.team_id = "T0SANDBOX"
        self.team_name = "Sandbox"
        self.app_id = "A0SANDBOX"
        self.bot_id = "B0SANDBOX"
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{self.app_id}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.scopes: set[str] = set(SCOPES)
        self.subscriptions: set[str] = set(SUBSCRIPTIONS)
        self.users: dict[str, SlackUser] = {}
        self.channels: dict[str, SlackChannel] = {}
        self.files: dict[str, SlackFile] = {}
        self.files_url = ""  # where files lie; their id follows
        self.calls: dict[str, SlackCall] = {}
        self.homes: dict[str, SlackView] = {}
        self.views: dict[str, SlackView] = {}
        self.triggers: dict[str, Trigger] = {}
        self._count = itertools.count(1)
        self._last_ts = 0
        self.bot = self.add_user("stocktide", real_name="Stocktide", bot=True)

    def fresh(self, letter: str) -> str:
        """A new id that begins with `letter`."""
        return f"{letter}0SBX{next(self._count):05d}"

    def fresh_ts(self) -> str:
        """A new message timestamp, later than any given before."""
        micros = int(self.clock.now().timestamp()) * 1_000_000
        self._last_ts = max(self._last_ts + 100, micros)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def trigger(self, user: str) -> str:
        """A new trigger id for a person."""
        key = f"{self.fresh('')}.{self.team_id}.{secrets.token_hex(8)}"
        self.triggers[key] = Trigger(user, self.clock.now())
        return key

    def add_user(
        self,
        name: str,
        *,
        zone: str = "Etc/UTC",
        locale: str = "en-US",
        real_name: str = "",
        bot: bool = False,
        user_id: str = "",
    ) -> SlackUser:
        """A new member of the workspace; `user_id` is counted where none is given."""
        ZoneInfo(zone)
        user = SlackUser(user_id or self.fresh("U"), name, real_name or name.title(), zone, locale, bot)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, members: Iterable[str] = (), *, kind: ChannelKind = "public") -> SlackChannel:
        """A new channel; add `slack.bot.id` to the members to have the bot in it from the start."""
        channel = SlackChannel(self.fresh("D" if kind == "im" else "C"), name, kind, set(members))
        self.channels[channel.id] = channel
        return channel

    def direct(self, user: str) -> SlackChannel:
        """The conversation between a person and the bot, made on first use; NoSuch for an unknown person."""
        if user not in self.users:
            raise NoSuch(user)
        for channel in self.channels.values():
            if channel.is_direct and user in channel.members:
                return channel
        return self.add_channel("", (user, self.bot.id), kind="im")

    def channel(self, channel: str) -> SlackChannel:
        """A channel by id or name; NoSuch otherwise."""
        if channel in self.channels:
            return self.channels[channel]
        for known in self.channels.values():
            if known.name and known.name == channel.removeprefix("#"):
                return known
        raise NoSuch(channel)

    def message(self, channel: str, ts: str) -> SlackMessage:
        """A message that still stands; NoSuch otherwise."""
        for message in self.channel(channel).messages:
            if message.ts == ts and not message.deleted:
                return message
        raise NoSuch(f"{channel} {ts}")

    def visible(self, viewer: str, channel: str) -> list[SlackMessage]:
        """What `viewer` sees in a channel, oldest first: no deleted messages and no ephemeral ones of others."""
        room = self.channel(channel)
        if viewer not in room.members and room.kind != "public":
            return []
        return [m for m in room.messages if not m.deleted and m.ephemeral_to in ("", viewer)]

    def channels_of(self, viewer: str) -> list[SlackChannel]:
        """The channels and direct conversations of a person."""
        return [channel for channel in self.channels.values() if viewer in channel.members]
