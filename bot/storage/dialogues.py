"""Dialogues as stored: forms that are being filled in by talking, one per person and conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Conversation, Dialogue


@dataclass(frozen=True, slots=True)
class DialogueRow:
    """One dialogue: the encoded window, what was answered so far, and the field whose value the next line is."""

    id: int
    conversation_id: int
    form: dict[str, Any]
    answers: dict[str, Any]
    asking: str


async def find(connection: AsyncConnection, conversation_id: int, person: str, now: datetime) -> DialogueRow | None:
    """The dialogue of a person in a conversation, unless its time is over."""
    found = await connection.execute(
        select(Dialogue.id, Dialogue.conversation_id, Dialogue.form, Dialogue.answers, Dialogue.asking).where(
            Dialogue.conversation_id == conversation_id, Dialogue.person == person, Dialogue.expires_at > now
        )
    )
    row = found.one_or_none()
    return DialogueRow(*row) if row else None


async def waiting(
    connection: AsyncConnection, platform: str, chat: str, thread: str, person: str, now: datetime
) -> bool:
    """Whether a dialogue of a person in a chat waits for a line."""
    found = await connection.execute(
        select(Dialogue.id)
        .join(Conversation, Conversation.id == Dialogue.conversation_id)
        .where(
            Conversation.platform == platform,
            Conversation.external_id == chat,
            Conversation.thread == thread,
            Dialogue.person == person,
            Dialogue.asking != "",
            Dialogue.expires_at > now,
        )
        .limit(1)
    )
    return found.scalar() is not None


async def put(connection: AsyncConnection, conversation_id: int, person: str, **values: object) -> None:
    """Begin a dialogue in place of the one that was there."""
    await connection.execute(
        delete(Dialogue).where(Dialogue.conversation_id == conversation_id, Dialogue.person == person)
    )
    await connection.execute(
        insert_into(connection, Dialogue).values(conversation_id=conversation_id, person=person, **values)
    )


async def change(connection: AsyncConnection, dialogue_id: int, **values: object) -> None:
    """Set columns of a dialogue."""
    await connection.execute(update(Dialogue).where(Dialogue.id == dialogue_id).values(**values))


async def end(connection: AsyncConnection, dialogue_id: int) -> None:
    """Forget a dialogue."""
    await connection.execute(delete(Dialogue).where(Dialogue.id == dialogue_id))


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Forget the dialogues whose time was over by then."""
    await connection.execute(delete(Dialogue).where(Dialogue.expires_at <= before))
