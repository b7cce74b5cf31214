"""Small remembered facts, by key."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Mark


async def get(connection: AsyncConnection, key: str) -> str | None:
    """What is kept under the key; None for nothing."""
    return await connection.scalar(select(Mark.value).where(Mark.key == key))


async def put(connection: AsyncConnection, key: str, value: str) -> None:
    """Keep a value under the key, in place of the former."""
    insert = insert_into(connection, Mark).values(key=key, value=value)
    await connection.execute(insert.on_conflict_do_update(index_elements=[Mark.key], set_={"value": value}))
