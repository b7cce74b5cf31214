"""Requests for approval: rows, views, and the conditional UPDATE by which a change wins or loses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.domain.approval import COUNTED_STATES, OPEN_STATES
from bot.domain.money import Money
from bot.domain.views import RequestKind, RequestLineView, RequestState, RequestView
from bot.storage.chunks import chunked
from bot.storage.tables import (
    Effect,
    Inbound,
    Location,
    Member,
    Product,
    Request,
    RequestLine,
    Supplier,
)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """What a decision rests on, as it stood when read."""

    id: int
    kind: RequestKind
    state: RequestState
    version: int
    case_id: int | None
    total: Money
    requested_by: int | None
    expires_at: datetime | None
    decided_by: int | None
    decided_at: datetime | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request to be; `unit_cost_minor` and `total_minor` are in `currency`, `quantity` in units of `product_id`."""

    kind: RequestKind
    case_id: int | None
    product_id: int
    location_id: int
    quantity: int
    unit_cost_minor: int
    total_minor: int
    currency: str
    supplier_id: int | None = None
    from_location_id: int | None = None
    expected_on: date | None = None
    requested_by: int | None = None
    detail: Mapping[str, Any] | None = None


async def row(connection: AsyncConnection, request_id: int) -> RequestRow | None:
    """One request; None where there is no such number."""
    found = (await connection.execute(_rows().where(Request.id == request_id))).one_or_none()
    return None if found is None else _row(found)


async def rows_in(connection: AsyncConnection, *conditions: Any) -> tuple[RequestRow, ...]:  # noqa: ANN401  # SQL expressions
    """Requests under the conditions, by id."""
    return tuple(_row(found) for found in await connection.execute(_rows().where(*conditions).order_by(Request.id)))


async def due(connection: AsyncConnection, now: datetime) -> tuple[RequestRow, ...]:
    """Pending requests whose time has passed."""
    return await rows_in(connection, Request.state == "pending", Request.expires_at <= now)


async def open_of_cases(connection: AsyncConnection, case_ids: Collection[int]) -> tuple[RequestRow, ...]:
    """Draft and pending requests of the cases."""
    found: list[RequestRow] = []
    for some in chunked(case_ids):
        found += await rows_in(connection, Request.state.in_(OPEN_STATES), Request.case_id.in_(some))
    return tuple(found)


async def settle(
    connection: AsyncConnection, request_id: int, version: int, state: RequestState, values: Mapping[str, Any]
) -> bool:
    """Change a request that still is in `state` at `version`; false where somebody was faster."""
    changed = await connection.execute(
        update(Request)
        .where(Request.id == request_id, Request.version == version, Request.state == state)
        .values(version=Request.version + 1, **values)
    )
    return changed.rowcount == 1


async def remember(connection: AsyncConnection, request: RequestRow, facts: Mapping[str, Any]) -> None:
    """Add facts to a request's detail."""
    await connection.execute(update(Request).where(Request.id == request.id).values(detail={**request.detail, **facts}))


async def settle_all(
    connection: AsyncConnection, ids: Collection[int], state: RequestState, values: Mapping[str, Any]
) -> None:
    """Change requests that the caller holds (see `locks.requests_in`) and has seen in `state`."""
    for some in chunked(ids):
        await connection.execute(
            update(Request)
            .where(Request.id.in_(some), Request.state == state)
            .values(version=Request.version + 1, **values)
        )


async def add(connection: AsyncConnection, drafts: Sequence[Draft], created_at: datetime) -> tuple[int, ...]:
    """Insert drafts with their lines; their ids in the same order.

    A case has one open request at most, so its id finds the new row again; SQLite would otherwise insert one by one.
    """
    of_cases = [draft for draft in drafts if draft.case_id is not None]
    by_case: dict[int | None, int] = {}
    if of_cases:
        statement = insert(Request).returning(Request.case_id, Request.id)
        added = await connection.execute(statement, [_columns(draft, created_at) for draft in of_cases])
        by_case = {row.case_id: row.id for row in added}
    ids = []
    for draft in drafts:
        if draft.case_id is not None:
            ids.append(by_case[draft.case_id])
        else:
            alone = await connection.execute(insert(Request).values(_columns(draft, created_at)).returning(Request.id))
            ids.append(int(alone.scalar_one()))
    if not ids:
        return ()
    await connection.execute(
        insert(RequestLine),
        [
            {
                "request_id": request_id,
                "product_id": draft.product_id,
                "quantity": draft.quantity,
                "unit_cost_minor": draft.unit_cost_minor,
            }
            for request_id, draft in zip(ids, drafts, strict=True)
        ],
    )
    return tuple(ids)


