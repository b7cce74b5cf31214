"""Kits: products that leave the shelf as several others."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.stores import forget_cursors
from bot.storage.tables import Kit, Product, StoreCode


async def parts(connection: AsyncConnection, product_id: int) -> tuple[tuple[str, str, int], ...]:
    """What a kit consists of, as (SKU, name, units in one); nothing where it is none."""
    found = await connection.execute(
        select(Product.sku, Product.name, Kit.quantity)
        .join(Product, Product.id == Kit.component_id)
        .where(Kit.product_id == product_id)
        .order_by(Product.sku)
    )
    return tuple((row.sku, row.name, row.quantity) for row in found)


async def everything(connection: AsyncConnection) -> dict[str, tuple[tuple[str, int], ...]]:
    """Every kit by its SKU, with (SKU, units) of what it consists of."""
    whole, part = Product.__table__.alias("whole"), Product.__table__.alias("part")
    found = await connection.execute(
        select(whole.c.sku, part.c.sku, Kit.quantity)
        .join(whole, whole.c.id == Kit.product_id)
        .join(part, part.c.id == Kit.component_id)
        .order_by(whole.c.sku, part.c.sku)
    )
    kits: dict[str, tuple[tuple[str, int], ...]] = {}
    for sku, component, quantity in found:
        kits[sku] = (*kits.get(sku, ()), (component, quantity))
    return kits


async def nested(connection: AsyncConnection, product_id: int, components: Mapping[int, int]) -> list[str]:
    """SKUs that keep this from being a kit: a part that is a kit itself, or a kit that this is a part of."""
    inner = select(Kit.product_id).where(Kit.product_id.in_(components))
    outer = select(Kit.product_id).where(Kit.component_id == product_id)
    found = await connection.execute(
        select(Product.sku).where(or_(Product.id.in_(inner), Product.id.in_(outer))).order_by(Product.sku)
    )
    return list(found.scalars())


async def put(connection: AsyncConnection, product_id: int, components: Mapping[int, int]) -> None:
    """Say what a product consists of; nothing makes it none."""
    await connection.execute(delete(Kit).where(Kit.product_id == product_id))
    if components:
        rows = [
            {"product_id": product_id, "component_id": component, "quantity": quantity}
            for component, quantity in components.items()
        ]
        await connection.execute(insert(Kit), rows)


async def read_again(connection: AsyncConnection, product_id: int) -> None:
    """Let the stores that sell a product be read anew from the beginning, so that what was sold is told again."""
    sellers = select(StoreCode.store).where(StoreCode.product_id == product_id).distinct()
    for store in sorted(await connection.scalars(sellers)):
        await forget_cursors(connection, store)
