"""Hand-made views: one of each kind of thing that a card shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from bot.chat.nodes import Actions, Block, Message
from bot.domain.money import Money
from bot.domain.views import (
    Arrival,
    CaseKind,
    CaseState,
    CaseView,
    DigestView,
    MemberView,
    Page,
    RequestKind,
    RequestLineView,
    RequestState,
    RequestView,
    StockLine,
    StockReport,
    TurnoverLine,
    Velocity,
)

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
TODAY = date(2011, 11, 21)
HOSTILE = "<!channel> & <b>RED</b> *SPOT* [x](http://evil) @all /stop 🫖 茶壶"

EVIDENCE: dict[str, Any] = {
    "as_of": "2011-11-20",
    "inputs": {
        "on_hand": 37, "available": 37, "incoming": [[12, 240], [40, 480], [60, 1], [70, 2]], "overdue": 0,
        "pending": 96, "backorders": 0, "lead_time_days": 32.0, "lead_time_sd": 6.5, "lead_time_assumed": False,
        "review_days": 7.0, "service_level": 0.975, "minimum_order": 48, "pack_size": 12, "unit_cost_minor": 121,
        "unit_price_minor": 255,
    },
    "windows": [
        {"window": 7, "weight": 0.5, "units": 74, "left_out_days": 2, "raw": 10.5714285, "corrected": 14.8},
        {"window": 30, "weight": 0.3, "units": 410, "left_out_days": 3, "raw": 13.67, "corrected": 15.19},
        {"window": 90, "weight": 0.2, "units": 1001, "left_out_days": 3, "raw": 11.12, "corrected": 11.51},
    ],
    "steps": [
        {"name": "velocity", "formula": "(w7 * v7 + w30 * v30 + w90 * v90) / (w7 + w30 + w90)",
         "values": {"w7": 0.5, "w30": 0.3, "w90": 0.2, "v7": 14.8, "v30": 15.19, "v90": 11.51}, "result": 14.259},
        {"name": "lead_time_demand", "formula": "d * L", "values": {"d": 14.259, "L": 32.0}, "result": 456.29},
        {"name": "safety_stock", "formula": "max(0, z(p) * sqrt(variance))",
         "values": {"p": 0.975, "variance": 9216.5}, "result": 188.16},
        {"name": "reorder_point", "formula": "demand + safety_stock",
         "values": {"demand": 456.29, "safety_stock": 188.16}, "result": 644.45},
        {"name": "days_of_cover", "formula": "available / d", "values": {"available": 37, "d": 14.259},
         "result": 2.594},
        {"name": "days_to_stockout", "formula": "inf", "values": {}, "result": None},
        {"name": "lost_margin", "formula": "round(lost_units * margin)", "values": {"lost_units": 134, "margin": 134},
         "result": 17956},
        {"name": "surge_p_value", "formula": "negative_binomial_tail(count, rate, variance)",
         "values": {"count": 90, "rate": 12.5, "variance": 40}, "result": 0.0000034},
        {"name": "slump_rate", "formula": "(units + 0.5) / (days + 1)", "values": {"units": 350, "days": 28},
         "result": 12.086},
        {"name": "slump_p_value", "formula": "negative_binomial_head(count, n * rate, n * v * (1 + n / days))",
         "values": {"count": 9, "n": 6, "rate": 12.086, "v": 20.5, "days": 28}, "result": 0.0000082},
        {"name": "slump_lost_margin", "formula": "round(max(0, rate - count / n) * lasting * margin)",
         "values": {"rate": 12.086, "count": 9, "n": 6, "lasting": 7, "margin": 134}, "result": 9930},
        {"name": "capital", "formula": "round(units * unit_cost)", "values": {"units": 37, "unit_cost": 121},
         "result": 4477},
    ],
    "source": "online-retail",
    "limit_hours": 48,
}  # fmt: skip


def money(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def a_line(**changes: Any) -> StockLine:
    base = StockLine(
        sku="85123A",
        name="WHITE HANGING HEART T-LIGHT HOLDER",
        location="UK",
        location_name="United Kingdom",
        as_of=NOW,
        on_hand=1037,
        committed=37,
        available=1000,
        incoming=2400,
        pending=96,
        position=3496,
        sold_today=41,
        velocities=(
            Velocity(7, 740, Decimal("105.71"), Decimal("148.0"), 2),
            Velocity(30, 4100, Decimal("136.67"), Decimal("151.85"), 3),
            Velocity(90, 9001, Decimal("100.01"), Decimal("103.46"), 3),
        ),
        per_day=Decimal("140.247"),
        lead_time_days=Decimal(32),
        safety_stock=612,
        reorder_point=5100,
        order_up_to=6100,
        days_of_cover=Decimal("7.1303"),
        days_of_cover_with_inbound=Decimal("24.24"),
        stockout_on=date(2011, 11, 28),
        next_arrival=Arrival(2400, date(2011, 12, 3), late=True),
        gap_days=5,
        days_of_inventory=Decimal("21.5"),
        inventory_turnover=Decimal("16.97"),
        ageing=(900, 100, 20, 10, 7),
        abc="A",
        xyz="Y",
        unit_cost=money("1.21"),
        unit_price=money("2.55"),
        value=money("1254.77"),
        flags=("stockout_risk", "late_inbound"),
    )
    return replace(base, **changes)


def an_empty_line() -> StockLine:
    return a_line(
        velocities=(Velocity(7, 0, Decimal(0), Decimal(0), 0),),
        per_day=Decimal(0),
        lead_time_days=None,
        safety_stock=None,
        reorder_point=None,
        order_up_to=None,
        days_of_cover=None,
        days_of_cover_with_inbound=None,
        stockout_on=None,
        next_arrival=None,
        gap_days=None,
        days_of_inventory=None,
        inventory_turnover=None,
        ageing=(0, 0, 0, 0, 0),
        abc="",
        xyz="",
        value=None,
        flags=(),
        committed=0,
        pending=0,
    )


def a_case(kind: CaseKind = "stockout_risk", state: CaseState = "open", **changes: Any) -> CaseView:
    base = CaseView(
        id=12,
        kind=kind,
        state=state,
        severity=2,
        sku="" if kind == "data_stale" else "85123A",
        name="" if kind == "data_stale" else "WHITE HANGING HEART T-LIGHT HOLDER",
        location="" if kind == "data_stale" else "UK",
        location_name="" if kind == "data_stale" else "United Kingdom",
        money_at_risk=money("1795.60"),
        opened_at=NOW - timedelta(hours=3),
        snoozed_until=None,
        on_hand=None if kind == "data_stale" else 1037,
        per_day=None if kind == "data_stale" else Decimal("140.247"),
        days_of_cover=None if kind == "data_stale" else Decimal("7.1303"),
        stockout_on=None if kind == "data_stale" else date(2011, 11, 28),
        next_arrival=Arrival(2400, date(2011, 12, 3)) if kind == "stockout_risk" else None,
        request_id=7 if kind == "stockout_risk" else None,
        evidence=EVIDENCE,
    )
    return replace(base, **changes)


def a_request(kind: RequestKind = "purchase_order", state: RequestState = "pending", **changes: Any) -> RequestView:
    decided = state in {"approved", "executing", "done", "rejected", "failed"}
    base = RequestView(
        id=7,
        kind=kind,
        state=state,
        version=3,
        lines=(
            RequestLineView(
                "85123A", "WHITE HANGING HEART T-LIGHT HOLDER", 4608, money("1.21"), case_id=12,
                detail={"lead_time_days": "32", "days_of_cover": "7.13", "arrives_on": "2011-12-23", "in_time": False},
            ),
        ),
        mode="sea" if kind == "purchase_order" else "",
        supplier="Ningbo Lights" if kind == "purchase_order" else "",
        location="UK",
        from_location="DE" if kind == "transfer" else "",
        total=money("5575.68"),
        expected_on=None if kind == "promotion" else date(2011, 12, 23),
        requested_by="",
        created_at=NOW - timedelta(hours=3),
        expires_at=NOW + timedelta(hours=21),
        decided_by="Lin Wei" if decided else "",
        decided_by_id=3 if decided else None,
        decided_at=NOW if decided or state == "expired" else None,
        decided_platform="telegram" if decided else "",
        comment="before the holidays" if decided else "",
        detail={
            "cool_down_days": 7.0, "depth": "0.3", "price_minor": 255,
            "promo_price_minor": 179, "floor_price_minor": 140, "below_cost": False, "ends_on": "2011-12-20",
        },
    )  # fmt: skip
    return replace(base, **changes)


def boxed(count: int, left: int = 0, *, weight: int | None = 4_000) -> RequestView:
    """An order of one product by 40HQ, the last of which is 96% full by volume, with 340 units brought forward."""
    units = 68_000_000 * count // 10_000 - 272
    detail = {"volume_cm3": 10_000, "brought": 340} | ({} if weight is None else {"weight_g": weight})
    line = RequestLineView("85123A", "HOLDER", units, money("1.21"), detail=detail)
    container = {"name": "40HQ", "volume_cm3": 68_000_000, "weight_g": 26_280_000 * 10, "left": left}
    return a_request(lines=(line,), total=line.unit_cost * units, detail={"container": container})


def a_member(**changes: Any) -> MemberView:
    base = MemberView(
        id=3,
        name="Lin Wei",
        role="approver",
        zone="Asia/Shanghai",
        zone_known=True,
        language="zh_CN",
        country="CN",
        working_from=time(9),
        working_to=time(18),
        workdays="12345",
        digest_at=time(9),
        platforms=("slack", "telegram"),
        awake=True,
        awake_from=None,
    )
    return replace(base, **changes)


def a_turnover(label: str = "UK", **changes: Any) -> TurnoverLine:
    base = TurnoverLine(
        label, 90, money("81234.50"), money("30400.00"), Decimal("2.672"), Decimal("33.68"), Decimal("0.7277")
    )
    return replace(base, **changes)


def a_digest(**changes: Any) -> DigestView:
    risks = tuple(a_case(id=number, sku=f"SKU{number}") for number in range(1, 9))
    slow = tuple(a_case("slow_mover", id=number, sku=f"SLOW{number}") for number in range(20, 28))
    base = DigestView(
        member=a_member(),
        local_date=TODAY,
        late=True,
        merged_dates=(date(2011, 11, 19), date(2011, 11, 20)),
        since=NOW - timedelta(days=1),
        opened=(*risks, *slow),
        resolved=4,
        to_decide=tuple(a_request(id=number) for number in range(1, 6)),
        to_decide_total=12,
        risks=risks,
        risks_total=money("14364.80"),
        arrivals=tuple(("85123A", "UK", Arrival(2400, TODAY, late=True)) for _number in range(9)),
        slow=slow,
        slow_total=money("9999.99"),
        turnover=a_turnover(""),
        turnover_before=a_turnover("", days_of_inventory=Decimal("36.1")),
    )
    return replace(base, **changes)


def a_report(*lines: StockLine, cases: tuple[CaseView, ...] = ()) -> StockReport:
    return StockReport("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", NOW, lines, cases, NOW - timedelta(hours=2))


def a_page(items: tuple[Any, ...], number: int = 1, pages: int = 14, total: int = 134) -> Page:
    return Page(items, number, pages, total)


def sealed(message: Message) -> Message:
    """The message with a token in each button, as the outbox stores it."""
    return replace(message, blocks=tuple(_sealed(block) for block in message.blocks))


def _sealed(block: Block) -> Block:
    if not isinstance(block, Actions):
        return block
    return Actions(tuple(replace(button, token=f"t{number}") for number, button in enumerate(block.buttons)))
