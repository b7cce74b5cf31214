"""The outbox: everything said leaves through a row written in the transaction that decided it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.codec import decode_message, decode_window, encode
from bot.chat.forms import Window
from bot.chat.incoming import Incoming
from bot.chat.nodes import MAX_BLOCKS, Chart, Divider, Footnote, Image, Message, Table
from bot.domain.views import Topic
from bot.errors import StaleButton, UnknownReference
from bot.ports import Clock
from bot.services.buttons import Buttons
from bot.services.wakes import Wakes
from bot.storage import conversations, posts
from bot.storage import outbox as rows
from bot.storage.database import Database
from bot.words import Words, _

Kind = Literal["post", "edit", "reply", "notice", "form"]
BELL = "outbox"


@dataclass(frozen=True, slots=True)
class Depth:
    """Rows of one platform in one state (pending, dead, uncertain), and when the oldest was written."""

    platform: str
    state: str
    rows: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A form that went out: what it was, the event that caused it, and the conversation where that happened."""

    window: Window
    incoming: Incoming
    conversation_id: int


class Outbox:
    """Writes messages down for delivery; `bot.services.delivery` sends them."""

    def __init__(self, *, database: Database, clock: Clock, buttons: Buttons, wakes: Wakes) -> None:
        self._database = database
        self._clock = clock
        self._buttons = buttons
        self._wakes = wakes

    async def put(
        self,
        connection: AsyncConnection,
        conversation_id: int,
        message: Message,
        kind: Kind = "post",
        subject: str = "",
        *,
        dedupe_key: str | None = None,
        private: bool = False,
        incoming: Incoming | None = None,
        post_id: int | None = None,
        language: str = "",
    ) -> int:
        """Write one message down and give its row id; with a `dedupe_key` seen before, the earlier row's id.

        `subject` (case:12, request:7) is what the message shows: `refresh` will edit it in place. A `reply` and a
        `notice` need `incoming`, an `edit` its `post_id`. `language` is the conversation's where none is given.
        """
        conversation = await conversations.get(connection, conversation_id)
        now = self._clock.now()
        sealed = await self._buttons.seal(connection, message)
        if kind == "edit" and post_id is not None:
            await rows.merge_edits(connection, post_id, now)
        if conversation.kind == "home" and kind == "post":  # a page shows only the last
            await rows.merge_posts(connection, conversation_id, now)
        values: dict[str, Any] = {
            "conversation_id": conversation_id,
            "dedupe_key": dedupe_key,
            "kind": kind,
            "subject": subject,
            "message": encode(sealed),
            "language": language or conversation.language,
            "incoming": _handle(incoming) if incoming else None,
            "private": private,
            "post_id": post_id,
            "state": "pending",
            "created_at": now,
            "due_at": now,
        }
        added = await rows.add(connection, values)
        await self._wakes.after(connection, BELL)
        if added is None:
            return await rows.by_key(connection, dedupe_key or "")
        if kind == "post" and not subject:
            await self._join(connection, added, values, sealed)
        return added

    async def open(
        self, connection: AsyncConnection, conversation_id: int, window: Window, incoming: Incoming, language: str
    ) -> int:
        """Write down a form that is to be opened at once for whoever caused `incoming`; its row id.

        It is found again by the window's token: see `opened`.
        """
        now = self._clock.now()
        sealed = dataclasses.replace(window, late=await self._buttons.seal(connection, window.late))
        values = {
            "conversation_id": conversation_id,
            "dedupe_key": f"form:{window.token}",
            "kind": "form",
            "message": encode(sealed),
            "language": language,
            "incoming": _handle(incoming),
            "private": True,
            "state": "pending",
            "created_at": now,
            "due_at": now,
        }
        added = await rows.add(connection, values)
        await self._wakes.after(connection, BELL)
        return added if added is not None else await rows.by_key(connection, f"form:{window.token}")

    async def opened(self, connection: AsyncConnection, token: str, person: str) -> Opened:
        """The form that went out to a person under a token; StaleButton where nobody knows it, or it was another's."""
        found = await rows.form(connection, f"form:{token}")
        if found is None or Incoming.from_json(found[1]).person != person:
            raise StaleButton(_("This form is no longer valid. Ask for it again."))
        message, incoming, conversation_id = found
        return Opened(decode_window(message), Incoming.from_json(incoming), conversation_id)

    async def announce(
        self,
        connection: AsyncConnection,
        topic: Topic,
        message: Message,
        subject: str = "",
        dedupe_key: str | None = None,
        *,
        location: str = "",
    ) -> list[int]:
        """Post to every open conversation that subscribed to the topic, or to it at this location; the row ids."""
        told = []
        for conversation_id in await conversations.subscribed(connection, topic, location):
            key = f"{dedupe_key}:{conversation_id}" if dedupe_key else None
            told.append(await self.put(connection, conversation_id, message, "post", subject, dedupe_key=key))
        return told

    async def refresh(self, connection: AsyncConnection, subject: str, message: Message, language: str = "") -> int:
        """Show `message` wherever `subject` is shown: one edit per post; the number of places.

        What has not left yet is reworded where it waits; what is on its way is edited once it has arrived. `language`
        is that of each conversation where none is given.
        """
        sealed = await self._buttons.seal(connection, message)
        changed = await rows.reword(connection, subject, encode(sealed), ("post", "reply"))
        for post_id, conversation_id in await posts.about(connection, subject):
            await self.put(connection, conversation_id, message, "edit", subject, post_id=post_id, language=language)
            changed += 1
        return changed

    async def dead(self, limit: int = 100) -> list[rows.Letter]:
        """Letters that were given up (`dead`) or may not have arrived (`uncertain`), newest first."""
        async with self._database.reading() as connection:
            return await rows.dead(connection, limit)

    async def revive(self, row_id: int) -> None:
        """Send a dead letter once more; UnknownReference where there is none of that number."""
        async with self._database.transaction() as connection:
            if not await rows.revive(connection, row_id, self._clock.now()):
                raise UnknownReference(_("There is no undelivered message {number}.", number=row_id))
            await self._wakes.after(connection, BELL)

    async def depths(self) -> list[Depth]:
        """What is not delivered, by platform and state."""
        async with self._database.reading() as connection:
            return [Depth(*found) for found in await rows.counts(connection)]

    async def _join(self, connection: AsyncConnection, row_id: int, values: dict[str, Any], message: Message) -> None:
        """Let a burst leave as one: the message takes in the one that waits right before it, where both fit."""
        before = await rows.waiting_before(connection, values["conversation_id"], row_id)
        if before is None or before.subject or before.kind != "post" or before.language != values["language"]:
            return
        both = joined(decode_message(before.message), message)
        if both is not None and await rows.merge_row(connection, before.id, values["created_at"]):
            await rows.say(connection, row_id, encode(both))


def _handle(incoming: Incoming) -> dict[str, Any]:
    """What is needed to answer an event; what was typed is not kept twice."""
    return dataclasses.replace(incoming, text="", values={}).to_json()


def joined(first: Message, second: Message) -> Message | None:
    """Two messages as one, a line between them; None where they do not fit."""
    if first.asks or second.asks or first.file or second.file:
        return None
    blocks = (*first.blocks, Divider(), *second.blocks)
    large = sum(isinstance(block, Table | Image | Chart) for block in blocks)
    if len(blocks) > MAX_BLOCKS // 2 or large > 1:
        return None
    return Message(_("{first} · {second}", first=first.summary, second=second.summary), blocks)


def footed(message: Message, words: Words) -> Message:
    """The message with a footnote below; the last block gives way where there is no room."""
    blocks = message.blocks[: MAX_BLOCKS - 1]
    return dataclasses.replace(message, blocks=(*blocks, Footnote(words)))
