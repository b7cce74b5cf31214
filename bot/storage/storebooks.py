"""What a store's facts are compared with: the catalogue, the lines of its orders, the last counts of its places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.domain.views import StoreIncoming
from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.stores import COUNTED
from bot.storage.tables import DailyDemand, Product, Sale, StockLevel, StockMovement, StoreCode
from bot.storage.types import to_micros


class Line(NamedTuple):
    """A row of `sales` from a store's order; `sold_at` in microseconds since 1970, `unit_price` in millionths.

    A tuple, and its fields in the order of the columns: a first reading makes a million of them.
    """

    external_id: str
    order_ref: str
    product_id: int
    location_id: int
    code: str
    sold_at: int
    day: str
    quantity: int
    unit_price: int
    amount_minor: int
    currency: str
    customer: str
    kind: str
    cancels: str | None = None
    cancelled_by: str | None = None
    kit_units: int | None = None


class Counted(NamedTuple):
    """A count of stock as a store told it; `incoming` has no date."""

    as_of: datetime
    on_hand: int
    committed: int
    incoming: int


_STORE = "store:"
_TOLD = StockLevel.source.startswith(_STORE, autoescape=True)
_LINE = ("source", *Line._fields)
_STANDING = select(*(Sale.__table__.c[name] for name in Line._fields)).where(
    Sale.source == bindparam("of"), Sale.order_ref.in_(bindparam("orders", expanding=True))
)


async def catalogue(connection: AsyncConnection) -> dict[str, str]:
    """SKU -> name of every product."""
    return dict((await connection.execute(select(Product.sku, Product.name))).all())


async def catalogue_mark(connection: AsyncConnection) -> tuple[int, ...]:
    """Another one after any product came or went or got another name, but for a name of the same length."""
    found = await connection.execute(
        select(func.count(), func.max(Product.id), func.sum(func.length(Product.name))).select_from(Product)
    )
    return tuple(int(each or 0) for each in found.one())


async def nameless(connection: AsyncConnection, products: Collection[int]) -> set[int]:
    """Those of the products that have no name of their own yet."""
    found: set[int] = set()
    for some in chunked(products):
        found.update(
            await connection.scalars(select(Product.id).where(Product.id.in_(some), Product.name == Product.sku))
        )
    return found


async def sold_by(connection: AsyncConnection, store: str) -> set[str]:
    """The SKUs of the products that a store is known to sell."""
    found = await connection.execute(
        select(Product.sku)
        .join(StoreCode, StoreCode.product_id == Product.id)
        .where(StoreCode.store == store, StoreCode.match.in_(COUNTED))
    )
    return set(found.scalars())


async def sku_prices(connection: AsyncConnection, products: Collection[int]) -> dict[int, tuple[str, int | None]]:
    """SKU and price in minor units of some products."""
    rows = await connection.execute(
        select(Product.id, Product.sku, Product.unit_price_minor).where(Product.id.in_(products))
    )
    return {row.id: (row.sku, row.unit_price_minor) for row in rows}


async def products_of(connection: AsyncConnection, source: str, since: str) -> list[int]:
    """The products of which a source sold anything from a local day (ISO) on, or that have demand since, by id.

    The latter may stand there for lines that were another product's until now.
    """
    day = date.fromisoformat(since)
    sold = select(Sale.product_id).where(Sale.source == source, Sale.day >= day).distinct()
    stated = select(DailyDemand.product_id).where(DailyDemand.day >= day).distinct()
    found = await connection.execute(sold.union(stated))
    return sorted(product for (product,) in found if product is not None)


async def lines_of(connection: AsyncConnection, source: str, orders: Collection[str]) -> dict[str, list[Line]]:
    """The lines of some orders as they stand, by order."""
    found: dict[str, list[Line]] = {}
    for part in chunked(sorted(orders)):
        for row in await connection.execute(_STANDING, {"of": source, "orders": part}):
            line = Line._make(row)._replace(
                sold_at=to_micros(row.sold_at), day=row.day.isoformat(), unit_price=int(row.unit_price.scaleb(6))
            )
            found.setdefault(line.order_ref, []).append(line)
    return found


async def add_lines(connection: AsyncConnection, source: str, lines: Sequence[Line]) -> int:
    """Insert lines; how many were not there yet."""
    return await insert_rows(connection, Sale, _LINE, [(source, *line) for line in lines])


async def change_lines(connection: AsyncConnection, source: str, lines: Sequence[Line]) -> None:
    """Write lines over those of the same ids."""
    own = [name for name in _LINE if name not in {"source", "external_id"}]
    rows = [(source, *line) for line in lines]
    await insert_rows(
        connection,
        Sale,
        _LINE,
        rows,
        f"(source, external_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in own)}",
    )


async def drop_lines(connection: AsyncConnection, source: str, ids: Collection[str]) -> None:
    """Take lines away that an order no longer has."""
    for part in chunked(sorted(ids)):
        await connection.execute(delete(Sale).where(Sale.source == source, Sale.external_id.in_(part)))


async def last_counts(
    connection: AsyncConnection, source: str, products: Collection[int]
) -> dict[tuple[int, int], Counted]:
    """The last count of a source by (product, location)."""
    newest = (
        select(StockLevel.product_id, StockLevel.location_id, func.max(StockLevel.as_of).label("as_of"))
        .where(StockLevel.source == source, StockLevel.product_id.in_(products))
        .group_by(StockLevel.product_id, StockLevel.location_id)
        .subquery()
    )
    rows = await connection.execute(
        select(StockLevel.product_id, StockLevel.location_id, *(getattr(StockLevel, name) for name in Counted._fields))
        .join(
            newest,
            and_(
                StockLevel.product_id == newest.c.product_id,
                StockLevel.location_id == newest.c.location_id,
                StockLevel.as_of == newest.c.as_of,
            ),
        )
        .where(StockLevel.source == source)
    )
    return {(product, place): Counted(*count) for product, place, *count in rows}


_NEWEST_TOLD = (
    select(StockLevel.location_id, func.max(StockLevel.as_of).label("as_of"))
    .where(StockLevel.product_id == bindparam("product"), StockLevel.as_of <= bindparam("at"), _TOLD)
    .group_by(StockLevel.location_id)
    .subquery()
)
_COMING = (
    select(StockLevel.location_id, StockLevel.source, StockLevel.incoming)
    .join(
        _NEWEST_TOLD,
        and_(StockLevel.location_id == _NEWEST_TOLD.c.location_id, StockLevel.as_of == _NEWEST_TOLD.c.as_of),
    )
    .where(StockLevel.product_id == bindparam("product"), _TOLD)
    .order_by(StockLevel.source)
)


async def coming(connection: AsyncConnection, product: int, at: datetime) -> dict[int, StoreIncoming]:
    """What stores said by `at` is on its way of a product, by location; of several stores the one that said it last."""
    rows = await connection.execute(_COMING, {"product": product, "at": at})
    last = {place: StoreIncoming(source.removeprefix(_STORE), units) for place, source, units in rows}
    return {place: told for place, told in last.items() if told.units}


async def last_moves(connection: AsyncConnection, products: Collection[int]) -> dict[tuple[int, int], datetime]:
    """(product, location) -> when a sale, a return or a movement of it was last stated."""
    found: dict[tuple[int, int], datetime] = {}
    for table, at in ((Sale, Sale.sold_at), (StockMovement, StockMovement.at)):
        rows = await connection.execute(
            select(table.product_id, table.location_id, func.max(at))
            .where(table.product_id.in_(products))
            .group_by(table.product_id, table.location_id)
        )
        for product, place, latest in rows:
            if product is not None:
                found[product, place] = max(found.get((product, place), latest), latest)
    return found


@dataclass(frozen=True, slots=True)
class Priced:
    """The products whose price is another one now, and those that are kept in another currency since."""

    changed: frozenset[int]
    moved: frozenset[int]


async def price_products(connection: AsyncConnection, prices: Mapping[int, Money]) -> Priced:
    """Give products their store's price and its currency; what became of those whose price was another one.

    A product that is sold or bought in another currency keeps its own: amounts of two currencies never mix. The store's
    price stands beside it, in the currency of the store that told first.
    """
    rows = await connection.execute(
        select(
            Product.id, Product.currency, Product.unit_price_minor, Product.unit_cost_minor, Product.store_price_minor,
            Product.store_currency,
        ).where(Product.id.in_(prices))
    )  # fmt: skip
    own, beside, moved = [], [], set()
    for row in rows:
        price = prices[row.id]
        change = {"of": row.id, "price": price.minor, "money": price.currency}
        blank = row.unit_price_minor is None and row.unit_cost_minor is None
        if row.currency == price.currency or blank:
            if row.unit_price_minor != price.minor:
                own.append(change)
                moved |= {row.id} if row.currency != price.currency else set()
        elif row.store_currency in {None, price.currency} and row.store_price_minor != price.minor:
            beside.append(change)
    for values, price_column, currency_column in (
        (own, "unit_price_minor", "currency"), (beside, "store_price_minor", "store_currency"),
    ):  # fmt: skip
        if values:
            new: dict[str, Any] = {price_column: bindparam("price"), currency_column: bindparam("money")}
            await connection.execute(update(Product).where(Product.id == bindparam("of")).values(**new), values)
    return Priced(frozenset(change["of"] for change in (*own, *beside)), frozenset(moved))
