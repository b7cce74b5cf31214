"""What a Shopify shop tells, from its answers into the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import Declined
from bot.ports import FactKind, MovableClock, Shelf, StockFact
from bot.services.feeds import Taken
from bot.storage import shelves
from bot.storage.database import Database
from bot.storage.tables import StorePlace
from bot.storage.variants import variants_of
from bot.stores.shopify.reading import tail
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.store import EAST, WEST
from tests.stores.shopify.test_hooks import told


async def taken(running: Running, shop: Shop, kind: FactKind, cursor: str = "") -> Taken:
    """Read all pages of a kind into the database."""
    found = Taken()
    for page in await running.read(kind, cursor):
        found.add(await shop.taking.take(SHOP, page))
    return found


async def test_a_shop_is_read_into_the_books_and_read_again_changes_nothing(
    running: Running, database: Database
) -> None:
    shop = await open_shop(database, MovableClock(NOW))
    places = dict(await shop.rows("SELECT code, id FROM locations"))
    for place, location in (("1001", "BER"), ("1002", "SHA")):
        await shop.add(StorePlace, store=SHOP, place=place, name=place, location_id=places[location], counts=True)
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=6, on_hand=9, committed=3, incoming=30)
    sold, cancelled = running.store.line(mug, 5, "21.25"), running.store.line(mug, 2, "8.50")
    order = running.store.order(sold)
    running.store.ship(order, WEST, (sold, 5))
    running.store.refund(order, (sold, 1, "RETURN"))
    running.store.refund(running.store.order(cancelled), (cancelled, 2, "CANCEL"))
    running.store.consign(running.store.transfer(mug, 30), mug, "2026-12-01T10:00:00Z")
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders", "inbounds")
    first = [await taken(running, shop, kind) for kind in kinds]
    assert [(each.faults, bool(each.touched)) for each in first] == [(0, True)] * 4
    assert await shop.demand() == [("MUG", "SHA", "2026-11-20", 5, 1, 4, 2125)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(9, 3)]
    assert await shop.rows("SELECT quantity, received_at FROM inbounds") == [(30, None)]
    again = [await taken(running, shop, kind) for kind in kinds]
    assert [(each.changed, each.faults) for each in again] == [(0, 0)] * 4
    assert await shop.faults() == {}


async def stocked(running: Running, database: Database, *skus: str) -> Shop:
    """The shop in the books, with five of each lying at one place, and its feed reminded of what does."""
    shop = await open_shop(database, MovableClock(NOW, frozen=True))
    (berlin,) = (row[0] for row in await shop.rows("SELECT id FROM locations WHERE code = 'BER'"))
    await shop.add(StorePlace, store=SHOP, place="1001", name="East", location_id=berlin, counts=True)
    for sku in skus:
        running.store.stock(running.store.sell(sku, sku, "4.25"), EAST, available=5, on_hand=5)

    async def known() -> list[Shelf]:
        async with shop.database.reading() as connection:
            return await shelves.filled(connection, SHOP)

    async def first(told: str) -> str:
        return kept.setdefault("shop", told)

    kept: dict[str, str] = {}
    running.feed.remind(known, first)
    await taken(running, shop, "products")
    await taken(running, shop, "stock")
    return shop


async def left(shop: Shop) -> dict[str, int]:
    """Units on hand by SKU, as told last."""
    rows = await shop.rows(
        "SELECT p.sku, s.on_hand FROM stock_levels s JOIN products p ON p.id = s.product_id ORDER BY s.as_of, s.id"
    )
    return {str(sku): int(units) for sku, units in rows}


async def test_a_product_that_was_deleted_has_no_units_left_once_shopify_called(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, "MUG", "CUP", "POT")
    mug = running.store.variant("MUG")
    running.store.delete(mug)
    deleted = told(running.feed, "products/delete", id=int(tail(mug["product"]["id"])))
    running.later(minutes=5)
    shop.clock.push(timedelta(minutes=5))
    pages = [page async for page in running.feed.follow([deleted, deleted])]
    assert [fact for page in pages for fact in page.facts if getattr(fact, "place", "") == "1001"] == [
        StockFact(tail(mug["id"]), "MUG", "1001", 0, running.store.clock.now())
    ]
    for page in pages:
        await shop.taking.take(SHOP, page)
    assert await left(shop) == {"MUG": 0, "CUP": 5, "POT": 5}
    assert await shop.rows("SELECT sku FROM products WHERE active = false") == [("MUG",)]
    assert [page async for page in running.feed.follow([deleted])] == []  # it is known to be no more


async def test_a_variant_whose_deletion_no_call_told_is_found_within_a_day(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, "MUG", "CUP")
    cursor = (await running.read("stock"))[-1].cursor
    running.store.delete(running.store.variant("CUP"))
    running.later(hours=23)
    shop.clock.push(timedelta(hours=25))
    await taken(running, shop, "stock", cursor)
    assert await left(shop) == {"MUG": 5, "CUP": 5}
    running.later(hours=2)
    await taken(running, shop, "stock", cursor)
    assert await left(shop) == {"MUG": 5, "CUP": 0}
    assert await shop.faults() == {}


async def test_what_was_deleted_is_sold_no_more_also_without_units_and_made_anew_it_is_the_new_variant(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, "MUG", "CUP", "POT")
    for sku in ("POT", "CUP"):
        running.store.stock(running.store.variant(sku), EAST, available=0, on_hand=0)
    cursors = {kind: (await running.read(kind))[-1].cursor for kind in ("products", "stock")}
    await taken(running, shop, "stock")
    for sku in ("MUG", "CUP"):
        running.store.delete(running.store.variant(sku))
    running.later(days=2)
    shop.clock.push(timedelta(days=2))
    running.store.stock(running.store.sell("MUG", "Mug", "4.25"), EAST, available=7, on_hand=7)
    await taken(running, shop, "products", cursors["products"])
    await taken(running, shop, "stock", cursors["stock"])
    assert await shop.rows("SELECT sku FROM products WHERE active = false") == [("CUP",)]
    assert await left(shop) == {"MUG": 7, "CUP": 0, "POT": 0}
    (mug,) = (row[0] for row in await shop.rows("SELECT id FROM products WHERE sku = 'MUG'"))
    async with shop.database.reading() as connection:
        new, pot = (tail(running.store.variant(sku)["id"]) for sku in ("MUG", "POT"))
        assert await variants_of(connection, SHOP, mug) == (new,)
        assert {shelf.code for shelf in await shelves.filled(connection, SHOP)} == {new, pot}


async def test_a_shop_that_does_not_answer_for_its_variants_loses_no_count(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, "MUG", "CUP")
    mug = running.store.variant("MUG")
    running.store.delete(running.store.variant("CUP"))
    running.store.broken[mug["id"], "id"] = "ACCESS_DENIED"
    deleted = told(running.feed, "products/delete", id=1)
    with pytest.raises(Declined):
        _ = [page async for page in running.feed.follow([deleted])]
    assert await left(shop) == {"MUG": 5, "CUP": 5}


async def test_of_another_shop_under_the_same_name_nothing_is_taken_and_nothing_of_the_first_is_gone(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, "MUG", "CUP")
    cursor = (await running.read("stock"))[-1].cursor
    for sku in ("MUG", "CUP"):
        running.store.delete(running.store.variant(sku))
    running.store.number = 2
    running.later(days=2)
    deleted = told(running.feed, "products/delete", id=1)
    with pytest.raises(Declined, match="shop 2, and shop was shop 1 until now: connect it by another name"):
        await running.feed.places()
    with pytest.raises(Declined, match="another name"):
        await running.read("stock", cursor)
    with pytest.raises(Declined, match="another name"):
        _ = [page async for page in running.feed.follow([deleted])]
    assert await left(shop) == {"MUG": 5, "CUP": 5}
    running.store.number = 1
    running.later(minutes=1)
    await taken(running, shop, "stock", cursor)
    assert set((await left(shop)).values()) == {0}


async def test_a_shop_that_has_none_of_many_variants_is_rather_another_shop(
    running: Running, sqlite_database: Database
) -> None:
    shop = await stocked(running, sqlite_database, *(f"MUG-{number}" for number in range(10)))
    running.store.delete(*running.store.products[0]["variants"])
    for product in list(running.store.products):
        running.store.delete(*product["variants"])
    running.later(days=2)
    shop.clock.push(timedelta(days=2))
    first = (await running.read("stock"))[0]
    assert first.facts == ()
    assert "is it the same shop?" in first.faults[0].problem
    assert first.faults[0].where.endswith("@1001")
    assert set((await left(shop)).values()) == {5}