def _columns(draft: Draft, created_at: datetime) -> dict[str, Any]:
    return {
        "kind": draft.kind,
        "state": "draft",
        "version": 1,
        "case_id": draft.case_id,
        "supplier_id": draft.supplier_id,
        "location_id": draft.location_id,
        "from_location_id": draft.from_location_id,
        "total_minor": draft.total_minor,
        "currency": draft.currency,
        "expected_on": draft.expected_on,
        "detail": dict(draft.detail or {}),
        "requested_by": draft.requested_by,
        "created_at": created_at,
    }


async def add_effect(connection: AsyncConnection, request: RequestRow, key: str, at: datetime) -> None:
    """Write down the call that an approval decided; the key makes it the only one."""
    view = (await views(connection, [request.id]))[request.id]
    await connection.execute(
        insert(Effect).values(
            idempotency_key=key,
            kind=request.kind,
            request_id=request.id,
            payload={
                "supplier": view.supplier,
                "location": view.location,
                "from_location": view.from_location,
                "currency": view.total.currency,
                "total_minor": view.total.minor,
                "expected_on": view.expected_on.isoformat() if view.expected_on else None,
                "lines": [
                    {"sku": line.sku, "quantity": line.quantity, "unit_cost_minor": line.unit_cost.minor}
                    for line in view.lines
                ],
            },
            state="pending",
            created_at=at,
        )
    )


async def pending_page(
    connection: AsyncConnection,
    kinds: Collection[RequestKind],
    most: Mapping[str, int] | None,
    not_by: int | None,
    offset: int,
    size: int,
) -> tuple[int, list[int]]:
    """How many requests wait, and the ids of one page: soonest expiry first, then the largest.

    `most` restricts them to totals of at most so many minor units per currency (None: any), `not_by` to those that
    this member did not ask for.
    """
    waits = [Request.state == "pending", Request.kind.in_(kinds)]
    if not_by is not None:
        waits.append(or_(Request.requested_by.is_(None), Request.requested_by != not_by))
    if most is not None:
        waits.append(
            or_(
                literal(value=False),
                *(and_(Request.currency == code, Request.total_minor <= minor) for code, minor in most.items()),
            )
        )
    total = (await connection.execute(select(func.count()).select_from(Request).where(*waits))).scalar_one()
    page = await connection.execute(
        select(Request.id)
        .where(*waits)
        .order_by(Request.expires_at, Request.total_minor.desc(), Request.id)
        .offset(offset)
        .limit(size)
    )
    return total, list(page.scalars())


