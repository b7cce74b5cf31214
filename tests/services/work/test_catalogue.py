"""What `/stock`, `/restock`, `/slow` and `/turnover` answer: the same figures as the watch, live, by local days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, update

from bot.domain.money import Money
from bot.domain.views import StoreIncoming
from bot.ports import AgeBand, AgeFact, MovableClock
from bot.services.standings import standing_of
from bot.storage import ages, tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop, steady

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


@pytest.mark.databases("sqlite", "postgres")
async def test_the_windows_are_whole_local_days_and_today_stands_apart(shop: Shop) -> None:
    units = [*([3] * 83), 1, 2, 3, 4, 5, 6, 7]
    await shop.add_product("A1")
    await shop.sells("A1", "UK", units, sold_today=9)
    await shop.holds("A1", "UK", 500, committed=20)
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert [(v.window, v.units) for v in line.velocities] == [(7, 28), (30, 28 + 23 * 3), (90, 28 + 83 * 3)]
    assert [v.raw for v in line.velocities] == [Decimal(4), Decimal("3.2333"), Decimal("3.0778")]
    assert (line.sold_today, line.on_hand, line.committed, line.available) == (9, 500, 20, 480)
    assert line.position == 480
    assert line.value == Money(Decimal("500.00"), "GBP")
    assert (line.unit_cost, line.unit_price) == (Money(Decimal("1.00"), "GBP"), Money(Decimal("2.50"), "GBP"))


async def test_days_of_cover_rest_on_the_blended_rate(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [10] * 120)
    await shop.holds("A1", "UK", 145)
    await shop.awaits("A1", "UK", 100, 20)
    await shop.buys("UK", 30, 90, sku="A1")
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert (line.per_day, line.days_of_cover) == (Decimal(10), Decimal("14.5"))
    assert line.days_of_cover_with_inbound == Decimal("14.5")  # the arrival comes after the shelf is empty
    today = shop.today("UK")
    assert line.stockout_on == today + timedelta(days=14)
    assert line.next_arrival is not None
    assert (line.next_arrival.on, line.next_arrival.quantity) == (today + timedelta(days=20), 100)
    assert line.gap_days == 7  # 14.5 days of stock, the arrival 21 days after yesterday's close
    assert line.incoming == 100
    assert (line.lead_time_days, line.flags) == (Decimal(30), ("stockout_risk",))


async def test_what_a_store_says_is_coming_is_told_beside_what_we_know_and_counted_nowhere(shop: Shop) -> None:
    await shop.add_place("US")
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [10] * 120)
    await shop.holds("A1", "UK", 145, source="store:amazon", incoming=160)
    await shop.holds("A1", "US", 5, incoming=9)  # a file's, which says nothing of the kind
    await shop.awaits("A1", "UK", 100, 5)
    british, american = (await shop.catalogue.stock_report(shop.sku("A1"))).lines
    assert british.told == StoreIncoming("amazon", 160)
    assert (british.incoming, british.undated, british.position) == (100, 60, 245)
    assert american.told is None


@pytest.mark.databases("sqlite", "postgres")
async def test_what_a_store_says_of_its_stocks_age_is_believed_while_it_is_fresh(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [1] * 120)
    await shop.holds("A1", "UK", 400)
    await shop.scan()
    before = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    fact = AgeFact(
        "A1", "A1", "FBA", shop.clock.now() - timedelta(days=1),
        tuple(AgeBand(first, last, units) for first, last, units in (
            (0, 30, 1), (31, 60, 2), (61, 90, 3), (91, 180, 4), (181, 270, 5), (271, None, 6))),
        storage=Money(Decimal("7.00"), "GBP"),
    )  # fmt: skip
    key = (shop.skus["A1"], shop.places["UK"])
    async with shop.database.transaction() as connection:
        await ages.keep(connection, "store:amazon", {key: [fact]}, shop.clock.now())
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert line.told_age is not None
    assert (line.ageing, line.told_age.store, line.told_age.over(180)) == ((1, 2, 3, 4, 11), "amazon", 11)
    (case,) = (await shop.catalogue.slow()).items
    assert case.told_age == line.told_age
    async with shop.database.reading() as connection:
        taken, classes = await shop.catalogue.figures(connection, [shop.skus["A1"]], shop.clock.now())
    standing = standing_of(taken, taken.assess(shop.catalogue.watch_settings, classes), shop.settings)
    assert (standing.aged.tolist(), standing.fees.tolist()) == ([[1, 2, 3, 4, 11]], [700])
    old = shop.clock.now() + timedelta(days=7)
    assert (await shop.catalogue.stock_report(shop.sku("A1"), at=old)).lines[0].told_age is None
    assert before.ageing != line.ageing


async def test_an_arrival_in_time_is_counted(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [10] * 120)
    await shop.holds("A1", "UK", 145)
    await shop.awaits("A1", "UK", 100, 5)
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert (line.days_of_cover, line.days_of_cover_with_inbound) == (Decimal("14.5"), Decimal("24.5"))
    assert line.gap_days is None


async def test_the_local_day_of_a_place_decides_what_is_today(database: Database) -> None:
    clock = MovableClock(datetime(2011, 11, 21, 15, tzinfo=UTC), frozen=True)
    shop = await open_shop(database, clock)
    for code, zone in (("UK", "Europe/London"), ("AU", "Australia/Sydney")):
        await shop.add_place(code, zone)
    assert (shop.today("AU") - shop.today("UK")).days == 1
    await shop.add_product("A1")
    for code in ("UK", "AU"):
        await shop.sells("A1", code, [*([1] * 100), 50], sold_today=7)
        await shop.holds("A1", code, 300)
    report = await shop.catalogue.stock_report(shop.sku("A1"))
    assert [line.velocities[0].units for line in report.lines] == [56, 56]
    assert [line.sold_today for line in report.lines] == [7, 7]
    await shop.scan()
    days = {row.location_id: row.evidence["as_of"] for row in await shop.all_cases()}
    assert days == {shop.places["UK"]: "2011-11-20", shop.places["AU"]: "2011-11-21"}


async def test_stock_shows_the_figures_of_the_scan(shop: Shop) -> None:
    """A few series alone give what the whole catalogue gave: classes and service levels included."""
    for number in range(12):
        sku = f"A{number}"
        await shop.add_product(sku, price=200 + 100 * number)
        await shop.sells(sku, "UK", steady(units=2 + number % 5))
        await shop.holds(sku, "UK", 20 + number)
        await shop.buys("UK", 20 + number, 90, sku=sku)
    await shop.scan()
    cases = {key: case for key, case in (await shop.unresolved()).items() if key[0] == "stockout_risk"}
    assert len(cases) == 12
    letters = set()
    for (_kind, sku), case in cases.items():
        line = (await shop.catalogue.stock_report(shop.sku(sku))).lines[0]
        steps = {step["name"]: step["result"] for step in case.evidence["steps"]}
        assert line.reorder_point == int(steps["reorder_point"] + 1e-9)
        assert line.safety_stock == -int(-steps["safety_stock"] // 1)
        assert str(line.days_of_cover) == case.evidence["shown"]["days_of_cover"]
        assert line.abc == case.evidence["classes"]["abc"]
        assert "stockout_risk" in line.flags
        letters.add(line.abc)
    assert len(letters) > 1


async def test_a_report_has_a_line_per_place_and_can_be_narrowed(shop: Shop) -> None:
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [1] * 90)
    await shop.sells("A1", "DE", [5] * 90)
    await shop.holds("A1", "UK", 500)
    await shop.holds("A1", "DE", 3)
    await shop.scan()
    report = await shop.catalogue.stock_report(shop.sku("A1"))
    assert [line.location for line in report.lines] == ["DE", "UK"]
    assert {case.location for case in report.cases} == {"DE", "UK"}
    german = await shop.catalogue.stock_report(shop.sku("A1"), shop.location("DE"))
    assert [line.location for line in german.lines] == ["DE"]
    assert {case.location for case in german.cases} == {"DE"}


async def test_a_product_without_facts_has_no_lines(shop: Shop) -> None:
    await shop.add_product("NEW")
    report = await shop.catalogue.stock_report(shop.sku("NEW"))
    assert (report.lines, report.cases, report.fresh_until) == ((), (), None)


@pytest.mark.databases("sqlite", "postgres")
async def test_restock_shows_the_figures_of_this_moment(shop: Shop, clock: MovableClock) -> None:
    for number, price in enumerate((300, 900, 600)):
        await shop.add_product(f"A{number}", price=price)
        await shop.sells(f"A{number}", "UK", [10] * 120)
        await shop.holds(f"A{number}", "UK", 50)
    await shop.scan()
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", 20)
    first = await shop.catalogue.restock(page=1, size=2)
    second = await shop.catalogue.restock(page=2, size=2)
    assert ([view.sku for view in first.items], [view.sku for view in second.items]) == (["A1", "A2"], ["A0"])
    assert (first.total, first.pages, second.number) == (3, 2, 2)
    assert (first.items[0].on_hand, first.items[0].days_of_cover) == (20, Decimal(2))
    assert (await shop.cases.get(first.items[0].id)).on_hand == 50
    assert (await shop.catalogue.restock(shop.location("UK"))).total == 3
    assert (await shop.catalogue.slow()).items == ()


@pytest.mark.databases("sqlite", "postgres")
async def test_turnover_is_cost_of_sales_over_average_stock(shop: Shop) -> None:
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.add_product("A1", cost=200)
    await shop.add_product("B2", cost=None)
    await shop.sells("A1", "UK", [2] * 120)
    await shop.sells("A1", "DE", [1] * 120)
    await shop.sells("B2", "UK", [5] * 120)
    for sku, place, on_hand in (("A1", "UK", 100), ("A1", "DE", 50), ("B2", "UK", 70)):
        await shop.holds(sku, place, on_hand)
    lines = {line.label: line for line in await shop.catalogue.turnover()}
    assert list(lines) == ["DE", "UK", ""]
    british = lines["UK"]
    # closing stock fell by 2 a day to 100: its mean over 90 days is 100 + 2 * 44.5 = 189
    assert british.cost_of_goods_sold == Money(Decimal("360.00"), "GBP")
    assert british.average_inventory == Money(Decimal("378.00"), "GBP")
    assert british.turnover == Decimal("0.9524")
    assert british.days_of_inventory == Decimal("94.5")
    assert british.sell_through == Decimal("0.6429")  # 180 / (180 + 100)
    assert lines[""].cost_of_goods_sold == Money(Decimal("540.00"), "GBP")
    (german,) = await shop.catalogue.turnover(None, shop.location("DE"))
    assert german == lines["DE"]
    assert [line.label for line in await shop.catalogue.turnover(shop.sku("B2"))] == []


async def test_the_past_is_seen_as_it_was(shop: Shop, clock: MovableClock) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", [10] * 120)
    await shop.holds("A1", "UK", 145)
    before = clock.now() - timedelta(days=30)
    line = (await shop.catalogue.stock_report(shop.sku("A1"), None, before)).lines[0]
    assert line.velocities[2].units == 900
    assert (line.as_of, line.incoming) == (before, 0)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_store_s_price_in_another_currency_stands_in_where_the_product_has_none(shop: Shop) -> None:
    await shop.add_product("A1", price=None)
    await shop.sells("A1", "UK", [10] * 120)
    await shop.holds("A1", "UK", 10)
    async with shop.database.transaction() as connection:
        told = {"store_price_minor": 500, "store_currency": "USD"}
        await connection.execute(update(tables.Product).values(told))
        rate = {"source": "file", "base": "USD", "currency": "GBP", "day": shop.today("UK"), "rate": Decimal("0.8")}
        at = shop.clock.now()
        await connection.execute(insert(tables.ExchangeRate).values(stated_at=at, fetched_at=at, **rate))
        taken, _classes = await shop.catalogue.figures(connection, [shop.sku("A1").id], at)
    assert taken.routes.unit_price_minor.tolist() == [400]
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert line.unit_price == Money(Decimal("5.00"), "USD")
