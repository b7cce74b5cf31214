"""What happens in Telegram when the bot or a person does something: messages come, change and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bot.sandbox.telegram import dates, entities
from bot.sandbox.telegram.world import Revision, TelegramChat, TelegramMessage, TelegramWorld
from bot.sandbox.world import Record, SightKind


@dataclass(frozen=True, slots=True)
class Sent:
    """What a message says; `text` is the caption where there is media."""

    text: str = ""
    entities: tuple[dict[str, Any], ...] = ()
    keyboard: dict[str, Any] | None = None
    media: Literal["", "photo", "document"] = ""
    file_id: str = ""


class Desk:
    """Changes the world and writes each change into the record."""

    def __init__(self, world: TelegramWorld, record: Record) -> None:
        self.world = world
        self.record = record

    def post(
        self, chat: TelegramChat, sender: int, sent: Sent, *, thread_id: int = 0, reply_to: int = 0
    ) -> TelegramMessage:
        """Put a message into a chat."""
        message = TelegramMessage(
            message_id=self.world.next_message_id(chat),
            chat_id=chat.id,
            sender=sender,
            text=sent.text,
            at=self.world.clock.now(),
            entities=sent.entities,
            keyboard=sent.keyboard,
            thread_id=thread_id,
            reply_to=reply_to,
            media=sent.media,
            file_id=sent.file_id,
        )
        chat.messages.append(message)
        self._saw("message", message)
        return message

    def edit(
        self,
        message: TelegramMessage,
        text: str,
        found: tuple[dict[str, Any], ...],
        keyboard: dict[str, Any] | None,
    ) -> TelegramMessage:
        """Replace what a message says and keep what it said."""
        now = self.world.clock.now()
        message.revisions.append(Revision(message.text, message.entities, message.keyboard, now))
        message.text, message.entities, message.keyboard, message.edited_at = text, found, keyboard, now
        self._saw("edit", message)
        return message

    def delete(self, message: TelegramMessage) -> None:
        """Take a message away."""
        message.deleted = True
        self._saw("delete", message)

    def toast(self, user: int, chat_id: int, text: str) -> None:
        """Show one person the answer to their press."""
        self.record.sight("telegram", "notice", str(chat_id), "", text, str(user))

    def plain(self, message: TelegramMessage, zone: str, language: str) -> str:
        """The message as plain text with its dates in that zone, and its buttons below."""
        now = self.world.clock.now()
        shown, dated = "", -1
        for run in entities.runs(message.text, message.entities):
            date = next((e for e in run.entities if e["type"] == "date_time" and e.get("date_time_format")), None)
            if date is None:
                shown += run.text
            elif date["offset"] != dated:
                dated = date["offset"]
                shown += dates.show(date["unix_time"], date["date_time_format"], zone, language, now)
        rows = (message.keyboard or {}).get("inline_keyboard", [])
        lines = [" ".join(f"[{button['text']}]" for button in row) for row in rows]
        return "\n".join([*([f"[{message.media}]"] if message.media else []), *([shown] if shown else []), *lines])

    def _saw(self, kind: SightKind, message: TelegramMessage) -> None:
        text = self.plain(message, "Etc/UTC", "en")
        self.record.sight("telegram", kind, str(message.chat_id), str(message.message_id), text)
