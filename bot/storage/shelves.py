"""The last word of stores on each variant's shelf: of several that are one product the sum is what lies there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import and_, delete, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Shelf as FilledShelf
from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.storebooks import Counted
from bot.storage.stores import COUNTED
from bot.storage.tables import StockLevel, StoreCode, StorePlace, StoreShelf
from bot.storage.types import to_micros

Shelf = tuple[str, str]  # a store's variant and place
_COLUMNS = ("store", "code", "place", "as_of", "on_hand", "committed", "incoming", "told_at")
_LATER = "CASE WHEN store_shelves.as_of <= excluded.as_of THEN excluded.{0} ELSE store_shelves.{0} END"


async def of_products(
    connection: AsyncConnection, store: str, products: Collection[int], least: int = 1
) -> dict[int, tuple[str, ...]]:
    """The variants of those of the products that are so many variants of the store at least, by product."""
    counts = (StoreCode.store == store, StoreCode.match.in_(COUNTED))
    found: dict[int, list[str]] = {}
    for part in chunked(sorted(products)):
        several = (
            select(StoreCode.product_id)
            .where(*counts, StoreCode.product_id.in_(part))
            .group_by(StoreCode.product_id)
            .having(func.count() >= least)
        )
        query = select(StoreCode.product_id, StoreCode.code).where(*counts, StoreCode.product_id.in_(several))
        for product, code in await connection.execute(query.order_by(StoreCode.code)):
            if product is not None:
                found.setdefault(product, []).append(code)
    return {product: tuple(codes) for product, codes in found.items()}


async def remembered(connection: AsyncConnection, store: str, codes: Collection[str]) -> dict[Shelf, Counted]:
    """What was told last of some variants at each place."""
    found: dict[Shelf, Counted] = {}
    for part in chunked(sorted(codes)):
        columns = [getattr(StoreShelf, name) for name in Counted._fields]
        query = select(StoreShelf.code, StoreShelf.place, *columns)
        for code, place, *told in await connection.execute(
            query.where(StoreShelf.store == store, StoreShelf.code.in_(part))
        ):
            found[code, place] = Counted(*told)
    return found


async def remember(connection: AsyncConnection, store: str, shelves: Mapping[Shelf, Counted], now: datetime) -> None:
    """Keep what was told of some shelves, now; of an older word only that there was one."""
    at = to_micros(now)
    rows = [
        (store, code, place, to_micros(told.as_of), *told[1:], at) for (code, place), told in sorted(shelves.items())
    ]
    own = ", ".join(f"{name} = {_LATER.format(name)}" for name in _COLUMNS[3:-1])
    clause = f"(store, code, place) DO UPDATE SET {own}, told_at = excluded.told_at"
    await insert_rows(connection, StoreShelf, _COLUMNS, rows, clause)


async def forget(connection: AsyncConnection, store: str, since: datetime, spared: Collection[str]) -> set[str]:
    """Drop the shelves that were not told since, but those of `spared` variants; the variants that they were of."""
    silent = (StoreShelf.store == store, or_(StoreShelf.told_at.is_(None), StoreShelf.told_at < since))
    gone = set(await connection.scalars(select(StoreShelf.code).where(*silent).distinct())) - set(spared)
    for part in chunked(sorted(gone)):
        await connection.execute(delete(StoreShelf).where(*silent, StoreShelf.code.in_(part)))
    return gone


async def filled(connection: AsyncConnection, store: str) -> list[FilledShelf]:
    """Each variant of a store at each place where the last count of its product was of any units, and its own not of
    none; and at no place each that the store's list of goods says is sold. By code and place.
    """
    source = f"store:{store}"
    series = (StockLevel.product_id, StockLevel.location_id)
    newest = (
        select(*series, func.max(StockLevel.as_of).label("as_of"))
        .where(StockLevel.source == source)
        .group_by(*series)
        .subquery()
    )
    latest = and_(
        newest.c.product_id == StockLevel.product_id,
        newest.c.location_id == StockLevel.location_id,
        newest.c.as_of == StockLevel.as_of,
    )
    sold = and_(StoreCode.store == store, StoreCode.product_id == StockLevel.product_id, StoreCode.match.in_(COUNTED))
    here = and_(StorePlace.store == store, StorePlace.location_id == StockLevel.location_id, StorePlace.counts)
    units = or_(StockLevel.on_hand > 0, StockLevel.committed > 0, StockLevel.incoming > 0)
    told = and_(StoreShelf.store == store, StoreShelf.code == StoreCode.code, StoreShelf.place == StorePlace.place)
    any_told = or_(StoreShelf.id.is_(None), StoreShelf.on_hand > 0, StoreShelf.committed > 0, StoreShelf.incoming > 0)
    found = await connection.execute(
        select(StoreCode.code, StoreCode.sku, StorePlace.place)
        .select_from(StockLevel)
        .join(newest, latest)
        .join(StoreCode, sold)
        .join(StorePlace, here)
        .outerjoin(StoreShelf, told)
        .where(StockLevel.source == source, units, any_told)
    )
    listed = await connection.execute(
        select(StoreCode.code, StoreCode.sku, literal("")).where(
            StoreCode.store == store, StoreCode.match.in_(COUNTED), StoreCode.sold.is_(True)
        )
    )
    return sorted([FilledShelf(*row) for row in (*found, *listed)], key=lambda shelf: (shelf.code, shelf.place))
