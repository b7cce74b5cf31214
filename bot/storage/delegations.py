"""Who may decide in whose place, and from when until when, as stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.storage.tables import Delegation, Member


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """One delegation that was not taken back."""

    id: int
    from_member: int
    from_name: str
    to_member: int
    to_name: str
    starts_at: datetime
    ends_at: datetime


async def add(
    connection: AsyncConnection, from_member: int, to_member: int, times: tuple[datetime, datetime, datetime]
) -> int:
    """Name a delegate; `times` are when it starts, when it ends, and now. The row's id."""
    starts_at, ends_at, created_at = times
    added = await connection.execute(
        insert(Delegation)
        .values(
            from_member=from_member, to_member=to_member, starts_at=starts_at, ends_at=ends_at, created_at=created_at
        )
        .returning(Delegation.id)
    )
    return int(added.scalar_one())


async def revoke(connection: AsyncConnection, from_member: int, at: datetime) -> int:
    """Take back what a member has delegated and has not ended; how many that were."""
    changed = await connection.execute(
        update(Delegation)
        .where(Delegation.from_member == from_member, Delegation.revoked_at.is_(None), Delegation.ends_at > at)
        .values(revoked_at=at)
    )
    return changed.rowcount


async def active(connection: AsyncConnection, to_members: Collection[int] | None, at: datetime) -> dict[int, list[int]]:
    """For each member (all without `to_members`) the active members in whose place they may decide at `at`, the oldest
    delegation first.
    """
    found: dict[int, list[int]] = {}
    wanted = (
        select(Delegation.to_member, Delegation.from_member)
        .join(Member, Member.id == Delegation.from_member)
        .where(
            Delegation.revoked_at.is_(None),
            Delegation.starts_at <= at,
            Delegation.ends_at > at,
            Member.active,
        )
        .order_by(Delegation.id)
    )
    if to_members is not None:
        wanted = wanted.where(Delegation.to_member.in_(to_members))
    for to_member, from_member in await connection.execute(wanted):
        found.setdefault(to_member, []).append(from_member)
    return found


async def delegates_of(connection: AsyncConnection, from_members: Collection[int], at: datetime) -> dict[int, int]:
    """The delegate of each member who named one for `at`; only active members."""
    rows = await connection.execute(
        select(Delegation.from_member, Delegation.to_member)
        .join(Member, Member.id == Delegation.to_member)
        .where(
            Delegation.from_member.in_(from_members),
            Delegation.revoked_at.is_(None),
            Delegation.starts_at <= at,
            Delegation.ends_at > at,
            Member.active,
        )
    )
    return {row.from_member: row.to_member for row in rows}


async def of_member(connection: AsyncConnection, member_id: int, at: datetime) -> list[DelegationRow]:
    """Delegations by or to a member that have not ended, the soonest first."""
    giver, taker = aliased(Member), aliased(Member)
    rows = await connection.execute(
        select(
            Delegation.id,
            Delegation.from_member,
            giver.name,
            Delegation.to_member,
            taker.name.label("taker"),
            Delegation.starts_at,
            Delegation.ends_at,
        )
        .join(giver, giver.id == Delegation.from_member)
        .join(taker, taker.id == Delegation.to_member)
        .where(
            or_(Delegation.from_member == member_id, Delegation.to_member == member_id),
            Delegation.revoked_at.is_(None),
            Delegation.ends_at > at,
        )
        .order_by(Delegation.starts_at)
    )
    return [DelegationRow(*row) for row in rows]
