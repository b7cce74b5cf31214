"""What a Web API method is: its name, handler, scopes, rate and the arguments it knows."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.world import NoSuch, SlackChannel, SlackUser

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Method:
    """One method; any of `scopes` will do. `tier` is Slack's rate tier (0: paced per channel)."""

    name: str
    run: Callable[[Slack, Arguments], Answer]
    scopes: tuple[str, ...] = ()
    tier: int = 3
    fields: str = ""
    app_level: bool = False


def needed(arguments: Arguments, name: str) -> str:
    """A required text argument; SlackRefusal otherwise."""
    value = arguments.get(name)
    if not value or not isinstance(value, str):
        raise SlackRefusal("invalid_arguments", f"missing required field: {name}")
    return value


def truth(arguments: Arguments, name: str) -> bool:
    """A flag, which may have come as text."""
    return str(arguments.get(name, "")).lower() in ("1", "true")


def user_of(slack: Slack, arguments: Arguments, name: str = "user") -> SlackUser:
    """The person an argument names; SlackRefusal(user_not_found) otherwise."""
    user = slack.world.users.get(needed(arguments, name))
    if user is None:
        raise SlackRefusal("user_not_found")
    return user


def room_of(slack: Slack, arguments: Arguments) -> SlackChannel:
    """The conversation a call names, as far as the bot may know of it; SlackRefusal(channel_not_found) otherwise."""
    try:
        room = slack.world.channel(needed(arguments, "channel"))
    except NoSuch:
        raise SlackRefusal("channel_not_found") from None
    if room.kind != "public" and slack.bot.id not in room.members:
        raise SlackRefusal("channel_not_found")
    return room


def page(items: Sequence[T], arguments: Arguments, most: int = 100) -> tuple[list[T], dict[str, str]]:
    """One page of a list and the metadata that leads to the next; SlackRefusal for a bad limit or cursor."""
    try:
        limit = int(arguments.get("limit") or most)
        start = int(base64.b64decode(arguments["cursor"])) if arguments.get("cursor") else 0
    except ValueError:
        raise SlackRefusal("invalid_cursor") from None
    if not 1 <= limit <= 1000:
        raise SlackRefusal("invalid_limit")
    end = start + limit
    cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
    return list(items[start:end]), {"next_cursor": cursor}
