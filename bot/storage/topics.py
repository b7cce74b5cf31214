"""Subscriptions as stored: `topic`, or `topic:LOCATION` for one location."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Subscription


async def add(connection: AsyncConnection, conversation_id: int, topic: str, at: datetime) -> bool:
    """Subscribe a conversation; false where it was."""
    statement = insert_into(connection, Subscription).values(
        conversation_id=conversation_id, topic=topic, created_at=at
    )
    added = await connection.execute(statement.on_conflict_do_nothing().returning(Subscription.id))
    return added.one_or_none() is not None


async def remove(connection: AsyncConnection, conversation_id: int, topics: Sequence[str]) -> bool:
    """Unsubscribe a conversation; whether it was subscribed to any of the topics."""
    gone = await connection.execute(
        delete(Subscription).where(Subscription.conversation_id == conversation_id, Subscription.topic.in_(topics))
    )
    return gone.rowcount > 0


async def of(connection: AsyncConnection, conversation_id: int) -> list[str]:
    """What a conversation is subscribed to."""
    found = await connection.execute(
        select(Subscription.topic).where(Subscription.conversation_id == conversation_id).order_by(Subscription.topic)
    )
    return list(found.scalars())


async def heard(connection: AsyncConnection) -> set[str]:
    """The topics, whatever the location, that any conversation is subscribed to."""
    found = await connection.execute(select(Subscription.topic).distinct())
    return {topic.partition(":")[0] for topic in found.scalars()}
