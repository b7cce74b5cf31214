"""Conversations as stored: found or made by their platform id, closed and moved, and who may be mentioned in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.incoming import ConversationKind
from bot.storage.dialect import insert_into
from bot.storage.tables import Conversation, Identity, Member, Outbox, Subscription


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation; language and zone are its member's where it belongs to one."""

    id: int
    platform: str
    external_id: str
    thread: str
    kind: ConversationKind
    title: str
    language: str
    zone: str
    member_id: int | None
    closed_at: datetime | None


_ROWS: Any = (
    select(
        Conversation.id,
        Conversation.platform,
        Conversation.external_id,
        Conversation.thread,
        Conversation.kind,
        Conversation.title,
        func.coalesce(Member.language, Conversation.language),
        func.coalesce(Member.zone, Conversation.zone),
        Conversation.member_id,
        Conversation.closed_at,
    )
    .select_from(Conversation)
    .outerjoin(Member, Member.id == Conversation.member_id)
)


async def get(connection: AsyncConnection, conversation_id: int) -> ConversationRow:
    """One conversation by its row id; NoResultFound where there is none."""
    return ConversationRow(*(await connection.execute(_ROWS.where(Conversation.id == conversation_id))).one())


async def find(
    connection: AsyncConnection, platform: str, external_id: str, kind: str, thread: str = ""
) -> ConversationRow | None:
    """One conversation by its platform's id."""
    found = (
        await connection.execute(
            _ROWS.where(
                Conversation.platform == platform,
                Conversation.external_id == external_id,
                Conversation.kind == kind,
                Conversation.thread == thread,
            )
        )
    ).one_or_none()
    return ConversationRow(*found) if found else None


async def add(
    connection: AsyncConnection,
    platform: str,
    external_id: str,
    kind: str,
    *,
    thread: str,
    title: str,
    language: str,
    zone: str,
    member_id: int | None,
) -> bool:
    """Add a conversation unless it is there; whether it was added."""
    added = await connection.execute(
        insert_into(connection, Conversation)
        .values(
            platform=platform,
            external_id=external_id,
            kind=kind,
            thread=thread,
            title=title,
            language=language,
            zone=zone,
            member_id=member_id,
        )
        .on_conflict_do_nothing()
        .returning(Conversation.id)
    )
    return added.one_or_none() is not None


async def change(connection: AsyncConnection, conversation_id: int, **values: object) -> None:
    """Set columns of one conversation."""
    await connection.execute(update(Conversation).where(Conversation.id == conversation_id).values(**values))


async def ids_at(connection: AsyncConnection, platform: str, external_id: str) -> list[int]:
    """Every row of one chat: itself and its forum topics."""
    found = await connection.execute(
        select(Conversation.id)
        .where(Conversation.platform == platform, Conversation.external_id == external_id, Conversation.kind != "home")
        .order_by(Conversation.id)
    )
    return list(found.scalars())


async def close(connection: AsyncConnection, ids: Sequence[int], at: datetime, reason: str) -> None:
    """Close conversations; nothing is announced in them until they are opened again."""
    await connection.execute(
        update(Conversation)
        .where(Conversation.id.in_(ids), Conversation.closed_at.is_(None))
        .values(closed_at=at, closed_reason=reason[:200])
    )


async def open_again(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Open conversations that were closed."""
    await connection.execute(
        update(Conversation).where(Conversation.id.in_(ids)).values(closed_at=None, closed_reason="")
    )


async def repoint(connection: AsyncConnection, old: int, new: int) -> None:
    """Give the subscriptions and waiting messages of one conversation to another; edits stay behind as merged."""
    taken = select(Subscription.topic).where(Subscription.conversation_id == new)
    await connection.execute(
        update(Subscription)
        .where(Subscription.conversation_id == old, Subscription.topic.not_in(taken))
        .values(conversation_id=new)
    )
    await connection.execute(delete(Subscription).where(Subscription.conversation_id == old))
    waiting = and_(Outbox.conversation_id == old, Outbox.state == "pending")
    await connection.execute(
        update(Outbox).where(waiting, Outbox.kind == "edit").values(state="merged", error="the chat moved")
    )
    await connection.execute(update(Outbox).where(waiting).values(conversation_id=new))


async def subscribed(connection: AsyncConnection, topic: str, location: str = "") -> list[int]:
    """Open conversations that asked for a topic, everywhere or (as `topic:LOCATION`) at this location."""
    wanted: ColumnElement[bool] = Subscription.topic == topic
    if location:
        wanted = or_(wanted, Subscription.topic == f"{topic}:{location}")
    found = await connection.execute(
        select(Subscription.conversation_id)
        .join(Conversation, Conversation.id == Subscription.conversation_id)
        .where(wanted, Conversation.closed_at.is_(None))
        .distinct()
        .order_by(Subscription.conversation_id)
    )
    return list(found.scalars())


async def people(connection: AsyncConnection, platform: str, member_ids: Sequence[int]) -> dict[int, str]:
    """The ids on a platform of the members who may be mentioned."""
    if not member_ids:
        return {}
    found = await connection.execute(
        select(Identity.member_id, Identity.external_id)
        .where(Identity.platform == platform, Identity.member_id.in_(member_ids))
        .order_by(Identity.id)
    )
    return {row[0]: row[1] for row in found}


async def zone_of(connection: AsyncConnection, platform: str, person: str) -> str:
    """The zone of the member whom a platform knows by this id; empty where nobody is or none is set."""
    found = await connection.execute(
        select(Member.zone)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.platform == platform, Identity.external_id == person)
    )
    return found.scalars().one_or_none() or ""


async def direct_of(connection: AsyncConnection, member_id: int) -> list[ConversationRow]:
    """The private conversations of a member, closed ones too."""
    found = await connection.execute(
        _ROWS.where(Conversation.member_id == member_id, Conversation.kind == "direct").order_by(Conversation.id)
    )
    return [ConversationRow(*row) for row in found]


async def identities(connection: AsyncConnection, member_id: int) -> list[tuple[str, str]]:
    """(platform, external id) of each identity of a member: the preferred platform first, then as they were linked."""
    found = await connection.execute(
        select(Identity.platform, Identity.external_id)
        .join(Member, Member.id == Identity.member_id)
        .where(Identity.member_id == member_id)
        .order_by(Identity.platform != Member.preferred_platform, Identity.id)
    )
    return [(row[0], row[1]) for row in found]
