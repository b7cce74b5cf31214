"""Forgetting what nobody will ask for again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import DigestEntry, Inbox, LinkCode, Mark, Outbox, StoreDelivery

BATCH = 5_000  # rows in one transaction, so that a large clean-up holds up nobody


async def events(connection: AsyncConnection, before: datetime) -> int:
    """Delete handled events that came before an instant; how many. Those put aside are kept."""
    old = select(Inbox.id).where(Inbox.state == "done", Inbox.received_at < before).limit(BATCH)
    return (await connection.execute(delete(Inbox).where(Inbox.id.in_(old)))).rowcount


async def deliveries(connection: AsyncConnection, before: datetime) -> int:
    """Delete settled calls of stores that came before an instant; how many."""
    old = (
        select(StoreDelivery.id)
        .where(StoreDelivery.state.in_(("done", "failed")), StoreDelivery.received_at < before)
        .limit(BATCH)
    )
    return (await connection.execute(delete(StoreDelivery).where(StoreDelivery.id.in_(old)))).rowcount


async def letters(connection: AsyncConnection, before: datetime) -> int:
    """Delete letters that were settled before an instant and are not in the dead-letter list; how many."""
    found = await connection.execute(
        select(Outbox.id)
        .where(Outbox.state.in_(("sent", "merged", "dropped")), Outbox.delivered_at < before)
        .order_by(Outbox.id)
        .limit(BATCH)
    )
    ids = list(found.scalars())
    if ids:
        await connection.execute(update(DigestEntry).where(DigestEntry.outbox_id.in_(ids)).values(outbox_id=None))
        await connection.execute(delete(Outbox).where(Outbox.id.in_(ids)))
    return len(ids)


async def codes(connection: AsyncConnection, before: datetime) -> int:
    """Delete link codes that lapsed before an instant; how many."""
    return (await connection.execute(delete(LinkCode).where(LinkCode.expires_at < before))).rowcount


async def marks(connection: AsyncConnection, prefix: str, before: datetime) -> int:
    """Delete the marks under a prefix whose value begins with an instant before that one; how many."""
    old = Mark.key.startswith(prefix, autoescape=True) & (Mark.value < before.isoformat())
    return (await connection.execute(delete(Mark).where(old))).rowcount
