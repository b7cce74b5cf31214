"""Requests as they are shown, with their lines and votes, and the pages of lists of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.domain.approval import OPEN_STATES
from bot.domain.money import Money
from bot.domain.views import RequestKind, RequestLineView, RequestState, RequestView, VoteView
from bot.storage.chunks import chunked
from bot.storage.tables import Halt, Location, Member, Product, Request, RequestLine, Supplier, Vote
from bot.storage.votes import COUNTS

_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_SOURCE = aliased(Location)
_DECIDER, _ASKER, _EDITOR, _PRINCIPAL = aliased(Member), aliased(Member), aliased(Member), aliased(Member)
_TOPIC = case((Request.kind == "promotion", "promotions"), else_="purchases")

# The queries that every card asks are put together once: that takes longer than running them.
_VIEWS = (
    select(
        Request,
        Supplier.name.label("supplier"),
        Supplier.code.label("supplier_code"),
        Location.code.label("location"),
        _SOURCE.code.label("from_location"),
        _DECIDER.name.label("decider"),
        _ASKER.name.label("asker"),
        _EDITOR.name.label("editor"),
        exists().where(Halt.topic == _TOPIC).correlate(Request).label("halted"),
    )
    .join(Location, Location.id == Request.location_id)
    .outerjoin(Supplier, Supplier.id == Request.supplier_id)
    .outerjoin(_SOURCE, _SOURCE.id == Request.from_location_id)
    .outerjoin(_DECIDER, _DECIDER.id == Request.decided_by)
    .outerjoin(_ASKER, _ASKER.id == Request.requested_by)
    .outerjoin(_EDITOR, _EDITOR.id == Request.edited_by)
    .where(Request.id.in_(_IDS))
)
_LINES = (
    select(
        RequestLine.request_id,
        Request.currency,
        RequestLine.unit_cost_minor,
        Product.sku,
        Product.name,
        RequestLine.quantity,
        RequestLine.received,
        RequestLine.case_id,
        RequestLine.detail,
    )
    .join(Product, Product.id == RequestLine.product_id)
    .join(Request, Request.id == RequestLine.request_id)
    .where(RequestLine.request_id.in_(_IDS))
    .order_by(RequestLine.id)
)
_VOTES = (
    select(Vote, Member.name.label("name"), _PRINCIPAL.name.label("principal"))
    .join(Member, Member.id == Vote.member_id)
    .join(_PRINCIPAL, _PRINCIPAL.id == Vote.principal_id)
    .join(Request, Request.id == Vote.request_id)
    .where(Vote.request_id.in_(_IDS), or_(Request.state != "pending", COUNTS))
    .order_by(Vote.id)
)


async def views(connection: AsyncConnection, ids: Collection[int]) -> dict[int, RequestView]:
    """Requests as shown, by id."""
    found: dict[int, RequestView] = {}
    for some in chunked(ids):
        lines, votes = await _lines(connection, some), await _votes(connection, some)
        rows = await connection.execute(_VIEWS, {"ids": some})
        found |= {item.id: _view(item, tuple(lines.get(item.id, ())), votes.get(item.id, [])) for item in rows}
    return found


async def _lines(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[RequestLineView]]:
    rows = await connection.execute(_LINES, {"ids": ids})
    lines: dict[int, list[RequestLineView]] = {}
    for request_id, currency, cost, sku, name, quantity, received, case_id, detail in rows:
        each = Money.of_minor(cost, currency)
        lines.setdefault(request_id, []).append(
            RequestLineView(sku, name, quantity, each, received=received, case_id=case_id, detail=detail)
        )
    return lines


async def _votes(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[tuple[int, VoteView]]]:
    """(version, vote) of each request, in the order they were given."""
    rows = await connection.execute(_VOTES, {"ids": ids})
    votes: dict[int, list[tuple[int, VoteView]]] = {}
    for row in rows:
        for_whom = "" if row.principal_id == row.member_id else row.principal
        view = VoteView(row.member_id, row.name, row.verdict, row.at, row.platform, for_whom)
        votes.setdefault(row.request_id, []).append((row.version, view))
    return votes


def _standing(item: Any, votes: list[tuple[int, VoteView]]) -> tuple[VoteView, ...]:  # noqa: ANN401  # a row of `views`
    """The votes on the version that stands; of one that is decided those that decided it."""
    version = item.version if item.state in OPEN_STATES else max((number for number, _vote in votes), default=0)
    return tuple(vote for number, vote in votes if number == version)


def _view(item: Any, lines: tuple[RequestLineView, ...], votes: list[tuple[int, VoteView]]) -> RequestView:  # noqa: ANN401  # a row of `views`
    return RequestView(
        id=item.id,
        kind=item.kind,
        state=item.state,
        stage=item.stage,
        version=item.version,
        needs=item.needs,
        urgent=item.urgent,
        lines=lines,
        votes=_standing(item, votes),
        supplier=item.supplier or "",
        supplier_code=item.supplier_code or "",
        location=item.location,
        from_location=item.from_location or "",
        mode=item.mode,
        total=Money.of_minor(item.total_minor, item.currency),
        expected_on=item.expected_on,
        reference=item.reference,
        requested_by=item.asker or "",
        edited_by=item.editor or "",
        created_at=item.created_at,
        expires_at=item.expires_at,
        ordered_at=item.ordered_at,
        halted=item.halted,
        decided_by=item.decider or "",
        decided_by_id=item.decided_by,
        decided_at=item.decided_at,
        decided_platform=item.decided_platform,
        comment=item.comment,
        detail=item.detail,
    )


async def page_of(
    connection: AsyncConnection,
    states: Collection[RequestState],
    kinds: Collection[RequestKind],
    offset: int,
    size: int,
) -> tuple[int, list[int]]:
    """How many requests are in the states, and the ids of one page: the newest first."""
    wanted = [Request.state.in_(states), Request.kind.in_(kinds)]
    total = (await connection.execute(select(func.count()).select_from(Request).where(*wanted))).scalar_one()
    page = select(Request.id).where(*wanted).order_by(Request.id.desc()).offset(offset).limit(size)
    return total, list(await connection.scalars(page))


@dataclass(frozen=True, slots=True)
class Untold:
    """A request of Stocktide's that nobody was told of; `alone` is its case, where it is a single one."""

    id: int
    urgent: bool
    total_minor: int
    alone: tuple[int, ...]
    detail: dict[str, Any]


async def untold(connection: AsyncConnection) -> list[Untold]:
    """Pending requests that Stocktide made and that `told` has not been said of, by id."""
    lines = select(RequestLine).where(RequestLine.request_id == Request.id)
    number = lines.with_only_columns(func.count()).scalar_subquery()
    only = lines.with_only_columns(func.min(RequestLine.case_id)).scalar_subquery()
    rows = await connection.execute(
        select(
            Request.id, Request.urgent, Request.total_minor, Request.detail, number.label("number"), only.label("case")
        )
        .where(
            Request.state == "pending",
            Request.requested_by.is_(None),
            Request.detail["told"].as_boolean().is_not(True),
        )
        .order_by(Request.id)
    )
    return [
        Untold(row.id, row.urgent, row.total_minor, (row.case,) if row.number == 1 and row.case else (), row.detail)
        for row in rows
    ]


async def told(connection: AsyncConnection, requests: Collection[Untold]) -> None:
    """Keep that people were told of the requests."""
    if requests:
        table: Any = Request.__table__
        statement = update(table).where(table.c.id == bindparam("number")).values(detail=bindparam("facts"))
        values = [{"number": item.id, "facts": {**item.detail, "told": True}} for item in requests]
        await connection.execute(statement, values)