async def counted(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> list[tuple[int, int, int | None, int]]:
    """Units that requests will bring, as (product, location, from location, quantity).

    Counted are purchases and transfers that are pending, and approved ones until an inbound of the same product and
    place was ordered since the decision: from then on the goods count as incoming.
    """
    ordered = exists().where(
        Inbound.product_id == RequestLine.product_id,
        Inbound.location_id == Request.location_id,
        Inbound.ordered_at >= Request.decided_at,
        Inbound.ordered_at <= at,
    )
    query = (
        select(RequestLine.product_id, Request.location_id, Request.from_location_id, RequestLine.quantity)
        .join(Request, Request.id == RequestLine.request_id)
        .where(
            Request.state.in_(COUNTED_STATES),
            Request.kind.in_(("purchase_order", "transfer")),
            Request.created_at <= at,
            or_(Request.state == "pending", ~ordered),
        )
    )
    if product_ids is not None:
        query = query.where(RequestLine.product_id.in_(product_ids))
    return [(found[0], found[1], found[2], found[3]) for found in await connection.execute(query)]


async def refusals(connection: AsyncConnection, case_ids: Collection[int]) -> dict[int, tuple[datetime, int]]:
    """For each case whose last request was rejected: when, and the case's severity at that time."""
    found: dict[int, tuple[datetime, int]] = {}
    for some in chunked(case_ids):
        last = (
            select(func.max(Request.id))
            .where(Request.case_id.in_(some), Request.state != "cancelled")
            .group_by(Request.case_id)
        )
        rejected = select(Request.case_id, Request.decided_at, Request.detail).where(
            Request.id.in_(last), Request.state == "rejected"
        )
        for case_id, decided_at, detail in await connection.execute(rejected):
            found[case_id] = (decided_at, int(detail.get("severity", 0)))
    return found


async def views(connection: AsyncConnection, ids: Collection[int]) -> dict[int, RequestView]:
    """Requests as shown, by id."""
    source, decider, asker = aliased(Location), aliased(Member), aliased(Member)
    found: dict[int, RequestView] = {}
    for some in chunked(ids):
        lines = await _lines(connection, some)
        rows = await connection.execute(
            select(
                Request,
                Supplier.name.label("supplier"),
                Location.code.label("location"),
                source.code.label("from_location"),
                decider.name.label("decider"),
                asker.name.label("asker"),
            )
            .join(Location, Location.id == Request.location_id)
            .outerjoin(Supplier, Supplier.id == Request.supplier_id)
            .outerjoin(source, source.id == Request.from_location_id)
            .outerjoin(decider, decider.id == Request.decided_by)
            .outerjoin(asker, asker.id == Request.requested_by)
            .where(Request.id.in_(some))
        )
        found |= {item.id: _view(item, tuple(lines.get(item.id, ()))) for item in rows}
    return found


async def _lines(connection: AsyncConnection, ids: Collection[int]) -> dict[int, list[RequestLineView]]:
    rows = await connection.execute(
        select(
            RequestLine.request_id,
            Product.sku,
            Product.name,
            RequestLine.quantity,
            RequestLine.unit_cost_minor,
            Request.currency,
        )
        .join(Product, Product.id == RequestLine.product_id)
        .join(Request, Request.id == RequestLine.request_id)
        .where(RequestLine.request_id.in_(ids))
        .order_by(RequestLine.id)
    )
    lines: dict[int, list[RequestLineView]] = {}
    for request_id, sku, name, quantity, cost, currency in rows:
        lines.setdefault(request_id, []).append(RequestLineView(sku, name, quantity, Money.of_minor(cost, currency)))
    return lines


def _view(item: Any, lines: tuple[RequestLineView, ...]) -> RequestView:  # noqa: ANN401  # a row of the query above
    return RequestView(
        id=item.id,
        kind=item.kind,
        state=item.state,
        version=item.version,
        lines=lines,
        supplier=item.supplier or "",
        location=item.location,
        from_location=item.from_location or "",
        total=Money.of_minor(item.total_minor, item.currency),
        expected_on=item.expected_on,
        requested_by=item.asker or "",
        created_at=item.created_at,
        expires_at=item.expires_at,
        decided_by=item.decider or "",
        decided_by_id=item.decided_by,
        decided_at=item.decided_at,
        decided_platform=item.decided_platform,
        comment=item.comment,
        case_id=item.case_id,
        detail=item.detail,
    )


def _rows() -> Any:  # noqa: ANN401  # a Select of eleven columns
    return select(
        Request.id,
        Request.kind,
        Request.state,
        Request.version,
        Request.case_id,
        Request.total_minor,
        Request.currency,
        Request.requested_by,
        Request.expires_at,
        Request.decided_by,
        Request.decided_at,
        Request.detail,
    )


def _row(found: Any) -> RequestRow:  # noqa: ANN401  # a row of `_rows`
    return RequestRow(
        id=found.id,
        kind=found.kind,
        state=found.state,
        version=found.version,
        case_id=found.case_id,
        total=Money.of_minor(found.total_minor, found.currency),
        requested_by=found.requested_by,
        expires_at=found.expires_at,
        decided_by=found.decided_by,
        decided_at=found.decided_at,
        detail=found.detail,
    )
