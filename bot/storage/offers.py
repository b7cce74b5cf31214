"""That requests were put before members in person, as stored: each version before each member once per reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.routing import Offering
from bot.storage.chunks import chunked
from bot.storage.dialect import insert_into
from bot.storage.tables import Member, Offer, Request, Vote
from bot.storage.votes import COUNTS


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer; `reason`: awake, escalated, delegate."""

    request_id: int
    version: int
    member_id: int
    name: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A request that waits, with how many have approved the version that stands."""

    id: int
    version: int
    urgent: bool
    needs: int
    approved: int
    since: datetime


async def pending(connection: AsyncConnection, now: datetime) -> list[PendingRow]:
    """Requests that wait for a decision and have not lapsed, by id."""
    given = (
        select(func.count())
        .select_from(Vote)
        .where(Vote.request_id == Request.id, Vote.version == Request.version, Vote.verdict == "approve")
        .where(COUNTS)
        .scalar_subquery()
    )
    since = func.coalesce(Request.submitted_at, Request.created_at, type_=Request.__table__.c.created_at.type)
    found = await connection.execute(
        select(Request.id, Request.version, Request.urgent, Request.needs, given, since)
        .where(Request.state == "pending", or_(Request.expires_at.is_(None), Request.expires_at > now))
        .order_by(Request.id)
    )
    return [PendingRow(*row) for row in found]


async def of_pending(connection: AsyncConnection) -> dict[int, list[OfferRow]]:
    """The offers of every pending request, of earlier versions too, in their order."""
    found: dict[int, list[OfferRow]] = {}
    rows = await connection.execute(
        _rows().join(Request, Request.id == Offer.request_id).where(Request.state == "pending").order_by(Offer.id)
    )
    for row in rows:
        found.setdefault(row.request_id, []).append(OfferRow(*row))
    return found


async def of_request(connection: AsyncConnection, request_id: int) -> list[OfferRow]:
    """The offers of one request, in their order."""
    rows = await connection.execute(_rows().where(Offer.request_id == request_id).order_by(Offer.id))
    return [OfferRow(*row) for row in rows]


async def told(connection: AsyncConnection, since: datetime) -> dict[int, datetime]:
    """When each member was told last, after `since`."""
    rows = await connection.execute(
        select(Offer.member_id, func.max(Offer.at, type_=Offer.__table__.c.at.type))
        .where(Offer.at > since)
        .group_by(Offer.member_id)
    )
    return {row[0]: row[1] for row in rows}


async def add(connection: AsyncConnection, offerings: Sequence[Offering], at: datetime) -> list[Offering]:
    """Write offers down; those that nobody had written down before."""
    taken: set[tuple[int, int, int, str]] = set()
    for some in chunked(offerings, 500):
        values = [
            {
                "request_id": one.request_id,
                "version": one.version,
                "member_id": one.member_id,
                "reason": one.why,
                "at": at,
            }
            for one in some
        ]
        added = await connection.execute(
            insert_into(connection, Offer)
            .values(values)
            .on_conflict_do_nothing()
            .returning(Offer.request_id, Offer.version, Offer.member_id, Offer.reason)
        )
        taken |= {(row[0], row[1], row[2], row[3]) for row in added}
    return [one for one in offerings if (one.request_id, one.version, one.member_id, one.why) in taken]


async def names(connection: AsyncConnection, ids: Collection[int]) -> dict[int, str]:
    """The names of members."""
    rows = await connection.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def _rows() -> Any:  # noqa: ANN401  # a Select of six typed columns
    return select(Offer.request_id, Offer.version, Offer.member_id, Member.name, Offer.reason, Offer.at).join(
        Member, Member.id == Offer.member_id
    )
