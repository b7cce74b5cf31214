"""Listings, stock at Amazon, and shipments to it."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.errors import Declined, SettingsError, Unreached
from bot.ports import InboundFact, MovableClock, ProductFact, StockFact, StorePlace
from bot.storage.database import Database
from bot.stores.amazon.cursor import Mark
from bot.stores.amazon.markets import ENDPOINTS, MARKETS, Account
from tests.services.feeds.kit import SHOP, open_shop
from tests.stores.amazon.conftest import Amazon, facts, faults, last
from tests.stores.amazon.server import amazon_part

DE, FR = MARKETS["DE"].id, MARKETS["FR"].id


async def test_stock_is_what_can_be_sent_and_what_is_reserved(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.count("LAMP", 40, ordered=3, moving=5, measured=2, working=100, shipped=20, receiving=7)
    pages = await amazon.read("stock")
    assert facts(pages, StockFact) == [StockFact("LAMP", "LAMP", "FBA-EU", 50, clock.now(), committed=5, incoming=27)]
    assert last(pages)


async def test_marketplaces_that_share_a_stock_are_asked_once(amazon: Amazon) -> None:
    amazon.account.count("LAMP", 40)
    amazon.account.count("LAMP", 40, "FR")  # the same units, seen from France
    amazon.account.count("LAMP", 6, "GB")
    feed = amazon.feed("DE,FR,GB")
    found = facts(await amazon.read("stock", feed=feed), StockFact)
    assert {fact.place: fact.on_hand for fact in found} == {"FBA-EU": 40, "FBA-GB": 6}
    assert await feed.places() == (
        StorePlace("FBA-EU", "Amazon EU"),
        StorePlace("FBA-GB", "Amazon GB"),
        StorePlace("merchant", "amz: sent by the seller"),
    )
    apart = facts(await amazon.read("stock", feed=amazon.feed("DE,FR", separate="FR")), StockFact)
    assert {fact.place for fact in apart} == {"FBA-EU", "FBA-FR"}


async def test_stock_is_read_page_by_page_and_what_amazon_says_is_wrong_is_listed(amazon: Amazon) -> None:
    for number in range(120):
        amazon.account.count(f"S{number}", number)
    del amazon.account.count("BAD", 1)["inventoryDetails"]["fulfillableQuantity"]
    amazon.account.partial = [{"code": "InternalFailure", "message": "Some summaries are missing."}]
    pages = await amazon.read("stock")
    assert {fact.sku: fact.on_hand for fact in facts(pages, StockFact)} == {f"S{n}": n for n in range(120)}
    found = faults(pages)
    assert "can be sent" in found["BAD@FBA-EU"].problem
    assert "Some summaries are missing" in found["FBA-EU"].problem


async def test_listings_are_told_with_the_first_marketplaces_prices(amazon: Amazon) -> None:
    def listed(sku: str, price: str, status: str = "Active") -> dict[str, str]:
        return {"seller-sku": sku, "item-name": f"Lampe grün {sku}", "price": price, "status": status}

    amazon.account.flat_listings = {
        DE: [listed("A", "12.5"), listed("B", "8", "Inactive"), listed("", "3"), listed("C", "viel")],
        FR: [listed("A", "13"), listed("F", "5")],
    }
    pages = await amazon.read("products", feed=amazon.feed("DE,FR"))
    assert facts(pages, ProductFact) == [
        ProductFact("A", "A", "Lampe grün A", Money(Decimal("12.50"), "EUR")),
        ProductFact("B", "B", "Lampe grün B", Money(Decimal("8.00"), "EUR"), active=False),
        ProductFact("F", "F", "Lampe grün F", None),
    ]
    assert {where: fault.problem for where, fault in faults(pages).items()} == {
        "?": "seller-sku is missing",
        "C": "price is 'viel', no number",
    }
    assert last(pages)


async def test_a_japanese_report_is_read_in_its_own_letters(amazon: Amazon) -> None:
    amazon.account.charset = "Windows-31J"
    amazon.account.sells_in = {MARKETS["JP"].id}
    row = {"商品名": "ランプ", "出品者SKU": "R-1", "価格": "1200", "ステータス": "Active"}
    amazon.account.flat_listings = {MARKETS["JP"].id: [row]}
    pages = await amazon.read("products", feed=amazon.feed("JP"))
    assert facts(pages, ProductFact) == [ProductFact("R-1", "R-1", "ランプ", Money(Decimal(1200), "JPY"))]


async def test_a_report_that_fails_is_forgotten_and_asked_for_anew(amazon: Amazon) -> None:
    amazon.account.flat_listings = {DE: [{"seller-sku": "A", "price": "1"}]}
    amazon.account.states = ["IN_PROGRESS", "FATAL"]
    cursor = await amazon.broken("products", "could not make")
    amazon.account.states = None
    assert [fact.sku for fact in facts(await amazon.read("products", cursor), ProductFact)] == ["A"]


async def test_what_a_marketplace_lists_whose_report_amazon_cancelled_is_not_known(
    amazon: Amazon, database: Database, clock: MovableClock
) -> None:
    shop, feed = await open_shop(database, clock), amazon.feed("DE,FR")
    amazon.account.flat_listings = {DE: [{"seller-sku": "A"}], FR: [{"seller-sku": "F"}]}

    async def read(cursor: str, *, parts: int) -> str:
        """Read on, or as many marketplaces; Amazon makes its next reports as it should."""
        async with contextlib.aclosing(feed.read("products", cursor)) as reading:  # type: ignore[type-var]
            async for page in reading:
                await shop.taking.take(SHOP, page)
                cursor, amazon.account.states = page.cursor, ["DONE"]
                if Mark.of(cursor).part == parts:
                    break
            else:
                clock.push(timedelta(hours=1))
        return cursor

    async def sold() -> dict[str, bool]:
        return {name: bool(is_sold) for name, is_sold in await shop.rows("SELECT code, sold FROM store_codes")}

    await read("", parts=9)
    async with database.transaction() as connection:
        await connection.exec_driver_sql("DELETE FROM store_cursors")
    amazon.account.states = ["CANCELLED"]
    cursor = await read(await read("", parts=1), parts=9)
    assert await sold() == {"A": True, "F": True}
    amazon.account.flat_listings[DE] = []
    await read(cursor, parts=9)
    assert await sold() == {"A": False, "F": True}, "now every report came, and none lists it"


async def test_a_report_that_was_asked_for_is_not_asked_for_again(amazon: Amazon) -> None:
    amazon.account.flat_listings = {DE: [{"seller-sku": "A", "price": "1"}]}
    page = await amazon.first("products")
    assert [fact.sku for fact in facts(await amazon.read("products", page.cursor), ProductFact)] == ["A"]
    assert len(amazon.account.reports) == 1


async def test_a_report_that_takes_too_long_is_come_back_to(amazon: Amazon) -> None:
    amazon.account.states = ["IN_PROGRESS"]
    with pytest.raises(Unreached, match="not ready"):
        await amazon.read("products")
    assert 900 < sum(amazon.pauses) <= 1200


async def test_a_report_that_amazon_forgot_is_asked_for_anew(amazon: Amazon) -> None:
    amazon.account.flat_listings = {DE: [{"seller-sku": "A", "price": "1"}]}
    cursor = (await amazon.first("products")).cursor
    amazon.account.reports.clear()
    cursor = await amazon.broken("products", "any more", cursor)
    assert [fact.sku for fact in facts(await amazon.read("products", cursor), ProductFact)] == ["A"]


async def test_what_is_still_to_come_of_a_shipment_is_told_and_what_came_once_it_is_closed(
    amazon: Amazon, clock: MovableClock
) -> None:
    shipment = amazon.account.send(("LAMP", 100, 0), ("MUG", 30, 0))
    planned = clock.now()
    first = await amazon.read("inbounds")
    number = shipment["shipmentConfirmationId"]
    assert facts(first, InboundFact) == [
        InboundFact(f"{number}/{sku}", sku, sku, "FBA-EU", units, planned, date(2011, 12, 1))
        for sku, units in (("LAMP", 100), ("MUG", 30))
    ]
    clock.push(timedelta(days=12))
    amazon.account.arrive(shipment, "RECEIVING", 60, 31)
    second = await amazon.read("inbounds", last(first))
    assert [(fact.quantity, fact.received_at) for fact in facts(second, InboundFact)] == [(40, None), (0, None)]
    clock.push(timedelta(days=2))
    amazon.account.arrive(shipment, "CLOSED", 98, 31)
    third = await amazon.read("inbounds", last(second))
    assert [(fact.quantity, fact.received_at) for fact in facts(third, InboundFact)] == [
        (98, clock.now()),
        (31, clock.now()),
    ]
    clock.push(timedelta(days=1))
    assert facts(await amazon.read("inbounds", last(third)), InboundFact) == []  # it is told once


async def test_every_page_of_what_a_shipment_holds_is_read(amazon: Amazon) -> None:
    amazon.account.page = 2
    amazon.account.send(*((f"LAMP-{number}", 10 + number, 0) for number in range(5)))
    told = facts(await amazon.read("inbounds"), InboundFact)
    assert [(fact.sku, fact.quantity) for fact in told] == [(f"LAMP-{number}", 10 + number) for number in range(5)]


async def test_shipments_of_one_plan_come_each_on_its_own_day(amazon: Amazon, clock: MovableClock) -> None:
    early, late = amazon.account.send(("LAMP", 10, 0)), amazon.account.send(("MUG", 5, 0))
    one, two = amazon.account.plans.values()
    one["shipments"] += two["shipments"]
    del amazon.account.plans[two["inboundPlanId"]]
    cursor = last(await amazon.read("inbounds"))
    told = []
    for shipment, units in ((early, 10), (None, 0), (late, 5), (None, 0)):
        clock.push(timedelta(days=1))
        if shipment:
            amazon.account.arrive(shipment, "CLOSED", units)
        pages = await amazon.read("inbounds", cursor)
        cursor = last(pages)
        told += [(fact.sku, fact.received_at) for fact in facts(pages, InboundFact) if fact.received_at]
    start = clock.now() - timedelta(days=4)
    assert told == [("LAMP", start + timedelta(days=1)), ("MUG", start + timedelta(days=3))]
    assert Mark.of(cursor).open == ()


async def test_a_plan_that_was_given_up_is_not_asked_for_for_ever(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.send(("LAMP", 10, 0), status="WORKING")
    pages = await amazon.read("inbounds")
    (entry,) = Mark.of(last(pages)).open
    assert entry.startswith(next(iter(amazon.account.plans)))
    clock.push(timedelta(days=400))
    assert Mark.of(last(await amazon.read("inbounds", last(pages)))).open == ()


async def test_shipments_that_ended_before_the_first_reading_are_history(amazon: Amazon) -> None:
    amazon.account.send(("OLD", 5, 5), status="CLOSED")
    amazon.account.send(("PLANNED", 5, 0), status="WORKING")
    amazon.account.send(("GONE", 5, 0), status="CANCELLED")
    found = facts(await amazon.read("inbounds"), InboundFact)
    assert [(fact.sku, fact.quantity, fact.received_at == fact.ordered_at) for fact in found] == [("GONE", 0, True)]


async def test_a_plan_for_a_marketplace_that_is_not_ours_is_left_out(amazon: Amazon) -> None:
    amazon.account.send(("LAMP", 5, 0))
    pages = await amazon.read("inbounds", feed=amazon.feed("IT"))
    assert (facts(pages, InboundFact), faults(pages)) == ([], {})


async def test_what_cannot_be_read_of_a_shipment_leaves_the_others(amazon: Amazon) -> None:
    good, bad = amazon.account.send(("GOOD", 5, 0)), amazon.account.send(("BAD", 5, 0), ("FINE", 1, 0))
    amazon.account.shipped[bad["shipmentConfirmationId"]][0]["QuantityShipped"] = -1
    amazon.account.arrive(good, "LOST", 0)
    pages = await amazon.read("inbounds")
    assert [fact.sku for fact in facts(pages, InboundFact)] == ["FINE"]
    assert sorted(fault.problem for fault in faults(pages).values()) == [
        "QuantityShipped is '-1', no count of units",
        "its status 'LOST' is not known",
    ]
    amazon.account.faults.add("getShipment", "error:403")
    with pytest.raises(Declined, match="403"):  # no fault of one record
        await amazon.read("inbounds")


async def test_a_shipment_that_names_no_day_needs_one_from_the_settings(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.send(("LAMP", 5, 0), arrives="")
    pages = await amazon.read("inbounds")
    assert "transfer_days" in next(iter(faults(pages).values())).problem
    (fact,) = facts(await amazon.read("inbounds", feed=amazon.feed(transfer_days="21")), InboundFact)
    assert fact.expected_on == (clock.now() + timedelta(days=21)).date()


async def test_reading_shipments_goes_on_after_the_plan_it_was_at(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.page = 2
    for number in range(5):
        amazon.account.send((f"S{number}", 1, 0))
        clock.push(timedelta(minutes=1))
    page = await amazon.first("inbounds")
    rest = await amazon.read("inbounds", page.cursor)
    assert [fact.sku for fact in facts([page, *rest], InboundFact)] == ["S4", "S3", "S2", "S1", "S0"]
    assert last(rest)


def test_settings_that_name_no_account_are_told_at_once() -> None:
    def told(marketplaces: str, **options: str) -> str:
        with pytest.raises(SettingsError) as caught:
            Account.of("amz", amazon_part("", "x", marketplaces, **options))
        return str(caught.value)

    assert "is missing" in told("")
    assert "XX" in told("DE, XX")
    assert "several regions" in told("DE, US")
    assert "no number of days" in told("DE", history_days="viele")
    assert "colour: is not known" in told("DE", colour="red")
    account = Account.of("amz", amazon_part("", "x", "uk, de"))
    assert [market.code for market in account.markets] == ["GB", "DE"]
    assert account.url == ENDPOINTS["eu"]


def test_marketplaces_are_those_that_the_library_knows() -> None:
    from sp_api.base import Marketplaces  # type: ignore[import-untyped]  # noqa: PLC0415  # it takes long to load

    for code, market in MARKETS.items():
        known = Marketplaces[code]
        assert (market.id, ENDPOINTS[market.region]) == (known.marketplace_id, known.endpoint)
