"""What the scorecard reads of the past: alerts, orders, decisions and first actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Audit, Case, Conversation, Member, Outbox, Request, RequestLine, Subscription

_CASE, _REQUEST = "case:", "request:"
_REFUSED = ".refused"  # what somebody was not allowed to do
_APPROVED = ("approved", "executing", "done")
_DECIDED = (*_APPROVED, "failed", "rejected")


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A stock-out risk that was told, and the day that it foretold first."""

    product_id: int
    location_id: int
    opened_at: datetime
    resolved_at: datetime | None
    foretold_on: date


async def alerts(connection: AsyncConnection, since: datetime, until: datetime) -> list[AlertRow]:
    """Told stock-out risks that opened between two instants and foretold a day."""
    found = await connection.execute(
        select(Case.product_id, Case.location_id, Case.opened_at, Case.resolved_at, Case.foretold_on).where(
            Case.kind == "stockout_risk",
            Case.opened_at >= since,
            Case.opened_at < until,
            Case.notified_at.is_not(None),
            Case.foretold_on.is_not(None),
        )
    )
    return [
        AlertRow(product, place, opened, resolved, day)
        for product, place, opened, resolved, day in found
        if product is not None and place is not None and day is not None
    ]


async def watching_since(connection: AsyncConnection) -> datetime | None:
    """When the first stock-out risk that foretold a day was opened; None before."""
    first = select(func.min(Case.opened_at)).where(Case.kind == "stockout_risk", Case.foretold_on.is_not(None))
    return (await connection.execute(first)).scalar_one()


async def ordered(connection: AsyncConnection, since: datetime) -> list[tuple[int, int, datetime]]:
    """(product, place, when) of what was approved to come there from an instant on, and not given up."""
    found = await connection.execute(
        select(RequestLine.product_id, Request.location_id, Request.decided_at)
        .join(Request, Request.id == RequestLine.request_id)
        .where(
            Request.kind.in_(("purchase_order", "transfer")),
            Request.decided_at >= since,
            Request.state.in_(_APPROVED),
        )
    )
    return [(product, place, at) for product, place, at in found if at is not None]


async def decided(connection: AsyncConnection, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """(submitted, decided) of the requests that people approved or rejected between two instants."""
    found = await connection.execute(
        select(Request.submitted_at, Request.decided_at).where(
            Request.decided_at >= since,
            Request.decided_at < until,
            Request.state.in_(_DECIDED),
            Request.decided_by.is_not(None),
            Request.submitted_at.is_not(None),
        )
    )
    return [(submitted, at) for submitted, at in found if submitted is not None and at is not None]


async def acted(connection: AsyncConnection, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """(opened, first action) of the cases that opened from `since` on and were acted on before `until`.

    An action is what a member did to the case, or to a request that answers it.
    """
    cases = select(Case.id, Case.opened_at).where(Case.opened_at >= since, Case.opened_at < until)
    opened = {row.id: row.opened_at for row in await connection.execute(cases)}
    if not opened:
        return []
    answers: dict[str, set[int]] = {}
    lines = await connection.execute(
        select(RequestLine.request_id, RequestLine.case_id)
        .join(Case, Case.id == RequestLine.case_id)
        .where(Case.opened_at >= since, Case.opened_at < until)
    )
    for request, case in lines:
        if case is not None:
            answers.setdefault(f"{_REQUEST}{request}", set()).add(case)
    deeds = await connection.execute(
        select(Audit.subject, func.min(Audit.at, type_=Audit.at.type))
        .where(
            Audit.at >= since,
            Audit.at < until,
            Audit.member_id.is_not(None),
            ~Audit.action.endswith(_REFUSED),
            or_(Audit.subject.startswith(_CASE), Audit.subject.startswith(_REQUEST)),
        )
        .group_by(Audit.subject)
    )
    first: dict[int, datetime] = {}
    for subject, at in deeds:
        own = {int(subject.removeprefix(_CASE))} if subject.startswith(_CASE) else set()
        for case in own | answers.get(subject, set()):
            if case in opened and at >= opened[case]:
                first[case] = min(first.get(case, at), at)
    return [(opened[case], at) for case, at in sorted(first.items())]


@dataclass(frozen=True, slots=True)
class Reader:
    """A conversation that wants the scorecard, its zone, and since when it does."""

    conversation_id: int
    zone: str
    since: datetime


async def readers(connection: AsyncConnection, topic: str) -> list[Reader]:
    """Open conversations that subscribed to a topic, with the zone of their member or their own."""
    found = await connection.execute(
        select(Conversation.id, func.coalesce(Member.zone, Conversation.zone), Subscription.created_at)
        .join(Subscription, and_(Subscription.conversation_id == Conversation.id, Subscription.topic == topic))
        .outerjoin(Member, Member.id == Conversation.member_id)
        .where(Conversation.closed_at.is_(None))
        .order_by(Conversation.id)
    )
    return [Reader(*row) for row in found]


async def posted(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Which of the outbox's keys were written already."""
    return set(await connection.scalars(select(Outbox.dedupe_key).where(Outbox.dedupe_key.in_(keys))))
