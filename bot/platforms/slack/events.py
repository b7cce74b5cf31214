"""Slack's payloads as `Incoming`; pure, and None for what does not concern us.

A home page's conversation is the id of the person whose page it is; an event about the whole workspace has none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bot.chat.incoming import ConversationKind, Incoming, IncomingKind, SharedFile
from bot.platforms.slack.blocks import ACTION_PREFIX, PLATFORM
from bot.platforms.slack.forms import token_of, values_of

UMBRELLA = "stocktide"  # /stocktide NAME reaches every command; the short ones have a slash command of their own

_LEFT = {"channel_left", "channel_archive", "channel_deleted", "group_left", "group_archive", "group_deleted"}
_ELSEWHERE = {"external", "hidden_by_limit", "tombstone"}  # what Slack names a file without having its bytes
_TOKEN = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")

Json = dict[str, Any]


def of_command(body: Json, renamed: Mapping[str, str] = MappingProxyType({})) -> Incoming:
    """A slash command; bare `/stocktide` asks for help. `renamed` gives the names in Slack of some of ours."""
    name = str(body["command"]).lstrip("/")
    name = next((ours for ours, theirs in renamed.items() if theirs == name), name)
    words = typed(str(body.get("text") or ""))
    text = (words or "help") if name == UMBRELLA else f"{name} {words}".strip()
    channel = str(body["channel_id"])
    return Incoming(
        platform=PLATFORM,
        event_id=str(body["trigger_id"]),
        kind="command",
        person=str(body["user_id"]),
        conversation=channel,
        conversation_kind=kind_of(channel),
        text=text,
        person_name=str(body.get("user_name") or ""),
        conversation_title=_title(body.get("channel_name")),
        handle=_handle(body, "response_url", "trigger_id"),
    )


def of_action(body: Json) -> Incoming | None:
    """A pressed button of ours."""
    ours = [action for action in body.get("actions", []) if str(action.get("action_id", "")).startswith(ACTION_PREFIX)]
    if not ours:
        return None
    user, container = body["user"], body.get("container", {})
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
    message = body.get("message") or {}
    return Incoming(
        platform=PLATFORM,
        event_id=str(body["trigger_id"]),
        kind="press",
        person=str(user["id"]),
        conversation=channel or str(user["id"]),
        conversation_kind=kind_of(channel) if channel else "home",
        token=str(ours[0].get("value") or ""),
        thread=str(container.get("thread_ts") or message.get("thread_ts") or ""),
        person_name=str(user.get("name") or user.get("username") or ""),
        conversation_title=_title((body.get("channel") or {}).get("name")),
        message_id=str(container.get("message_ts") or ""),
        ephemeral=bool(container.get("is_ephemeral")),
        handle=_handle(body, "response_url", "trigger_id"),
    )


def of_submission(body: Json) -> Incoming:
    """A window that was sent in; where it was opened is known by its token alone. Sent twice, it is the same event."""
    user, view = body["user"], body["view"]
    return Incoming(
        platform=PLATFORM,
        event_id=f"{view['id']}:{view.get('hash', '')}",
        kind="submit",
        person=str(user["id"]),
        conversation=str(user["id"]),
        conversation_kind="home",
        token=token_of(view),
        person_name=str(user.get("name") or user.get("username") or ""),
        handle=_handle(body, "trigger_id"),
        values=values_of(view),
    )


def of_event(body: Json, bot_user: str) -> Incoming | None:
    """An event of the Events API; `bot_user` is our own user id."""
    event = body["event"]
    match event.get("type"):
        case "app_mention" | "message":
            return _message(body, event, bot_user)
        case "app_home_opened" if event.get("tab", "home") == "home":
            return _about(body, "home_opened", str(event["user"]), str(event["user"]), "home")
        case "member_joined_channel" if event.get("user") == bot_user:
            return _about(body, "joined", str(event.get("inviter") or ""), str(event["channel"]))
        case "member_left_channel" if event.get("user") == bot_user:
            return _about(body, "removed", "", str(event["channel"]))
        case kind if kind in _LEFT:
            return _about(body, "removed", str(event.get("actor_id") or ""), str(event["channel"]))
        case "tokens_revoked" | "app_uninstalled":
            return _about(body, "removed", "", "")
        case "user_change":
            person = str(event["user"]["id"])
            return _about(body, "profile_changed", person, person, "direct")
        case _:
            return None


def kind_of(channel: str) -> ConversationKind:
    """Slack's ids tell: D... is a direct conversation, U... or W... a person's home page, the rest are groups."""
    if channel.startswith("D"):
        return "direct"
    return "home" if channel.startswith(("U", "W")) else "group"


def typed(text: str) -> str:
    """What a person typed, out of Slack's mrkdwn: links, mentions (as @ID) and entities as words, code marks off."""
    shown = _TOKEN.sub(lambda found: found[1] if found[1].startswith("@") else found[2] or found[1], text)
    return " ".join(html.unescape(shown).replace("`", "").split())


def _message(body: Json, event: Json, bot_user: str) -> Incoming | None:
    # Bots, edits, joins and the like carry one of these; only what a person typed or sent is for us.
    if event.get("bot_id") or event.get("edited") or event.get("user") in {None, bot_user}:
        return None
    if event.get("subtype") not in {None, "file_share"}:
        return None
    channel = str(event["channel"])
    mention = f"<@{bot_user}>"
    text = str(event.get("text") or "")
    if event["type"] == "message":
        if event.get("channel_type", "im") != "im" or kind_of(channel) != "direct":
            return None
        words = typed(text.replace(mention, " "))
    else:
        words = typed(re.split(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", text, maxsplit=1)[-1])
    files = _files(event)
    return Incoming(
        platform=PLATFORM,
        event_id=str(body["event_id"]),
        kind="files" if files else "command",
        person=str(event["user"]),
        conversation=channel,
        conversation_kind=kind_of(channel),
        text=words if files else words or "help",
        thread=str(event.get("thread_ts") or ""),
        message_id=str(event.get("ts") or ""),
        files=files,
    )


def _files(event: Json) -> tuple[SharedFile, ...]:
    """The files that whoever wrote the message uploaded; another's, passed on, is not theirs to have read."""
    return tuple(
        SharedFile(str(file["id"]), str(file.get("name") or file.get("title") or ""), int(file.get("size") or 0))
        for file in event.get("files") or ()
        if file.get("mode") not in _ELSEWHERE and file.get("user", event["user"]) == event["user"]
    )


def _about(
    body: Json, kind: IncomingKind, person: str, conversation: str, where: ConversationKind | None = None
) -> Incoming:
    return Incoming(
        platform=PLATFORM,
        event_id=str(body["event_id"]),
        kind=kind,
        person=person,
        conversation=conversation,
        conversation_kind=where or kind_of(conversation),
    )


def _title(name: object) -> str:
    return "" if name in {None, "directmessage", "privategroup"} else str(name)


def _handle(body: Json, *keys: str) -> dict[str, str]:
    return {key: str(body[key]) for key in keys if body.get(key)}
