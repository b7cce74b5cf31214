"""auth.*, users.* and conversations.*: who and where."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bot.sandbox.slack import payloads
from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.method import Answer, Arguments, Method, needed, page, room_of, truth, user_of
from bot.sandbox.slack.world import NoSuch, SlackMessage

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": ""}


def _auth_test(slack: Slack, _arguments: Arguments) -> Answer:
    world = slack.world
    return {
        "url": "https://sandbox.slack.com/",
        "team": world.team_name,
        "user": world.bot.name,
        "team_id": world.team_id,
        "user_id": world.bot.id,
        "bot_id": world.bot_id,
        "is_enterprise_install": False,
    }


def _api_test(_slack: Slack, arguments: Arguments) -> Answer:
    if arguments.get("error"):
        raise SlackRefusal(str(arguments["error"]))
    return {"args": dict(arguments)}


def _connect(slack: Slack, _arguments: Arguments) -> Answer:
    ticket = secrets.token_urlsafe(12)
    slack.courier.tickets.add(ticket)
    base = slack.api_url.replace("http", "ws", 1).removesuffix("api/")
    return {"url": f"{base}link/?ticket={ticket}&app_id={slack.world.app_id}"}


def _user_info(slack: Slack, arguments: Arguments) -> Answer:
    user = user_of(slack, arguments)
    return {"user": payloads.user_json(slack.world, user, locale=truth(arguments, "include_locale"))}


def _user_list(slack: Slack, arguments: Arguments) -> Answer:
    users, metadata = page(list(slack.world.users.values()), arguments)
    members = [payloads.user_json(slack.world, user, locale=truth(arguments, "include_locale")) for user in users]
    return {"members": members, "cache_ts": int(slack.world.clock.now().timestamp()), "response_metadata": metadata}


def _kinds(arguments: Arguments) -> set[str]:
    names = str(arguments.get("types") or "public_channel").replace(" ", "").split(",")
    if not set(names) <= set(_KINDS):
        raise SlackRefusal("invalid_types")
    return {_KINDS[name] for name in names}


def _list(slack: Slack, arguments: Arguments) -> Answer:
    kinds, hidden = _kinds(arguments), truth(arguments, "exclude_archived")
    known = [
        channel
        for channel in slack.world.channels.values()
        if channel.kind in kinds
        and (channel.kind == "public" or slack.bot.id in channel.members)
        and not (hidden and channel.archived)
    ]
    channels, metadata = page(known, arguments)
    shown = [payloads.channel_json(slack.world, channel) for channel in channels]
    return {"channels": shown, "response_metadata": metadata}


def _user_conversations(slack: Slack, arguments: Arguments) -> Answer:
    kinds = _kinds(arguments)
    user = user_of(slack, arguments).id if arguments.get("user") else slack.bot.id
    known = [channel for channel in slack.world.channels_of(user) if channel.kind in kinds]
    channels, metadata = page(known, arguments)
    shown = [payloads.channel_json(slack.world, channel) for channel in channels]
    return {"channels": shown, "response_metadata": metadata}


def _info(slack: Slack, arguments: Arguments) -> Answer:
    return {"channel": payloads.channel_json(slack.world, room_of(slack, arguments))}


def _members(slack: Slack, arguments: Arguments) -> Answer:
    members, metadata = page(sorted(room_of(slack, arguments).members), arguments)
    return {"members": members, "response_metadata": metadata}


def _open(slack: Slack, arguments: Arguments) -> Answer:
    if arguments.get("channel"):
        room = room_of(slack, arguments)
    else:
        users = needed(arguments, "users").split(",")
        if len(users) > 1:
            raise SlackRefusal("invalid_arguments", "the sandbox opens conversations with one person")
        try:
            room = slack.world.direct(users[0])
        except NoSuch:
            raise SlackRefusal("user_not_found") from None
    full = payloads.channel_json(slack.world, room)
    return {"channel": full if truth(arguments, "return_im") else {"id": room.id}}


def _join(slack: Slack, arguments: Arguments) -> Answer:
    room = room_of(slack, arguments)
    if room.kind != "public":
        raise SlackRefusal("method_not_supported_for_channel_type")
    room.members.add(slack.bot.id)
    return {"channel": payloads.channel_json(slack.world, room)}


def _read(slack: Slack, arguments: Arguments) -> list[SlackMessage]:
    room = room_of(slack, arguments)
    if slack.bot.id not in room.members:
        raise SlackRefusal("not_in_channel")
    return [message for message in room.messages if not message.deleted and not message.ephemeral_to]


def _history(slack: Slack, arguments: Arguments) -> Answer:
    oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9999999999")
    inclusive = truth(arguments, "inclusive")
    known = [
        message
        for message in reversed(_read(slack, arguments))
        if message.thread_ts in ("", message.ts)
        and (float(oldest) < float(message.ts) < float(latest) or (inclusive and message.ts in (oldest, latest)))
    ]
    messages, metadata = page(known, arguments)
    shown = [payloads.as_json(slack.world, message) for message in messages]
    return {"messages": shown, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def _replies(slack: Slack, arguments: Arguments) -> Answer:
    parent = needed(arguments, "ts")
    known = [message for message in _read(slack, arguments) if parent in (message.ts, message.thread_ts)]
    if not known:
        raise SlackRefusal("thread_not_found")
    messages, metadata = page(known, arguments)
    shown = [payloads.as_json(slack.world, message) for message in messages]
    return {"messages": shown, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


_PAGED = "limit cursor"
METHODS = (
    Method("api.test", _api_test, (), 4, "error foo"),
    Method("auth.test", _auth_test, (), 4),
    Method("apps.connections.open", _connect, ("connections:write",), 1, app_level=True),
    Method("users.info", _user_info, ("users:read",), 4, "user include_locale"),
    Method("users.list", _user_list, ("users:read",), 2, f"{_PAGED} include_locale team_id"),
    Method("users.conversations", _user_conversations, _READ, 3, f"{_PAGED} user types exclude_archived team_id"),
    Method("conversations.list", _list, _READ, 2, f"{_PAGED} types exclude_archived team_id"),
    Method("conversations.info", _info, _READ, 3, "channel include_locale include_num_members"),
    Method("conversations.members", _members, _READ, 4, f"{_PAGED} channel"),
    Method("conversations.open", _open, ("im:write", "mpim:write"), 3, "users channel return_im prevent_creation"),
    Method("conversations.join", _join, ("channels:join",), 3, "channel"),
    Method("conversations.history", _history, _HISTORY, 3, f"{_PAGED} channel oldest latest inclusive"),
    Method("conversations.replies", _replies, _HISTORY, 3, f"{_PAGED} channel ts oldest latest inclusive"),
)
