"""The watch: what opens, what it proposes, and that a second look says nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY
from tests.services.work.shop import Shop, open_shop, steady

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


async def plant_shortage(shop: Shop, sku: str = "A1", on_hand: int = 60, units: int = 10) -> None:
    """A steady seller with a few days of stock left and a supplier three weeks away."""
    await shop.add_product(sku)
    await shop.sells(sku, "UK", steady(units=units))
    await shop.holds(sku, "UK", on_hand)
    await shop.buys("UK", 21, 90, sku=sku, minimum=100, pack=24)


async def test_a_shortage_opens_one_case_with_a_purchase_that_waits(shop: Shop) -> None:
    await plant_shortage(shop)
    report = await shop.scan()
    assert (report.series, report.opened, report.requests_drafted, report.announced) == (1, 1, 1, 1)
    assert set(report.phases) == {"learn", "load", "assess", "judge", "apply", "draft", "tell"}
    case = (await shop.unresolved())["stockout_risk", "A1"]
    assert (case.severity, case.currency, case.state) == (3, "GBP", "open")
    assert case.money_minor > 0
    (request,) = await shop.requested()
    assert (request.kind, request.state, request.id, request.currency, request.urgent) == (
        "purchase_order", "pending", case.request_id, "GBP", True,
    )  # fmt: skip
    assert request.expires_at == shop.clock.now() + DAY
    assert request.expected_on == shop.today("UK") + timedelta(days=21)
    (line,) = await shop.all(tables.RequestLine)
    assert line.quantity % 24 == 0
    assert line.quantity >= 100
    assert request.total_minor == line.quantity * 90
    assert line.case_id == case.id
    assert line.quantity - 24 < line.detail["order_up_to"] - line.detail["position"] <= line.quantity
    assert (line.detail["quote_minor"], line.detail["minimum_order"], line.detail["pack_size"]) == (90, 100, 24)
    assert Decimal(line.detail["need_90"]) == pytest.approx(900, rel=0.1)
    assert line.detail["arrives_on"] == request.expected_on.isoformat()
    (post,) = await shop.said()
    assert "'approve'" in post
    assert f"R-{request.id}@2" in post


async def test_the_evidence_replays_the_figures_and_keeps_the_original_money(shop: Shop) -> None:
    await plant_shortage(shop)
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    evidence = case.evidence
    steps = {step["name"]: step for step in evidence["steps"]}
    position = steps["inventory_position"]
    assert position["result"] == eval(position["formula"], {}, position["values"])  # noqa: S307  # our own formula
    assert evidence["as_of"] == "2011-11-20"
    assert evidence["original"] == {"currency": "GBP", "unit_cost_minor": 100, "unit_price_minor": 250, "rate": "1"}
    assert evidence["shown"]["on_hand"] == 60
    view = await shop.cases.get(case.id)
    assert (view.on_hand, view.sku, view.location, view.request_id) == (60, "A1", "UK", 1)
    assert view.stockout_on is not None
    assert (view.stockout_on - shop.today("UK")).days == int(view.days_of_cover or 0)


async def test_a_second_scan_proposes_and_says_nothing_more(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    await shop.scan()
    before = (await shop.said(), await shop.requested())
    for _again in range(3):
        report = await shop.scan()
        assert (report.opened, report.worsened, report.resolved, report.requests_drafted) == (0, 0, 0, 0)
    clock.push(timedelta(hours=3))
    await shop.scan()
    assert (await shop.said(), await shop.requested()) == before
    assert len(await shop.unresolved()) == 1


@pytest.mark.databases("sqlite", "postgres")
async def test_two_scans_at_once_open_nothing_twice(shop: Shop) -> None:
    for number in range(4):
        await plant_shortage(shop, f"A{number}")
    await asyncio.gather(shop.scan(), shop.scan(), shop.scan())
    assert len(await shop.all(tables.Case)) == 4
    (request,) = await shop.requested()
    assert len(await shop.lines_of(request.id)) == 4
    assert len(await shop.said()) == 5  # four cases, and the order of all
    assert (await shop.audit.verify()).broken_at is None


async def test_an_approved_purchase_is_not_proposed_again_and_its_case_stays(shop: Shop) -> None:
    await plant_shortage(shop)
    await shop.scan()
    await shop.decisions.decide(1, None, "approve", shop.asker("Lin Wei"), "slack")
    report = await shop.scan()
    assert (report.resolved, report.requests_drafted) == (0, 0)
    case = (await shop.unresolved())["stockout_risk", "A1"]
    assert case.state == "acting"


@pytest.mark.databases("sqlite", "postgres")
async def test_an_order_that_was_placed_counts_as_incoming_and_no_longer_as_asked_for(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=200)
    await shop.scan()
    await shop.decisions.decide(1, None, "approve", shop.asker("Lin Wei"), "slack")
    quantity = (await shop.all(tables.RequestLine))[0].quantity
    async with shop.database.transaction() as connection:
        await connection.execute(
            tables.Inbound.__table__.insert().values(  # type: ignore[attr-defined]
                product_id=shop.skus["A1"], location_id=shop.places["UK"], quantity=quantity,
                ordered_at=shop.clock.now(), expected_on=shop.today("UK") + 10 * DAY, source="erp", external_id="PO-1",
            )
        )  # fmt: skip
    report = await shop.catalogue.stock_report(shop.sku("A1"))
    assert (report.lines[0].incoming, report.lines[0].pending) == (quantity, 0)
    assert (await shop.scan()).resolved == 1


async def test_a_rejected_purchase_comes_back_only_after_the_cool_down(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    await shop.scan()
    await shop.decisions.decide(1, None, "reject", shop.asker("Lin Wei"), "slack")
    assert (await shop.unresolved())["stockout_risk", "A1"].state == "open"
    assert (await shop.scan()).requests_drafted == 0
    clock.push(6 * DAY)
    assert (await shop.scan()).requests_drafted == 0
    clock.push(DAY)
    assert (await shop.scan()).requests_drafted == 1
    assert [row.state for row in await shop.requested()] == ["rejected", "pending"]


@pytest.mark.databases("sqlite", "postgres")
async def test_a_rejected_purchase_comes_back_at_once_when_the_case_worsens(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=150)
    await shop.scan()
    assert (await shop.unresolved())["stockout_risk", "A1"].severity == 2
    await shop.decisions.decide(1, None, "reject", shop.asker("Lin Wei"), "slack")
    shop.clock.push(timedelta(hours=1))  # type: ignore[attr-defined]
    await shop.holds("A1", "UK", 5)
    report = await shop.scan()
    assert (report.worsened, report.requests_drafted) == (1, 1)
    assert len(await shop.said()) == 2


async def test_a_lapsed_purchase_is_proposed_again_without_another_alert(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    await shop.scan()
    clock.push(DAY)
    assert await shop.requests.expire(clock.now()) == 1
    assert (await shop.scan()).requests_drafted == 1
    assert [row.state for row in await shop.requested()] == ["expired", "pending"]
    assert len(await shop.said()) == 1


async def test_the_cheapest_route_in_time_is_taken(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=120)
    await shop.buys("UK", 40, 70, sku="A1", supplier="SLOWBOAT")
    await shop.buys("UK", 9, 95, sku="A1", supplier="AIRLIFT", mode="air", minimum=10, pack=10)
    await shop.buys("UK", 3, 240, sku="A1", supplier="COURIER", mode="air")
    await shop.scan()
    (request,) = await shop.requested()
    assert (request.mode, request.urgent) == ("air", False)
    assert request.expected_on == shop.today("UK") + timedelta(days=9)
    (line,) = await shop.all(tables.RequestLine)
    assert (line.unit_cost_minor, line.quantity % 10, line.detail["in_time"]) == (95, 0, True)


async def test_the_soonest_route_is_taken_where_none_is_in_time(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=10)
    await shop.buys("UK", 9, 95, sku="A1", supplier="AIRLIFT", mode="air")
    await shop.scan()
    (request,) = await shop.requested()
    (line,) = await shop.lines_of(request.id)
    assert (line.detail["lead_time_days"], line.detail["in_time"], request.urgent) == ("9.0", False, True)


async def test_a_price_in_another_currency_is_paid_in_it_and_ranked_in_ours(
    database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(database, clock, rates={"CNY": Decimal("0.1")})
    await shop.add_place("UK")
    await plant_shortage(shop)
    await shop.buys("UK", 20, 800, sku="A1", supplier="YUAN", currency="CNY")  # 80p, cheaper than 90p
    await shop.scan()
    (request,) = await shop.requested()
    assert (request.currency, request.total_minor % 800) == ("CNY", 0)


async def test_stock_of_another_place_is_moved_before_anything_is_bought(shop: Shop) -> None:
    await plant_shortage(shop)
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.sells("A1", "DE", steady(units=3))
    await shop.holds("A1", "DE", 2000)
    await shop.scan()
    (transfer,) = [row for row in await shop.requested() if row.state == "pending"]
    assert (transfer.kind, transfer.from_location_id, transfer.location_id) == (
        "transfer", shop.places["DE"], shop.places["UK"],
    )  # fmt: skip
    assert transfer.supplier_id is None
    assert (await shop.scan()).requests_drafted == 0


async def test_without_a_supplier_the_case_opens_and_nothing_is_drafted(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", steady())
    await shop.holds("A1", "UK", 5)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted, report.announced) == (1, 0, 1)


async def test_recovery_resolves_the_case_and_cancels_its_request(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    await shop.scan()
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", 420)
    report = await shop.scan()
    assert report.resolved == 1
    assert await shop.unresolved() == {}
    (request,) = await shop.requested()
    assert request.state == "cancelled"
    (case,) = await shop.all_cases()
    entries = [entry for entry in await shop.all(tables.Audit) if entry.subject == f"request:{request.id}"]
    assert [(entry.action, entry.data) for entry in entries] == [
        ("request.withdrawn", {"cases": [case.id], "lines_left": 0})
    ]


async def test_a_position_just_over_the_reorder_point_does_not_resolve(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    await shop.scan()
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert line.reorder_point is not None
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", round(line.reorder_point * 1.05))
    assert (await shop.scan()).resolved == 0
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", round(line.reorder_point * 1.3))
    assert (await shop.scan()).resolved == 1


async def test_a_case_that_comes_back_is_a_new_one(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop)
    for on_hand in (420, 60):
        await shop.scan()
        clock.push(timedelta(hours=1))
        await shop.holds("A1", "UK", on_hand)
    await shop.scan()
    rows = await shop.all(tables.Case)
    assert [row.resolved_at is None for row in rows] == [False, True]
    assert len(await shop.said()) == 2
