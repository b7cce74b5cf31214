"""Response URLs: five uses within thirty minutes, and the ways in which they answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.content import content_of
from bot.sandbox.slack.desk import Desk
from bot.sandbox.slack.world import NoSuch, SlackMessage

USES = 5
LIFE = timedelta(minutes=30)
FIELDS = frozenset(
    [
        "text",
        "blocks",
        "attachments",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
        "mrkdwn",
        "metadata",
    ]
)


@dataclass(slots=True)
class Hook:
    """One response URL: where it answers, to whom, and the message that was pressed, if one was."""

    channel: str
    user: str
    made: datetime
    message: SlackMessage | None = None
    uses: int = 0


class Responses:
    """All response URLs; `base` is the address they begin with."""

    def __init__(self, desk: Desk) -> None:
        self.base = ""
        self.hooks: dict[str, Hook] = {}
        self._desk = desk

    def make(self, channel: str, user: str, message: SlackMessage | None = None) -> str:
        """A new response URL."""
        key = secrets.token_urlsafe(12)
        self.hooks[key] = Hook(channel, user, self._desk.world.clock.now(), message)
        return f"{self.base}{key}"

    def use(self, key: str, body: Mapping[str, Any]) -> None:
        """Answer through a response URL; SlackRefusal where it is spent, or the payload is at fault."""
        hook = self.hooks.get(key)
        if hook is None:
            raise SlackRefusal("invalid_token")
        if self._desk.world.clock.now() - hook.made > LIFE:
            raise SlackRefusal("expired_url")
        if hook.uses >= USES:
            raise SlackRefusal("used_url")
        if unknown := set(body) - FIELDS:
            raise SlackRefusal("invalid_payload", f"unknown field: {min(unknown)}")
        self.apply(hook, body)
        hook.uses += 1

    def apply(self, hook: Hook, body: Mapping[str, Any]) -> None:
        """Do what an answer asks for; also serves answers given in an acknowledgement."""
        if body.get("delete_original"):
            self._desk.delete(self._original(hook))
            return
        content = content_of(body, self._desk.world)
        if body.get("replace_original"):
            self._desk.edit(self._original(hook), content)
            return
        private = body.get("response_type", "ephemeral") != "in_channel"
        self._desk.post(
            hook.channel,
            self._desk.world.bot.id,
            content,
            thread_ts=str(body.get("thread_ts") or ""),
            ephemeral_to=hook.user if private else "",
        )

    def _original(self, hook: Hook) -> SlackMessage:
        if hook.message is None or hook.message.deleted:
            raise SlackRefusal("no_original")
        try:
            return self._desk.world.message(hook.channel, hook.message.ts)
        except NoSuch:
            raise SlackRefusal("message_not_found") from None
