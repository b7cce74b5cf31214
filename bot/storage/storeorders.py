"""Which version of a store's order was taken last: they may be told late, twice, and by several processes at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.tables import StoreOrder
from bot.storage.types import to_micros

_COLUMNS = ("source", "order_ref", "changed_at")
_NEWER = (
    "(source, order_ref) DO UPDATE SET changed_at = excluded.changed_at "
    "WHERE store_orders.changed_at <= excluded.changed_at"
)


async def outdated(connection: AsyncConnection, source: str, told: Mapping[str, datetime]) -> set[str]:
    """Note which version of orders is told now; those of which a later one was taken already.

    The orders are held, by their ids, until the transaction ends: of two takers at once the second sees what the first
    wrote.
    """
    rows = [(source, order, to_micros(at)) for order, at in sorted(told.items())]
    if await insert_rows(connection, StoreOrder, _COLUMNS, rows, _NEWER) == len(rows):
        return set()
    found: set[str] = set()
    for part in chunked(sorted(told)):
        kept = await connection.execute(
            select(StoreOrder.order_ref, StoreOrder.changed_at).where(
                StoreOrder.source == source, StoreOrder.order_ref.in_(part)
            )
        )
        found.update(order for order, changed_at in kept if changed_at > told[order])
    return found
