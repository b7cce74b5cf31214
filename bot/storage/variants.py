"""What a product is in the stores: their own ids of it, and whether any of them sells it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.stores import COUNTED
from bot.storage.tables import StoreCode

_LISTED = StoreCode.match.in_(COUNTED)


async def variants_of(connection: AsyncConnection, store: str, product_id: int) -> tuple[str, ...]:
    """A store's ids of the variants that a product is there, in order; of those it sells, where it sells any.

    None where no reading of the store ever named the product.
    """
    found = await connection.execute(
        select(StoreCode.code, StoreCode.sold)
        .where(StoreCode.store == store, StoreCode.product_id == product_id, _LISTED)
        .order_by(StoreCode.code)
    )
    rows = found.all()
    return tuple(row.code for row in rows if row.sold) or tuple(row.code for row in rows)


async def variants_by_store(
    connection: AsyncConnection, products: Collection[int]
) -> dict[int, dict[str, tuple[str, ...]]]:
    """The variants that products are, by product and store, as `variants_of`."""
    told: dict[int, dict[str, list[tuple[str, bool]]]] = {}
    for part in chunked(sorted(products)):
        query = select(StoreCode.product_id, StoreCode.store, StoreCode.code, StoreCode.sold)
        for row in await connection.execute(
            query.where(StoreCode.product_id.in_(part), _LISTED).order_by(StoreCode.store, StoreCode.code)
        ):
            told.setdefault(row.product_id, {}).setdefault(row.store, []).append((row.code, row.sold))
    return {
        product: {
            store: tuple(code for code, sold in codes if sold) or tuple(code for code, _ in codes)
            for store, codes in stores.items()
        }
        for product, stores in told.items()
    }
