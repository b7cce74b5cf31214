"""Promotions: what runs, what it sold, who else needs the stock, and what is due for an end or a report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.domain.discount import Means
from bot.domain.views import RequestState
from bot.storage.chunks import chunked
from bot.storage.tables import Case, Effect, Location, Product, Promotion, Request, RequestLine, Sale

LIVE: tuple[RequestState, ...] = ("approved", "executing")
ASKED: tuple[RequestState, ...] = ("pending", "approved", "executing")


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """A promotion with the product, place and request that it belongs to; see `storage.tables.trade.Promotion`."""

    id: int
    request_id: int
    product_id: int
    location_id: int
    store: str
    means: Means
    code: str
    share: Decimal | None
    currency: str
    prior_minor: int | None
    prior: dict[str, Any] | None
    price_minor: int
    stop_after: int | None
    baseline_per_day: Decimal
    ends_at: datetime
    started_at: datetime | None
    stopping_at: datetime | None
    stopped_at: datetime | None
    stop_reason: str
    restored: bool | None
    reported_at: datetime | None
    result: dict[str, Any] | None
    sku: str
    name: str
    unit_cost_minor: int | None
    location: str
    zone: str
    state: RequestState


_COLUMNS = (
    Promotion.id, Promotion.request_id, Promotion.product_id, Promotion.location_id, Promotion.store, Promotion.means,
    Promotion.code, Promotion.share, Promotion.currency, Promotion.prior_minor, Promotion.prior,
    Promotion.price_minor, Promotion.stop_after,
    Promotion.baseline_per_day, Promotion.ends_at, Promotion.started_at, Promotion.stopping_at, Promotion.stopped_at,
    Promotion.stop_reason, Promotion.restored, Promotion.reported_at, Promotion.result, Product.sku, Product.name,
    Product.unit_cost_minor, Location.code, Location.zone, Request.state,
)  # fmt: skip


_PROMOTIONS = (
    select(*_COLUMNS)
    .join(Product, Product.id == Promotion.product_id)
    .join(Location, Location.id == Promotion.location_id)
    .join(Request, Request.id == Promotion.request_id)
    .order_by(Promotion.ends_at, Promotion.id)
)
_OF_SERIES = _PROMOTIONS.where(
    Promotion.product_id == bindparam("product"), Promotion.location_id == bindparam("location")
)


async def rows_in(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[PromotionRow]:
    """Promotions under the conditions, the first to end first."""
    return [PromotionRow(*row) for row in await connection.execute(_PROMOTIONS.where(*conditions))]


async def of_request(connection: AsyncConnection, request_id: int) -> PromotionRow | None:
    """The promotion of a request; None where it was never begun."""
    found = await rows_in(connection, Promotion.request_id == request_id)
    return found[0] if found else None


async def of_series(connection: AsyncConnection, product_id: int, location_id: int) -> list[PromotionRow]:
    """Every promotion of a product at a place, the first to end first."""
    found = await connection.execute(_OF_SERIES, {"product": product_id, "location": location_id})
    return [PromotionRow(*row) for row in found]


async def unfinished(connection: AsyncConnection) -> list[PromotionRow]:
    """Promotions whose prior price does not stand again yet, the first to end first."""
    return await rows_in(connection, Promotion.stopped_at.is_(None))


async def unreported(connection: AsyncConnection) -> list[PromotionRow]:
    """Promotions that ran and are over, of which nobody has been told what they brought."""
    return await rows_in(
        connection,
        Promotion.started_at.is_not(None),
        Promotion.stopped_at.is_not(None),
        Promotion.reported_at.is_(None),
    )


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write a promotion down; a request has one, and one that it has already stays."""
    known = exists().where(Promotion.request_id == values["request_id"])
    if not (await connection.execute(select(known))).scalar():
        await connection.execute(insert(Promotion).values(**values))


async def change(connection: AsyncConnection, request_id: int, values: Mapping[str, Any]) -> None:
    """Change the promotion of a request that the caller holds."""
    await connection.execute(update(Promotion).where(Promotion.request_id == request_id).values(**values))


async def set_stage(connection: AsyncConnection, request_id: int, stage: str) -> None:
    """How far an approved request has come, in the transaction that approves it."""
    await connection.execute(update(Request).where(Request.id == request_id).values(stage=stage))


async def rival(connection: AsyncConnection, product_id: int, store: str, but: int = 0) -> int | None:
    """The promotion request of the product in that store which runs or is asked for, other than `but`; its id."""
    asked = _ASKED.join(RequestLine, RequestLine.request_id == Request.id).where(RequestLine.product_id == product_id)
    running = await _running(connection, store, but, Promotion.product_id == product_id)
    return running or await _asked(connection, asked, but, {"store": store})


