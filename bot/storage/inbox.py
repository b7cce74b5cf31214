"""The inbox's rows: events of the platforms, each taken once and handled in the order of its conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.incoming import Incoming
from bot.storage.claims import skipping
from bot.storage.dialect import insert_into
from bot.storage.tables import Inbox
from bot.storage.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class Event:
    """An event in hand; `attempts` counts this one and is its fence."""

    id: int
    attempts: int
    incoming: Incoming
    received_at: datetime


async def add(connection: AsyncConnection, incoming: Incoming, now: datetime) -> bool:
    """Store an event; false where it was stored before."""
    added = await connection.execute(
        insert_into(connection, Inbox)
        .values(
            platform=incoming.platform,
            event_id=incoming.event_id,
            kind=incoming.kind,
            payload=incoming.to_json(),
            state="new",
            received_at=now,
            due_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Inbox.id)
    )
    return added.one_or_none() is not None


# Put together once, as those of the outbox: idle workers ask again and again.
_NOW = bindparam("now", type_=UtcDateTime())
# The oldest unhandled event of each conversation: the next one waits until it is handled.
_FIRSTS = (
    select(func.min(Inbox.id))
    .where(Inbox.state == "new")
    .group_by(Inbox.platform, Inbox.payload["conversation"].as_string())
)
_FREE = or_(Inbox.lease_until.is_(None), Inbox.lease_until <= _NOW)
_READY = select(Inbox.id).where(Inbox.id.in_(_FIRSTS), Inbox.due_at <= _NOW, _FREE).order_by(Inbox.id)
_FREE_AT = case((Inbox.lease_until > Inbox.due_at, Inbox.lease_until), else_=Inbox.due_at)
_NEXT = select(func.min(_FREE_AT)).where(Inbox.state == "new", _FREE_AT > _NOW)


async def ready(connection: AsyncConnection, now: datetime, limit: int = 50) -> list[int]:
    """Events that may be handled now."""
    found = await connection.execute(_READY.limit(limit), {"now": now})
    return list(found.scalars())


async def next_due(connection: AsyncConnection, now: datetime) -> datetime | None:
    """The earliest instant after `now` at which an event may be handled."""
    found = await connection.execute(_NEXT, {"now": now})
    at: datetime | None = found.scalar()
    return at


async def claim(connection: AsyncConnection, ids: list[int], now: datetime, until: datetime) -> list[Event]:
    """Take the events that nobody else holds; one that cannot be read is put aside."""
    held = await connection.execute(
        skipping(
            select(Inbox.id, Inbox.attempts, Inbox.payload, Inbox.received_at)
            .where(Inbox.id.in_(ids), Inbox.state == "new", _FREE)
            .order_by(Inbox.id),
            Inbox,
        ),
        {"now": now},
    )
    events = []
    for row in held.all():
        try:
            incoming = Incoming.from_json(row.payload)
        except TypeError as error:  # another version wrote it: it must not keep the others from being handled
            await connection.execute(
                update(Inbox).where(Inbox.id == row.id).values(state="failed", handled_at=now, error=str(error)[:500])
            )
            continue
        await connection.execute(
            update(Inbox).where(Inbox.id == row.id).values(attempts=row.attempts + 1, lease_until=until)
        )
        events.append(Event(row.id, row.attempts + 1, incoming, row.received_at))
    return events


async def settle(connection: AsyncConnection, event: Event, **values: object) -> bool:
    """Write the outcome of an event in hand; false where somebody else has taken it since."""
    done = await connection.execute(
        update(Inbox)
        .where(Inbox.id == event.id, Inbox.attempts == event.attempts, Inbox.state == "new")
        .values(**{"lease_until": None, **values})
    )
    return done.rowcount == 1


async def counts(connection: AsyncConnection) -> list[tuple[str, str, int, datetime]]:
    """(platform, state, rows, oldest) of what is not done, for the metrics."""
    found = await connection.execute(
        select(Inbox.platform, Inbox.state, func.count(), func.min(Inbox.received_at))
        .where(Inbox.state != "done")
        .group_by(Inbox.platform, Inbox.state)
    )
    return [(platform, state, count, oldest) for platform, state, count, oldest in found]
