"""Members, their identities, the limits of roles, and one-time codes, as stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Role
from bot.storage.dialect import insert_into
from bot.storage.tables import ApprovalLimit, Conversation, Identity, LinkCode, Mark, Member, Request


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member; `platforms` are those of their identities."""

    id: int
    name: str
    role: Role
    zone: str
    zone_known: bool
    language: str
    country: str
    working_from: time
    working_to: time
    workdays: str
    digest_at: time | None
    active: bool
    created_at: datetime
    platforms: tuple[str, ...] = ()


_COLUMNS = (
    Member.id,
    Member.name,
    Member.role,
    Member.zone,
    Member.zone_known,
    Member.language,
    Member.country,
    Member.working_from,
    Member.working_to,
    Member.workdays,
    Member.digest_at,
    Member.active,
    Member.created_at,
)


async def _with_platforms(connection: AsyncConnection, found: Sequence[Any]) -> list[MemberRow]:
    ids = [row[0] for row in found]
    platforms: dict[int, list[str]] = {member_id: [] for member_id in ids}
    identities = await connection.execute(
        select(Identity.member_id, Identity.platform).where(Identity.member_id.in_(ids)).order_by(Identity.platform)
    )
    for member_id, platform in identities:
        platforms[member_id].append(platform)
    return [replace(MemberRow(*row), platforms=tuple(platforms[row[0]])) for row in found]


async def by_identity(connection: AsyncConnection, platform: str, external_id: str) -> MemberRow | None:
    """The member behind an identity, deactivated ones too."""
    found = await connection.execute(
        select(*_COLUMNS)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.platform == platform, Identity.external_id == external_id)
    )
    members = await _with_platforms(connection, found.all())
    return members[0] if members else None


async def by_id(connection: AsyncConnection, member_id: int) -> MemberRow | None:
    """One member."""
    found = await connection.execute(select(*_COLUMNS).where(Member.id == member_id))
    members = await _with_platforms(connection, found.all())
    return members[0] if members else None


async def by_name(connection: AsyncConnection, name: str) -> MemberRow | None:
    """One member by their whole name."""
    found = await connection.execute(select(*_COLUMNS).where(Member.name == name))
    members = await _with_platforms(connection, found.all())
    return members[0] if members else None


async def active(connection: AsyncConnection) -> list[MemberRow]:
    """Every active member, by name."""
    found = await connection.execute(select(*_COLUMNS).where(Member.active).order_by(Member.name))
    return await _with_platforms(connection, found.all())


async def free_name(connection: AsyncConnection, name: str) -> str:
    """The name, or with a number behind it where somebody bears it already."""
    taken = await connection.execute(select(Member.name).where(Member.name.startswith(name, autoescape=True)))
    names = set(taken.scalars())
    number, free = 1, name
    while free in names:
        number += 1
        free = f"{name} ({number})"
    return free


async def add(connection: AsyncConnection, **values: Any) -> int:  # noqa: ANN401  # columns of members
    """Add a member; the row id."""
    added = await connection.execute(insert(Member).values(**values).returning(Member.id))
    return added.scalar_one()


async def change(connection: AsyncConnection, member_id: int, **values: Any) -> None:  # noqa: ANN401  # columns of members
    """Set columns of one member."""
    await connection.execute(update(Member).where(Member.id == member_id).values(**values))


async def identify(
    connection: AsyncConnection, member_id: int, platform: str, external_id: str, at: datetime, handle: str = ""
) -> bool:
    """Give a member an identity; false where somebody has it already."""
    added = await connection.execute(
        insert_into(connection, Identity)
        .values(member_id=member_id, platform=platform, external_id=external_id, handle=handle, linked_at=at)
        .on_conflict_do_nothing()
        .returning(Identity.id)
    )
    return added.one_or_none() is not None


async def identify_new(
    connection: AsyncConnection, member_id: int, platform: str, external_id: str, at: datetime, handle: str
) -> None:
    """Give a member an identity; IntegrityError where somebody has it already."""
    values = {"platform": platform, "external_id": external_id, "handle": handle, "linked_at": at}
    await connection.execute(insert(Identity).values(member_id=member_id, **values))


async def join(connection: AsyncConnection, kept: int, dropped: int) -> None:
    """Make two members one: identities, conversations and requests of `dropped` are those of `kept` from now on."""
    moved = (
        (Identity, Identity.member_id),
        (Conversation, Conversation.member_id),
        (Request, Request.requested_by),
        (Request, Request.decided_by),
    )
    for table, column in moved:
        await connection.execute(update(table).where(column == dropped).values({column: kept}))
    await connection.execute(delete(LinkCode).where(LinkCode.member_id == dropped))
    gone = Member.name + f" (joined with {kept})"
    await connection.execute(
        update(Member).where(Member.id == dropped).values(active=False, next_digest_at=None, name=gone)
    )


async def limits(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """(role, currency, most per request in minor units), by role and currency."""
    columns = (ApprovalLimit.role, ApprovalLimit.currency, ApprovalLimit.per_request_minor)
    found = await connection.execute(select(*columns).order_by(ApprovalLimit.role, ApprovalLimit.currency))
    return [(row[0], row[1], row[2]) for row in found]


async def set_limit(connection: AsyncConnection, role: str, currency: str, minor: int) -> None:
    """Set the most that a role may approve in a currency."""
    statement = insert_into(connection, ApprovalLimit).values(role=role, currency=currency, per_request_minor=minor)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["role", "currency"], set_={"per_request_minor": minor})
    )


async def add_code(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep a code's hash; the person's earlier codes die."""
    mine = (LinkCode.platform == values["platform"]) & (LinkCode.external_id == values["external_id"])
    await connection.execute(delete(LinkCode).where(mine, LinkCode.used_at.is_(None)))
    await connection.execute(insert(LinkCode).values(**values))


async def code(connection: AsyncConnection, code_hash: str, at: datetime) -> tuple[int, str, str] | None:
    """(member, platform, external id) of a code that is unused and in time."""
    found = await connection.execute(
        select(LinkCode.member_id, LinkCode.platform, LinkCode.external_id).where(
            LinkCode.code_hash == code_hash, LinkCode.used_at.is_(None), LinkCode.expires_at > at
        )
    )
    row = found.one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def use_code(connection: AsyncConnection, code_hash: str, at: datetime) -> bool:
    """Use a code up; false where it was used meanwhile."""
    used = await connection.execute(
        update(LinkCode).where(LinkCode.code_hash == code_hash, LinkCode.used_at.is_(None)).values(used_at=at)
    )
    return used.rowcount == 1


async def mark(connection: AsyncConnection, key: str) -> str | None:
    """A remembered fact."""
    return (await connection.execute(select(Mark.value).where(Mark.key == key))).scalar()


async def set_mark(connection: AsyncConnection, key: str, value: str) -> None:
    """Remember a fact."""
    statement = insert_into(connection, Mark).values(key=key, value=value)
    await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


async def first_mark(connection: AsyncConnection, key: str) -> bool:
    """Remember that something happened; false where it had happened before."""
    statement = insert_into(connection, Mark).values(key=key, value="").on_conflict_do_nothing().returning(Mark.key)
    return (await connection.execute(statement)).one_or_none() is not None
