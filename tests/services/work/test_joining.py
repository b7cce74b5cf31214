"""What joins an order; and orders below their supplier's minimum: filled up, held, or ordered all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from bot.domain.ageing import AgeingSettings
from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_watch import plant_shortage


@pytest.fixture
async def shop(sqlite_database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    return shop


async def least(shop: Shop, minor: int) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Supplier).values(minimum_total_minor=minor, currency="GBP"))


async def plant_next(shop: Shop, sku: str, on_hand: int, units: int = 10) -> None:
    """Sells as steadily, lasts longer, and comes the same way."""
    await shop.add_product(sku)
    await shop.sells(sku, "UK", steady(units=units))
    await shop.holds(sku, "UK", on_hand)
    await shop.buys("UK", 21, 50, sku=sku, minimum=20, pack=10)


async def planned(shop: Shop) -> int:
    """What the order comes to by itself, in minor units."""
    await plant_shortage(shop)
    await shop.scan()
    request = await shop.requests.get(1)
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(state="cancelled"))
    return request.total.minor


async def test_an_order_is_filled_up_with_what_runs_out_next(shop: Shop) -> None:
    alone = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await plant_next(shop, "LATE", 600)
    await least(shop, alone + 3_000)
    report = await shop.scan()
    assert (report.requests_drafted, report.held) == (1, ())
    request = await shop.requests.get(2)
    units = {line.sku: line.quantity for line in request.lines}
    assert set(units) == {"A1", "SOON"}
    assert units["SOON"] % 10 == 0
    assert alone + 3_000 <= request.total.minor < alone + 3_000 + max(10 * 50, 24 * 90)
    filled = {line.sku: (line.case_id, line.detail.get("filled")) for line in request.lines}
    assert filled["SOON"] == (None, units["SOON"])
    assert filled["A1"][0] is not None
    said = str((await shop.said())[-1])
    assert "Filled up by" in said
    assert "is below it" not in said


async def test_what_would_be_overstocked_fills_no_order_up_and_the_card_names_it(shop: Shop) -> None:
    alone = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await least(shop, alone + 3_000)
    low = replace(shop.watch._settings.watch, ageing=AgeingSettings(excess_cycles=0.5))
    shop.watch._settings = replace(shop.watch._settings, watch=low)
    await shop.scan()
    request = await shop.requests.get(2)
    assert {line.sku for line in request.lines} == {"A1"}
    assert "SOON" in request.detail["overstocked"]
    said = " ".join(map(str, await shop.said()))
    assert "above its overstock line" in said
    assert "is below it" in said


async def test_an_order_below_the_minimum_is_left_to_a_scan_that_sees_what_else_the_supplier_ships(shop: Shop) -> None:
    alone = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await least(shop, alone + 3_000)
    some = await shop.watch.rescan([shop.skus["A1"]], shop.clock.now(), lambda news: news)
    assert some is not None
    assert some.requests_drafted == 0
    assert [held.lines for held in some.held] == [1]
    assert (await shop.scan()).requests_drafted == 1
    assert {line.sku for line in (await shop.requests.get(2)).lines} == {"A1", "SOON"}


async def test_what_will_be_due_soon_joins_an_order_where_that_is_asked_for(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_next(shop, "SOON", 290)
    await plant_next(shop, "LATE", 600)
    shop.watch._sourcing = SourcingSettings(join_days=7.0)
    await shop.scan()
    request = await shop.requests.get(1)
    assert {line.sku for line in request.lines} == {"A1", "SOON"}
    (soon,) = [line for line in request.lines if line.sku == "SOON"]
    assert soon.detail["filled"] == soon.quantity
    assert soon.detail["position"] + soon.quantity >= soon.detail["order_up_to"]
    assert "not due yet" in str((await shop.said())[-1])
    assert (await shop.scan()).requests_drafted == 0


async def test_an_order_that_cannot_be_filled_up_and_can_wait_is_held_until_it_cannot(
    shop: Shop, clock: MovableClock
) -> None:
    await plant_shortage(shop, on_hand=400)
    await least(shop, 50_000_000)
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Route).values(lead_time_sd_days=Decimal(10)))
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (1, 0)
    (held,) = report.held
    assert held.least is not None
    assert (held.least.minor, held.lines, held.supplier) == (50_000_000, 1, "Yiwu")
    assert 0 < held.total.minor < 50_000_000
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", 250)
    late = await shop.scan()
    assert (late.requests_drafted, late.held) == (1, ())
    assert (await shop.requests.get(1)).detail["least_total_minor"] == 50_000_000


async def test_an_order_is_cancelled_when_nothing_is_left_but_what_filled_it_up(
    shop: Shop, clock: MovableClock
) -> None:
    alone = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await least(shop, alone + 3_000)
    await shop.scan()
    assert len((await shop.requests.get(2)).lines) == 2
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", 900)
    assert (await shop.scan()).resolved == 1
    assert (await shop.requests.get(2)).state == "cancelled"
