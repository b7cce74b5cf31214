"""Files of everything but sales: one clerk per kind, which turns checked rows into inserts and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.ingest.clerks import FactClerk, Taker
from bot.services.ingest.contracts import Desk, Kind, TableBatch
from bot.services.ingest.masterdata import Locations, Products, Suppliers
from bot.services.ingest.people import Members
from bot.services.ingest.rejects import Rejects
from bot.services.ingest.routes import Routes
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.services.ingest.stock import Inbounds, Stock
from bot.services.ingest.trade import OrderUpdates, Receipts


class Stored(NamedTuple):
    """What became of a batch: counts of rows, and the products (ids) that are to be judged by what it changed."""

    added: int
    updated: int
    judged: AbstractSet[int]


async def take(
    connection: AsyncConnection, kind: Kind, rules: Rules, batch: TableBatch, rejects: Rejects, desk: Desk
) -> Stored:
    """Bring one batch in. Bad rows go to `rejects`."""
    taker = TAKERS[kind](desk)
    await taker.begin(connection, rules)
    good = []
    for place, cells in enumerate(zip(*batch.columns, strict=True)):
        try:
            if place in batch.odd:
                raise RowRejected("", batch.odd[place])  # noqa: TRY301  # one way out for every bad row
            good.append(taker.read(FileRow(rules, cells)))
        except RowRejected as fault:
            rejects.add(batch.lines[place], fault.field, fault.reason, cells)
    added, updated = await taker.store(connection, good)
    judged = taker.meant(good) if isinstance(taker, FactClerk) and added + updated else set()
    return Stored(added, updated, judged)


TAKERS: Mapping[Kind, Callable[[Desk], Taker]] = {
    "stock": Stock,
    "inbounds": Inbounds,
    "products": Products,
    "suppliers": Suppliers,
    "locations": Locations,
    "routes": Routes,
    "members": Members,
    "orders": OrderUpdates,
    "receipts": Receipts,
}
