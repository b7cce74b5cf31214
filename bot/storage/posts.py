"""Messages as they stand on the platforms, and the buttons they carry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Button, Conversation, Outbox, Post


async def about(connection: AsyncConnection, subject: str) -> list[tuple[int, int]]:
    """(post id, conversation id) of every post that shows `subject` where we can still reach it."""
    found = await connection.execute(
        select(Post.id, Post.conversation_id)
        .join(Conversation, Conversation.id == Post.conversation_id)
        .where(Post.subject == subject, Conversation.closed_at.is_(None))
        .order_by(Post.id)
    )
    return [(post_id, conversation_id) for post_id, conversation_id in found]


@dataclass(frozen=True, slots=True)
class Standing:
    """A post as it stands, and the conversation it stands in."""

    conversation_id: int
    platform: str
    external_id: str
    kind: str
    thread: str
    message_id: str


async def standing(connection: AsyncConnection, subject: str) -> list[Standing]:
    """Every post that shows `subject` where we can still reach it, the first one of each conversation."""
    found = await connection.execute(
        select(
            Post.conversation_id, Conversation.platform, Conversation.external_id, Conversation.kind,
            Conversation.thread, Post.message_id,
        )
        .join(Conversation, Conversation.id == Post.conversation_id)
        .where(Post.subject == subject, Conversation.closed_at.is_(None), Conversation.kind != "home")
        .order_by(Post.id)
    )  # fmt: skip
    first: dict[int, Standing] = {}
    for row in found:
        first.setdefault(row[0], Standing(*row))
    return list(first.values())


async def add(connection: AsyncConnection, conversation_id: int, message_id: str, subject: str, at: datetime) -> int:
    """Remember a message as it stands on a platform; the same message keeps its row and its subject."""
    await connection.execute(
        insert_into(connection, Post)
        .values(conversation_id=conversation_id, message_id=message_id, subject=subject, posted_at=at)
        .on_conflict_do_nothing()
    )
    found = await connection.execute(
        select(Post.id).where(Post.conversation_id == conversation_id, Post.message_id == message_id)
    )
    return int(found.scalar_one())


async def at(connection: AsyncConnection, platform: str, chat: str, message_id: str) -> int | None:
    """The post that is this message, whichever topic or thread of the chat it stands in."""
    found = await connection.execute(
        select(Post.id)
        .join(Conversation, Conversation.id == Post.conversation_id)
        .where(Conversation.platform == platform, Conversation.external_id == chat, Post.message_id == message_id)
        .order_by(Post.id)
        .limit(1)
    )
    post_id: int | None = found.scalar()
    return post_id


async def subject_at(connection: AsyncConnection, platform: str, chat: str, message_id: str) -> str:
    """What a message shows, as far as it is remembered; otherwise empty."""
    found = await connection.execute(
        select(Post.subject)
        .join(Conversation, Conversation.id == Post.conversation_id)
        .where(Conversation.platform == platform, Conversation.external_id == chat, Post.message_id == message_id)
        .order_by(Post.id)
        .limit(1)
    )
    return found.scalar() or ""


async def forget(connection: AsyncConnection, post_id: int) -> None:
    """Drop a post that is gone; what was written about it stays without it."""
    await connection.execute(update(Outbox).where(Outbox.post_id == post_id).values(post_id=None))
    await connection.execute(delete(Post).where(Post.id == post_id))


async def tokens(connection: AsyncConnection, digests: Collection[str]) -> dict[str, str]:
    """The token of each button that is known, by digest."""
    found = await connection.execute(select(Button.digest, Button.token).where(Button.digest.in_(digests)))
    return {row[0]: row[1] for row in found}


async def add_buttons(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add buttons; those already there stay as they are."""
    await connection.execute(
        insert_into(connection, Button).values(list(rows)).on_conflict_do_nothing(index_elements=["digest"])
    )


async def button(connection: AsyncConnection, token: str) -> Any | None:  # noqa: ANN401  # a row of the table
    """What a token stands for."""
    found = await connection.execute(
        select(Button.command, Button.arguments, Button.page, Button.in_place).where(Button.token == token)
    )
    return found.one_or_none()
