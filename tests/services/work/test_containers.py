"""Orders that go by containers: filled up, cut back, held, or left alone because a volume is unknown."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import update

from bot.domain.containers import STANDARD, Container, container_of, stowage_of
from bot.domain.sourcing import SourcingSettings
from bot.domain.views import RequestView
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from jobs.watch import told
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_joining import least, plant_next
from tests.services.work.test_watch import plant_shortage


@pytest.fixture
async def shop(sqlite_database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    return shop


async def by_container(shop: Shop, container: Container) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(
            update(tables.Route).values(
                container=container.name,
                container_volume_cm3=container.volume_cm3,
                container_weight_g=container.weight_g or None,
            )
        )


async def unsure(shop: Shop) -> None:
    """Goods may be ten days late, so that a stock of 400 is ordered and can wait."""
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Route).values(lead_time_sd_days=Decimal(10), minimum_order=24))


async def cancelled(shop: Shop) -> None:
    """As if nothing had been asked for."""
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(state="cancelled"))


async def measured(shop: Shop, sku: str, volume: int | None, weight: int | None = 500) -> None:
    product = tables.Product
    async with shop.database.transaction() as connection:
        values = {"unit_volume_cm3": volume, "unit_weight_g": weight}
        await connection.execute(update(product).where(product.sku == sku).values(**values))


async def planned(shop: Shop, on_hand: int = 60) -> int:
    """How many units of A1 are due; the request is gone again."""
    await plant_shortage(shop, on_hand=on_hand)
    await shop.scan()
    (line,) = (await shop.requests.get(1)).lines
    await cancelled(shop)
    return line.quantity


def full(request: RequestView) -> float:
    found = stowage_of(request.detail, [(line.quantity, line.detail) for line in request.lines])
    assert found is not None
    assert found.count == 1
    return found.share


async def test_the_last_container_is_filled_with_what_runs_out_next(shop: Shop) -> None:
    units = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await plant_next(shop, "BLANK", 280)
    await plant_next(shop, "OTHER", 270)
    for sku in ("A1", "SOON", "OTHER"):
        await measured(shop, sku, 1_000)
    await by_container(shop, Container("40HQ", units * 1_000 + 60_000))
    route = tables.Route
    async with shop.database.transaction() as connection:
        theirs = update(route).where(route.product_id == shop.skus["OTHER"])
        await connection.execute(theirs.values(container="20GP"))
    report = await shop.scan()
    assert (report.requests_drafted, report.held) == (1, ())
    request = await shop.requests.get(2)
    lines = {line.sku: line for line in request.lines}
    assert set(lines) == {"A1", "SOON"}  # nobody knows how much room BLANK takes, and OTHER goes by another
    assert lines["A1"].quantity >= units
    brought = lines["A1"].quantity - units + lines["SOON"].quantity
    assert 40 < brought <= 60
    assert sum(line.detail.get("brought", 0) for line in request.lines) == brought
    assert lines["SOON"].quantity % 10 == 0
    assert lines["SOON"].case_id is None
    assert 0.9 < full(request) <= 1
    said = str((await shop.said())[-1])
    assert f"'count': {brought}" in said
    assert "brought forward to fill the container" in said
    assert "40HQ" in said


async def test_a_product_without_a_volume_is_named_and_nothing_is_filled(shop: Shop) -> None:
    units = await planned(shop)
    await plant_next(shop, "SOON", 290)
    await measured(shop, "SOON", 1_000)
    await by_container(shop, Container("40HQ", units * 1_000 + 60_000))
    await shop.scan()
    request = await shop.requests.get(2)
    assert {line.sku: line.quantity for line in request.lines} == {"A1": units}
    assert "no volume is known of" in str((await shop.said())[-1])


async def test_what_cannot_wait_begins_a_container_however_empty(shop: Shop) -> None:
    units = await planned(shop)
    await measured(shop, "A1", 1_000)
    await by_container(shop, Container("40HQ", units * 1_000_000))
    assert (await shop.scan()).held == ()
    request = await shop.requests.get(2)
    assert [line.quantity >= units for line in request.lines] == [True]
    assert full(request) < 0.01
    (line,) = request.lines
    level = line.detail["order_up_to"] + float(line.detail["per_day"]) * SourcingSettings().fill_days
    assert line.detail["position"] + line.quantity <= level + 1  # and is not filled with a year of it


async def test_an_order_that_can_wait_is_held_while_its_container_would_go_nearly_empty(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    await measured(shop, "A1", 1_000)
    await by_container(shop, Container("40HQ", 1_000_000))
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (1, 0)
    (held,) = report.held
    assert (held.least, held.lines, held.supplier) == (None, 1, "Yiwu")
    total = held.total.minor
    kept = {"supplier": "Yiwu", "lines": 1, "currency": held.total.currency, "total_minor": total, "least_minor": None}
    assert json.loads(json.dumps(told(report)))["held"] == [kept]  # as the job's record keeps it
    shop.watch._sourcing = SourcingSettings(container_least=0.05)
    assert (await shop.scan()).requests_drafted == 1


async def test_what_can_wait_is_left_out_of_a_container_that_would_go_nearly_empty(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    shop.watch._sourcing = SourcingSettings(fill_days=0)
    await shop.scan()
    wanted = {line.sku: line.quantity for line in (await shop.requests.get(1)).lines}
    await cancelled(shop)
    for sku in wanted:
        await measured(shop, sku, 1_000)
    await by_container(shop, Container("40HQ", (sum(wanted.values()) - 48) * 1_000))
    await shop.scan()
    request = await shop.requests.get(2)
    taken = {line.sku: line.quantity for line in request.lines}
    assert taken == {"A1": wanted["A1"], "B1": wanted["B1"] - 48}  # A1 cannot wait
    assert full(request) == 1
    assert request.detail["container"]["left"] == 48
    assert "go nearly empty" in str((await shop.said())[-1])


async def test_no_order_is_cut_below_its_suppliers_minimum(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    shop.watch._sourcing = SourcingSettings(fill_days=0)
    await shop.scan()
    before = await shop.requests.get(1)
    await cancelled(shop)
    for sku in ("A1", "B1"):
        await measured(shop, sku, 1_000)
    await least(shop, before.total.minor)
    await by_container(shop, Container("40HQ", (sum(line.quantity for line in before.lines) - 48) * 1_000))
    await shop.scan()
    after = await shop.requests.get(2)
    assert after.total.minor >= before.total.minor
    assert "left" not in after.detail["container"]


async def test_a_scan_of_some_products_leaves_a_container_to_one_that_sees_all(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await measured(shop, "A1", 1_000)
    await by_container(shop, Container("40HQ", 10_000_000))
    await unsure(shop)
    some = await shop.watch.rescan([shop.skus["A1"]], shop.clock.now(), lambda news: news)
    assert some is not None
    assert (some.requests_drafted, len(some.held)) == (0, 1)


async def test_routes_that_name_different_containers_fill_none(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_shortage(shop, "B1")
    for sku in ("A1", "B1"):
        await measured(shop, sku, 1_000)
    await by_container(shop, Container("40HQ", 68_000_000))
    route = tables.Route
    async with shop.database.transaction() as connection:
        other = {"container": "20GP", "container_volume_cm3": 28_000_000}
        await connection.execute(update(route).where(route.product_id == shop.skus["B1"]).values(**other))
    await shop.scan()
    request = await shop.requests.get(1)
    assert container_of(request.detail) is None
    assert request.detail["containers_differ"] == ["20GP", "40HQ"]
    assert "different containers" in str((await shop.said())[-1])


async def test_what_goes_by_containers_is_one_order_however_many_its_lines(shop: Shop) -> None:
    skus = [f"A{number:02}" for number in range(42)]
    await shop.add_products(skus)
    for sku in skus:
        await shop.sells(sku, "UK", steady(30))
        await shop.holds(sku, "UK", 20)
        await shop.buys("UK", 21, 90, sku=sku)
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Product).values(unit_volume_cm3=10_000, unit_weight_g=800))
    await by_container(shop, STANDARD["20GP"])
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (42, 1)
    (request,) = await shop.requested()
    found = await shop.requests.get(request.id)
    assert len(found.lines) == 42
    taken = stowage_of(found.detail, [(line.quantity, line.detail) for line in found.lines])
    assert taken is not None
    assert taken.share > 0.99
