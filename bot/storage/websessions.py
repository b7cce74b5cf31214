"""One-time links to pages, and the browsers that came in by them; hashes alone are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Member, WebPass, WebSession


async def add_pass(
    connection: AsyncConnection, digest: str, member_id: int, target: str, now: datetime, expires_at: datetime
) -> None:
    """Keep a pass."""
    await connection.execute(
        insert(WebPass).values(digest=digest, member_id=member_id, target=target, created_at=now, expires_at=expires_at)
    )


async def has_pass(connection: AsyncConnection, digest: str) -> bool:
    """Whether there ever was such a pass."""
    return (await connection.execute(select(WebPass.id).where(WebPass.digest == digest))).first() is not None


async def use_pass(connection: AsyncConnection, digest: str, now: datetime) -> tuple[int, str] | None:
    """(member, target) of a pass that is used up hereby; None where it is unknown, used or lapsed.

    One conditional write decides, so of two browsers one gets in.
    """
    found = await connection.execute(
        update(WebPass)
        .where(WebPass.digest == digest, WebPass.used_at.is_(None), WebPass.expires_at > now)
        .values(used_at=now)
        .returning(WebPass.member_id, WebPass.target)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def spend(connection: AsyncConnection, digest: str, member_id: int, now: datetime, expires_at: datetime) -> bool:
    """Keep a pass of somebody else's making as used; False where it has been used before.

    The unique digest decides, so of two browsers one gets in. From `expires_at` on nobody takes that pass anyway.
    """
    found = await connection.execute(
        insert_into(connection, WebPass)
        .values(digest=digest, member_id=member_id, target="", created_at=now, expires_at=expires_at, used_at=now)
        .on_conflict_do_nothing(index_elements=["digest"])
        .returning(WebPass.id)
    )
    return found.one_or_none() is not None


async def add_session(
    connection: AsyncConnection, digest: str, member_id: int, now: datetime, expires_at: datetime
) -> None:
    """Keep a session."""
    await connection.execute(
        insert(WebSession).values(digest=digest, member_id=member_id, created_at=now, expires_at=expires_at)
    )


_OPEN = (
    select(WebSession.member_id)
    .join(Member, Member.id == WebSession.member_id)
    .where(WebSession.digest == bindparam("digest"), WebSession.expires_at > bindparam("now"), Member.active)
)


async def member_of(connection: AsyncConnection, digest: str, now: datetime) -> int | None:
    """Whose session it is, while it has not lapsed and they are a member; None otherwise."""
    return (await connection.execute(_OPEN, {"digest": digest, "now": now})).scalar_one_or_none()


async def end(connection: AsyncConnection, digest: str) -> None:
    """Forget a session."""
    await connection.execute(delete(WebSession).where(WebSession.digest == digest))


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """Delete passes and sessions that lapsed before an instant; how many."""
    gone = await connection.execute(delete(WebPass).where(WebPass.expires_at < before))
    return gone.rowcount + (await connection.execute(delete(WebSession).where(WebSession.expires_at < before))).rowcount
