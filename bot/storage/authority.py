"""Who holds which role, where it reaches, whom they stand in for, and what they have approved so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.storage.dialect import insert_into
from bot.storage.tables import Identity, Location, Member, MemberScope, Request, Supplier, Vote

OWNER = ("terminal", "owner")  # the identity of whoever can open the database
_SPENT_STATES = ("approved", "executing", "done")

_LATER = aliased(Vote)
_LAST = select(func.max(_LATER.version)).where(_LATER.request_id == Vote.request_id).scalar_subquery()
# Votes on the version that stands, or on the one that was decided: the last that was voted on.
_COUNTS = or_(
    and_(Request.state == "pending", Vote.version == Request.version),
    and_(Request.state.in_(_SPENT_STATES), Vote.version == _LAST),
)


@dataclass(frozen=True, slots=True)
class Person:
    """An active member and their role."""

    id: int
    role: str
    name: str


async def people(connection: AsyncConnection, ids: Collection[int] | None = None) -> list[Person]:
    """Active members, all or those of `ids`, by name."""
    wanted = select(Member.id, Member.role, Member.name).where(Member.active).order_by(Member.name)
    if ids is not None:
        wanted = wanted.where(Member.id.in_(ids))
    return [Person(*row) for row in await connection.execute(wanted)]


async def role_of(connection: AsyncConnection, member_id: int) -> str | None:
    """A member's role now; None where there is no such active member."""
    found = await connection.execute(select(Member.role).where(Member.id == member_id, Member.active))
    return found.scalar()


async def is_owner(connection: AsyncConnection, member_id: int) -> bool:
    """Whether a member is the local owner, who works at the terminal on the database itself."""
    platform, external_id = OWNER
    wanted = select(Identity.id).where(
        Identity.member_id == member_id, Identity.platform == platform, Identity.external_id == external_id
    )
    return (await connection.execute(wanted)).first() is not None


async def scopes(connection: AsyncConnection, ids: Collection[int]) -> dict[int, dict[str, frozenset[str]]]:
    """The codes of each kind (location, supplier, store) that members' roles are limited to; most have none."""
    found: dict[int, dict[str, set[str]]] = {}
    for member, kind, code in await connection.execute(
        select(MemberScope.member_id, MemberScope.kind, MemberScope.code).where(MemberScope.member_id.in_(ids))
    ):
        found.setdefault(member, {}).setdefault(kind, set()).add(code)
    return {member: {kind: frozenset(codes) for kind, codes in kinds.items()} for member, kinds in found.items()}


async def add_scope(connection: AsyncConnection, member_id: int, kind: str, code: str) -> bool:
    """Limit a member's role to one code more; false where it was so already."""
    added = await connection.execute(
        insert_into(connection, MemberScope)
        .values(member_id=member_id, kind=kind, code=code)
        .on_conflict_do_nothing()
        .returning(MemberScope.code)
    )
    return added.first() is not None


async def drop_scope(connection: AsyncConnection, member_id: int, kind: str, code: str) -> bool:
    """Take one code out of a member's scope; false where it was not in it."""
    gone = await connection.execute(
        delete(MemberScope).where(
            MemberScope.member_id == member_id, MemberScope.kind == kind, MemberScope.code == code
        )
    )
    return gone.rowcount == 1


async def location_codes(connection: AsyncConnection) -> dict[int, str]:
    """Every location's code."""
    return {row.id: row.code for row in await connection.execute(select(Location.id, Location.code))}


async def supplier_codes(connection: AsyncConnection, ids: Collection[int] | None = None) -> dict[int, str]:
    """The codes of suppliers, of all without `ids`."""
    wanted = select(Supplier.id, Supplier.code)
    if ids is not None:
        wanted = wanted.where(Supplier.id.in_(ids))
    return {row.id: row.code for row in await connection.execute(wanted)}


async def spent(
    connection: AsyncConnection, ids: Collection[int], day: datetime, month: datetime
) -> dict[int, dict[str, tuple[int, int]]]:
    """What each member approved since `day` and since `month` by currency, in its minor units.

    An approval counts for whoever gave it and for whoever's authority it used; one that led to nothing (rejected,
    lapsed, cancelled, failed) or was given to a version that is no more counts for nobody.
    """
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for whose in (Vote.member_id, Vote.principal_id):
        other = [] if whose is Vote.member_id else [Vote.member_id != Vote.principal_id]
        rows = await connection.execute(
            select(
                whose,
                Request.currency,
                func.sum(case((Vote.at > day, Vote.amount_minor), else_=0)),
                func.sum(Vote.amount_minor),
            )
            .join(Request, Request.id == Vote.request_id)
            .where(whose.in_(ids), Vote.at > month, Vote.verdict == "approve", _COUNTS, *other)
            .group_by(whose, Request.currency)
        )
        for member, currency, of_day, of_month in rows:
            before = found.setdefault(member, {}).get(currency, (0, 0))
            found[member][currency] = (before[0] + int(of_day), before[1] + int(of_month))
    return found


def named(found: Sequence[Person]) -> dict[int, str]:
    """Names by id."""
    return {person.id: person.name for person in found}
