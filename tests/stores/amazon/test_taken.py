"""From Amazon over HTTP into the tables: sold, cancelled, counted, on its way, and told again."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import FactKind, MovableClock
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from tests.services.feeds.kit import SHOP, open_shop
from tests.stores.amazon.conftest import Amazon


async def test_what_amazon_tells_is_taken_once_and_follows_its_changes(
    amazon: Amazon, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    location = await shop.add(
        Location, code="FBA", name="FBA", zone="Europe/Berlin", country="DE", currency="EUR", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="FBA-EU", name="Amazon", location_id=location, counts=True)
    feed, cursors = amazon.feed(), dict[str, str]()

    async def read(kind: FactKind) -> int:
        changed = 0
        async for page in feed.read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    amazon.account.flat_listings = {
        amazon.account.market.id: [{"seller-sku": "LAMP", "item-name": "Lamp", "price": "12.00", "status": "Active"}]
    }
    amazon.account.count("LAMP", 40, ordered=3)
    shipment = amazon.account.send(("LAMP", 100, 0))
    amazon.account.place(("LAMP", 2, "24.00", "3.84", "0"))
    kept = amazon.account.place(("LAMP", 1, "12.00", "1.92", "0"), status="UNSHIPPED")
    clock.push(timedelta(minutes=10))
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders", "inbounds")
    assert [await read(kind) for kind in kinds] == [1, 1, 2, 1]
    assert await shop.demand() == [("LAMP", "FBA", "2011-11-21", 3, 0, 3, 3024)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(43, 3)]
    assert [await read(kind) for kind in kinds[1:]] == [0, 0, 0]  # the overlap tells it all again

    clock.push(timedelta(hours=1))
    amazon.account.touch(kept, "CANCELLED")
    amazon.account.arrive(shipment, "CLOSED", 98)
    clock.push(timedelta(minutes=10))
    assert await read("orders") == 1
    assert [row[3:5] for row in await shop.demand()] == [(2, 1)]
    assert await read("inbounds") == 1
    assert await shop.rows("SELECT quantity FROM stock_movements WHERE kind = 'receipt'") == [(98,)]
    assert await read("inbounds") == 0
    assert await shop.faults() == {}


async def test_what_amazon_lists_and_counts_no_more_is_gone_within_the_hour(
    amazon: Amazon, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    location = await shop.add(
        Location, code="FBA", name="FBA", zone="Europe/Berlin", country="DE", currency="EUR", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="FBA-EU", name="Amazon", location_id=location, counts=True)
    lamp = {"seller-sku": "LAMP", "item-name": "Lampe", "price": "9.90", "status": "Active"}
    mug = {**lamp, "seller-sku": "MUG", "item-name": "Becher"}
    market, cursors = amazon.account.market.id, dict[str, str]()
    for sku in ("LAMP", "MUG"):
        amazon.account.count(sku, 40)
    for listed in ([lamp, mug], [lamp]):
        amazon.account.flat_listings = {market: listed}
        amazon.account.stock[market] = [row for row in amazon.account.stock[market] if row["sellerSku"] in str(listed)]
        kinds: tuple[FactKind, ...] = ("products", "stock")
        for kind in kinds:
            for page in await amazon.read(kind, cursors.get(kind, "")):
                await shop.taking.take(SHOP, page)
                cursors[kind] = page.cursor
        clock.push(timedelta(hours=1))
    assert await shop.rows("SELECT sku, active FROM products ORDER BY sku") == [("LAMP", 1), ("MUG", 0)]
    newest = "SELECT p.sku, l.on_hand FROM stock_levels l JOIN products p ON p.id = l.product_id ORDER BY l.id"
    assert dict(await shop.rows(newest)) == {"LAMP": 40, "MUG": 0}


async def test_rows_that_cannot_be_read_stand_as_one_fault_until_a_report_can_be_read_whole(
    amazon: Amazon, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    lamp = {"seller-sku": "LAMP", "item-name": "Lampe", "price": "9.90", "status": "Active"}
    torn = {**lamp, "seller-sku": "MUG", "item-name": "a\ttab"}
    where = "GET_MERCHANT_LISTINGS_ALL_DATA@DE"
    for rows, wrong in (([lamp, torn], {where}), ([torn, lamp], {where}), ([lamp], set[str]())):
        amazon.account.flat_listings = {amazon.account.market.id: rows}
        for page in await amazon.read("products"):
            await shop.taking.take(SHOP, page)
        assert set(await shop.faults()) == wrong


async def test_a_torn_row_of_an_order_is_well_once_a_report_tells_the_order(
    amazon: Amazon, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    number = amazon.account.place(("LAMP", 1, "12.00", "1.92", "0")).number
    clock.push(timedelta(minutes=10))
    whole, name = amazon.account.flat, "product-name"
    amazon.account.flat = lambda order: [{**row, name: "a\ttab"} for row in whole(order)]  # type: ignore[method-assign]  # what it tells
    for page in await amazon.read("orders"):
        await shop.taking.take(SHOP, page)
    torn = await shop.faults()
    assert (list(torn), "fields" in torn[number]) == ([number], True)
    amazon.account.flat = whole  # type: ignore[method-assign]  # as it was
    for page in await amazon.read("orders"):
        await shop.taking.take(SHOP, page)
    assert "fields" not in (await shop.faults())[number]  # it waits for its place to be named, as any other
