"""Packs of daily demand: kept beside its rows, so that a whole catalogue is read in a fraction of the time.

Up to which day a product's packs hold stands in `demand_packed`; triggers move that back whenever its rows are written
(`bot.storage.tables.packs`). Days from there on are read from the rows themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, bindparam, delete, func, literal_column, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import ledgerrows
from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.ledgerrows import Ints, Rows, Scope, Shape
from bot.storage.packform import SPAN, Packed, Row, packed, span_of, unpacked
from bot.storage.tables import DailyDemand, DemandPack, DemandPacked, Product

_EPOCH = date(1970, 1, 1)
_NEVER = -100_000  # a day before every other, which the databases' dates can still tell
_SLACK = 4  # days that are read from the rows before packs are brought up to date
_LOOKUP = 30  # what looking one product up takes, in days of rows that are read in their order
_NAMED = 1_000  # products in one statement
_ANY = datetime(1970, 1, 1, tzinfo=UTC)  # demand of a day is the same at every instant
_TIMED_OUT = "55P03"  # PostgreSQL's lock_not_available
# A mode that conflicts with itself, so that two that pack wait in turn; and for longer than PostgreSQL takes to see
# that it waits for its own vacuum, which gives way.
_HOLD = (text("SET LOCAL lock_timeout = '1500ms'"), text("LOCK TABLE daily_demand IN SHARE ROW EXCLUSIVE MODE"))

# As an expression: packs are read in the order they lie in, and those of other days passed over.
_PACKS = select(DemandPack.product_id, DemandPack.span, DemandPack.wide, DemandPack.body).where(
    (DemandPack.span + 0).between(bindparam("first"), bindparam("final"))
)
_FORGET = delete(DemandPack).where(
    DemandPack.product_id.in_(bindparam("products", expanding=True)), DemandPack.span >= bindparam("first")
)


@cache
def _until(shape: Shape) -> Rows:
    query = select(Product.id, func.coalesce(shape.day(DemandPacked.until_day), literal_column(str(_NEVER))))
    query = query.outerjoin(DemandPacked, DemandPacked.product_id == Product.id).order_by(Product.id)
    return query.where(Product.id.in_(bindparam("products", expanding=True))) if shape.by_product else query


@cache
def _newest(shape: Shape) -> Rows:
    newest: ColumnElement[date] = func.max(DailyDemand.day)
    return select(func.coalesce(shape.day(newest), literal_column(str(_NEVER))))


@dataclass(frozen=True, slots=True, eq=False)
class Until:
    """Products by ascending id, and the day (since 1970) up to which each one's packs hold, exclusive."""

    product: Ints
    day: Ints

    @classmethod
    async def read(cls, scope: Scope) -> Until:
        """Of the named products, or of all."""
        return cls(*(await scope.read(_until(scope.shape), 2)).T)

    def of(self, products: Ints) -> Ints:
        """The days of some products; of one that is gone none is packed."""
        if not len(self.product):
            return np.full(len(products), _NEVER)
        place = np.minimum(np.searchsorted(self.product, products), len(self.product) - 1)
        return np.where(self.product[place] == products, self.day[place], _NEVER)


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Packs as they lie, whose days from `since` up to `last` are asked for, and until when those of products hold."""

    rows: Sequence[Row]
    until: Until
    since: int
    last: int

    def opened(self, today_of: Callable[[Ints], Ints]) -> list[Packed]:
        """Their records of days that are over where `today_of` places is a later one."""
        found = []
        for part in unpacked(self.rows):
            end = np.minimum(self.until.of(part.product), self.last + 1)
            found.append(part.within(self.since, np.minimum(end, today_of(part.location))))
        return found

    def columns(self) -> Iterator[NDArray[Any]]:
        """All that the records are made of, beside the days that are asked for."""
        yield from (self.until.product, self.until.day)
        product, span, wide, body = (list(map(itemgetter(place), self.rows)) for place in range(4))
        yield from (np.array(column, np.int64) for column in (product, span, wide, list(map(len, body))))
        yield np.frombuffer(b"".join(body), np.uint8)


async def demand(scope: Scope, since: int, last: int) -> tuple[Ints, Bundle]:
    """The whole catalogue's demand of the days `since` to `last`: rows as `ledgerrows.demand` has them, and packs."""
    until = await Until.read(scope)
    spans = {"first": span_of(since), "final": span_of(last)}
    # The driver's own tuples, as in `Scope.read`.
    found = (await scope.connection.execute(_PACKS, spans)).cursor.fetchall()
    return await _rest(scope, until, since, min(last, await newest(scope))), Bundle(found, until, since, last)


