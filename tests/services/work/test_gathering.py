"""Suppliers with review dates: what gathers, what goes out together, and what does not wait."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.services.gathering import settled
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.proposals import Gathering
from bot.storage.requests import Draft, DraftLine, Way
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_containers import unsure
from tests.services.work.test_watch import plant_shortage

DAY = timedelta(days=1)


@pytest.fixture
async def any_shop(database: Database, clock: MovableClock) -> Shop:
    """On SQLite, and on PostgreSQL."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


@pytest.fixture
async def shop(sqlite_database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    return shop


async def reviewed(shop: Shop, in_days: int, every: int = 14) -> date:
    """The supplier's orders go out together in so many days, and every so many from then on."""
    on = shop.today("UK") + timedelta(days=in_days)
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Supplier).values(review_every=every, review_from=on))
    return on


async def plant_enough(shop: Shop, sku: str, on_hand: int) -> None:
    """Sells steadily, and lasts longer than its goods take."""
    await shop.add_product(sku)
    await shop.sells(sku, "UK", steady())
    await shop.holds(sku, "UK", on_hand)
    await shop.buys("UK", 21, 50, sku=sku, pack=10)


async def move(shop: Shop, clock: MovableClock, days: int, **on_hand: int) -> None:
    """Days pass, in which as much is sold as ever."""
    clock.push(days * DAY)
    for sku, units in on_hand.items():
        await shop.sells(sku, "UK", steady(days=days))
        await shop.holds(sku, "UK", units)


async def test_what_is_due_gathers_until_the_date_and_then_goes_out_with_what_else_must_last(
    any_shop: Shop, clock: MovableClock
) -> None:
    shop = any_shop
    await plant_shortage(shop, on_hand=400)
    await plant_enough(shop, "B1", 500)
    await unsure(shop)
    on = await reviewed(shop, 5)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (1, 1)
    draft = await shop.requests.get(1)
    assert (draft.state, [line.sku for line in draft.lines]) == ("draft", ["A1"])
    assert draft.detail["gathers_until"] == on.isoformat()
    assert "go out together" in str((await shop.said())[-1])
    assert (await shop.scan()).requests_drafted == 0  # it stays while nothing changes
    await move(shop, clock, 5, A1=350, B1=450)
    report = await shop.scan()
    assert report.requests_drafted == 1
    assert (await shop.requests.get(1)).state == "cancelled"
    order = await shop.requests.get(2)
    assert (order.state, order.detail["review_on"]) == ("pending", on.isoformat())
    lines = {line.sku: line for line in order.lines}
    assert set(lines) == {"A1", "B1"}
    assert (lines["A1"].case_id is None, lines["B1"].case_id is None) == (False, True)
    for line in order.lines:  # until goods ordered in 14 days are here
        assert line.detail["position"] + line.quantity >= float(line.detail["per_day"]) * (21 + 14)
    clock.push(timedelta(hours=9))
    await shop.sells("B1", "UK", [], sold_today=40)
    assert (await shop.scan()).requests_drafted == 0  # the date has been seen to


async def test_on_a_date_an_order_goes_out_though_nothing_is_a_case_and_is_told(
    shop: Shop, clock: MovableClock
) -> None:
    await plant_enough(shop, "B1", 280)  # above its reorder point, and below what lasts until the next date's goods
    await reviewed(shop, 0)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (0, 1)
    order = await shop.requests.get(1)
    assert (order.state, [(line.sku, line.case_id) for line in order.lines]) == ("pending", [("B1", None)])
    assert "'subject': 'request:1'" in (await shop.said())[-1]
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(state="cancelled"))
    clock.push(timedelta(hours=1))
    assert (await shop.scan()).requests_drafted == 0  # what somebody turned down is left until the next date


