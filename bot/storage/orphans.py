"""Counts that nobody makes any more: their place, or their variant, was said to be another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.stores import COUNTED, forget_cursors
from bot.storage.tables import StockLevel, StoreCode, StorePlace

_LYING = or_(StockLevel.on_hand != 0, StockLevel.committed != 0, StockLevel.incoming != 0)


async def left_place(connection: AsyncConnection, store: str, location_id: int) -> set[int]:
    """A place of the store that counted a location is another one now: who counts there from now on.

    Another place of that location, of whatever store, does; its next reading begins anew. Without any, what the store
    counted there lies there no more: the products concerned.
    """
    heir = await connection.execute(
        select(StorePlace.id, StorePlace.store).where(StorePlace.location_id == location_id).order_by(StorePlace.id)
    )
    if (found := heir.first()) is not None:
        await connection.execute(update(StorePlace).where(StorePlace.id == found.id).values(counts=True))
        if found.store != store:
            await forget_cursors(connection, found.store)
        return set()
    return await _empty(connection, store, StockLevel.location_id == location_id)


async def left_product(connection: AsyncConnection, store: str, product_id: int) -> set[int]:
    """A variant of the store is another product now, or none: where no other variant is that product, what was counted
    of it lies there no more; the products concerned.
    """
    others = select(StoreCode.id).where(
        StoreCode.store == store, StoreCode.product_id == product_id, StoreCode.match.in_(COUNTED)
    )
    if (await connection.execute(others.limit(1))).first() is not None:
        return set()
    return await _empty(connection, store, StockLevel.product_id == product_id)


async def _empty(connection: AsyncConnection, store: str, where: ColumnElement[bool]) -> set[int]:
    """Write nothing into the newest counts that are the store's, and let the older ones stand; of which products.

    In place, at their own instant: what the store says later of the same instant, mapped back, holds again.
    """
    newest = (
        select(StockLevel.product_id, StockLevel.location_id, func.max(StockLevel.as_of).label("as_of"))
        .where(where)
        .group_by(StockLevel.product_id, StockLevel.location_id)
        .subquery()
    )
    same = and_(
        StockLevel.product_id == newest.c.product_id,
        StockLevel.location_id == newest.c.location_id,
        StockLevel.as_of == newest.c.as_of,
    )
    query = select(StockLevel.id, StockLevel.product_id).join(newest, same)
    found: Sequence[Any] = (await connection.execute(query.where(StockLevel.source == f"store:{store}", _LYING))).all()
    for part in chunked([row.id for row in found]):
        nothing = update(StockLevel).where(StockLevel.id.in_(part))
        await connection.execute(nothing.values(on_hand=0, committed=0, incoming=0))
    return {row.product_id for row in found}
