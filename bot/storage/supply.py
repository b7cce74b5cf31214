"""What stores say of suppliers: routes that nobody else stated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import OfferFact
from bot.storage.chunks import chunked
from bot.storage.tables import Route, Supplier

_MODE = "sea"  # as of a file that does not say
_Key = tuple[int, int]  # supplier and product


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer whose product is known."""

    product_id: int
    fact: OfferFact


async def keep(
    connection: AsyncConnection, source: str, offered: Sequence[Offered], locations: Collection[int], now: datetime
) -> set[int]:
    """Keep what a store says of suppliers as routes to its places; the products whose routes are others now.

    What a person stated of a supplier stands: a route of the product to the place, or one for all of the supplier's
    goods. So do other stores' routes. Offers that are not active any more take this store's routes away.
    """
    suppliers = await _suppliers(connection, [one.fact for one in offered], now)
    chosen: dict[_Key, OfferFact] = {}
    for one in sorted(offered, key=lambda each: (each.fact.active, each.fact.own)):  # what is more its own comes last
        chosen[suppliers[_name(one.fact)], one.product_id] = one.fact
    known = await _known(connection, {supplier for supplier, _ in chosen})
    changed: set[int] = set()
    for (supplier, product), fact in chosen.items():
        for location in sorted(locations):
            stands = known.get((supplier, product, location), [])
            ours = next((row for row in stands if row.source == source), None)
            general = known.get((supplier, None, location), [])
            theirs = any(row.source != source for row in (*stands, *general))
            if await _write(connection, source, (supplier, product, location), None if theirs else fact, ours):
                changed.add(product)
    return changed


async def forget(connection: AsyncConnection, source: str, offered: Sequence[Offered], now: datetime) -> set[int]:
    """Take away a store's routes of which `offered`, all that it says now, has no offer; the products they were of."""
    suppliers = await _suppliers(connection, [one.fact for one in offered], now)
    told = {(suppliers[_name(one.fact)], one.product_id) for one in offered}
    ours = select(Route.id, Route.supplier_id, Route.product_id).where(Route.source == source)
    gone = [row for row in await connection.execute(ours) if (row.supplier_id, row.product_id) not in told]
    for part in chunked(gone):
        await connection.execute(delete(Route).where(Route.id.in_([row.id for row in part])))
    return {row.product_id for row in gone}


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    source: str
    stated: Mapping[str, object]


async def _known(
    connection: AsyncConnection, suppliers: Collection[int]
) -> dict[tuple[int, int | None, int], list[_Row]]:
    """The routes of suppliers by supplier, product (None: all goods) and place."""
    known: dict[tuple[int, int | None, int], list[_Row]] = {}
    for part in chunked(suppliers):
        found = await connection.execute(select(Route).where(Route.supplier_id.in_(part)))
        for row in found.mappings():
            key = row["supplier_id"], row["product_id"], row["location_id"]
            known.setdefault(key, []).append(_Row(row["id"], row["source"], dict(row)))
    return known


async def _write(
    connection: AsyncConnection, source: str, key: tuple[int, int, int], fact: OfferFact | None, ours: _Row | None
) -> bool:
    """Bring one route to what the store says, None: somebody else does; whether it was otherwise."""
    if fact is None or not fact.active:
        if ours is not None:
            await connection.execute(delete(Route).where(Route.id == ours.id))
        return ours is not None
    stated = {
        "lead_time_days": fact.lead_days,
        "minimum_order": fact.minimum,
        "unit_cost_minor": None if fact.price is None else fact.price.minor,
        "currency": fact.currency,
    }
    if ours is None:
        supplier, product, location = key
        place = {"supplier_id": supplier, "product_id": product, "location_id": location, "mode": _MODE}
        rest = {"lead_time_sd_days": Decimal(0), "pack_size": 1, "source": source}
        await connection.execute(insert(Route).values(**place, **stated, **rest))
        return True
    if all(ours.stated[name] == value for name, value in stated.items()):
        return False
    await connection.execute(update(Route).where(Route.id == ours.id).values(**stated))
    return True


def _name(fact: OfferFact) -> str:
    return fact.supplier.casefold()


async def _suppliers(connection: AsyncConnection, facts: Sequence[OfferFact], now: datetime) -> dict[str, int]:
    """The suppliers of offers by code, or by name where the code is none of ours; new ones are made known."""
    rows = list(await connection.execute(select(Supplier.id, Supplier.code, Supplier.name)))
    known = {name.casefold(): row.id for row in rows for name in (row.name, row.code)}
    first = not rows  # those of the first list were known from the beginning, as of a file
    found: dict[str, int] = {}
    for fact in facts:
        name = _name(fact)
        number = found.get(name) or known.get(name) or known.get(fact.supplier_name.casefold())
        if number is None:
            values = {
                "code": fact.supplier.upper(), "name": fact.supplier_name, "country": "", "currency": fact.currency,
                "created_at": None if first else now,
            }  # fmt: skip
            number = await connection.scalar(insert(Supplier).values(**values).returning(Supplier.id))
            assert number is not None  # noqa: S101  # it was inserted
        found[name] = number
    return found
