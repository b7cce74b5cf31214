"""What is derived from sales, by SQL and in one transaction: which sales were cancelled, and the demand of each day.

An import marks the earliest instant it touched, in the transaction that added the rows. Derivation begins there and
takes the mark away, so an import that was killed half way leaves the mark, and the next one derives what it missed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import TextClause, bindparam, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import marks
from bot.storage.dialect import insert_into
from bot.storage.tables import Mark, Sale
from bot.storage.types import of_micros, to_micros

BEGINNING = "1970-01-01"  # a local day before any sale
_LOCK = "derive"  # one derivation at a time

_FORGET_PAIRS = """
UPDATE sales SET cancelled_by = NULL
WHERE source = :source AND cancelled_by IS NOT NULL AND EXISTS (
    SELECT 1 FROM sales c
    WHERE c.source = sales.source AND c.external_id = sales.cancelled_by AND c.sold_at >= :since)
"""

_FORGET_CANCELLATIONS = """
UPDATE sales SET kind = 'return', cancels = NULL
WHERE source = :source AND kind = 'cancellation' AND sold_at >= :since
"""

# Read through ix_sales_match: product, customer, quantity, sold_at.
_CANDIDATES = """
SELECT c.id, c.external_id, s.id, s.external_id
FROM sales c JOIN sales s
  ON s.product_id = c.product_id AND s.customer = c.customer AND s.quantity = -c.quantity
 AND s.sold_at >= c.sold_at - :window AND s.sold_at <= c.sold_at
WHERE c.source = :source AND c.kind = 'return' AND c.sold_at >= :since
  AND s.source = c.source AND s.kind = 'sale' AND s.cancelled_by IS NULL
  AND s.location_id = c.location_id AND s.unit_price = c.unit_price AND s.currency = c.currency
ORDER BY c.sold_at, c.id, s.sold_at DESC, s.id DESC
"""

_CLEAR_DEMAND = "DELETE FROM daily_demand WHERE day >= :since"

_BUILD_DEMAND = """
INSERT INTO daily_demand (product_id, location_id, day, units, lines, returned, shipped, revenue_minor)
SELECT s.product_id, s.location_id, s.day,
       SUM(CASE WHEN s.kind = 'sale' AND s.cancelled_by IS NULL THEN s.quantity ELSE 0 END),
       SUM(CASE WHEN s.kind = 'sale' AND s.cancelled_by IS NULL THEN 1 ELSE 0 END),
       SUM(CASE WHEN s.kind IN ('return', 'cancellation') THEN -s.quantity ELSE 0 END),
       SUM(s.quantity),
       SUM(CASE WHEN s.kind = 'sale' AND s.cancelled_by IS NULL AND s.currency = p.currency
                THEN s.amount_minor ELSE 0 END)
