"""Digests: who is due, the ledger that makes each morning exactly once, and the cheap figures they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import Case, DigestEntry, Inbound, Location, Member, Product

KIND = "morning"
ARRIVED = ("sent", "late")


@dataclass(frozen=True, slots=True)
class Due:
    """A member with what decides their mornings; `next_at` is null where they are yet to be planned."""

    member_id: int
    zone: str
    digest_at: time
    workdays: str
    country: str
    created_at: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Coming:
    """Goods on their way to a location."""

    sku: str
    location: str
    quantity: int
    on: date


def _members() -> Any:  # noqa: ANN401  # a Select whose `digest_at` is never null
    return select(
        Member.id,
        Member.zone,
        Member.digest_at,
        Member.workdays,
        Member.country,
        Member.created_at,
        Member.next_digest_at,
    ).where(Member.active, Member.digest_at.is_not(None))


async def due(connection: AsyncConnection, now: datetime, after: int = 0, limit: int = 200) -> list[Due]:
    """Members whose digest is due, by id, from the first above `after`."""
    found = await connection.execute(
        _members().where(Member.next_digest_at <= now, Member.id > after).order_by(Member.id).limit(limit)
    )
    return [Due(*row) for row in found]


async def unplanned(connection: AsyncConnection, after: int = 0, limit: int = 50) -> list[Due]:
    """Members who want a digest and have no time for it yet, by id, from the first above `after`."""
    found = await connection.execute(
        _members().where(Member.next_digest_at.is_(None), Member.id > after).order_by(Member.id).limit(limit)
    )
    return [Due(*row) for row in found]


async def one(connection: AsyncConnection, member_id: int) -> Due | None:
    """One member; None where they want no digest."""
    row = (await connection.execute(_members().where(Member.id == member_id))).one_or_none()
    return Due(*row) if row else None


async def advance(connection: AsyncConnection, member_id: int, expected: datetime | None, to: datetime) -> bool:
    """Set a member's next digest, if it still is the expected one; whoever does so owns what was due."""
    done = await connection.execute(
        update(Member)
        .where(
            Member.id == member_id,
            Member.digest_at.is_not(None),
            Member.next_digest_at.is_(None) if expected is None else Member.next_digest_at == expected,
        )
        .values(next_digest_at=to)
    )
    return done.rowcount == 1


async def choose_time(connection: AsyncConnection, member_id: int, at: time | None) -> None:
    """Set when a member wants the digest (null: not at all); the next one is yet to be planned."""
    await connection.execute(update(Member).where(Member.id == member_id).values(digest_at=at, next_digest_at=None))


async def record(
    connection: AsyncConnection, member_id: int, on: date, due_at: datetime, now: datetime, state: str
) -> bool:
    """Write a morning into the ledger; false where that date stands in it already."""
    added = await connection.execute(
        insert_into(connection, DigestEntry)
        .values(member_id=member_id, kind=KIND, local_date=on, due_at=due_at, decided_at=now, state=state)
        .on_conflict_do_nothing()
        .returning(DigestEntry.local_date)
    )
    return added.one_or_none() is not None


async def attach(connection: AsyncConnection, member_id: int, on: date, outbox_id: int) -> None:
    """Name the message of a morning."""
    await connection.execute(
        update(DigestEntry)
        .where(DigestEntry.member_id == member_id, DigestEntry.kind == KIND, DigestEntry.local_date == on)
        .values(outbox_id=outbox_id)
    )


async def known(connection: AsyncConnection, member_id: int, on: date) -> bool:
    """Whether that date stands in the ledger."""
    found = await connection.execute(
        select(DigestEntry.state).where(
            DigestEntry.member_id == member_id, DigestEntry.kind == KIND, DigestEntry.local_date == on
        )
    )
    return found.scalar() is not None


async def last_sent(connection: AsyncConnection, member_id: int) -> tuple[date, datetime] | None:
    """(local date, instant) of the last digest that was sent."""
    found = await connection.execute(
        select(DigestEntry.local_date, DigestEntry.decided_at)
        .where(DigestEntry.member_id == member_id, DigestEntry.kind == KIND, DigestEntry.state.in_(ARRIVED))
        .order_by(DigestEntry.local_date.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def merged_since(connection: AsyncConnection, member_id: int, after: date | None) -> list[date]:
    """The mornings that were put off since the last digest, oldest first."""
    condition = DigestEntry.local_date > after if after else DigestEntry.state == "merged"
    found = await connection.execute(
        select(DigestEntry.local_date)
        .where(DigestEntry.member_id == member_id, DigestEntry.kind == KIND, DigestEntry.state == "merged", condition)
        .order_by(DigestEntry.local_date)
    )
    return list(found.scalars())


async def opened_since(connection: AsyncConnection, since: datetime, limit: int) -> tuple[int, list[int]]:
    """How many cases were opened since and are not resolved, and the ids of the largest."""
    fresh = (Case.opened_at > since, Case.resolved_at.is_(None))
    total = (await connection.execute(select(func.count()).select_from(Case).where(*fresh))).scalar_one()
    found = await connection.execute(
        select(Case.id).where(*fresh).order_by(Case.money_minor.desc(), Case.id).limit(limit)
    )
    return int(total), list(found.scalars())


async def resolved_since(connection: AsyncConnection, since: datetime) -> int:
    """How many cases were resolved since."""
    found = await connection.execute(select(func.count()).select_from(Case).where(Case.resolved_at > since))
    return int(found.scalar_one())


async def largest(connection: AsyncConnection, kinds: Sequence[str], limit: int) -> tuple[int, list[int]]:
    """The money of all unresolved cases of these kinds (minor units), and the ids of the largest."""
    standing = (Case.kind.in_(kinds), Case.resolved_at.is_(None))
    total = (await connection.execute(select(func.coalesce(func.sum(Case.money_minor), 0)).where(*standing))).scalar()
    found = await connection.execute(
        select(Case.id).where(*standing).order_by(Case.money_minor.desc(), Case.id).limit(limit)
    )
    return int(total or 0), list(found.scalars())


async def arrivals(connection: AsyncConnection, at: datetime, until: date, limit: int) -> list[Coming]:
    """What was ordered, has not arrived by `at`, and is expected by `until`: the earliest first, then the largest."""
    found = await connection.execute(
        select(Product.sku, Location.code, Inbound.quantity, Inbound.expected_on)
        .join(Product, Product.id == Inbound.product_id)
        .join(Location, Location.id == Inbound.location_id)
        .where(
            Inbound.quantity > 0,  # of none: it was cancelled
            Inbound.ordered_at <= at,
            or_(Inbound.received_at.is_(None), Inbound.received_at > at),
            Inbound.expected_on <= until,
        )
        .order_by(Inbound.expected_on, Inbound.quantity.desc(), Inbound.id)
        .limit(limit)
    )
    return [Coming(*row) for row in found]
