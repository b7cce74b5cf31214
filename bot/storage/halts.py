"""The kill switches that are thrown."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.effects import HaltTopic, HaltView
from bot.storage.dialect import insert_into
from bot.storage.tables import Halt, Member


async def topics(connection: AsyncConnection) -> frozenset[HaltTopic]:
    """The topics of which no call begins now."""
    found = await connection.execute(select(Halt.topic))
    return frozenset(cast("HaltTopic", topic) for topic in found.scalars())


async def standing(connection: AsyncConnection) -> list[HaltView]:
    """Every switch that is thrown, by whom and why."""
    found = await connection.execute(
        select(Halt.topic, Halt.member_id, Member.name, Halt.at, Halt.reason)
        .join(Member, Member.id == Halt.member_id)
        .order_by(Halt.topic)
    )
    return [HaltView(cast("HaltTopic", row.topic), row.member_id, row.name, row.at, row.reason) for row in found]


async def throw(connection: AsyncConnection, topic: HaltTopic, member_id: int, at: datetime, reason: str) -> bool:
    """Throw a switch; false where it was thrown already. The caller holds the gate (see `storage.locks`)."""
    thrown = await connection.execute(
        insert_into(connection, Halt)
        .values(topic=topic, member_id=member_id, at=at, reason=reason)
        .on_conflict_do_nothing()
        .returning(Halt.topic)
    )
    return thrown.scalar_one_or_none() is not None


async def lift(connection: AsyncConnection, chosen: Collection[HaltTopic]) -> list[HaltTopic]:
    """Take switches back; those that were thrown."""
    lifted = await connection.execute(delete(Halt).where(Halt.topic.in_(chosen)).returning(Halt.topic))
    return sorted(cast("HaltTopic", topic) for topic in lifted.scalars())
