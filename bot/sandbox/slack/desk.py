"""What happens in the workspace when the bot or a person does something: messages come, change and go."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.slack import render
from bot.sandbox.slack.mrkdwn import Eyes
from bot.sandbox.slack.world import NoSuch, Revision, SlackMessage, SlackView, SlackWorld
from bot.sandbox.world import Record, SightKind


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says."""

    text: str = ""
    blocks: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    files: tuple[str, ...] = ()


class Desk:
    """Changes the world and writes each change into the record."""

    def __init__(self, world: SlackWorld, record: Record) -> None:
        self.world = world
        self.record = record

    def eyes(self, zone: str = "Etc/UTC", locale: str = "en-US") -> Eyes:
        """Eyes in a zone."""
        ZoneInfo(zone)
        return Eyes(zone, locale, self.world.clock.now(), self._name_of)

    def post(
        self, channel: str, user: str, content: Content, *, thread_ts: str = "", ephemeral_to: str = ""
    ) -> SlackMessage:
        """Put a message into a channel; its blocks and elements get the ids they lack."""
        room = self.world.channel(channel)
        message = SlackMessage(
            ts=self.world.fresh_ts(),
            channel=room.id,
            user=user,
            text=content.text,
            at=self.world.clock.now(),
            blocks=self.named(content.blocks),
            attachments=self._attached(content.attachments),
            thread_ts=thread_ts,
            ephemeral_to=ephemeral_to,
            files=content.files,
        )
        room.messages.append(message)
        self._saw("ephemeral" if ephemeral_to else "message", message)
        return message

    def edit(self, message: SlackMessage, content: Content) -> SlackMessage:
        """Replace what a message says and keep what it said."""
        now = self.world.clock.now()
        message.revisions.append(Revision(message.text, message.blocks, now))
        message.text = content.text
        message.blocks = self.named(content.blocks)
        message.attachments = self._attached(content.attachments)
        message.edited_at = now
        self._saw("edit", message)
        return message

    def delete(self, message: SlackMessage) -> None:
        """Take a message away."""
        message.deleted = True
        self._saw("delete", message)

    def publish_home(self, user: str, view: dict[str, Any]) -> SlackView:
        """Set a person's home page."""
        if user not in self.world.users:
            raise NoSuch(user)
        page = self.world.homes.get(user)
        if page is None:
            page = SlackView(self.world.fresh("V"), user, view, secrets.token_hex(4))
            self.world.homes[user] = page
        else:
            page.revisions += 1
        self._show(page, view, "home")
        return page

    def open_view(self, user: str, view: dict[str, Any]) -> SlackView:
        """Show a modal to a person."""
        modal = SlackView(self.world.fresh("V"), user, view, secrets.token_hex(4))
        self.world.views[modal.id] = modal
        self._show(modal, view, "view")
        return modal

    def change_view(self, modal: SlackView, view: dict[str, Any]) -> SlackView:
        """Replace what a modal or home page shows."""
        modal.revisions += 1
        self._show(modal, view, "home" if view["type"] == "home" else "view")
        return modal

    def notice(self, user: str, channel: str, text: str) -> None:
        """Slack itself tells one person something, such as that a command timed out."""
        self.record.sight("slack", "notice", channel, "", text, user)

    def named(self, blocks: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
        """The blocks with the ids that Slack would add."""
        return tuple(self._name(dict(block)) for block in blocks)

    def _name(self, block: dict[str, Any]) -> dict[str, Any]:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        if block["type"] == "actions":
            block["elements"] = [{"action_id": secrets.token_urlsafe(4), **item} for item in block["elements"]]
        for place in ("accessory", "element"):
            if place in block and block[place]["type"] != "image":
                block[place] = {"action_id": secrets.token_urlsafe(4), **block[place]}
        return block

    def _attached(self, attachments: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {**item, "blocks": list(self.named(item["blocks"]))} if "blocks" in item else dict(item)
            for item in attachments
        )

    def _show(self, page: SlackView, view: dict[str, Any], kind: SightKind) -> None:
        page.content = {**view, "blocks": list(self.named(view["blocks"]))}
        page.hash = f"{int(self.world.clock.now().timestamp())}.{secrets.token_hex(4)}"
        text = render.plain("", page.content["blocks"], self.eyes())
        self.record.sight("slack", kind, "", page.id, text, page.user)

    def _saw(self, kind: SightKind, message: SlackMessage) -> None:
        text = render.plain(message.text, message.all_blocks, self.eyes())
        self.record.sight("slack", kind, message.channel, message.ts, text, message.ephemeral_to)

    def _name_of(self, known: str) -> str:
        if user := self.world.users.get(known):
            return user.name
        if call := self.world.calls.get(known):
            return call.title
        channel = self.world.channels.get(known)
        return channel.name if channel else known
