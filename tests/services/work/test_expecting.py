"""Alerts, plans, budgets and charts expect the same demand: by what was taught where something was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import update

from bot.domain.budget import Wanted, saved_units
from bot.domain.calendar import CalendarSettings, Written
from bot.domain.chart import DAYS, FAN_LEVELS, StockChart
from bot.domain.forecasting.lessons import LEAST_SERIES
from bot.domain.money import Money
from bot.domain.outlook import Question, outlook, prospects
from bot.domain.sourcing import SourcingSettings
from bot.domain.spans import Demand
from bot.domain.uplift import Peaks
from bot.domain.watch import Assessment
from bot.ports import MovableClock
from bot.services.budgets import BudgetLine, BudgetView, Trade, orders_within, set_aside
from bot.services.charts import chart_of
from bot.services.learning import learn
from bot.services.snapshot import Snapshot
from bot.services.targets import sold_of
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop
from tests.services.work.test_learning import plant, taken

LEAD = 28


@pytest.fixture
async def shop(sqlite_database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    await plant(shop, LEAST_SERIES + 2)
    return shop


async def judged(shop: Shop, *, learned: bool = True) -> tuple[Snapshot, Assessment]:
    if learned:
        assert await learn(shop.database, shop.settings, SourcingSettings(), shop.clock.now())
    whole = await taken(shop)
    found = whole.assess(shop.settings.watch)
    assert (found.outlook is not None) == learned
    return whole, found


def fair(shop: Shop, starts_in: int, days: int, times: float) -> None:
    first = shop.today("UK") + timedelta(days=starts_in)
    last = first + timedelta(days=days - 1)
    calendar = CalendarSettings(written=(Written("fair", first, last, "Fair", uplift=times),))
    shop.settings = replace(shop.settings, calendar=calendar, peaks=Peaks(calendar))


async def chart(shop: Shop, whole: Snapshot, found: Assessment, row: int) -> StockChart:
    async with shop.database.reading() as connection:
        return await chart_of(connection, whole, found, row)


@pytest.mark.parametrize("learned", [True, False])
async def test_a_plan_holds_what_the_alerts_ask_for(shop: Shop, learned: bool) -> None:  # noqa: FBT001  # a parameter
    fair(shop, 3, 2, 4.0)
    whole, found = await judged(shop, learned=learned)
    rows = np.arange(found.series)[::-1]
    sold = sold_of(whole, found, rows)
    supply = found.supply
    np.testing.assert_allclose(np.maximum(sold.lead.at(sold.level), sold.lead.mean), supply.reorder_point[rows])
    np.testing.assert_allclose(np.maximum(sold.cycle.at(sold.level), sold.cycle.mean), supply.order_up_to[rows])
    assert isinstance(sold.lead, Demand) != learned


async def test_the_fan_of_a_chart_is_the_demand_that_the_watch_expects(shop: Shop) -> None:
    fair(shop, 20, 4, 3.0)
    whole, found = await judged(shop)
    n, lessons = found.series, whole.lessons
    assert lessons is not None
    days = np.full(n, float(LEAD)) + 4 * 2.0
    question = Question(days, days, None, np.zeros(n), np.full(n, FAN_LEVELS[0]), whole.groups)
    told = outlook(whole.history, found.demand, shop.settings.watch.demand, lessons, question).lead.quantile
    held = [row for row in range(n) if int(found.positions.available[row]) > 300]
    for row in held[:3]:
        drawn = await chart(shop, whole, found, row)
        low, middle, high = drawn.fan[LEAD - 1]
        stock = int(found.positions.available[row])
        assert high == pytest.approx(stock - told[row, 0], abs=1)
        assert middle == pytest.approx(stock - told[row, 1], abs=1)
        assert low < middle


async def test_where_nothing_was_taught_the_fan_is_the_blends_and_an_event_still_sells_more(shop: Shop) -> None:
    whole, found = await judged(shop, learned=False)
    row = int(np.flatnonzero(found.positions.available > 300)[1])
    calm = await chart(shop, whole, found, row)
    fair(shop, 20, 4, 3.0)
    busy = await chart(shop, *(await judged(shop, learned=False)), row)
    assert len(calm.stock) == DAYS
    assert busy.fan[19] == calm.fan[19]
    more = float(found.demand.velocity[row]) * 4 * 2
    assert calm.fan[LEAD - 1][1] - busy.fan[LEAD - 1][1] == pytest.approx(more, abs=2)


def budgeted(whole: Snapshot, found: Assessment, shop: Shop) -> BudgetView:
    chosen = np.ones(found.series, dtype=np.bool_)
    money = [Money.of_minor(10**9, "GBP")]
    trade = Trade((), {}, {})
    [view] = orders_within(set_aside(whole, ()), found, chosen, SourcingSettings(), trade, money, shop.today("UK"))
    assert view.lines
    return view


def saved(line: BudgetLine, shop: Shop, whole: Snapshot, found: Assessment, lead: tuple[float, float]) -> float:
    """The margin that a line saves where its goods take `lead` days with that deviation."""
    ahead, today = found.outlook, shop.today("UK")
    assert ahead is not None
    row = np.array([next(row for row in range(found.series) if whole.product(row).sku == line.sku)])
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    last = max(float(found.routes.review_days[row[0]]), float((first - today).days))
    spans = [(np.array([lead[0]]), np.array([lead[1]])), (np.array([last]), np.zeros(1))]
    before, after = prospects(whole.history, found.settings.demand, ahead, row, whole.groups.rows(row), spans)
    one = np.ones(1, dtype=np.int64)
    wanted = Wanted(one, one, one, one, one, found.supply.counted[row], before, after)
    units = saved_units(wanted, np.array([0]), np.array([line.units]))
    return float(units[0]) * float(found.supply.margin_minor[row[0]])


async def test_a_budget_weighs_by_the_demand_that_the_alert_rests_on(shop: Shop) -> None:
    whole, found = await judged(shop)
    for line in budgeted(whole, found, shop).lines[:4]:
        assert line.saved.minor == pytest.approx(saved(line, shop, whole, found, (LEAD, 2.0)), abs=2)


async def test_a_budget_weighs_goods_by_the_spread_of_the_route_that_they_come_by(shop: Shop) -> None:
    await judged(shop)
    await shop.buys("UK", 10, 150, mode="air")
    async with shop.database.transaction() as connection:
        await connection.execute(
            update(tables.Route).where(tables.Route.mode == "air").values(lead_time_sd_days=Decimal(9))
        )
    whole = await taken(shop)
    found = whole.assess(shop.settings.watch)
    assert (found.supply.lead_time_sd == 2.0).all()  # what is planned is the ship
    flown = [line for line in budgeted(whole, found, shop).lines if (line.arrives_on - shop.today("UK")).days == 10]
    assert flown
    for line in flown[:4]:
        assert line.saved.minor == pytest.approx(saved(line, shop, whole, found, (10.0, 9.0)), abs=2)
    assert any(abs(line.saved.minor - saved(line, shop, whole, found, (10.0, 2.0))) > 20 for line in flown)