FROM sales s JOIN products p ON p.id = s.product_id
WHERE s.day >= :since
GROUP BY s.product_id, s.location_id, s.day
"""

_CLEAR_FOREIGN = "DELETE FROM foreign_revenue WHERE day >= :since"

_BUILD_FOREIGN = """
INSERT INTO foreign_revenue (product_id, location_id, day, currency, revenue_minor)
SELECT s.product_id, s.location_id, s.day, s.currency, SUM(s.amount_minor)
FROM sales s JOIN products p ON p.id = s.product_id
WHERE s.day >= :since AND s.currency <> p.currency AND s.kind = 'sale' AND s.cancelled_by IS NULL
GROUP BY s.product_id, s.location_id, s.day, s.currency
"""

_PART = 5_000  # products in one statement
_OF_SOME = "AND {}product_id IN :products"
_ALL = (_CLEAR_DEMAND, _BUILD_DEMAND, _CLEAR_FOREIGN, _BUILD_FOREIGN)


def _of_some(statement: str) -> TextClause:
    """The statement for some products alone."""
    whose = "s." if "s.day" in statement else ""
    since = f"WHERE {whose}day >= :since"
    some = statement.replace(since, f"{since} {_OF_SOME.format(whose)}")
    return text(some).bindparams(bindparam("products", expanding=True))


_SOME = tuple(map(_of_some, _ALL))


async def mark_touched(connection: AsyncConnection, source: str, since: int) -> None:
    """Remember that sales from `since` (microseconds since 1970) on await derivation."""
    insert = insert_into(connection, Mark).values(key=_key(source), value=f"{since:020d}")
    earlier = func.min if connection.dialect.name == "sqlite" else func.least
    value = earlier(Mark.value, insert.excluded.value)
    await connection.execute(insert.on_conflict_do_update(index_elements=[Mark.key], set_={"value": value}))


async def touched_since(connection: AsyncConnection, source: str) -> datetime | None:
    """The earliest instant that awaits derivation, None where nothing does; other derivations then wait for this."""
    insert = insert_into(connection, Mark).values(key=_LOCK, value=source)
    await connection.execute(insert.on_conflict_do_update(index_elements=[Mark.key], set_={"value": source}))
    value = await connection.scalar(select(Mark.value).where(Mark.key == _key(source)))
    return None if value is None else of_micros(int(value))


async def derive(connection: AsyncConnection, source: str, since: datetime, window: timedelta) -> tuple[int, int]:
    """Pair cancellations with sales from `since` on and rebuild the demand they touch; (cancellations, returns).

    A cancellation undoes the latest earlier sale line of the same customer, product, location, price, currency and
    number of units within `window`; the oldest choose first, and a sale is undone once. What finds no sale is a
    return. The outcome depends on the facts, not on the order of imports: every later pairing is made anew.
    """
    start = _raw(connection, since)
    of_source = {"source": source, "since": start}
    await connection.execute(text(_FORGET_PAIRS), of_source)
    await connection.execute(text(_FORGET_CANCELLATIONS), of_source)
    span: Any = window if connection.dialect.name != "sqlite" else round(window.total_seconds() * 1_000_000)
    rows = await connection.execute(text(_CANDIDATES), {**of_source, "window": span})
    pairs: dict[int, dict[str, Any]] = {}
    undone: set[int] = set()
    for canceller, canceller_name, sale, sale_name in rows:
        if canceller in pairs or sale in undone:
            continue
        undone.add(sale)
        pairs[canceller] = {"canceller": canceller, "by": canceller_name, "sale": sale, "of": sale_name}
    if pairs:
        values = list(pairs.values())
        sales = update(Sale).where(Sale.id == bindparam("sale")).values(cancelled_by=bindparam("by"))
        cancellers = update(Sale).where(Sale.id == bindparam("canceller"))
        await connection.execute(sales, values)
        await connection.execute(cancellers.values(kind="cancellation", cancels=bindparam("of")), values)
    # A pairing reaches back over the window; a local day may begin a day before its instants do in UTC.
    first = {"since": _raw_day(connection, since - window - timedelta(days=2))}
    for statement in _ALL:
        await connection.execute(text(statement), first)
    await connection.execute(delete(Mark).where(Mark.key == _key(source)))
    returns = select(func.count()).where(Sale.source == source, Sale.kind == "return", Sale.sold_at >= since)
    return len(pairs), await connection.scalar(returns) or 0


async def rebuild(connection: AsyncConnection, products: Collection[int], since: str) -> None:
    """Build the demand of some products anew from a local day (ISO) on; other derivations then wait for this."""
    insert = insert_into(connection, Mark).values(key=_LOCK, value="rebuild")
    await connection.execute(insert.on_conflict_do_update(index_elements=[Mark.key], set_={"value": "rebuild"}))
    first = {"since": since if connection.dialect.name == "sqlite" else date.fromisoformat(since)}
    ids = sorted(products)
    for start in range(0, len(ids), _PART):
        some = {**first, "products": ids[start : start + _PART]}
        for statement in _SOME:
            await connection.execute(statement, some)


@dataclass(frozen=True, slots=True)
class Awaited:
    """Since which local day (ISO) demand is to be rebuilt; `word` is another one each time that is said."""

    since: str
    word: str


async def put_off(connection: AsyncConnection, source: str, since: str) -> None:
    """Note that a source's demand is to be rebuilt from a local day (ISO) on, later; its naming is held."""
    kept = await awaited(connection, source)
    first = since if kept is None else min(since, kept.since)
    await marks.put(connection, _later(source), f"{first} {uuid4().hex}")


async def awaited(connection: AsyncConnection, source: str) -> Awaited | None:
    """What of a source's demand is to be rebuilt; None: it is up to date."""
    kept = await marks.get(connection, _later(source))
    if kept is None:
        return None
    since, _, word = kept.partition(" ")
    return Awaited(since, word)


async def caught_up(connection: AsyncConnection, source: str, done: Awaited) -> bool:
    """Note that a source's demand is up to date; false where more was put off since `done`. Its naming is held."""
    if await awaited(connection, source) != done:
        return False
    await connection.execute(delete(Mark).where(Mark.key == _later(source)))
    return True


def _later(source: str) -> str:
    return f"demand:{source}"


def _key(source: str) -> str:
    return f"{_LOCK}:{source}"


def _raw(connection: AsyncConnection, at: datetime) -> Any:  # noqa: ANN401  # the driver's form of an instant
    return to_micros(at) if connection.dialect.name == "sqlite" else at


def _raw_day(connection: AsyncConnection, at: datetime) -> Any:  # noqa: ANN401  # the driver's form of a date
    return at.date().isoformat() if connection.dialect.name == "sqlite" else at.date()
