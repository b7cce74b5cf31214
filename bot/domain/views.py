"""What services hand to cards and handlers: figures ready to be shown, with no table or platform in them.

Dates are local to the location, instants aware, money exact. `None` means unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from bot.domain.chart import Arrival as Arrival  # noqa: PLC0414  # views are imported from here
from bot.domain.chart import StockChart
from bot.domain.discount import Means
from bot.domain.money import Money
from bot.domain.told import ToldAge

CaseKind = Literal["stockout_risk", "surge", "slump", "slow_mover", "overstock", "late_inbound", "data_stale"]
CaseState = Literal["open", "acknowledged", "acting", "resolved"]
CaseEnd = Literal["unsold", "unknown"]  # why one is over though nothing recovered: sold no more, or without any facts
RequestKind = Literal["purchase_order", "transfer", "promotion"]
RequestState = Literal[
    "draft", "pending", "approved", "executing", "done", "rejected", "expired", "cancelled", "failed"
]
OrderStage = Literal["ordered", "confirmed", "in_transit", "partly_received", "received"]
PromotionStage = Literal["starting", "running", "stopping", "stopped"]
Stage = Literal[""] | OrderStage | PromotionStage
Topic = Literal["restock", "surge", "slump", "slow", "late", "stale", "requests", "scorecard"]


@dataclass(frozen=True, slots=True)
class Velocity:
    """Units per day in one window: as sold, corrected for days without stock, and how many days were left out.

    Of `part_days` more only the hours without stock were left out, `part_out` days together.
    """

    window: int  # days
    units: int
    raw: Decimal
    corrected: Decimal
    days_left_out: int
    part_days: int = 0
    part_out: Decimal = Decimal(0)

    @property
    def left_out(self) -> Decimal:
        """All that was left out, in days."""
        return self.days_left_out + self.part_out


@dataclass(frozen=True, slots=True)
class StoreIncoming:
    """Units that a store says are on their way to a place, without a date: shown, and part of no figure."""

    store: str
    units: int


REVENUE_DAYS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Revenue:
    """What goods were sold for; money in the currencies of `waiting` is left out, for want of a rate of its day."""

    amount: Money
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StockLine:
    """One SKU at one location, as of `as_of`."""

    sku: str
    name: str
    location: str
    location_name: str
    as_of: datetime
    on_hand: int
    committed: int
    available: int
    incoming: int
    pending: int
    position: int
    sold_today: int
    velocities: tuple[Velocity, ...]  # 7, 30, 90 days
    per_day: Decimal  # the blended rate everything below rests on
    lead_time_days: Decimal | None
    safety_stock: int | None
    reorder_point: int | None
    order_up_to: int | None
    days_of_cover: Decimal | None  # None: nothing sells
    days_of_cover_with_inbound: Decimal | None
    stockout_on: date | None
    next_arrival: Arrival | None
    gap_days: int | None  # arrival after stock-out, in days
    days_of_inventory: Decimal | None
    inventory_turnover: Decimal | None
    ageing: tuple[int, int, int, int, int]  # units aged 0-30, 31-60, 61-90, 91-180, 181+ days
    abc: str
    xyz: str
    unit_cost: Money | None
    unit_price: Money | None
    value: Money | None  # on_hand at cost
    flags: tuple[CaseKind, ...] = ()
    told: StoreIncoming | None = None
    told_age: ToldAge | None = None  # where a store says it: `ageing` then is what it says, as far as its bands fit
    revenue: Revenue | None = None  # of the last REVENUE_DAYS whole local days; None: nothing was sold

    @property
    def undated(self) -> int:
        """Units of what the store says is on its way that are in no shipment or order we know."""
        return 0 if self.told is None else max(self.told.units - self.incoming, 0)


@dataclass(frozen=True, slots=True)
class StockReport:
    """`/stock`: a SKU at each of its locations, largest velocity first, and the cases that are open on it."""

    sku: str
    name: str
    as_of: datetime
    lines: tuple[StockLine, ...]
    cases: tuple[CaseView, ...]
    fresh_until: datetime | None  # the newest fact these figures rest on
    chart: StockChart | None = None  # of the place that needs a look most
    category: str = ""  # as it was spelt first; empty where nobody said one


@dataclass(frozen=True, slots=True)
class TurnoverLine:
    """Turnover of one group (a location, a SKU, everything) over `days`."""

    label: str
    days: int
    cost_of_goods_sold: Money
    average_inventory: Money
    turnover: Decimal | None
    days_of_inventory: Decimal | None
    sell_through: Decimal | None  # a share, 0 to 1


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as shown."""

    id: int
    kind: CaseKind
    state: CaseState
    severity: int
    sku: str  # empty for data_stale
    name: str
    location: str
    location_name: str
    money_at_risk: Money
    opened_at: datetime
    snoozed_until: datetime | None
    on_hand: int | None
    per_day: Decimal | None
    days_of_cover: Decimal | None
    stockout_on: date | None
    next_arrival: Arrival | None
    request_id: int | None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    told_age: ToldAge | None = None
    ended: CaseEnd | None = None


