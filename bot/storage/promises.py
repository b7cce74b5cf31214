"""What shelves have promised: transfers that are ordered and have not left yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import Request, RequestLine, StockLevel

_UNSHIPPED = Narrowed(
    select(RequestLine.product_id, Request.from_location_id, RequestLine.quantity, Request.ordered_at, Request.detail)
    .join(Request, Request.id == RequestLine.request_id)
    .where(
        Request.kind == "transfer",
        Request.state == "executing",
        Request.stage.in_(("ordered", "confirmed")),
        Request.ordered_at <= bindparam("at"),
    ),
    RequestLine.product_id.in_(NAMED),
)


async def unshipped(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> list[tuple[int, int, int | None, int]]:
    """Units of transfers that are ordered and have not left yet, in the form of `requests.counted`.

    They count as incoming where they go; their own shelf has promised them. So the place they go to is no place (0).
    Left out are those of which a store says in its receipt that it `holds` them, once it has counted the shelf since:
    what its count calls committed, or no more on hand, has them already.
    """
    found = list(await _UNSHIPPED.run(connection, product_ids, at=at))
    stores = [_holders(row.detail) for row in found]
    held = {row.product_id for row, names in zip(found, stores, strict=True) if names}
    newest = await _newest(connection, held, at)
    return [
        (row.product_id, 0, row.from_location_id, row.quantity)
        for row, names in zip(found, stores, strict=True)
        if not any(
            source in names and counted_at > row.ordered_at
            for source, counted_at in newest.get((row.product_id, row.from_location_id), ())
        )
    ]


def _holders(detail: Mapping[str, Any]) -> frozenset[str]:
    """The sources whose stores hold the goods of a transfer that was written into them."""
    told = [receipt.get("books", {}) for receipt in detail.get("sent", {}).values()]
    return frozenset(f"store:{name}" for books in told for name, receipt in books.items() if receipt.get("holds"))


async def _newest(
    connection: AsyncConnection, products: Collection[int], at: datetime
) -> dict[tuple[int, int], list[tuple[str, datetime]]]:
    """(product, location) -> which sources made the newest count there by `at`, and when."""
    found: dict[tuple[int, int], list[tuple[str, datetime]]] = {}
    level = StockLevel
    for part in chunked(sorted(products)):
        newest = (
            select(level.product_id, level.location_id, func.max(level.as_of).label("as_of"))
            .where(level.product_id.in_(part), level.as_of <= at)
            .group_by(level.product_id, level.location_id)
            .subquery()
        )
        query = select(level.product_id, level.location_id, level.source, level.as_of).join(
            newest,
            and_(
                level.product_id == newest.c.product_id,
                level.location_id == newest.c.location_id,
                level.as_of == newest.c.as_of,
            ),
        )
        for product, place, source, as_of in await connection.execute(query):
            found.setdefault((product, place), []).append((source, as_of))
    return found
