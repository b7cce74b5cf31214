"""The rows of stores: codes, places, cursors, faults, deliveries and what was read when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import FactKind, Fault
from bot.storage.bulk import insert_rows
from bot.storage.dialect import insert_into
from bot.storage.tables import Kit, Location, StoreCode, StoreCursor, StoreFault, StorePlace
from bot.storage.types import to_micros

COUNTED = ("same", "confirmed")  # the matches under which facts count
_PART = 5_000  # names in one question


@dataclass(frozen=True, slots=True)
class Code:
    """A store's variant as we know it; `product_id` is None where it is no product of ours."""

    id: int
    code: str
    sku: str
    product_id: int | None
    match: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A store's place as we know it."""

    place: str
    location_id: int | None
    zone: str
    counts: bool


async def codes(connection: AsyncConnection, store: str, wanted: Collection[str]) -> dict[str, Code]:
    """What is known of some of a store's codes."""
    found: dict[str, Code] = {}
    asked = sorted(wanted)
    columns = select(StoreCode.id, StoreCode.code, StoreCode.sku, StoreCode.product_id, StoreCode.match)
    for start in range(0, len(asked), _PART):
        part = asked[start : start + _PART]
        rows = await connection.execute(columns.where(StoreCode.store == store, StoreCode.code.in_(part)))
        found |= {row.code: Code(row.id, row.code, row.sku, row.product_id, row.match) for row in rows}
    return found


async def write_codes(connection: AsyncConnection, store: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write (code, sku, name, product_id, match, score, seen_at in microseconds); a code that is known is renewed."""
    await insert_rows(
        connection,
        StoreCode,
        ("store", "code", "sku", "name", "product_id", "match", "score", "seen_at"),
        [(store, *row) for row in rows],
        "(store, code) DO UPDATE SET sku = excluded.sku, name = excluded.name, product_id = excluded.product_id, "
        "match = excluded.match, score = excluded.score, seen_at = excluded.seen_at",
    )


async def spots(connection: AsyncConnection, store: str) -> dict[str, Spot]:
    """The store's places by its own ids."""
    rows = await connection.execute(
        select(StorePlace.place, StorePlace.location_id, Location.zone, StorePlace.counts)
        .outerjoin(Location, Location.id == StorePlace.location_id)
        .where(StorePlace.store == store)
    )
    return {row.place: Spot(row.place, row.location_id, row.zone or "UTC", row.counts) for row in rows}


async def kits(connection: AsyncConnection, products: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """The components (product id, units in one) of those products that are kits."""
    rows = await connection.execute(
        select(Kit.product_id, Kit.component_id, Kit.quantity)
        .where(Kit.product_id.in_(products))
        .order_by(Kit.product_id, Kit.component_id)
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for product, component, quantity in rows:
        found.setdefault(product, []).append((component, quantity))
    return found


async def cursor(connection: AsyncConnection, store: str, kind: FactKind) -> str:
    """How far a kind is read; empty: not at all."""
    found = await connection.scalar(
        select(StoreCursor.cursor).where(StoreCursor.store == store, StoreCursor.kind == kind)
    )
    return found or ""


async def keep_cursor(connection: AsyncConnection, store: str, kind: FactKind, value: str, now: datetime) -> None:
    """Note how far a kind is read."""
    row = insert_into(connection, StoreCursor).values(store=store, kind=kind, cursor=value, read_at=now)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[StoreCursor.store, StoreCursor.kind], set_={"cursor": value, "read_at": now}
        )
    )


async def keep_faults(
    connection: AsyncConnection,
    store: str,
    kind: FactKind,
    faults: Sequence[Fault],
    taken: Collection[str],
    now: datetime,
) -> None:
    """Set facts aside, and drop what was set aside of facts that are `taken` now."""
    subjects = sorted(taken)
    for start in range(0, len(subjects), _PART):
        part = subjects[start : start + _PART]
        await connection.execute(
            delete(StoreFault).where(StoreFault.store == store, StoreFault.kind == kind, StoreFault.subject.in_(part))
        )
    distinct = {fault.where: fault for fault in faults}
    await insert_rows(
        connection,
        StoreFault,
        ("store", "kind", "subject", "problem", "record", "seen_at"),
        [(store, kind, f.where, f.problem, f.record[:4_000], to_micros(now)) for f in distinct.values()],
        "(store, kind, subject) DO UPDATE SET problem = excluded.problem, record = excluded.record, "
        "seen_at = excluded.seen_at",
    )