async def test_a_new_need_joins_what_gathers(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    await reviewed(shop, 5)
    await shop.scan()
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    assert (await shop.scan()).requests_drafted == 1
    first, second = await shop.requested()
    assert (first.state, second.state) == ("cancelled", "draft")
    assert {line.sku for line in (await shop.requests.get(2)).lines} == {"A1", "B1"}


async def test_what_a_person_changed_is_left_to_them(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    await reviewed(shop, 5)
    await shop.scan()
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(edited_by=shop.members["Jonas"]))
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    assert (await shop.scan()).requests_drafted == 1
    assert [row.state for row in await shop.requested()] == ["draft", "draft"]
    assert [line.sku for line in (await shop.requests.get(2)).lines] == ["B1"]


async def test_what_would_run_out_before_goods_ordered_on_the_date_are_here_does_not_wait(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    on = await reviewed(shop, 5)
    assert (await shop.scan()).requests_drafted == 2
    orders = {row.state: await shop.requests.get(row.id) for row in await shop.requested()}
    assert [line.sku for line in orders["pending"].lines] == ["A1"]
    assert orders["pending"].detail["before_review"] == on.isoformat()
    assert [line.sku for line in orders["draft"].lines] == ["B1"]
    assert "This one does not wait" in str(await shop.said())


async def test_what_goes_before_the_date_by_another_route_lasts_until_goods_of_the_date_come_by_it(shop: Shop) -> None:
    await plant_shortage(shop)
    await shop.buys("UK", 5, 140, sku="A1", mode="air")
    await reviewed(shop, 5, every=28)
    await shop.scan()
    order = await shop.requests.get(1)
    (line,) = order.lines
    assert (order.mode, order.state) == ("air", "pending")
    assert line.detail["position"] + line.quantity == pytest.approx(10 * (5 + 28), rel=0.2)


async def test_a_draft_that_was_changed_while_a_scan_looked_is_not_replaced(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    await reviewed(shop, 5)
    await shop.scan()
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(edited_by=shop.members["Jonas"]))
        await shop.requests.replace(connection, [1])
    assert (await shop.requests.get(1)).state == "draft"


def test_drafts_alike_stay_and_others_are_replaced() -> None:
    way = Way("purchase_order", 1, "GBP", 2, mode="sea")
    until = date(2011, 12, 5)

    def draft(case_id: int, on: date = until, mode: str = "sea") -> Draft:
        lines = (DraftLine(case_id, 10, 100, case_id),)
        return Draft("purchase_order", 1, "GBP", 1_000, lines, 2, None, mode, detail={"gathers_until": on.isoformat()})

    standing = [Gathering(7, way, until, frozenset({1}))]
    assert settled(standing, [draft(1)]) == ([], [])
    assert settled(standing, [draft(2)]) == ([draft(2)], [7])
    assert settled(standing, [draft(1, until + DAY)]) == ([draft(1, until + DAY)], [7])
    assert settled(standing, []) == ([], [7])
    assert settled(standing, [draft(1), draft(3, mode="air")]) == ([draft(3, mode="air")], [])


async def test_the_nearer_the_date_the_more_can_wait(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=290)  # 29 days
    await unsure(shop)
    await reviewed(shop, 10)
    await shop.scan()
    assert (await shop.requests.get(1)).state == "pending"  # 10 and 21 days
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Request).values(state="cancelled"))
    await reviewed(shop, 5)
    await shop.scan()
    assert (await shop.requests.get(2)).state == "draft"


async def test_a_date_that_passed_without_a_scan_is_made_up_for(shop: Shop, clock: MovableClock) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    await reviewed(shop, 2, every=28)
    await shop.scan()
    await move(shop, clock, 4, A1=395)
    assert (await shop.scan()).requests_drafted == 1
    assert [row.state for row in await shop.requested()] == ["cancelled", "pending"]


async def test_a_scan_of_some_products_orders_only_what_presses(shop: Shop) -> None:
    await plant_shortage(shop)
    await plant_shortage(shop, "B1", on_hand=400)
    await unsure(shop)
    await reviewed(shop, 0)
    some = await shop.watch.rescan([shop.skus["A1"], shop.skus["B1"]], shop.clock.now(), lambda news: news)
    assert some is not None
    assert (some.requests_drafted, [held.lines for held in some.held]) == (1, [1])
    assert [line.sku for line in (await shop.requests.get(1)).lines] == ["A1"]
    assert (await shop.scan()).requests_drafted == 1
    assert [line.sku for line in (await shop.requests.get(2)).lines] == ["B1"]


async def test_suppliers_without_dates_are_ordered_from_as_ever(shop: Shop) -> None:
    await plant_shortage(shop, on_hand=400)
    await unsure(shop)
    shop.watch._sourcing = SourcingSettings()
    await shop.scan()
    order = await shop.requests.get(1)
    assert (order.state, order.detail.keys() & {"review_on", "gathers_until"}) == ("pending", set())
