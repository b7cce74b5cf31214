"""Cases: rows in bulk, and views.

`evidence["shown"]` holds the headline figures of a case as its card shows them: `on_hand`, `per_day`, `days_of_cover`,
`stockout_on` and `next_arrival` (text for dates and decimals, null where unknown).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    Dialect,
    TypeDecorator,
    bindparam,
    exists,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.domain.views import Arrival, CaseEnd, CaseKind, CaseState, CaseView
from bot.storage.chunks import chunked
from bot.storage.dialect import insert_into
from bot.storage.narrowed import NAMED
from bot.storage.proposals import BUSY_STATES
from bot.storage.tables import Case, Location, Outbox, Post, Product, Request
from bot.storage.types import of_stored


class CaseRow(NamedTuple):
    """An unresolved case as a scan needs it; a tuple, for a scan of the whole makes tens of thousands."""

    id: int
    key: str
    kind: CaseKind
    product_id: int | None
    location_id: int | None
    state: CaseState
    severity: int
    notified_severity: int
    snoozed_until: datetime | None
    money_minor: int
    request_id: int | None


_SCANNED = (
    Case.id, Case.key, Case.kind, Case.product_id, Case.location_id, Case.state, Case.severity, Case.notified_severity,
    Case.snoozed_until, Case.money_minor, Case.request_id,
)  # fmt: skip


_UNRESOLVED = select(*_SCANNED).where(Case.resolved_at.is_(None))
# Were `resolved_at` named plainly, SQLite would walk every unresolved case to find those of a product.
_UNRESOLVED_OF = select(*_SCANNED).where(
    func.coalesce(Case.resolved_at, null()).is_(None), or_(Case.product_id.in_(NAMED), Case.product_id.is_(None))
)


_MADE: Callable[[Iterable[Any]], CaseRow] = partial(tuple.__new__, CaseRow)  # as `_make`, without its steps in Python


def _scanned(row: Any) -> CaseRow:  # noqa: ANN401  # a row of `_SCANNED`
    return CaseRow._make(row)


def _as_stored(rows: Iterable[tuple[Any, ...]]) -> Iterator[CaseRow]:
    """Rows of `_SCANNED` as the driver gives them."""
    for case in map(_MADE, rows):
        yield case if case.snoozed_until is None else case._replace(snoozed_until=of_stored(case.snoozed_until))


async def unresolved(connection: AsyncConnection, product_ids: Collection[int] | None = None) -> dict[str, CaseRow]:
    """Every unresolved case, by key; of some products, and of none, where they are named."""
    if product_ids is None:
        found = await connection.execute(_UNRESOLVED)
    else:
        found = await connection.execute(_UNRESOLVED_OF, {"products": list(product_ids)})
    # The driver's own tuples: making a Row and converting its columns takes thrice as long as all else.
    return {case.key: case for case in _as_stored(found.cursor.fetchall())}


async def unresolved_of(connection: AsyncConnection, ids: Collection[int]) -> dict[int, CaseRow]:
    """Those of the cases that are unresolved, by id."""
    found: dict[int, CaseRow] = {}
    for some in chunked(ids):
        rows = await connection.execute(select(*_SCANNED).where(Case.id.in_(some), Case.resolved_at.is_(None)))
        found |= {row.id: _scanned(row) for row in rows}
    return found


async def products_of(connection: AsyncConnection, ids: Collection[int]) -> set[int]:
    """The products that the cases are about."""
    found: set[int] = set()
    for some in chunked(ids):
        found.update(await connection.scalars(select(Case.product_id).where(Case.id.in_(some), Case.product_id > 0)))
    return found


async def of_series(connection: AsyncConnection, product_id: int, location_id: int) -> tuple[CaseRow, ...]:
    """The unresolved cases of a product at a place."""
    here = (Case.product_id == product_id, Case.location_id == location_id, Case.resolved_at.is_(None))
    return tuple(_scanned(row) for row in await connection.execute(select(*_SCANNED).where(*here).order_by(Case.id)))


async def reopen(connection: AsyncConnection, ids: Collection[int], at: datetime) -> None:
    """Cases that were acted on are open again: nothing comes of what was asked for them."""
    for some in chunked(ids):
        await connection.execute(
            update(Case).where(Case.id.in_(some), Case.state == "acting").values(state="open", updated_at=at)
        )


async def silence(connection: AsyncConnection, ids: Collection[int], until: datetime, at: datetime) -> None:
    """Put unresolved cases to sleep: somebody decided to leave them as they are for a while."""
    for some in chunked(ids):
        await connection.execute(
            update(Case).where(Case.id.in_(some), Case.resolved_at.is_(None)).values(snoozed_until=until, updated_at=at)
        )


async def free(connection: AsyncConnection, ids: Collection[int]) -> set[int]:
    """Those of the cases that are unresolved and that no open or approved request answers."""
    found: set[int] = set()
    for some in chunked(ids):
        asked = exists().where(Request.id == Case.request_id, Request.state.in_(BUSY_STATES))
        found.update(
            await connection.scalars(select(Case.id).where(Case.id.in_(some), Case.resolved_at.is_(None), ~asked))
        )
    return found


class _Written(TypeDecorator[str]):
    """A JSON column that is given text written beforehand."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Hand the text over as it is."""


