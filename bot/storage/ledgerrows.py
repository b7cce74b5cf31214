"""The ledger's queries: every row comes back as integers, in one array per query.

A statement is built once for each shape it may have: for one product, building it takes longer than running it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Interval,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute, aliased

from bot.storage.tables import DailyDemand, Sale, StockLevel, StockMovement

Ints = NDArray[np.int64]
Rows = Select[*tuple[Any, ...]]
Span = Literal["long", "short"]

_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)
_ARRIVALS = ("receipt", "transfer_in")
_LONG_SPAN = 60  # days
_ID_LIMIT = 10_000  # beyond this many named ids, reading everything is quicker than listing them


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a statement depends on; all else is bound: `at`, `products`, `locations`, and days."""

    sqlite: bool
    by_product: bool
    by_location: bool

    def only(self, query: Rows, table: Any) -> Rows:  # noqa: ANN401  # a mapped class or an alias of one
        """Narrow a query over `table` to the named products and locations."""
        if self.by_product:
            query = query.where(table.product_id.in_(bindparam("products", expanding=True)))
        if self.by_location:
            query = query.where(table.location_id.in_(bindparam("locations", expanding=True)))
        return query

    def day(self, column: InstrumentedAttribute[date] | ColumnElement[date]) -> ColumnElement[int]:
        """A date column as days since 1970."""
        if self.sqlite:
            return func.unixepoch(column).op("/", return_type=Integer())(literal_column("86400"))
        return column.op("-", return_type=Integer())(literal_column("DATE '1970-01-01'"))

    def micros(
        self, column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    ) -> ColumnElement[int]:
        """An instant's column as microseconds since 1970."""
        if self.sqlite:
            return type_coerce(column, BigInteger)
        return cast(func.extract("epoch", column) * 1_000_000, BigInteger)

    def between(self, column: InstrumentedAttribute[date], span: Span) -> ColumnElement[bool]:
        """Within the days bound; over a long span SQLite is kept from walking the index of days row by row."""
        if self.sqlite and span == "long":
            return self.day(column).between(bindparam("since"), bindparam("last"))
        return column.between(bindparam("since_day"), bindparam("last_day"))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts are asked for: at or before `at`, of the named products and locations (None: all)."""

    connection: AsyncConnection
    at: datetime
    product_ids: Sequence[int] | None
    location_ids: Sequence[int] | None

    @property
    def shape(self) -> Shape:
        """The shape of its statements."""
        return Shape(
            sqlite=self.connection.dialect.name == "sqlite",
            by_product=self.product_ids is not None and len(self.product_ids) <= _ID_LIMIT,
            by_location=self.location_ids is not None,
        )

    async def read(self, query: Rows | CompoundSelect[*tuple[Any, ...]], width: int, **values: object) -> Ints:
        """Run the query with the values bound; (rows, width) int64."""
        named = {"products": list(self.product_ids or ()), "locations": list(self.location_ids or ())}
        result = await self.connection.execute(query, {"at": self.at, **named, **values})
        # The driver's own tuples: making hundreds of thousands of Row objects would take longer than the query.
        rows = result.cursor.fetchall()
        flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width)
        return flat.reshape(len(rows), width)


@dataclass(frozen=True, slots=True)
class _Unindexed:
    """Columns of a sale, as `Shape.only` narrows them, that no index is looked up by."""

    product_id: ColumnElement[Any]
    location_id: ColumnElement[Any]


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _span(since: int, last: int) -> Span:
    return "long" if last - since >= _LONG_SPAN else "short"


def _days(since: int, last: int) -> dict[str, object]:
    """The values of `Shape.between`."""
    return {"since": since, "last": last, "since_day": _date(since), "last_day": _date(last)}


async def demand(scope: Scope, since: int, last: int) -> Ints:
    """Columns: product, location, day, units, shipped."""
    return await scope.read(_demand(scope.shape, _span(since, last)), 5, **_days(since, last))


@cache
def _demand(shape: Shape, span: Span) -> Rows:
    d = DailyDemand
    query = select(d.product_id, d.location_id, shape.day(d.day), d.units, d.shipped)
    return shape.only(query.where(shape.between(d.day, span)), d)


async def partial_day(scope: Scope, places: Sequence[int]) -> Ints:
    """Sales of the last two days up to the instant, summed per local day; columns as in `demand`.

    Products are looked up at every one of `places`: an index by product, place and day finds a day by all three alone.
    """
    if scope.product_ids is not None and scope.location_ids is None:
        scope = replace(scope, location_ids=places)
    since = scope.at - timedelta(hours=50)
    # No place's calendar is more than a day away from that of UTC.
    days = {"since_day": since.date() - _DAY, "last_day": scope.at.date() + _DAY}
    return await scope.read(_partial_day(scope.shape), 5, since=since, **days)


@cache
def _partial_day(shape: Shape) -> Rows:
    s = Sale
    is_demand = and_(s.kind == "sale", s.cancelled_by.is_(None))
    query = (
        select(
            s.product_id,
            s.location_id,
            shape.day(s.day),
            func.sum(case((is_demand, s.quantity), else_=0)),
            func.sum(s.quantity),
        )
        .where(s.product_id.is_not(None))  # a fee is of none
        .where(s.sold_at <= bindparam("at"), s.sold_at > bindparam("since"), shape.between(s.day, "short"))
        .group_by(s.product_id, s.location_id, s.day)
    )
    return shape.only(query, s)


async def cancelled_later(scope: Scope, since: int, last: int) -> Ints:
    """Sales known at the instant whose cancellation was not; columns as in `demand`, with nothing shipped anew."""
    return await scope.read(_cancelled_later(scope.shape), 5, **_days(since, last))


@cache
def _cancelled_later(shape: Shape) -> Rows:
    later, sale = aliased(Sale), aliased(Sale)
    query: Rows = (
        select(
            sale.product_id,
            sale.location_id,
            shape.day(sale.day),
            sale.quantity,
            literal_column("0"),
        )
        .select_from(later)
        .join(sale, and_(sale.source == later.source, sale.external_id == later.cancels))
        .where(sale.product_id.is_not(None))
        .where(later.kind == "cancellation", later.sold_at > bindparam("at"), sale.sold_at <= bindparam("at"))
        .where(shape.between(sale.day, "short"))
    )
    # Few cancellations are later than the instant: SQLite is kept from starting with the products' sales.
    return shape.only(query, _Unindexed(sale.product_id + 0, sale.location_id + 0))


async def movements(scope: Scope, since: int, last: int) -> Ints:
    """Columns: product, location, day, quantity, 1 for an arrival, instant."""
    return await scope.read(_movements(scope.shape, _span(since, last)), 6, **_days(since, last))


@cache
def _movements(shape: Shape, span: Span) -> Rows:
    m = StockMovement
    arrival = case((m.kind.in_(_ARRIVALS), 1), else_=0)
    query = select(m.product_id, m.location_id, shape.day(m.day), m.quantity, arrival, shape.micros(m.at)).where(
        m.at <= bindparam("at"), shape.between(m.day, span)
    )
    return shape.only(query, m)


async def counts(scope: Scope, first: int) -> Ints:
    """Every count from the window's start on, and the latest one before it.

    Columns: product, location, instant, on hand, committed, id, unchanged until (0: nobody knows).
    """
    # No zone is further than 14 hours ahead of UTC: what is before this instant is before the window everywhere.
    start = datetime.fromisoformat(f"{_date(first)}T00:00+14:00")
    return await scope.read(_counts(scope.shape), 7, start=start)


@cache
def _counts(shape: Shape) -> CompoundSelect[*tuple[Any, ...]]:
    c = StockLevel
    start: BindParameter[datetime] = bindparam("start")
    at: BindParameter[datetime] = bindparam("at")
    until = func.coalesce(shape.micros(c.unchanged_until), 0)
    columns = (c.product_id, c.location_id, shape.micros(c.as_of), c.on_hand, c.committed, c.id, until)
    inside = select(*columns).where(c.as_of >= start, c.as_of <= at)
    latest = shape.only(
        select(c.product_id, c.location_id, func.max(c.as_of).label("as_of"))
        .where(c.as_of < start, c.as_of <= at)
        .group_by(c.product_id, c.location_id),
        c,
    ).subquery()
    before = select(*columns).join(
        latest,
        and_(c.product_id == latest.c.product_id, c.location_id == latest.c.location_id, c.as_of == latest.c.as_of),
    )
    return union_all(shape.only(before, c), shape.only(inside, c))


async def sold_after_count(scope: Scope, ids: Ints) -> Ints:
    """What sales took between a count and the end of that day; columns: product, location, day, shipped, count id."""
    if not len(ids):
        return np.zeros((0, 5), np.int64)
    rows = await scope.read(_sold_after_count(scope.shape), 5, least=int(ids.min()), most=int(ids.max()))
    return rows[np.isin(rows[:, 4], ids)]


@cache
def _sold_after_count(shape: Shape) -> Rows:
    c, s = StockLevel, Sale
    near: ColumnElement[Any]
    far: ColumnElement[Any]
    if shape.sqlite:
        near = func.date(type_coerce(c.as_of, BigInteger) / 1_000_000, "unixepoch", "-2 days")
        far = func.date(type_coerce(c.as_of, BigInteger) / 1_000_000, "unixepoch", "+2 days")
    else:
        margin = literal(timedelta(days=2), Interval())
        near, far = cast(c.as_of - margin, Date), cast(c.as_of + margin, Date)
    query = (
        select(c.product_id, c.location_id, shape.day(s.day), func.sum(s.quantity), c.id)
        .join(s, and_(s.product_id == c.product_id, s.location_id == c.location_id, s.day.between(near, far)))
        .where(s.sold_at > c.as_of, s.sold_at <= bindparam("at"), c.id.between(bindparam("least"), bindparam("most")))
        .group_by(c.product_id, c.location_id, s.day, c.id)
    )
    return shape.only(query, c)
