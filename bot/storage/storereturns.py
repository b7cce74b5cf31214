"""Units that came back, told apart from their orders: kept, for the order may be told later, and again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import ReturnedUnits
from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.tables import StoreReturn
from bot.storage.types import to_micros

_COLUMNS = ("source", "order_ref", "line", "ref", "code", "quantity", "returned_at")
# The first date holds: a store may give the same units another one each time that it tells of them.
_AGAIN = (
    "(source, order_ref, line, ref) DO UPDATE SET quantity = excluded.quantity "
    "WHERE store_returns.quantity <> excluded.quantity"
)
_ANY = select(exists().where(StoreReturn.source == bindparam("of")))
_KEPT = (
    select(StoreReturn.ref, StoreReturn.order_ref, StoreReturn.line, StoreReturn.code, StoreReturn.quantity,
           StoreReturn.returned_at)
    .where(StoreReturn.source == bindparam("of"), StoreReturn.order_ref.in_(bindparam("orders", expanding=True)))
    .order_by(StoreReturn.returned_at, StoreReturn.line, StoreReturn.ref)
)  # fmt: skip


async def keep(connection: AsyncConnection, source: str, told: Iterable[ReturnedUnits]) -> int:
    """Keep what came back; of how much that was not known, or with another quantity."""
    distinct = {(fact.order, fact.line, fact.id): fact for fact in told}
    rows = [
        (source, *named, fact.code, fact.quantity, to_micros(fact.at)) for named, fact in sorted(distinct.items())
    ]  # in one order: of two takers at once the second waits
    return await insert_rows(connection, StoreReturn, _COLUMNS, rows, _AGAIN)


async def kept(connection: AsyncConnection, source: str, orders: Collection[str]) -> dict[str, list[ReturnedUnits]]:
    """What is known to have come back of some orders, the earliest first."""
    found: dict[str, list[ReturnedUnits]] = {}
    if not orders or not await connection.scalar(_ANY, {"of": source}):
        return found
    for part in chunked(sorted(orders)):
        for row in await connection.execute(_KEPT, {"of": source, "orders": part}):
            found.setdefault(row.order_ref, []).append(ReturnedUnits(*row))
    return found
