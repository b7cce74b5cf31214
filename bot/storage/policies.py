"""Versions of the policy, as stored; none is ever changed but in its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Member, PolicyVersion

PolicyState = Literal["proposed", "active", "replaced", "refused"]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One version; `id` is its number, `loosens` what it allows that the one before did not."""

    id: int
    document: dict[str, Any]
    state: PolicyState
    loosens: list[Any]
    note: str
    proposed_by: int | None
    proposed_at: datetime
    decided_by: int | None
    decided_at: datetime | None


_COLUMNS = (
    PolicyVersion.id,
    PolicyVersion.document,
    PolicyVersion.state,
    PolicyVersion.loosens,
    PolicyVersion.note,
    PolicyVersion.proposed_by,
    PolicyVersion.proposed_at,
    PolicyVersion.decided_by,
    PolicyVersion.decided_at,
)


async def active(connection: AsyncConnection) -> PolicyRow | None:
    """The version in force; None before the first."""
    found = await connection.execute(
        select(*_COLUMNS).where(PolicyVersion.state == "active").order_by(PolicyVersion.id.desc()).limit(1)
    )
    row = found.one_or_none()
    return None if row is None else PolicyRow(*row)


async def active_number(connection: AsyncConnection) -> int:
    """The number of the version in force; 0 before the first."""
    found = await connection.scalar(
        select(PolicyVersion.id).where(PolicyVersion.state == "active").order_by(PolicyVersion.id.desc()).limit(1)
    )
    return found or 0


async def version(connection: AsyncConnection, number: int) -> PolicyRow | None:
    """One version; None where there is no such number."""
    row = (await connection.execute(select(*_COLUMNS).where(PolicyVersion.id == number))).one_or_none()
    return None if row is None else PolicyRow(*row)


async def history(connection: AsyncConnection, most: int) -> list[PolicyRow]:
    """The last versions, the newest first."""
    found = await connection.execute(select(*_COLUMNS).order_by(PolicyVersion.id.desc()).limit(most))
    return [PolicyRow(*row) for row in found]


async def proposed(connection: AsyncConnection) -> list[PolicyRow]:
    """The versions that wait for a second admin, oldest first."""
    found = await connection.execute(
        select(*_COLUMNS).where(PolicyVersion.state == "proposed").order_by(PolicyVersion.id)
    )
    return [PolicyRow(*row) for row in found]


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Write a version down; its number."""
    added = await connection.execute(insert(PolicyVersion).values(**values).returning(PolicyVersion.id))
    return int(added.scalar_one())


async def replace_active(connection: AsyncConnection) -> None:
    """The version in force is so no longer."""
    await connection.execute(update(PolicyVersion).where(PolicyVersion.state == "active").values(state="replaced"))


async def settle(
    connection: AsyncConnection, number: int, state: PolicyState, member_id: int | None, at: datetime
) -> bool:
    """End the wait of a proposed version; false where it waits no longer."""
    changed = await connection.execute(
        update(PolicyVersion)
        .where(PolicyVersion.id == number, PolicyVersion.state == "proposed")
        .values(state=state, decided_by=member_id, decided_at=at)
    )
    return changed.rowcount == 1


async def names(connection: AsyncConnection, ids: set[int]) -> dict[int, str]:
    """The names of members."""
    found = await connection.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))
    return {row.id: row.name for row in found}
