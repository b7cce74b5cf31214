"""Who holds which role, and how much each role may approve."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import ApprovalLimit, Member


async def limits(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """Minor units per request by (role, currency)."""
    found = await connection.execute(
        select(ApprovalLimit.role, ApprovalLimit.currency, ApprovalLimit.per_request_minor)
    )
    return {(role, currency): minor for role, currency, minor in found}


async def people(connection: AsyncConnection) -> list[tuple[int, str, str]]:
    """Active members as (id, role, name), by name."""
    found = await connection.execute(
        select(Member.id, Member.role, Member.name).where(Member.active).order_by(Member.name)
    )
    return [(person.id, person.role, person.name) for person in found]


async def role_of(connection: AsyncConnection, member_id: int) -> str | None:
    """A member's role now; None where there is no such active member."""
    found = await connection.execute(select(Member.role).where(Member.id == member_id, Member.active))
    return found.scalar()
