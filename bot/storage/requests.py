"""Requests for approval: rows, their lines, and the conditional UPDATE by which a change wins or loses."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import COUNTED_STATES, OPEN_STATES
from bot.domain.money import Money
from bot.domain.views import RequestKind, RequestState, Stage
from bot.storage import requestviews
from bot.storage.chunks import chunked
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import Case, Inbound, Product, Request, RequestLine

views = requestviews.views


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it stood when read; see `storage.tables.trade.Request`."""

    id: int
    kind: RequestKind
    state: RequestState
    stage: Stage
    version: int
    needs: int
    urgent: bool
    supplier_id: int | None
    location_id: int
    from_location_id: int | None
    mode: str
    total: Money
    expected_on: date | None
    requested_by: int | None
    edited_by: int | None
    created_at: datetime
    submitted_at: datetime | None
    expires_at: datetime | None
    decided_by: int | None
    decided_at: datetime | None
    ordered_at: datetime | None
    reference: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineRow:
    """One product of a request; `unit_cost_minor` is in the request's currency."""

    id: int
    product_id: int
    case_id: int | None
    quantity: int
    received: int
    unit_cost_minor: int
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """How goods come: all lines of one order have the same."""

    kind: RequestKind
    location_id: int
    currency: str
    supplier_id: int | None = None
    from_location_id: int | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One product of a request to be; `detail` as in `storage.tables.trade.RequestLine`."""

    product_id: int
    quantity: int
    unit_cost_minor: int
    case_id: int | None = None
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A request to be: at least one line, each product once; money in minor units of `currency`."""

    kind: RequestKind
    location_id: int
    currency: str
    total_minor: int
    lines: tuple[DraftLine, ...]
    supplier_id: int | None = None
    from_location_id: int | None = None
    mode: str = ""
    expected_on: date | None = None
    requested_by: int | None = None
    urgent: bool = False
    detail: Mapping[str, Any] | None = None


async def row(connection: AsyncConnection, request_id: int) -> RequestRow | None:
    """One request; None where there is no such number."""
    found = (await connection.execute(_ROWS.where(Request.id == request_id))).one_or_none()
    return None if found is None else _row(found)


async def rows_in(connection: AsyncConnection, *conditions: Any) -> tuple[RequestRow, ...]:  # noqa: ANN401  # SQL expressions
    """Requests under the conditions, by id."""
    return tuple(_row(found) for found in await connection.execute(_ROWS.where(*conditions).order_by(Request.id)))


async def rows_of(connection: AsyncConnection, ids: Collection[int]) -> dict[int, RequestRow]:
    """Requests by id."""
    found: dict[int, RequestRow] = {}
    for some in chunked(ids):
        found |= {item.id: item for item in await rows_in(connection, Request.id.in_(some))}
    return found


async def due(connection: AsyncConnection, now: datetime) -> tuple[RequestRow, ...]:
    """Pending requests whose time has passed."""
    return await rows_in(connection, Request.state == "pending", Request.expires_at <= now)


async def lines(connection: AsyncConnection, ids: Collection[int]) -> dict[int, list[LineRow]]:
    """The lines of each request, in their order."""
    found: dict[int, list[LineRow]] = {request_id: [] for request_id in ids}
    for some in chunked(ids):
        query = select(
            RequestLine.request_id, RequestLine.id, RequestLine.product_id, RequestLine.case_id, RequestLine.quantity,
            RequestLine.received, RequestLine.unit_cost_minor, RequestLine.detail,
        ).where(RequestLine.request_id.in_(some)).order_by(RequestLine.id)  # fmt: skip
        for request_id, *columns in await connection.execute(query):
            found[request_id].append(LineRow(*columns))
    return found


async def case_ids(connection: AsyncConnection, ids: Collection[int]) -> set[int]:
    """The cases that lines of the requests answer."""
    found: set[int] = set()
    for some in chunked(ids):
        query = select(RequestLine.case_id).where(RequestLine.request_id.in_(some), RequestLine.case_id.is_not(None))
        found.update(case_id for case_id in await connection.scalars(query) if case_id is not None)
    return found


