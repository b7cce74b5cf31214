"""The policy of a class, inbound, and the ways to be quicker, as they reach a draft and its reasons."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Any

import pytest

from bot.domain.classes import ClassRule
from bot.domain.replenishment import ReplenishmentSettings
from bot.domain.views import RequestView
from bot.domain.watch import WatchSettings
from bot.ports import MovableClock
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop
from tests.services.work.test_watch import plant_shortage


@pytest.fixture
async def shop(sqlite_database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    return shop


def ruled(shop: Shop, *rules: ClassRule) -> None:
    watch = WatchSettings(replenishment=ReplenishmentSettings(classes=rules))
    shop.watch._settings = replace(shop.settings, watch=watch)


async def drafted(shop: Shop) -> tuple[RequestView, dict[str, Any]]:
    """The order of a scan, and what `Why?` keeps of its case."""
    assert (await shop.scan()).requests_drafted == 1
    (row,) = await shop.requested()
    return await shop.requests.get(row.id), (await shop.unresolved())["stockout_risk", "A1"].evidence


async def test_a_class_of_its_own_reaches_the_quantity_of_the_draft_and_why(shop: Shop) -> None:
    await plant_shortage(shop)  # the one product there is: of class A, and it sells as steadily as X
    ruled(shop, ClassRule("AX", 0.8, 28.0), ClassRule("CZ", 0.6, 90.0))
    order, why = await drafted(shop)
    assert (why["classes"], why["inputs"]["service_level"]) == ({"abc": "A", "xyz": "X"}, 0.8)
    assert why["inputs"]["review_days"] == 28.0
    steps = {step["name"]: step for step in why["steps"]}
    variance, rate = steps["lead_time_variance"]["result"], steps["velocity"]["result"]
    safety = NormalDist().inv_cdf(0.8) * variance**0.5
    assert steps["safety_stock"]["result"] == pytest.approx(safety, rel=1e-6)
    assert steps["reorder_point"]["result"] == pytest.approx(rate * 21 + safety, rel=1e-6)
    level = steps["order_up_to"]["result"]
    assert level > rate * (21 + 28)
    (line,) = order.lines
    assert line.quantity - 24 < level - line.detail["position"] <= line.quantity


async def test_a_class_of_its_own_holds_on_another_route_too(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=60)
    await shop.buys("UK", 5, 140, sku="A1", mode="air")
    ruled(shop, ClassRule("AX", None, 28.0))
    order, _why = await drafted(shop)
    (line,) = order.lines
    assert order.mode == "air"  # by sea it would be too late
    assert line.detail["position"] + line.quantity == pytest.approx(10 * (5 + 28), rel=0.15)


async def test_inbound_that_comes_in_time_spares_the_order_and_what_comes_too_late_does_not(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=60)
    await shop.awaits("A1", "UK", 900, in_days=60)
    order, why = await drafted(shop)
    (line,) = order.lines
    assert line.detail["position"] == 60
    assert line.detail["order_up_to"] <= 60 + line.quantity
    step = next(step for step in why["steps"] if step["name"] == "order_quantity")
    assert (step["values"]["position"], step["values"]["late"]) == (960, 900)
    await plant_shortage(shop, "B1", on_hand=60)
    await shop.awaits("B1", "UK", 900, in_days=4)
    assert (await shop.scan()).requests_drafted == 0


async def test_what_would_be_too_late_by_sea_is_expedited_where_no_other_place_has_any(shop: Shop) -> None:
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await plant_shortage(shop, on_hand=60)
    await shop.buys("UK", 5, 140, sku="A1", mode="air")
    order, _why = await drafted(shop)
    assert (order.kind, order.mode, order.urgent) == ("purchase_order", "air", False)


async def test_stock_that_another_place_can_spare_comes_before_the_plane(shop: Shop) -> None:
    await shop.add_place("UK2", country="GB")
    await plant_shortage(shop, on_hand=60)
    await shop.buys("UK", 5, 140, sku="A1", mode="air")
    await shop.sells("A1", "UK2", [1] * 120)
    await shop.holds("A1", "UK2", 900)
    await shop.buys("UK2", 21, 90, sku="A1")
    report = await shop.scan()
    assert report.requests_drafted >= 1
    moved = [await shop.requests.get(row.id) for row in await shop.requested() if row.kind == "transfer"]
    assert [(one.from_location, one.location) for one in moved] == [("UK2", "UK")]
    assert not [row for row in await shop.requested() if row.kind == "purchase_order"]
