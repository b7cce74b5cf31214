from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.bootstrap.choices import service_settings
from bot.chat.arguments import Location
from bot.chat.cards import case_card
from bot.chat.nodes import Actions
from bot.domain.calendar import CalendarSettings, Closures, Written
from bot.domain.sourcing import SourcingSettings
from bot.services import snapshot
from bot.services.figures import learned
from bot.settings import given
from bot.storage import catalogue
from bot.storage.catalogue import RouteColumns
from tests.services.orders.kit import Yard


async def routes(yard: Yard, before: timedelta = timedelta(0)) -> RouteColumns:
    async with yard.shop.database.reading() as connection:
        return await catalogue.routes(connection, at=yard.clock.now() - before)


async def test_a_finished_order_teaches_its_route(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240, "MUG": 80})
    yard.pass_days(31)
    await yard.receive(number, {"LAMP": 240})
    assert (await routes(yard)).observations.tolist() == [0]  # not before it is done
    yard.pass_days(40)
    view = (await yard.receive(number)).request
    assert (view.detail["took_days"], view.detail["stated_days"]) == ("41.0", "35.0")  # 240 at 31 days, 80 at 71
    found = await routes(yard)
    assert (found.stated.tolist(), found.observations.tolist()) == ([35], [1])
    assert found.lead_time.tolist() == [36.5]  # (3 x 35 + 41) / 4
    earlier = await routes(yard, timedelta(days=1))
    assert (earlier.lead_time.tolist(), earlier.observations.tolist()) == ([35], [0])  # as it was known then


async def test_stock_is_reckoned_with_what_was_learned_and_says_so(yard: Yard) -> None:
    await yard.shop.sells("LAMP", "UK", [10] * 120)
    place: Location = yard.shop.location("UK")
    [before] = (await yard.shop.catalogue.stock_report(yard.shop.sku("LAMP"), place)).lines
    assert before.lead_time_days == Decimal(35)
    number = await yard.ordered({"LAMP": 240})
    yard.pass_days(55)
    await yard.receive(number)
    [after] = (await yard.shop.catalogue.stock_report(yard.shop.sku("LAMP"), place)).lines
    assert after.lead_time_days == Decimal(40)
    async with yard.shop.database.reading() as connection:
        taken = await snapshot.take(connection, yard.shop.settings, SourcingSettings(), yard.clock.now())
    row = taken.find(yard.shop.skus["LAMP"], yard.shop.places["UK"])
    assert row is not None
    assert learned(taken, row) == {
        "lead_time": {"observations": 1, "stated_days": "35.0", "learned_days": "40.0"},
    }


async def test_a_case_keeps_on_how_many_orders_its_lead_time_rests(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 1})
    yard.pass_days(55)
    await yard.receive(number)
    await yard.shop.sells("LAMP", "UK", [10] * 120)
    await yard.shop.scan()
    case = (await yard.shop.unresolved())["stockout_risk", "LAMP"]
    assert case.evidence["lead_time"]["observations"] == 1
    assert case.evidence["inputs"]["lead_time_days"] == 40


async def test_an_order_before_the_new_year_is_planned_with_its_supplier_s_rest(lite: Yard) -> None:
    before, after = datetime(2026, 2, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC)
    chosen = service_settings(given(calendar={"closed_before_days": 2, "closed_after_days": 4})).closures
    async with lite.shop.database.reading() as connection:
        plain = await catalogue.routes(connection, before)
        rested = await catalogue.routes(connection, before, closures=Closures())
        written = await catalogue.routes(connection, before, closures=chosen)
        later = await catalogue.routes(connection, after, closures=Closures())
    assert (plain.lead_time.tolist(), rested.lead_time.tolist()) == ([35], [50])  # 10 to 24 February
    assert (rested.closed.tolist(), written.closed.tolist(), later.closed.tolist()) == ([15], [7], [0])


async def test_a_rest_is_part_of_the_plan_and_of_its_reasons(lite: Yard) -> None:
    rest = Written("strike", date(2011, 11, 25), date(2011, 11, 27), kind="supply", countries=frozenset({"CN"}))
    settings = replace(lite.shop.settings, closures=Closures(CalendarSettings(written=(rest,))))
    await lite.shop.sells("LAMP", "UK", [1] * 120)
    async with lite.shop.database.reading() as connection:
        taken = await snapshot.take(connection, settings, SourcingSettings(), lite.clock.now())
    row = taken.find(lite.shop.skus["LAMP"], lite.shop.places["UK"])
    assert row is not None
    assert taken.routes.lead_time_days[row] == 38
    assert learned(taken, row)["lead_time"] == {
        "observations": 0, "stated_days": "35.0", "learned_days": "35.0", "closed_days": 3,
    }  # fmt: skip


async def test_goods_that_are_late_open_a_case_that_names_the_order(yard: Yard) -> None:
    await yard.shop.sells("LAMP", "UK", [1] * 120)
    number = await yard.ordered({"LAMP": 240}, days=10)
    await yard.shop.scan()
    assert ("late_inbound", "LAMP") not in await yard.shop.unresolved()
    yard.pass_days(12)
    await yard.shop.scan()
    case = (await yard.shop.unresolved())["late_inbound", "LAMP"]
    assert case.evidence["shown"]["overdue_orders"] == [f"R-{number}"]
    assert case.evidence["shown"]["next_arrival"]["late"] is True
    await yard.report(number, "arrives", arrives=date(2011, 12, 20))
    await yard.shop.scan()
    assert ("late_inbound", "LAMP") not in await yard.shop.unresolved()


async def test_late_goods_that_arrive_close_the_case(yard: Yard) -> None:
    await yard.shop.sells("LAMP", "UK", [1] * 120)
    number = await yard.ordered({"LAMP": 240}, days=10)
    yard.pass_days(12)
    await yard.shop.scan()
    assert ("late_inbound", "LAMP") in await yard.shop.unresolved()
    await yard.receive(number)
    await yard.shop.scan()
    assert ("late_inbound", "LAMP") not in await yard.shop.unresolved()


async def test_what_one_product_is_shown_is_what_all_are_planned_with(lite: Yard) -> None:
    await lite.shop.buys("UK", 20, 100, sku="LAMP")
    await lite.shop.buys("UK", 20, 100, sku="MUG")
    number = await lite.ordered({"LAMP": 240, "MUG": 80})
    lite.pass_days(40)
    await lite.receive(number)
    async with lite.shop.database.reading() as connection:
        everything = await catalogue.routes(connection, at=lite.clock.now())
        alone = await catalogue.routes(connection, lite.clock.now(), [lite.shop.skus["LAMP"]])
    assert everything.lead_time.tolist() == [36.25, 25, 25]  # all goods, LAMP, MUG
    assert alone.lead_time.tolist() == [36.25, 25]


async def test_the_card_of_late_goods_names_the_order_and_asks_for_a_date(lite: Yard) -> None:
    await lite.shop.sells("LAMP", "UK", [1] * 120)
    number = await lite.ordered({"LAMP": 240}, days=10)
    lite.pass_days(12)
    await lite.shop.scan()
    case = (await lite.shop.unresolved())["late_inbound", "LAMP"]
    card = case_card(await lite.shop.cases.get(case.id), None)
    assert f"R-{number}" in str(card)
    asks = [
        button.arguments
        for block in card.blocks
        if isinstance(block, Actions)
        for button in block.buttons
        if button.command == "order"
    ]
    assert asks == [(f"R-{number}", "arrives")]
