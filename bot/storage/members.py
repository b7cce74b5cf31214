"""Members and their identities, as stored; the codes that join them are in `bot.storage.linking`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from sqlalchemy import String, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.chat.command import Role
from bot.storage.dialect import insert_into
from bot.storage.tables import (
    Authenticator,
    Conversation,
    Delegation,
    Identity,
    LinkCode,
    Mark,
    Member,
    MemberScope,
    Receipt,
    Request,
    Vote,
    WebPass,
    WebSession,
)


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


# Each member once for every identity, or once without any.
_MEMBERS = select(*_COLUMNS, Identity.platform).outerjoin(Identity, Identity.member_id == Member.id)
_theirs = aliased(Identity)
_BY_IDENTITY = (
    _MEMBERS.join(_theirs, _theirs.member_id == Member.id)
    .where(_theirs.platform == bindparam("platform"), _theirs.external_id == bindparam("person"))
    .order_by(Identity.platform)
)
_BY_MENTION = (
    select(Member.id)
    .join(Identity, Identity.member_id == Member.id)
    .where(
        Member.active,
        Identity.platform == bindparam("platform"),
        or_(
            Identity.external_id == bindparam("word"), func.lower(Identity.handle) == bindparam("handle", type_=String)
        ),
    )
    .order_by(Identity.external_id != bindparam("word"), Identity.id.desc())
    .limit(1)
)
_BY_ID = _MEMBERS.where(Member.id == bindparam("of")).order_by(Identity.platform)
_BY_NAME = _MEMBERS.where(Member.name == bindparam("of")).order_by(Identity.platform)
_ACTIVE = _MEMBERS.where(Member.active).order_by(Member.name, Identity.platform)


def _members(found: Iterable[Any]) -> list[MemberRow]:
    """The members of rows of `_MEMBERS`, in their order."""
    columns: dict[int, Any] = {}
    platforms: dict[int, list[str]] = {}
    for *member, platform in found:
        columns[member[0]] = member
        platforms.setdefault(member[0], []).extend([platform] if platform else [])
    return [replace(MemberRow(*columns[one]), platforms=tuple(platforms[one])) for one in columns]


async def by_identity(connection: AsyncConnection, platform: str, external_id: str) -> MemberRow | None:
    """The member behind an identity, deactivated ones too."""
    members = _members(await connection.execute(_BY_IDENTITY, {"platform": platform, "person": external_id}))
    return members[0] if members else None


async def by_mention(connection: AsyncConnection, platform: str, word: str) -> int | None:
    """The active member whom a platform knows by this id, or else by this name of theirs there, in any case."""
    found: int | None = (
        await connection.execute(_BY_MENTION, {"platform": platform, "word": word, "handle": word.lower()})
    ).scalar()
    return found


async def by_id(connection: AsyncConnection, member_id: int) -> MemberRow | None:
    """One member."""
    members = _members(await connection.execute(_BY_ID, {"of": member_id}))
    return members[0] if members else None


async def by_name(connection: AsyncConnection, name: str) -> MemberRow | None:
    """One member by their whole name."""
    members = _members(await connection.execute(_BY_NAME, {"of": name}))
    return members[0] if members else None


async def active(connection: AsyncConnection) -> list[MemberRow]:
    """Every active member, by name."""
    return _members(await connection.execute(_ACTIVE))


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
    """Make two members one: what `dropped` has and did is of `kept` from now on.

    Nobody gains a word by it: what either said on requests that still wait is forgotten, and delegations, scopes, the
    authenticator and open pages of `dropped` end.
    """
    await _join_votes(connection, kept, dropped)
    moved = (
        (Identity, Identity.member_id),
        (Conversation, Conversation.member_id),
        (Request, Request.requested_by),
        (Request, Request.edited_by),
        (Request, Request.decided_by),
        (Receipt, Receipt.member_id),
    )
    for table, column in moved:
        await connection.execute(update(table).where(column == dropped).values({column: kept}))
    ended = or_(Delegation.from_member == dropped, Delegation.to_member == dropped)
    await connection.execute(delete(Delegation).where(ended))
    for owned in (LinkCode, MemberScope, Authenticator, WebPass, WebSession):
        await connection.execute(delete(owned).where(owned.member_id == dropped))
    gone = Member.name + f" (joined with {kept})"
    await connection.execute(
        update(Member).where(Member.id == dropped).values(active=False, next_digest_at=None, name=gone)
    )


async def _join_votes(connection: AsyncConnection, kept: int, dropped: int) -> None:
    both = (kept, dropped)
    waiting = select(Request.id).where(Request.state == "pending")
    theirs = or_(Vote.member_id.in_(both), Vote.principal_id.in_(both))
    await connection.execute(delete(Vote).where(Vote.request_id.in_(waiting), theirs))
    other = aliased(Vote)
    for column, same in ((Vote.member_id, other.member_id), (Vote.principal_id, other.principal_id)):
        twice = exists().where(other.request_id == Vote.request_id, other.version == Vote.version, same == kept)
        await connection.execute(update(Vote).where(column == dropped, ~twice).values({column: kept}))


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