async def open_of_cases(
    connection: AsyncConnection, case_ids: Collection[int], states: Collection[str] = OPEN_STATES
) -> tuple[RequestRow, ...]:
    """Requests in one of the states (draft and pending) with a line for one of the cases, by id."""
    found: dict[int, RequestRow] = {}
    for some in chunked(case_ids):
        answers = select(RequestLine.request_id).where(RequestLine.case_id.in_(some))
        for item in await rows_in(connection, Request.state.in_(states), Request.id.in_(answers)):
            found[item.id] = item
    return tuple(found[key] for key in sorted(found))


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


async def ruled(connection: AsyncConnection, rulings: Mapping[int, tuple[int, Mapping[str, Any], datetime]]) -> None:
    """Keep for each request how many people must approve it, facts for its detail, and when it lapses."""
    table: Any = Request.__table__
    details: dict[int, dict[str, Any]] = {}
    for some in chunked(rulings):
        found = await connection.execute(select(Request.id, Request.detail).where(Request.id.in_(some)))
        details |= {one.id: one.detail for one in found}
    values = [
        {
            "number": request_id,
            "needs": needs,
            "expires_at": lapse,
            "detail": {**details[request_id], **facts},
        }
        for request_id, (needs, facts, lapse) in sorted(rulings.items())
    ]
    columns: dict[str, Any] = {name: bindparam(name) for name in ("needs", "expires_at", "detail")}
    if values:
        await connection.execute(update(table).where(table.c.id == bindparam("number")).values(**columns), values)


async def skus(connection: AsyncConnection, product_ids: Collection[int]) -> dict[int, str]:
    """The codes of products."""
    found: dict[int, str] = {}
    for some in chunked(product_ids):
        codes = await connection.execute(select(Product.id, Product.sku).where(Product.id.in_(some)))
        found |= {one.id: one.sku for one in codes}
    return found


async def remember(connection: AsyncConnection, request: RequestRow, facts: Mapping[str, Any]) -> None:
    """Add facts to a request's detail."""
    await connection.execute(update(Request).where(Request.id == request.id).values(detail={**request.detail, **facts}))


async def add(connection: AsyncConnection, drafts: Sequence[Draft], created_at: datetime) -> tuple[int, ...]:
    """Insert drafts with their lines; their ids in the same order. Their cases name them from now on."""
    if not drafts:
        return ()
    ids = await _numbered(connection, [_columns(draft, created_at) for draft in drafts])
    pairs = [(request_id, line) for request_id, draft in zip(ids, drafts, strict=True) for line in draft.lines]
    await connection.execute(insert(RequestLine), [_line_columns(request_id, line) for request_id, line in pairs])
    await answer(connection, {line.case_id: request_id for request_id, line in pairs if line.case_id is not None})
    return tuple(ids)


async def answer(connection: AsyncConnection, requests: Mapping[int, int | None]) -> None:
    """Let cases name the request that answers them now, or none."""
    if requests:
        table: Any = Case.__table__
        statement = update(table).where(table.c.id == bindparam("case_id")).values(request_id=bindparam("number"))
        values = [{"case_id": case_id, "number": number} for case_id, number in sorted(requests.items())]
        await connection.execute(statement, values)


async def rewrite(connection: AsyncConnection, request_id: int, kept: Sequence[DraftLine]) -> None:
    """Let a request that the caller holds have these lines, each product once; cases follow their lines."""
    before = (await lines(connection, [request_id]))[request_id]
    known = {line.product_id: line for line in before}
    wanted = {line.product_id: line for line in kept}
    gone = [line for line in before if line.product_id not in wanted]
    await connection.execute(delete(RequestLine).where(RequestLine.id.in_([line.id for line in gone])))
    for line in kept:
        columns = _line_columns(request_id, line)
        if line.product_id in known:
            changed = update(RequestLine).where(RequestLine.id == known[line.product_id].id)
            await connection.execute(changed.values(**columns))
        else:
            await connection.execute(insert(RequestLine).values(**columns))
    held = {line.case_id for line in kept}
    left = {line.case_id: None for line in before if line.case_id is not None and line.case_id not in held}
    for some in chunked(left):
        theirs = (Case.id.in_(some), Case.request_id == request_id)
        await connection.execute(update(Case).where(*theirs).values(request_id=None))
    await answer(connection, {line.case_id: request_id for line in kept if line.case_id is not None})


