"""Each kind of trouble opens when the numbers say so, proposes the right thing, and ends when they recover."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import BadArgument, NotAllowed, StaleButton, UnknownReference
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY
from tests.services.work.shop import Shop, open_shop, steady

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


async def shortage(shop: Shop, sku: str, on_hand: int = 60, price: int = 250) -> None:
    await shop.add_product(sku, price=price)
    await shop.sells(sku, "UK", steady())
    await shop.holds(sku, "UK", on_hand)
    await shop.buys("UK", 21, 90, sku=sku)


async def test_dead_stock_opens_a_slow_mover_with_a_clearance_that_stays_a_draft(shop: Shop) -> None:
    await shop.add_product("OLD", cost=1000, price=2500)
    await shop.sells("OLD", "UK", [2] * 60 + [0] * 100)
    await shop.holds("OLD", "UK", 400)
    await shop.scan()
    case = (await shop.unresolved())["slow_mover", "OLD"]
    assert (case.severity, case.money_minor > 400 * 1000) == (3, True)
    (draft,) = await shop.requested()
    assert (draft.kind, draft.state, draft.id, draft.expires_at) == ("promotion", "draft", case.request_id, None)
    detail = draft.detail
    assert detail["floor_price_minor"] == 1050
    assert detail["break_even_minor"] == 250  # a year's keeping at 25% of 10.00
    assert detail["promo_price_minor"] == 2500 - 250
    assert draft.total_minor == 250 * 400
    assert detail["below_cost"] is False
    assert (await shop.scan()).requests_drafted == 0
    with pytest.raises(StaleButton):  # it begins with a preview of its prices
        await shop.purchases.submit(draft.id, None, shop.asker("Jonas"), "slack")


async def test_slow_stock_goes_where_it_is_wanted_before_its_price_falls(shop: Shop) -> None:
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.add_product("OLD")
    await shop.sells("OLD", "UK", [2] * 60 + [0] * 100)
    await shop.holds("OLD", "UK", 400)
    await shop.sells("OLD", "DE", steady(160, units=4))
    await shop.holds("OLD", "DE", 180)
    await shop.buys("DE", 35, 90, sku="OLD")
    await shop.scan()
    (draft,) = await shop.requested()
    assert (draft.kind, draft.state) == ("transfer", "draft")
    assert (draft.from_location_id, draft.location_id) == (shop.places["UK"], shop.places["DE"])


async def test_far_too_much_of_a_good_seller_is_overstock(shop: Shop, clock: MovableClock) -> None:
    await shop.add_product("A1", cost=1000, price=2500)
    await shop.sells("A1", "UK", steady())
    await shop.holds("A1", "UK", 1500)
    await shop.buys("UK", 21, 900, sku="A1")
    await shop.scan()
    assert set(await shop.unresolved()) == {("overstock", "A1")}
    clock.push(HOUR)
    await shop.holds("A1", "UK", 350)
    assert (await shop.scan()).resolved == 1


async def test_a_sudden_jump_is_a_surge_and_it_ends(shop: Shop, clock: MovableClock) -> None:
    await shop.add_product("HOT")
    await shop.sells("HOT", "UK", [*steady(119), 60])
    await shop.holds("HOT", "UK", 500)
    await shop.buys("UK", 21, 90, sku="HOT")
    await shop.scan()
    assert ("surge", "HOT") in await shop.unresolved()
    report = await shop.catalogue.stock_report(shop.sku("HOT"))
    assert "surge" in report.lines[0].flags
    clock.push(5 * DAY)
    await shop.sells("HOT", "UK", [9, 11, 10, 10])
    await shop.scan()
    assert ("surge", "HOT") not in await shop.unresolved()


async def test_a_week_far_below_the_usual_is_a_slump_which_buys_nothing_and_it_ends(
    shop: Shop, clock: MovableClock
) -> None:
    await shop.add_product("COLD")
    await shop.sells("COLD", "UK", [*steady(113), 2, 1, 3, 2, 1, 2, 1])
    await shop.holds("COLD", "UK", 500)
    await shop.buys("UK", 21, 90, sku="COLD")
    await shop.awaits("COLD", "UK", 300, 10)
    await shop.scan()
    case = (await shop.unresolved())["slump", "COLD"]
    assert case.severity == 2
    assert case.money_minor > 0
    assert not [request for request in await shop.requested() if request.kind == "purchase_order"]
    said = " ".join(await shop.said())
    assert "Sales slump" in said
    assert "the price, the listing and the reviews" in said
    report = await shop.catalogue.stock_report(shop.sku("COLD"))
    assert "slump" in report.lines[0].flags
    clock.push(8 * DAY)
    await shop.sells("COLD", "UK", steady(8))
    await shop.scan()
    assert ("slump", "COLD") not in await shop.unresolved()


@pytest.mark.databases("sqlite", "postgres")
async def test_neither_an_empty_shelf_nor_a_silent_feed_is_a_slump(shop: Shop, clock: MovableClock) -> None:
    for sku in ("OUT", "MUTE"):
        await shop.add_product(sku)
        await shop.sells(sku, "UK", [*steady(116), 0, 0, 0, 0], sold_today=1 if sku == "MUTE" else 0)
        await shop.holds(sku, "UK", 0 if sku == "OUT" else 500)
    await shop.feed("shop", "sales", clock.now() - 4 * DAY, limit_hours=240)
    await shop.scan()
    assert not [key for key in await shop.unresolved() if key[0] == "slump"]
    await shop.feed("shop", "sales", clock.now(), limit_hours=240)
    await shop.scan()
    assert [key for key in await shop.unresolved() if key[0] == "slump"] == [("slump", "MUTE")]


async def test_a_look_at_some_products_alone_neither_opens_nor_resolves_a_slump(
    shop: Shop, clock: MovableClock
) -> None:
    for sku in ("COLD", "CALM"):
        await shop.add_product(sku)
        await shop.sells(sku, "UK", [*steady(113), *([1] * 7 if sku == "COLD" else steady(7))])
        await shop.holds(sku, "UK", 500)
    product = [shop.skus["COLD"]]
    await shop.scan()
    assert ("slump", "COLD") in await shop.unresolved()
    clock.push(8 * DAY)
    await shop.sells("COLD", "UK", steady(8))
    assert await shop.watch.rescan(product, clock.now(), lambda _news: 5) is not None
    assert ("slump", "COLD") in await shop.unresolved()


@pytest.mark.databases("sqlite", "postgres")
async def test_goods_past_their_promised_day_are_late_until_they_come(shop: Shop, clock: MovableClock) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", steady())
    await shop.holds("A1", "UK", 40)
    await shop.awaits("A1", "UK", 300, -3)
    await shop.awaits("A1", "UK", 200, 10, number="2")
    await shop.buys("UK", 21, 90, sku="A1")
    await shop.scan()
    assert ("late_inbound", "A1") in await shop.unresolved()
    line = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert (line.incoming, line.next_arrival and line.next_arrival.quantity) == (500, 200)
    clock.push(HOUR)
    await shop.receives("A1")
    await shop.holds("A1", "UK", 540)
    await shop.scan()
    assert ("late_inbound", "A1") not in await shop.unresolved()


async def test_goods_expected_today_are_not_late_yet(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", steady())
    await shop.holds("A1", "UK", 400)
    await shop.awaits("A1", "UK", 300, 0)
    await shop.scan()
    assert ("late_inbound", "A1") not in await shop.unresolved()


async def test_a_feed_gone_silent_opens_one_case_and_silences_the_rest(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1")
    await shop.feed("count", "stock", clock.now())
    await shop.scan()
    assert set(await shop.unresolved()) == {("stockout_risk", "A1")}
    clock.push(3 * DAY)
    await shop.requests.expire(clock.now())
    await shortage(shop, "B2")
    report = await shop.scan()
    assert (report.opened, report.resolved, report.requests_drafted, report.silenced) == (1, 0, 0, 2)
    assert set(await shop.unresolved()) == {("stockout_risk", "A1"), ("data_stale", "")}
    assert (await shop.scan()).opened == 0

    stale = (await shop.unresolved())["data_stale", ""]
    assert (stale.evidence["source"], stale.money_minor) == ("count", 0)
    await shop.feed("count", "stock", clock.now())
    await shop.scan()
    assert set(await shop.unresolved()) == {("stockout_risk", "A1"), ("stockout_risk", "B2")}


@pytest.mark.databases("sqlite", "postgres")
async def test_stale_facts_resolve_nothing(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1")
    await shop.feed("count", "stock", clock.now())
    await shop.scan()
    clock.push(3 * DAY)
    async with shop.database.transaction() as connection:
        await connection.execute(tables.StockLevel.__table__.update().values(on_hand=5000))  # type: ignore[attr-defined]
    assert (await shop.scan()).resolved == 0
    assert ("stockout_risk", "A1") in await shop.unresolved()


async def test_a_feed_of_one_place_silences_that_place_alone(shop: Shop, clock: MovableClock) -> None:
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shortage(shop, "A1")
    await shop.sells("A1", "DE", steady())
    await shop.holds("A1", "DE", 20, source="german")
    await shop.feed("german", "stock", clock.now() - 3 * DAY)
    report = await shop.scan()
    assert report.silenced == 1
    places = {row.location_id for row in await shop.all(tables.Case) if row.kind == "stockout_risk"}
    assert places == {shop.places["UK"]}


async def test_stock_that_was_never_counted_is_not_judged(shop: Shop) -> None:
    await shop.add_product("A1")
    await shop.sells("A1", "UK", steady())
    report = await shop.scan()
    assert (report.series, report.silenced, report.opened) == (1, 1, 0)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_snoozed_case_is_silent_until_it_ends(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1")
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    view = await shop.cases.snooze(case.id, clock.now() + 3 * DAY, shop.members["Maria"], "slack")
    assert view.snoozed_until == clock.now() + 3 * DAY
    clock.push(2 * DAY)
    await shop.requests.expire(clock.now())
    assert (await shop.scan()).requests_drafted == 0
    assert len(await shop.said()) == 1
    clock.push(DAY)
    await shop.scan()
    assert len(await shop.said()) == 2
    await shop.scan()
    assert len(await shop.said()) == 2
    assert (await shop.cases.get(case.id)).snoozed_until is None


@pytest.mark.databases("sqlite", "postgres")
async def test_a_snoozed_case_that_worsens_speaks_up(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1", on_hand=150)
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    await shop.cases.snooze(case.id, clock.now() + 3 * DAY, shop.members["Maria"], "slack")
    clock.push(HOUR)
    await shop.holds("A1", "UK", 5)
    assert (await shop.scan()).worsened == 1
    assert len(await shop.said()) == 2


@pytest.mark.databases("sqlite", "postgres")
async def test_a_case_is_snoozed_by_those_who_tend_it_and_into_the_future(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1")
    await shop.scan()
    with pytest.raises(BadArgument):
        await shop.cases.snooze(1, clock.now(), shop.members["Maria"], "slack")
    with pytest.raises(NotAllowed):
        await shop.cases.snooze(1, clock.now() + DAY, 0, "slack")
    with pytest.raises(UnknownReference):
        await shop.cases.snooze(77, clock.now() + DAY, shop.members["Maria"], "slack")
    view = await shop.cases.acknowledge(1, shop.members["Maria"], "slack")
    assert view.state == "acknowledged"
    assert [row.action for row in await shop.all(tables.Audit)] == ["watch.scanned", "case.acknowledged"]


async def test_the_costliest_get_cards_of_their_own_and_the_rest_share_one(shop: Shop, clock: MovableClock) -> None:
    for number in range(8):
        await shortage(shop, f"A{number}", price=200 + 50 * number)
    report = await shop.scan()
    said = await shop.said()
    assert (report.opened, report.announced, len(said)) == (8, 7, 7)  # and the order of all eight
    for position, number in enumerate((7, 6, 5, 4, 3)):
        assert f"'A{number}'" in said[position]
    assert "3 more" in said[5] or "'count': 3" in said[5]
    clock.push(HOUR)
    assert (await shop.scan()).announced == 0


@pytest.mark.databases("sqlite", "postgres")
async def test_each_topic_is_told_apart(shop: Shop) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(tables.Subscription.__table__.delete())  # type: ignore[attr-defined]
        await connection.execute(
            tables.Subscription.__table__.insert().values(  # type: ignore[attr-defined]
                conversation_id=1, topic="slow", created_at=shop.clock.now()
            )
        )
    await shortage(shop, "A1")
    await shop.add_product("OLD")
    await shop.sells("OLD", "UK", [2] * 60 + [0] * 100)
    await shop.holds("OLD", "UK", 400)
    await shop.scan()
    (post,) = await shop.said()
    assert "'OLD'" in post


@pytest.mark.databases("sqlite", "postgres")
async def test_whoever_hears_of_requests_gets_the_card_of_a_case_that_asks(shop: Shop) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(
            tables.Subscription.__table__.delete().where(tables.Subscription.topic != "requests")  # type: ignore[attr-defined]
        )
    await shortage(shop, "A1")
    await shop.scan()
    (post,) = await shop.said()
    assert "'approve'" in post


async def test_the_history_tells_what_changed_since(shop: Shop, clock: MovableClock) -> None:
    await shortage(shop, "A1")
    await shortage(shop, "B2")
    before = clock.now()
    clock.push(HOUR)
    await shop.scan()
    opened, count, resolved = await shop.cases.history(before)
    assert ([view.sku for view in opened], count, resolved) == (["A1", "B2"], 2, 0)
    clock.push(HOUR)
    await shop.holds("A1", "UK", 420)
    since = clock.now() - timedelta(minutes=1)
    await shop.scan()
    opened, count, resolved = await shop.cases.history(since)
    assert (opened, count, resolved) == ((), 0, 1)
    page = await shop.cases.open(["stockout_risk"])
    assert [view.sku for view in page.items] == ["B2"]