async def bearer(connection: AsyncConnection, store: str, code: str, but: int = 0) -> int | None:
    """The promotion request with the discount code in that store which runs or is asked for, other than `but`."""
    running = await _running(connection, store, but, Promotion.code == code)
    return running or await _asked(connection, _ASKED, but, {"store": store, "code": code})


_ASKED = (
    select(Request.id, Request.detail)
    .where(Request.kind == "promotion", Request.state == "pending")
    .order_by(Request.id)
)  # fmt: skip


async def _running(connection: AsyncConnection, store: str, but: int, like: ColumnElement[bool]) -> int | None:
    """The first request whose promotion in a store is `like` what is looked for and has not stopped."""
    runs = await connection.scalars(
        select(Promotion.request_id)
        .join(Request, Request.id == Promotion.request_id)
        .where(
            like,
            Promotion.store == store,
            Promotion.stopped_at.is_(None),
            Request.state.in_(LIVE),
            Promotion.request_id != but,
        )
        .order_by(Promotion.request_id)
    )
    return runs.first()


async def _asked(
    connection: AsyncConnection, asked: Select[tuple[int, Any]], but: int, wanted: Mapping[str, str]
) -> int | None:
    """The first request that waits for a decision and whose detail holds what is wanted."""
    found = await connection.execute(asked.where(Request.id != but))
    return next((row.id for row in found if all(row.detail.get(key) == value for key, value in wanted.items())), None)


async def touched(connection: AsyncConnection, but: int = 0) -> set[int]:
    """Products whose price promotions lower or are asked to lower."""
    found = await connection.scalars(
        select(RequestLine.product_id)
        .join(Request, Request.id == RequestLine.request_id)
        .where(Request.kind == "promotion", Request.state.in_(ASKED), Request.id != but)
        .distinct()
    )
    return set(found)


async def for_sale(connection: AsyncConnection) -> int:
    """How many products there are."""
    return (await connection.execute(select(func.count()).select_from(Product).where(Product.active))).scalar_one()


async def sold(connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, int]:
    """Units sold at the promotion's place since it started (and until it stopped), by request; none: left out."""
    found: dict[int, int] = {}
    for some in chunked(request_ids):
        rows = await connection.execute(
            select(Promotion.request_id, func.sum(Sale.quantity))
            .join(
                Sale,
                and_(
                    Sale.product_id == Promotion.product_id,
                    Sale.location_id == Promotion.location_id,
                    Sale.sold_at >= Promotion.started_at,
                    or_(Promotion.stopped_at.is_(None), Sale.sold_at <= Promotion.stopped_at),
                ),
            )
            .where(Promotion.request_id.in_(some), Sale.kind == "sale", Sale.cancelled_by.is_(None))
            .group_by(Promotion.request_id)
        )
        found |= {request_id: int(units) for request_id, units in rows}
    return found


async def needed(connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, str]:
    """Promotions whose stock another location needs, and which one.

    It does where its stock-out risk is open and a transfer of the product from the promotion's place to it is asked
    for or under way and has not left.
    """
    place, transfer, line = aliased(Location), aliased(Request), aliased(RequestLine)
    found: dict[int, str] = {}
    for some in chunked(request_ids):
        rows = await connection.execute(
            select(Promotion.request_id, place.code)
            .join(line, line.product_id == Promotion.product_id)
            .join(
                transfer,
                and_(
                    transfer.id == line.request_id,
                    transfer.kind == "transfer",
                    or_(
                        transfer.state.in_(("draft", "pending", "approved")),
                        and_(transfer.state == "executing", transfer.stage.in_(("ordered", "confirmed"))),
                    ),
                    transfer.from_location_id == Promotion.location_id,
                ),
            )
            .join(
                Case,
                and_(
                    Case.product_id == Promotion.product_id,
                    Case.location_id == transfer.location_id,
                    Case.kind == "stockout_risk",
                    Case.resolved_at.is_(None),
                ),
            )
            .join(place, place.id == transfer.location_id)
            .where(Promotion.request_id.in_(some))
            .order_by(Promotion.request_id, place.code)
        )
        for request_id, code in rows:
            found.setdefault(request_id, code)
    return found


async def calls(connection: AsyncConnection, request_id: int) -> dict[str, str]:
    """The state of each call of a request, by its key."""
    found = await connection.execute(
        select(Effect.idempotency_key, Effect.state).where(Effect.request_id == request_id).order_by(Effect.id)
    )
    return {row.idempotency_key: row.state for row in found}
