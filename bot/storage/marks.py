"""Small remembered facts, by key."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Mark

_VALUE = select(Mark.value).where(Mark.key == bindparam("of"))


async def get(connection: AsyncConnection, key: str) -> str | None:
    """What is kept under the key; None for nothing."""
    return await connection.scalar(_VALUE, {"of": key})


async def put(connection: AsyncConnection, key: str, value: str) -> None:
    """Keep a value under the key, in place of the former."""
    insert = insert_into(connection, Mark).values(key=key, value=value)
    await connection.execute(insert.on_conflict_do_update(index_elements=[Mark.key], set_={"value": value}))


async def add(connection: AsyncConnection, key: str, value: str) -> bool:
    """Keep a value under the key unless there is one; whether it was kept."""
    statement = insert_into(connection, Mark).values(key=key, value=value).on_conflict_do_nothing()
    return (await connection.execute(statement.returning(Mark.key))).one_or_none() is not None


async def beginning(connection: AsyncConnection, prefix: str) -> dict[str, str]:
    """What is kept under every key that begins so, by key."""
    found = await connection.execute(select(Mark.key, Mark.value).where(Mark.key.startswith(prefix, autoescape=True)))
    return {row[0]: row[1] for row in found}