def _bound(names: Iterable[str]) -> dict[str, Any]:
    """Columns as parameters of the same name; evidence comes as JSON text."""
    return {name: bindparam(name, type_=_Written() if name == "evidence" else None) for name in names}


async def open_all(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Insert cases; the ids of those that are new, by key. One that is open already stays as it is."""
    if not values:
        return {}
    statement = (
        insert_into(connection, Case)
        .values(_bound(values[0]))
        .on_conflict_do_nothing(index_elements=["key"], index_where=text("resolved_at IS NULL"))
    )
    added = await connection.execute(statement.returning(Case.id, Case.key), [dict(row) for row in values])
    return {key: int(case_id) for case_id, key in added}


async def update_all(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> None:
    """Update cases by `case_id`; every mapping has the same further keys, each a column (`evidence` as JSON text)."""
    if not values:
        return
    columns = _bound(name for name in values[0] if name != "case_id")
    statement = update(Case.__table__).where(Case.__table__.c.id == bindparam("case_id")).values(columns)  # type: ignore[arg-type]  # a Table by declaration
    await connection.execute(statement, [dict(row) for row in values])


async def change(connection: AsyncConnection, case_id: int, values: Mapping[str, Any]) -> None:
    """Change an unresolved case; one that is resolved stays so."""
    await connection.execute(update(Case).where(Case.id == case_id, Case.resolved_at.is_(None)).values(**values))


async def set_states(connection: AsyncConnection, ids: Collection[int], state: CaseState, at: datetime) -> None:
    """Move unresolved cases to a state."""
    for some in chunked(ids):
        await connection.execute(
            update(Case).where(Case.id.in_(some), Case.resolved_at.is_(None)).values(state=state, updated_at=at)
        )


async def resolve_all(
    connection: AsyncConnection, ids: Collection[int], at: datetime, ended: CaseEnd | None = None
) -> None:
    """Close cases, and say why where their figures did not recover."""
    values = {"state": "resolved", "resolved_at": at, "updated_at": at, "snoozed_until": None, "ended": ended}
    for some in chunked(ids):
        await connection.execute(update(Case).where(Case.id.in_(some), Case.resolved_at.is_(None)).values(**values))


async def changes(connection: AsyncConnection, since: datetime, limit: int) -> tuple[int, int, list[int]]:
    """How many cases opened after `since` are unresolved, how many were resolved after it, and the costliest opened."""
    opened = [Case.opened_at > since, Case.resolved_at.is_(None)]
    count = (await connection.execute(select(func.count()).select_from(Case).where(*opened))).scalar_one()
    over = select(func.count()).select_from(Case).where(Case.resolved_at > since)
    ids = select(Case.id).where(*opened).order_by(Case.money_minor.desc(), Case.id).limit(limit)
    return count, (await connection.execute(over)).scalar_one(), list(await connection.scalars(ids))


async def severity(connection: AsyncConnection, case_id: int) -> int:
    """The class a case is in."""
    return int((await connection.execute(select(Case.severity).where(Case.id == case_id))).scalar_one())


async def page(
    connection: AsyncConnection, kinds: Collection[CaseKind], location_id: int | None, offset: int, size: int
) -> tuple[int, list[int]]:
    """How many cases of the kinds are unresolved (here), and the ids of one page: most money at risk first.

    Kind by kind, so that each is read in the order of the index `ix_cases_ranked` rather than sorted.
    """
    total = 0
    ranked: list[Any] = []
    for kind in kinds:
        wanted: list[ColumnElement[bool]] = [Case.resolved_at.is_(None), Case.kind == kind]
        if location_id is not None:
            wanted.append(Case.location_id == location_id)
        total += (await connection.execute(select(func.count()).select_from(Case).where(*wanted))).scalar_one()
        ranked += await connection.execute(
            select(Case.money_minor, Case.severity, Case.id)
            .where(*wanted)
            .order_by(Case.money_minor.desc(), Case.severity.desc(), Case.id)
            .limit(offset + size)
        )
    ranked.sort(key=lambda row: (-row.money_minor, -row.severity, row.id))
    return total, [row.id for row in ranked[offset : offset + size]]


async def of_products(connection: AsyncConnection, product_ids: Collection[int]) -> list[int]:
    """Ids of the unresolved cases on the products: worst first, then most money."""
    ids = await connection.execute(
        select(Case.id)
        .where(Case.resolved_at.is_(None), Case.product_id.in_(product_ids))
        .order_by(Case.severity.desc(), Case.money_minor.desc(), Case.id)
    )
    return list(ids.scalars())


async def places(connection: AsyncConnection, ids: Collection[int]) -> dict[int, tuple[int | None, int | None]]:
    """(product id, location id) of each case."""
    rows = await connection.execute(select(Case.id, Case.product_id, Case.location_id).where(Case.id.in_(ids)))
    return {row.id: (row.product_id, row.location_id) for row in rows}


_SUBJECTS: BindParameter[Sequence[str]] = bindparam("subjects", expanding=True)
_PLACED = [select(table.subject).where(table.subject.in_(_SUBJECTS)).distinct() for table in (Post, Outbox)]


async def shown(connection: AsyncConnection, subjects: Collection[str]) -> set[str]:
    """Which subjects (case:12, request:7) stand in some conversation or are on their way there."""
    found: set[str] = set()
    for some in chunked(subjects):
        for query in _PLACED:
            found.update(await connection.scalars(query, {"subjects": some}))
    return found


_SHOWN = (
    select(Case, Product.sku, Product.name, Location.code, Location.name.label("location_name"))
    .outerjoin(Product, Product.id == Case.product_id)
    .outerjoin(Location, Location.id == Case.location_id)
)
_SHOWN_BY_ID = _SHOWN.where(Case.id.in_(bindparam("ids", expanding=True)))
_SHOWN_OF_PRODUCT = _SHOWN.where(Case.resolved_at.is_(None), Case.product_id == bindparam("product")).order_by(Case.id)


async def views(connection: AsyncConnection, ids: Collection[int]) -> dict[int, CaseView]:
    """Cases as shown, by id."""
    found: dict[int, CaseView] = {}
    for some in chunked(ids):
        found |= {row.id: _view(row) for row in await connection.execute(_SHOWN_BY_ID, {"ids": some})}
    return found


async def views_of_product(connection: AsyncConnection, product_id: int) -> list[CaseView]:
    """The unresolved cases on a product as shown, by id."""
    return [_view(row) for row in await connection.execute(_SHOWN_OF_PRODUCT, {"product": product_id})]


def _view(row: Any) -> CaseView:  # noqa: ANN401  # a row of `_SHOWN`
    figures: Mapping[str, Any] = row.evidence.get("shown", {})
    arrival = figures.get("next_arrival")
    return CaseView(
        id=row.id,
        kind=row.kind,
        state=row.state,
        severity=row.severity,
        sku=row.sku or "",
        name=row.name or "",
        location=row.code or "",
        location_name=row.location_name or "",
        money_at_risk=Money.of_minor(row.money_minor, row.currency),
        opened_at=row.opened_at,
        snoozed_until=row.snoozed_until,
        on_hand=figures.get("on_hand"),
        per_day=_decimal(figures.get("per_day")),
        days_of_cover=_decimal(figures.get("days_of_cover")),
        stockout_on=_day(figures.get("stockout_on")),
        next_arrival=Arrival(arrival["quantity"], date.fromisoformat(arrival["on"]), arrival["late"])
        if arrival
        else None,
        request_id=row.request_id,
        evidence=row.evidence,
        ended=row.ended,
    )


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
