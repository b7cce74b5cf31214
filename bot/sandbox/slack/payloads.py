"""The payloads Slack sends, built from the world."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.sandbox.slack.world import SlackChannel, SlackMessage, SlackUser, SlackView, SlackWorld


def event(world: SlackWorld, body: Mapping[str, Any]) -> dict[str, Any]:
    """An Events API callback with a new event id."""
    return {
        "token": "legacy",
        "team_id": world.team_id,
        "api_app_id": world.app_id,
        "event": dict(body),
        "type": "event_callback",
        "event_id": world.fresh("Ev"),
        "event_time": int(world.clock.now().timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": world.team_id,
                "user_id": world.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_hex(8)}",
    }


def command(
    world: SlackWorld, user: SlackUser, channel: SlackChannel, name: str, text: str, response_url: str
) -> dict[str, str]:
    """A slash command, as the form it is posted as."""
    return {
        "token": "legacy",
        "team_id": world.team_id,
        "team_domain": "sandbox",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_direct else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": world.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": world.trigger(user.id),
    }


def actor(world: SlackWorld, user: SlackUser) -> dict[str, Any]:
    """What every interaction says of its team, app and person."""
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": world.team_id},
        "api_app_id": world.app_id,
        "token": "legacy",
        "team": {"id": world.team_id, "domain": "sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def press(
    world: SlackWorld, user: SlackUser, message: SlackMessage, action: Mapping[str, Any], response_url: str
) -> dict[str, Any]:
    """A press of a button in a message."""
    channel = world.channel(message.channel)
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = {
        "type": "block_actions",
        **actor(world, user),
        "container": container,
        "trigger_id": world.trigger(user.id),
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_direct else channel.name},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [dict(action)],
    }
    # Slack leaves the message out where it was ephemeral.
    return payload if message.ephemeral_to else {**payload, "message": as_json(world, message)}


def view_press(world: SlackWorld, user: SlackUser, view: SlackView, action: Mapping[str, Any]) -> dict[str, Any]:
    """A press of a button on a home page or in a modal."""
    return {
        "type": "block_actions",
        **actor(world, user),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": world.trigger(user.id),
        "view": view_json(world, view),
        "actions": [dict(action)],
    }


def submission(world: SlackWorld, user: SlackUser, view: SlackView, values: Mapping[str, Any]) -> dict[str, Any]:
    """A modal handed in; `values` are by block id and action id."""
    return {
        "type": "view_submission",
        **actor(world, user),
        "trigger_id": world.trigger(user.id),
        "view": {**view_json(world, view), "state": {"values": dict(values)}},
        "response_urls": [],
    }


def as_json(world: SlackWorld, message: SlackMessage) -> dict[str, Any]:
    """A message as the API shows it."""
    found: dict[str, Any] = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    if message.user == world.bot.id:
        found |= {"bot_id": world.bot_id, "app_id": world.app_id, "team": world.team_id}
    if message.blocks:
        found["blocks"] = list(message.blocks)
    if message.attachments:
        found["attachments"] = list(message.attachments)
    if message.thread_ts:
        found["thread_ts"] = message.thread_ts
    if message.files:
        found["files"] = [file_json(world, file) for file in message.files]
    if message.edited_at:
        found["edited"] = {"user": message.user, "ts": f"{int(message.edited_at.timestamp())}.000000"}
    return found


def file_json(world: SlackWorld, file_id: str) -> dict[str, Any]:
    """A file as the API shows it."""
    file = world.files[file_id]
    url = f"{world.files_url}{file.id}/private/{quote(file.name)}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "user": file.owner or world.bot.id,
        "size": len(file.content),
        "mode": "hosted",
        "is_external": False,
        "file_access": "visible",
        "url_private": url,
        "url_private_download": url,
    }


def user_json(world: SlackWorld, user: SlackUser, *, locale: bool = False) -> dict[str, Any]:
    """A person as users.info shows them."""
    found = {
        "id": user.id,
        "team_id": world.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.zone,
        "tz_label": user.zone,
        "tz_offset": user.offset(world.clock.now()),
        "profile": {"real_name": user.real_name, "display_name": user.name},
        "is_bot": user.is_bot,
        "is_app_user": False,
    }
    return {**found, "locale": user.locale} if locale else found


def channel_json(world: SlackWorld, channel: SlackChannel) -> dict[str, Any]:
    """A conversation as conversations.info shows it."""
    found: dict[str, Any] = {
        "id": channel.id,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_im": channel.is_direct,
        "is_private": channel.kind != "public",
        "is_archived": channel.archived,
        "is_member": world.bot.id in channel.members,
    }
    if channel.is_direct:
        return {**found, "user": next(iter(channel.members - {world.bot.id}), world.bot.id)}
    return {**found, "name": channel.name, "num_members": len(channel.members)}


def view_json(world: SlackWorld, view: SlackView) -> dict[str, Any]:
    """A view as the API shows it."""
    defaults = {"private_metadata": "", "callback_id": "", "external_id": "", "state": {"values": {}}}
    own = {"id": view.id, "team_id": world.team_id, "app_id": world.app_id, "bot_id": world.bot_id, "hash": view.hash}
    return {**defaults, **view.content, **own, "root_view_id": view.id, "previous_view_id": None}