@dataclass(frozen=True, slots=True)
class RequestLineView:
    """One product of a request. `detail` holds the figures its quantity rests on (see `storage.tables.trade`)."""

    sku: str
    name: str
    quantity: int
    unit_cost: Money
    received: int = 0
    case_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VoteView:
    """One person's word on the version of a request that stands; `for_whom` is whom they stand in for, or empty."""

    member_id: int
    name: str
    verdict: Literal["approve", "reject"]
    at: datetime
    platform: str
    for_whom: str = ""


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as shown.

    `needs` people must approve it, for the `reasons` in its detail where that is more than one; `votes` are those given
    to this version.
    """

    id: int
    kind: RequestKind
    state: RequestState
    version: int
    lines: tuple[RequestLineView, ...]
    supplier: str  # empty where there is none
    location: str
    from_location: str
    total: Money
    expected_on: date | None
    requested_by: str  # empty: Stocktide itself
    created_at: datetime
    expires_at: datetime | None
    decided_by: str
    decided_by_id: int | None
    decided_at: datetime | None
    decided_platform: str
    comment: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    stage: Stage = ""
    needs: int = 1
    urgent: bool = False
    votes: tuple[VoteView, ...] = ()
    edited_by: str = ""
    mode: str = ""
    reference: str = ""
    supplier_code: str = ""
    ordered_at: datetime | None = None
    halted: bool = False  # a kill switch is thrown for calls of its kind

    @property
    def case_ids(self) -> tuple[int, ...]:
        """The cases its lines answer."""
        return tuple(line.case_id for line in self.lines if line.case_id is not None)

    @property
    def case_id(self) -> int | None:
        """The case it answers, where it is one alone."""
        return self.case_ids[0] if len(self.case_ids) == 1 else None


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as shown, with whether they are at work at the moment of asking."""

    id: int
    name: str
    role: str
    zone: str
    zone_known: bool
    language: str
    country: str
    working_from: time
    working_to: time
    workdays: str
    digest_at: time | None
    platforms: tuple[str, ...]
    awake: bool
    awake_from: datetime | None  # the next start of work, where asleep


@dataclass(frozen=True, slots=True)
class DigestView:
    """What one member's morning message says."""

    member: MemberView
    local_date: date
    late: bool
    merged_dates: tuple[date, ...]  # earlier mornings this one stands in for
    since: datetime
    opened: tuple[CaseView, ...]
    resolved: int
    to_decide: tuple[RequestView, ...]
    to_decide_total: int
    risks: tuple[CaseView, ...]
    risks_total: Money
    arrivals: tuple[tuple[str, str, Arrival], ...]  # sku, location, arrival
    slow: tuple[CaseView, ...]
    slow_total: Money
    turnover: TurnoverLine | None
    turnover_before: TurnoverLine | None  # the same a month earlier
    chart: StockChart | None = None  # of the largest risk
    opened_total: int = 0  # all cases opened since, of which `opened` are the largest


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A promotion that has begun and is not over; `sold` of `stop_after` units since it started.

    `before` is the store's price that will stand again, None until it was read. Where the `means` are no price, `price`
    is what is left after the discount, and the store's price stands all along.
    """

    request_id: int
    stage: Stage
    sku: str
    name: str
    location: str
    store: str
    before: Money | None
    price: Money
    ends_at: datetime
    started_at: datetime | None
    sold: int
    stop_after: int | None
    sold_out_on: date | None  # by what was expected when it was asked for
    means: Means = "price"
    code: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a longer list: `items` of `total`, page `number` of `pages`."""

    items: tuple[Any, ...]
    number: int
    pages: int
    total: int
