"""Generators of one-time codes, as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Authenticator


@dataclass(frozen=True, slots=True, repr=False)
class AuthenticatorRow:
    """A member's generator; not shown in logs, for it holds the secret."""

    member_id: int
    secret: str
    confirmed_at: datetime | None
    last_step: int
    failures: int
    locked_until: datetime | None


async def row(connection: AsyncConnection, member_id: int) -> AuthenticatorRow | None:
    """A member's generator, held until the transaction ends; None where they have none."""
    found = await connection.execute(
        select(
            Authenticator.member_id,
            Authenticator.secret,
            Authenticator.confirmed_at,
            Authenticator.last_step,
            Authenticator.failures,
            Authenticator.locked_until,
        )
        .where(Authenticator.member_id == member_id)
        .with_for_update()
    )
    one = found.one_or_none()
    return None if one is None else AuthenticatorRow(*one)


async def put(connection: AsyncConnection, member_id: int, secret: str, at: datetime) -> None:
    """Give a member a new generator, not confirmed yet, in the place of an earlier one."""
    fresh: dict[str, Any] = {
        "secret": secret, "created_at": at, "confirmed_at": None, "last_step": 0, "failures": 0, "locked_until": None,
    }  # fmt: skip
    statement = insert_into(connection, Authenticator).values(member_id=member_id, **fresh)
    await connection.execute(statement.on_conflict_do_update(index_elements=["member_id"], set_=fresh))


async def change(connection: AsyncConnection, member_id: int, **values: Any) -> None:  # noqa: ANN401  # columns
    """Set columns of a member's generator."""
    await connection.execute(update(Authenticator).where(Authenticator.member_id == member_id).values(**values))


async def remove(connection: AsyncConnection, member_id: int) -> bool:
    """Forget a member's generator; false where they have none."""
    gone = await connection.execute(delete(Authenticator).where(Authenticator.member_id == member_id))
    return gone.rowcount == 1
