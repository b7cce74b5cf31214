"""Whose turn it is to read a store: a lease that its process renews, and that ends by itself where that one died."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import StoreLease


async def take(
    connection: AsyncConnection, store: str, holder: str, now: datetime, until: datetime, dead: datetime | None = None
) -> bool:
    """Hold a store's lease until then; false where another one holds it now.

    `dead`: a lease that ends then is taken over, for its holder renews it no more.
    """
    row = insert_into(connection, StoreLease).values(store=store, holder=holder, held_until=until)
    free = or_(StoreLease.held_until <= now, StoreLease.holder == holder, StoreLease.held_until == dead)
    taken = row.on_conflict_do_update(
        index_elements=[StoreLease.store], set_={"holder": holder, "held_until": until}, where=free
    )
    return (await connection.execute(taken.returning(StoreLease.store))).one_or_none() is not None


async def renew(connection: AsyncConnection, store: str, holder: str, until: datetime) -> bool:
    """Hold it for longer; false where it went to another one."""
    mine = StoreLease.store == store, StoreLease.holder == holder
    done = await connection.execute(update(StoreLease).where(*mine).values(held_until=until))
    return done.rowcount == 1


async def drop(connection: AsyncConnection, store: str, holder: str) -> None:
    """Let go of it, where it is still held."""
    await connection.execute(delete(StoreLease).where(StoreLease.store == store, StoreLease.holder == holder))


async def held_until(connection: AsyncConnection, store: str) -> datetime | None:
    """Until when it is held; None where nobody holds it."""
    found: datetime | None = await connection.scalar(select(StoreLease.held_until).where(StoreLease.store == store))
    return found
