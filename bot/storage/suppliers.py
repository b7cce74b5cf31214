"""Suppliers: what they ask of an order, and finding one by what a person writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Supplier


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier."""

    id: int
    code: str
    name: str


async def minimums(connection: AsyncConnection) -> dict[int, tuple[int, str]]:
    """The least an order must come to, as (minor units, currency), of each supplier that says so."""
    found = await connection.execute(
        select(Supplier.id, Supplier.minimum_total_minor, Supplier.currency).where(
            Supplier.minimum_total_minor.is_not(None)
        )
    )
    return {one.id: (one.minimum_total_minor, one.currency) for one in found}


async def countries(connection: AsyncConnection) -> frozenset[str]:
    """The countries of all suppliers."""
    return frozenset(await connection.scalars(select(Supplier.country).distinct()))


async def all_of(connection: AsyncConnection, ids: Collection[int] | None = None) -> tuple[SupplierRow, ...]:
    """Suppliers by code; those of the ids where they are given."""
    query = select(Supplier.id, Supplier.code, Supplier.name).order_by(Supplier.code)
    if ids is not None:
        query = query.where(Supplier.id.in_(ids))
    return tuple(SupplierRow(*one) for one in await connection.execute(query))
