"""Products whose facts changed and that no scan has judged since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.bulk import insert_rows
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import TouchedProduct
from bot.storage.types import UtcDateTime, to_micros

_TABLE = TouchedProduct.__table__
_DUE = select(TouchedProduct.product_id, TouchedProduct.version).where(
    TouchedProduct.due_at <= bindparam("now", type_=UtcDateTime())
)
_VERSIONS = Narrowed(select(TouchedProduct.product_id, TouchedProduct.version), TouchedProduct.product_id.in_(NAMED))
_NEXT = select(func.min(TouchedProduct.due_at))
_DONE = delete(_TABLE).where(_TABLE.c.product_id == bindparam("of"), _TABLE.c.version == bindparam("seen"))  # type: ignore[arg-type]  # a Table by declaration
_LATER = (
    update(_TABLE)  # type: ignore[arg-type]  # a Table by declaration
    .where(_TABLE.c.product_id == bindparam("of"), _TABLE.c.version == bindparam("seen"))
    .values(due_at=bindparam("due"))
)


async def touch(
    connection: AsyncConnection, products: Collection[int], now: datetime, due_at: datetime | None = None
) -> None:
    """Note that facts of products changed: they are due at once, also those that were put off, or later."""
    at, due = to_micros(now), to_micros(due_at or now)
    await insert_rows(
        connection,
        TouchedProduct,
        ("product_id", "version", "touched_at", "due_at"),
        [(product, 1, at, due) for product in sorted(products)],
        "(product_id) DO UPDATE SET version = touched_products.version + 1, due_at = excluded.due_at",
    )


async def release(connection: AsyncConnection, now: datetime) -> None:
    """Let everything that waits be judged now."""
    await connection.execute(update(TouchedProduct).where(TouchedProduct.due_at > now).values(due_at=now))


async def due(connection: AsyncConnection, now: datetime) -> dict[int, int]:
    """The products that are to be judged now, with the version of their facts."""
    return {row.product_id: row.version for row in await connection.execute(_DUE, {"now": now})}


async def versions(connection: AsyncConnection, products: Collection[int] | None) -> dict[int, int]:
    """The touched ones of the products (None: of all), with the version of their facts."""
    return {row.product_id: row.version for row in await _VERSIONS.run(connection, products)}


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the first touched product is to be judged; None where none waits."""
    at: datetime | None = (await connection.execute(_NEXT)).scalar()
    return at


async def done(connection: AsyncConnection, judged: Mapping[int, int]) -> None:
    """Forget the products whose facts are still those that were judged."""
    if judged:
        await connection.execute(_DONE, [{"of": product, "seen": seen} for product, seen in sorted(judged.items())])


async def put_off(connection: AsyncConnection, judged: Mapping[int, int], due_at: datetime) -> None:
    """Judge the products again at an instant, unless their facts change before."""
    if judged:
        await connection.execute(
            _LATER, [{"of": product, "seen": seen, "due": due_at} for product, seen in sorted(judged.items())]
        )
