"""The ledger's queries: every row comes back as integers, in one array per query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Interval,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute, aliased

from bot.storage.tables import DailyDemand, Product, Sale, StockLevel, StockMovement

Ints = NDArray[np.int64]
Rows = Select[*tuple[Any, ...]]

_EPOCH = date(1970, 1, 1)
_ARRIVALS = ("receipt", "transfer_in")
_LONG_SPAN = 60  # days
_ID_LIMIT = 10_000  # beyond this many named ids, reading everything is quicker than listing them


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts are asked for: at or before `at`, of the named products and locations (None: all)."""

    connection: AsyncConnection
    at: datetime
    product_ids: Sequence[int] | None
    location_ids: Sequence[int] | None

    @property
    def sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.connection.dialect.name == "sqlite"

    def only(self, query: Rows, table: Any) -> Rows:  # noqa: ANN401  # a mapped class or an alias of one
        """Narrow a query over `table` to the named products and locations."""
        if self.product_ids is not None and len(self.product_ids) <= _ID_LIMIT:
            query = query.where(table.product_id.in_(list(self.product_ids)))
        if self.location_ids is not None:
            query = query.where(table.location_id.in_(list(self.location_ids)))
        return query

    def day(self, column: InstrumentedAttribute[date] | ColumnElement[date]) -> ColumnElement[int]:
        """A date column as days since 1970."""
        if self.sqlite:
            return func.unixepoch(column).op("/", return_type=Integer())(literal_column("86400"))
        return column.op("-", return_type=Integer())(literal_column("DATE '1970-01-01'"))

    def micros(self, column: InstrumentedAttribute[datetime]) -> ColumnElement[int]:
        """An instant's column as microseconds since 1970."""
        if self.sqlite:
            return type_coerce(column, BigInteger)
        return cast(func.extract("epoch", column) * 1_000_000, BigInteger)

    def between(self, column: InstrumentedAttribute[date], since: int, last: int) -> ColumnElement[bool]:
        """Days from `since` to `last`; over a long span SQLite is kept from walking the index of days row by row."""
        if self.sqlite and last - since >= _LONG_SPAN:
            return self.day(column).between(since, last)
        return column.between(_date(since), _date(last))

    async def read(self, query: Rows, width: int) -> Ints:
        """Run the query; (rows, width) int64."""
        result = await self.connection.execute(query)
        # The driver's own tuples: making hundreds of thousands of Row objects would take longer than the query.
        rows = result.cursor.fetchall()
        flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width)
        return flat.reshape(len(rows), width)


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


async def demand(scope: Scope, since: int, last: int) -> Ints:
    """Columns: product, location, day, units, shipped, revenue."""
    d = DailyDemand
    query = select(d.product_id, d.location_id, scope.day(d.day), d.units, d.shipped, d.revenue_minor)
    return await scope.read(scope.only(query.where(scope.between(d.day, since, last)), d), 6)


async def partial_day(scope: Scope) -> Ints:
    """Sales of the last two days up to the instant, summed per local day; columns as in `demand`."""
    s = Sale
    is_demand = and_(s.kind == "sale", s.cancelled_by.is_(None))
    query = (
        select(
            s.product_id,
            s.location_id,
            scope.day(s.day),
            func.sum(case((is_demand, s.quantity), else_=0)),
            func.sum(s.quantity),
            cast(
                func.sum(case((and_(is_demand, s.currency == Product.currency), s.amount_minor), else_=0)), BigInteger
            ),
        )
        .join(Product, Product.id == s.product_id)
        .where(s.sold_at <= scope.at, s.sold_at > scope.at - timedelta(hours=50))
        .group_by(s.product_id, s.location_id, s.day)
    )
    return await scope.read(scope.only(query, s), 6)


async def cancelled_later(scope: Scope, since: int, last: int) -> Ints:
    """Sales known at the instant whose cancellation was not; columns as in `demand`, with nothing shipped anew."""
    later, sale = aliased(Sale), aliased(Sale)
    query = (
        select(
            sale.product_id,
            sale.location_id,
            scope.day(sale.day),
            sale.quantity,
            literal_column("0"),
            case((sale.currency == Product.currency, sale.amount_minor), else_=0),
        )
        .select_from(later)
        .join(sale, and_(sale.source == later.source, sale.external_id == later.cancels))
        .join(Product, Product.id == sale.product_id)
        .where(later.kind == "cancellation", later.sold_at > scope.at, sale.sold_at <= scope.at)
        .where(sale.day.between(_date(since), _date(last)))
    )
    return await scope.read(scope.only(query, sale), 6)


async def movements(scope: Scope, since: int, last: int) -> Ints:
    """Columns: product, location, day, quantity, 1 for an arrival, instant."""
    m = StockMovement
    arrival = case((m.kind.in_(_ARRIVALS), 1), else_=0)
    query = select(m.product_id, m.location_id, scope.day(m.day), m.quantity, arrival, scope.micros(m.at)).where(
        m.at <= scope.at, scope.between(m.day, since, last)
    )
    return await scope.read(scope.only(query, m), 6)


async def counts(scope: Scope, first: int) -> Ints:
    """Every count from the window's start on, and the latest one before it.

    Columns: product, location, instant, on hand, committed, id.
    """
    c = StockLevel
    # No zone is further than 14 hours ahead of UTC: what is before this instant is before the window everywhere.
    start = datetime.fromisoformat(f"{_date(first)}T00:00+14:00")
    columns = (c.product_id, c.location_id, scope.micros(c.as_of), c.on_hand, c.committed, c.id)
    inside = select(*columns).where(c.as_of >= start, c.as_of <= scope.at)
    latest = scope.only(
        select(c.product_id, c.location_id, func.max(c.as_of).label("as_of"))
        .where(c.as_of < start, c.as_of <= scope.at)
        .group_by(c.product_id, c.location_id),
        c,
    ).subquery()
    before = select(*columns).join(
        latest,
        and_(c.product_id == latest.c.product_id, c.location_id == latest.c.location_id, c.as_of == latest.c.as_of),
    )
    found = [await scope.read(scope.only(query, c), 6) for query in (before, inside)]
    return np.concatenate(found)


async def sold_after_count(scope: Scope, ids: Ints) -> Ints:
    """What sales took between a count and the end of that day; columns: product, location, day, shipped, count id."""
    if not len(ids):
        return np.zeros((0, 5), np.int64)
    c, s = StockLevel, Sale
    near: ColumnElement[Any]
    far: ColumnElement[Any]
    if scope.sqlite:
        near = func.date(type_coerce(c.as_of, BigInteger) / 1_000_000, "unixepoch", "-2 days")
        far = func.date(type_coerce(c.as_of, BigInteger) / 1_000_000, "unixepoch", "+2 days")
    else:
        margin = literal(timedelta(days=2), Interval())
        near, far = cast(c.as_of - margin, Date), cast(c.as_of + margin, Date)
    query = (
        select(c.product_id, c.location_id, scope.day(s.day), func.sum(s.quantity), c.id)
        .join(s, and_(s.product_id == c.product_id, s.location_id == c.location_id, s.day.between(near, far)))
        .where(s.sold_at > c.as_of, s.sold_at <= scope.at, c.id.between(int(ids.min()), int(ids.max())))
        .group_by(c.product_id, c.location_id, s.day, c.id)
    )
    rows = await scope.read(scope.only(query, c), 5)
    return rows[np.isin(rows[:, 4], ids)]
