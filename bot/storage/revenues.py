"""What was taken for goods, day by day and in the currency it was paid in; and the money that waits for a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, delete, select, type_coerce, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import DailyDemand, ForeignRevenue, Product, Sale, StoreFault

WAITING = "rate:"  # what a fault is about: the money in a currency, `rate:USD`


@dataclass(frozen=True, slots=True)
class Takings:
    """What the sales of a day at a location came to, in minor units of the currency they were paid in."""

    location_id: int
    day: date
    currency: str
    minor: int


def _of_days(table: type[DailyDemand | ForeignRevenue], currency: ColumnElement[str]) -> Select[int, date, str, int]:
    within = table.day.between(bindparam("first"), bindparam("last"))
    return select(table.location_id, table.day, currency, table.revenue_minor).where(
        table.product_id == bindparam("product"), within, table.revenue_minor != 0
    )


_OWN = _of_days(DailyDemand, type_coerce(Product.currency, String)).join(Product, Product.id == DailyDemand.product_id)
_TAKINGS = union_all(_OWN, _of_days(ForeignRevenue, type_coerce(ForeignRevenue.currency, String)))


async def takings(connection: AsyncConnection, product: int, spans: Mapping[int, tuple[date, date]]) -> list[Takings]:
    """A product's takings between two local days, both inclusive, at each location named; cancelled sales are none."""
    if not spans:
        return []
    first, last = min(begin for begin, _ in spans.values()), max(end for _, end in spans.values())
    rows = await connection.execute(_TAKINGS, {"product": product, "first": first, "last": last})
    found = [Takings(*row) for row in rows]
    return [one for one in found if one.location_id in spans and _within(one.day, spans[one.location_id])]


def _within(day: date, span: tuple[date, date]) -> bool:
    return span[0] <= day <= span[1]


async def waiting(connection: AsyncConnection) -> list[tuple[str, str]]:
    """The stores and currencies of which money waits for a rate."""
    rows = await connection.execute(
        select(StoreFault.store, StoreFault.subject)
        .where(StoreFault.subject.startswith(WAITING, autoescape=True))
        .order_by(StoreFault.store, StoreFault.subject)
    )
    return [(store, subject.removeprefix(WAITING)) for store, subject in rows]


async def days_of(connection: AsyncConnection, source: str, currency: str) -> list[date]:
    """The local days on which a source sold for money of a currency, the first one first."""
    rows = await connection.scalars(
        select(Sale.day)
        .where(Sale.source == source, Sale.currency == currency, Sale.kind == "sale", Sale.amount_minor != 0)
        .distinct()
        .order_by(Sale.day)
    )
    return list(rows)


_ONE = and_(StoreFault.store == bindparam("of"), StoreFault.subject == bindparam("about"))


async def settle(connection: AsyncConnection, store: str, currency: str, problem: str) -> None:
    """Say of a store's money in a currency what it waits for; nothing: it waits no more."""
    told = delete(StoreFault).where(_ONE) if not problem else update(StoreFault).where(_ONE).values(problem=problem)
    await connection.execute(told, {"of": store, "about": f"{WAITING}{currency}"})
