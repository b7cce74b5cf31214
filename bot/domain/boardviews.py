"""What services hand to the board's pages: figures ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.domain.money import Money
from bot.domain.standing import Turn
from bot.domain.views import CaseKind, CaseView, RequestView, StockReport


@dataclass(frozen=True, slots=True)
class RiskLine:
    """Unresolved cases of one kind: how many, the money at risk, and how many in each band of age."""

    kind: CaseKind
    count: int
    money: Money
    by_age: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, and who may approve it now."""

    request: RequestView
    able: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArrivalDay:
    """Goods expected at one place on one day; `late` where that day has passed."""

    on: date
    place: str
    products: int
    units: int
    late: bool


@dataclass(frozen=True, slots=True)
class FeedLine:
    """How far a feed of facts reaches, and whether that is too old."""

    source: str
    kind: str
    fresh_until: datetime
    limit_hours: int
    stale: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The board's first page. `bands` are the edges of the cases' ages in days, the last band being older than all."""

    as_of: datetime
    today: date  # where the organisation is
    standing_at: datetime
    target_days: int
    period_days: int
    turns: tuple[Turn, ...]
    currency: str
    risks: tuple[RiskLine, ...]
    bands: tuple[int, ...]
    largest: tuple[CaseView, ...]
    waiting: tuple[Waiting, ...]
    waiting_total: int
    arrivals: tuple[ArrivalDay, ...]
    feeds: tuple[FeedLine, ...]


@dataclass(frozen=True, slots=True)
class PastCaseLine:
    """A case in a product's history."""

    id: int
    kind: CaseKind
    state: str
    place: str
    money: Money
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class SkuPage:
    """One product: its figures at every place, the chart and reckoning of one of them, and what it went through."""

    report: StockReport
    place: str  # code of the place whose chart and reckoning these are; empty where nothing is known
    reckoning: Mapping[str, object]
    currency: str
    cases: tuple[PastCaseLine, ...]
    requests: tuple[RequestView, ...]


@dataclass(frozen=True, slots=True)
class SupplierLine:
    """A supplier's lead times to one place: as stated, as they were, and against the days promised; in days.

    `on_time` is the share of promised deliveries that came by their day; figures are None without deliveries.
    """

    supplier: str
    name: str
    place: str
    mode: str
    stated_least: float
    stated_most: float
    deliveries: int
    mean: float | None
    p10: float | None
    p90: float | None
    on_time: float | None
    days_late: float | None  # mean over those that came late
    last: datetime | None
