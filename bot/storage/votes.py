"""Votes: each person's word on one version of a request, as stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, insert, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.domain.approval import DECIDERS
from bot.storage.chunks import chunked
from bot.storage.tables import Member, Request, Vote


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One vote; `principal_id` is whose authority it uses, `digest` the hash of what was shown."""

    request_id: int
    version: int
    member_id: int
    principal_id: int
    verdict: str
    platform: str
    digest: str
    amount_minor: int
    comment: str
    at: datetime


_COLUMNS = (
    Vote.request_id,
    Vote.version,
    Vote.member_id,
    Vote.principal_id,
    Vote.verdict,
    Vote.platform,
    Vote.digest,
    Vote.amount_minor,
    Vote.comment,
    Vote.at,
)


def _counts() -> ColumnElement[bool]:
    giver, principal = aliased(Member), aliased(Member)
    decides = or_(*(and_(Request.kind == kind, principal.role.in_(roles)) for kind, roles in DECIDERS.items()))
    here = select(giver.id).where(giver.id == Vote.member_id, giver.active)
    able = select(principal.id).where(principal.id == Vote.principal_id, principal.active, decides)
    return and_(exists(here.correlate(Vote)), exists(able.correlate(Vote, Request)))


# Of a vote beside its request: who gave it is a member still, and whose authority it used may still decide.
COUNTS = _counts()


async def standing(connection: AsyncConnection, ids: Collection[int]) -> dict[int, list[VoteRow]]:
    """The votes that count on the version that stands of each pending request, in their order."""
    found: dict[int, list[VoteRow]] = {request_id: [] for request_id in ids}
    for some in chunked(ids):
        votes = await connection.execute(
            select(*_COLUMNS)
            .join(Request, Request.id == Vote.request_id)
            .where(Vote.request_id.in_(some), Request.state == "pending", Vote.version == Request.version)
            .where(COUNTS)
            .order_by(Vote.id)
        )
        for vote in votes:
            found[vote.request_id].append(_vote(vote))
    return found


async def pending(connection: AsyncConnection) -> list[int]:
    """The requests that wait for a decision: the soonest to lapse first, then the largest."""
    found = await connection.scalars(
        select(Request.id)
        .where(Request.state == "pending")
        .order_by(Request.expires_at, Request.total_minor.desc(), Request.id)
    )
    return list(found)


async def of_member(connection: AsyncConnection, request_id: int, member_id: int) -> VoteRow | None:
    """The last word of a person on a request, whatever its version."""
    found = await connection.execute(
        select(*_COLUMNS)
        .where(Vote.request_id == request_id, Vote.member_id == member_id)
        .order_by(Vote.version.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return None if row is None else _vote(row)


async def cast(connection: AsyncConnection, vote: VoteRow) -> None:
    """Write a vote down; those on the same version that count no more make room for it.

    A rejection takes the place of what the same person, or somebody in their place, said before; a second approval by
    the same authority is an IntegrityError.
    """
    void = select(Vote.id).join(Request, Request.id == Vote.request_id).where(not_(COUNTS))
    here = (Vote.request_id == vote.request_id, Vote.version == vote.version)
    await connection.execute(delete(Vote).where(*here, Vote.id.in_(void.where(*here))))
    if vote.verdict == "reject":
        await connection.execute(
            delete(Vote).where(
                Vote.request_id == vote.request_id,
                Vote.version == vote.version,
                or_(Vote.member_id == vote.member_id, Vote.principal_id == vote.principal_id),
            )
        )
    values = {column.key: getattr(vote, column.key) for column in _COLUMNS}
    await connection.execute(insert(Vote).values(**values))


def _vote(row: Any) -> VoteRow:  # noqa: ANN401  # a row of `_COLUMNS`
    return VoteRow(*row)