_BY_HAND = exists().where(
    Inbound.product_id == RequestLine.product_id,
    Inbound.location_id == Request.location_id,
    Inbound.source != "request",
    Inbound.ordered_at >= Request.decided_at,
    Inbound.ordered_at <= bindparam("at"),
)
_COUNTED = Narrowed(
    select(RequestLine.product_id, Request.location_id, Request.from_location_id, RequestLine.quantity)
    .join(Request, Request.id == RequestLine.request_id)
    .where(
        Request.state.in_(COUNTED_STATES),
        Request.kind.in_(("purchase_order", "transfer")),
        Request.created_at <= bindparam("at"),
        or_(Request.ordered_at.is_(None), Request.ordered_at > bindparam("at")),
        or_(Request.state == "pending", ~_BY_HAND),
    ),
    RequestLine.product_id.in_(NAMED),
)


async def counted(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> list[tuple[int, int, int | None, int]]:
    """Units that requests will bring, as (product, location, from location, quantity).

    Counted are purchases and transfers that are pending or approved, until they are ordered: from then on their goods
    count as incoming. An approved one also ends to count once somebody else's inbound of the same product and place
    was ordered since the decision: a person placed it by hand.
    """
    # The driver's own tuples, which are numbers already: of a whole catalogue there are tens of thousands.
    return list((await _COUNTED.run(connection, product_ids, at=at)).cursor.fetchall())


async def own_draft(connection: AsyncConnection, way: Way, member_id: int, since: datetime) -> RequestRow | None:
    """The newest draft that a member made since then and whose goods come this way; None without one."""
    found = await rows_in(
        connection,
        Request.state == "draft",
        Request.requested_by == member_id,
        Request.created_at >= since,
        *(getattr(Request, name).is_not_distinct_from(value) for name, value in dataclasses.asdict(way).items()),
    )
    return found[-1] if found else None


async def asked_by(connection: AsyncConnection, held: RequestRow, member_id: int) -> None:
    """Keep who submitted: as who asks for it where Stocktide drafted it, else as who touched it last.

    Somebody else who changed its lines stays who did: submitting must not free them to approve their own change.
    """
    if held.requested_by == member_id or (held.requested_by and held.edited_by not in {None, held.requested_by}):
        return
    column = {"requested_by": member_id} if held.requested_by is None else {"edited_by": member_id}
    await connection.execute(update(Request).where(Request.id == held.id).values(**column))


async def _numbered(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert requests; their ids in the same order."""
    rows = [dict(item) for item in values]
    if connection.dialect.name == "sqlite":  # it returns rows in no order, but we hold its one write lock
        last = (await connection.execute(select(func.coalesce(func.max(Request.id), 0)))).scalar_one()
        ids = list(range(last + 1, last + 1 + len(rows)))
        await connection.execute(
            insert(Request), [{"id": number, **item} for number, item in zip(ids, rows, strict=True)]
        )
        return ids
    return list(await connection.scalars(insert(Request).returning(Request.id, sort_by_parameter_order=True), rows))


def _columns(draft: Draft, created_at: datetime) -> dict[str, Any]:
    return {
        "kind": draft.kind,
        "state": "draft",
        "urgent": draft.urgent,
        "supplier_id": draft.supplier_id,
        "location_id": draft.location_id,
        "from_location_id": draft.from_location_id,
        "mode": draft.mode,
        "total_minor": draft.total_minor,
        "currency": draft.currency,
        "expected_on": draft.expected_on,
        "detail": dict(draft.detail or {}),
        "requested_by": draft.requested_by,
        "created_at": created_at,
    }


def _line_columns(request_id: int, line: DraftLine) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "product_id": line.product_id,
        "case_id": line.case_id,
        "quantity": line.quantity,
        "unit_cost_minor": line.unit_cost_minor,
        "detail": dict(line.detail or {}),
    }


_COLUMNS = (
    "id", "kind", "state", "stage", "version", "needs", "urgent", "supplier_id", "location_id", "from_location_id",
    "mode", "expected_on", "requested_by", "edited_by", "created_at", "submitted_at", "expires_at", "decided_by",
    "decided_at", "ordered_at", "reference", "detail",
)  # fmt: skip


_ROWS: Any = select(*(getattr(Request, name) for name in _COLUMNS), Request.total_minor, Request.currency)


def _row(found: Any) -> RequestRow:  # noqa: ANN401  # a row of `_ROWS`
    total = Money.of_minor(found.total_minor, found.currency)
    return RequestRow(total=total, **{name: getattr(found, name) for name in _COLUMNS})
