"""Trade: requests for approval, who decided them, what came of them, and promotions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id, key, to


class Request(Base):
    """A request for approval; see design.md. `version` rises with every change, so a stale decision loses.

    `requested_by` is null when Stocktide itself drafted it; `edited_by` changed its lines last. `stage` tells how far
    an approved one has come: ordered, confirmed, in_transit, partly_received, received; of promotions starting,
    running, stopping, stopped. `needs` is how many people must approve, as ruled when it was submitted or changed last.
    `detail["reasons"]` says why more than one, `detail["difference"]` what changed since it was shown before.
    """

    __tablename__ = "requests"
    __table_args__ = (Index("ix_requests_supply", "supplier_id", "created_at"),)
    id: Mapped[int] = key()
    kind: Mapped[str]  # purchase_order, transfer, promotion
    state: Mapped[str] = mapped_column(index=True)
    stage: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    needs: Mapped[int] = mapped_column(default=1)
    urgent: Mapped[bool] = mapped_column(default=False)
    supplier_id: Mapped[int | None] = to("suppliers.id")
    location_id: Mapped[int] = to("locations.id")
    from_location_id: Mapped[int | None] = to("locations.id")
    mode: Mapped[str] = mapped_column(default="", doc="sea, air ...: the route's; empty where there is none")
    total_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    expected_on: Mapped[date | None]
    reference: Mapped[str] = mapped_column(default="", doc="the supplier's or carrier's own number")
    requested_by: Mapped[int | None] = to("members.id")
    edited_by: Mapped[int | None] = to("members.id")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    decided_by: Mapped[int | None] = to("members.id")
    decided_at: Mapped[datetime | None]
    decided_platform: Mapped[str] = mapped_column(default="")
    ordered_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]]


class RequestLine(Base):
    """One product of a request, and the case it answers. `received` counts units that have arrived.

    `detail` holds the figures the quantity rests on: per_day, position, order_up_to, need_90 (mean need of 90 days),
    quote_minor (the route's price), minimum_order, pack_size.
    """

    __tablename__ = "request_lines"
    __table_args__ = (
        UniqueConstraint("request_id", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("received >= 0", name="received"),
    )
    id: Mapped[int] = key()
    request_id: Mapped[int] = to("requests.id")
    product_id: Mapped[int] = to("products.id")
    case_id: Mapped[int | None] = to("cases.id")
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    unit_cost_minor: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]]


class Vote(Base):
    """One person's word on one version of a request; `principal_id` is whose authority it uses, their own or, under a
    delegation, that of who named them. `digest` is the hash of what was shown (see `bot.domain.policy`).
    """

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("request_id", "version", "member_id"),
        UniqueConstraint("request_id", "version", "principal_id"),
    )
    id: Mapped[int] = key()
    request_id: Mapped[int] = to("requests.id")
    version: Mapped[int]
    member_id: Mapped[int] = to("members.id")
    principal_id: Mapped[int] = to("members.id")
    verdict: Mapped[str]  # approve, reject
    platform: Mapped[str]
    digest: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger, doc="the total, in the request's currency")
    comment: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(index=True)


class Offer(Base):
    """That a request was put before a member in person: first, again after a wait, or as somebody's delegate."""

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("request_id", "version", "member_id", "reason"),)
    id: Mapped[int] = key()
    request_id: Mapped[int] = to("requests.id")
    version: Mapped[int]
    member_id: Mapped[int] = to("members.id")
    reason: Mapped[str]  # awake, escalated, delegate
    at: Mapped[datetime]


class Receipt(Base):
    """Units of a request's line that arrived; from these a route's real lead times are learned."""

    __tablename__ = "receipts"
    __table_args__ = (UniqueConstraint("source", "external_id"),)
    id: Mapped[int] = key()
    request_id: Mapped[int] = to("requests.id")
    product_id: Mapped[int] = to("products.id")
    quantity: Mapped[int]
    received_at: Mapped[datetime]
    source: Mapped[str]
    external_id: Mapped[str]
    member_id: Mapped[int | None] = to("members.id")


class Promotion(Base):
    """A lower price in a store, from its start until the prior price stands again, verified.

    Money is in minor units of `currency`. `stop_after` is the number of units whose sale ends it; `baseline_per_day`
    the rate before it. `stop_reason`: end, sold, needed, person, halt, differs. `means`: price, code, basket; by the
    last two the store's price stays, and a discount takes `share` (0 to 1) off it until that is withdrawn, by its
    `code` if any.
    """

    __tablename__ = "promotions"
    id: Mapped[int] = key()
    request_id: Mapped[int] = mapped_column(Id, ForeignKey("requests.id"), unique=True)
    product_id: Mapped[int] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    store: Mapped[str]
    currency: Mapped[str]
    prior_minor: Mapped[int | None] = mapped_column(BigInteger)
    prior: Mapped[dict[str, Any] | None] = mapped_column(doc="the store's own price record, as it was read")
    price_minor: Mapped[int] = mapped_column(BigInteger)
    stop_after: Mapped[int | None]
    baseline_per_day: Mapped[Decimal]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    stopping_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    stop_reason: Mapped[str] = mapped_column(default="")
    restored: Mapped[bool | None]
    reported_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    means: Mapped[str] = mapped_column(server_default="price")
    code: Mapped[str] = mapped_column(server_default="")
    share: Mapped[Decimal | None]