async def _rest(scope: Scope, until: Until, since: int, last: int) -> Ints:
    """The rows that no pack holds: those of everybody from some day on, and before it those of products by name."""
    day = np.clip(until.day, since, max(since, last + 1))
    floor = _best_floor(day, last)
    found = [np.zeros((0, 5), np.int64)]
    if floor <= last:
        found.append(await ledgerrows.demand(scope, floor, last))
    for some in chunked(until.product[day < min(floor, last + 1)].tolist(), _NAMED):
        first = int(until.of(np.array(some)).clip(since).min())
        found.append(await ledgerrows.demand(replace(scope, product_ids=some), first, min(floor - 1, last)))
    rows = np.concatenate(found)
    left: Ints = rows[rows[:, 2] >= until.of(rows[:, 0])]
    return left


def _best_floor(day: Ints, last: int) -> int:
    """From which day on everybody's rows are read, where `day` is from when on each product's are needed."""
    if not len(day):
        return last + 1
    floors = np.unique(np.quantile(day, np.linspace(0, 1, 9), method="lower"))
    named = [np.where(day < floor, 2 * (floor - day) + _LOOKUP, 0).sum() for floor in floors]
    return int(floors[np.argmin(len(day) * (last + 1 - floors) + named)])


async def newest(scope: Scope) -> int:
    """The newest day with demand of any product."""
    return int((await scope.read(_newest(scope.shape), 1))[0, 0])


async def behind(connection: AsyncConnection, most: date) -> list[int]:
    """The products whose packs lack more than a few days, those that lack most first; no day after `most` is packed.

    A day by mistake in another century would otherwise have all of them lack something for ever.
    """
    scope = Scope(connection, _ANY, None, None)
    until, last = await Until.read(scope), min(await newest(scope), (most - _EPOCH).days)
    order = np.argsort(until.day, kind="stable")
    found: list[int] = until.product[order][last + 1 - until.day[order] > _SLACK].tolist()
    return found


async def hold(connection: AsyncConnection) -> None:
    """Keep everybody from writing demand until the transaction ends; `is_busy` tells the error where somebody does.

    SQLite's one writer is alone anyway.
    """
    if connection.dialect.name != "sqlite":
        for statement in _HOLD:
            await connection.execute(statement)


def is_busy(error: DBAPIError) -> bool:
    """Whether `hold` waited in vain."""
    return getattr(error.orig, "sqlstate", None) == _TIMED_OUT


async def pack(connection: AsyncConnection, products: Sequence[int], most: date) -> None:
    """Pack what the products' packs lack, up to the newest day there is, `most` at the latest.

    The writing of demand is held (`hold`).
    """
    scope = Scope(connection, _ANY, products, None)
    until, last = await Until.read(scope), min(await newest(scope), (most - _EPOCH).days)
    first = span_of(int(until.day.min(initial=last)))
    rows = await ledgerrows.demand(scope, first * SPAN, last)
    made = await asyncio.to_thread(lambda: list(packed(rows)))
    await connection.execute(_FORGET, {"products": list(products), "first": first})
    await insert_rows(connection, DemandPack, ("product_id", "span", "wide", "body"), made)
    day = (_EPOCH + timedelta(days=last + 1)).isoformat()
    await insert_rows(
        connection,
        DemandPacked,
        ("product_id", "until_day"),
        [(product, day) for product in products],
        "(product_id) DO UPDATE SET until_day = excluded.until_day",
    )
