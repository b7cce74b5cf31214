"""From the shop over HTTP into the tables: sold, returned, cancelled, counted, and told again."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import FactKind, MovableClock
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.woocommerce.conftest import Woo
from tests.stores.woocommerce.test_hooks import open_


async def opened(database: Database, clock: MovableClock) -> Shop:
    """A taker that knows the shop's one place."""
    shop = await open_shop(database, clock)
    location = await shop.add(
        Location, code="UK", name="UK", zone="Europe/London", country="GB", currency="GBP", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="store", name="shop", location_id=location, counts=True)
    return shop


async def test_what_the_shop_tells_is_taken_once_and_follows_its_changes(
    woo: Woo, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await opened(sqlite_database, clock)
    cursors: dict[str, str] = {}

    async def read(kind: FactKind) -> int:
        changed = 0
        async for page in woo.feed.read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    lamp = woo.shop.put(sku="LAMP", name="Lamp", regular_price="12.00", manage_stock=True, stock_quantity=-2)
    kept = woo.shop.place({"product": lamp, "quantity": 5, "total": "54.00"})
    gone = woo.shop.place({"product": lamp, "quantity": 1, "total": "12.00"})
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    assert [await read(kind) for kind in kinds] == [1, 1, 2]
    assert await shop.demand() == [("LAMP", "UK", "2011-11-21", 6, 0, 6, 6600)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(0, 2)]
    assert [await read(kind) for kind in kinds] == [0, 0, 0]  # the overlap tells it all again

    clock.push(timedelta(hours=1))
    woo.shop.refund(kept, (0, 2))
    woo.shop.touch(woo.shop.orders[gone], status="cancelled")
    assert await read("orders") == 2
    assert [row[3:5] for row in await shop.demand()] == [(5, 3)]  # two came back, and the cancelled one
    assert await shop.faults() == {}

    woo.shop.touch(woo.shop.products[lamp], stock_quantity=3)
    clock.push(timedelta(minutes=1))
    delivery = open_(woo, {"id": lamp}, "product.updated")
    assert delivery is not None
    changed = [(await shop.taking.take(SHOP, page)).changed async for page in woo.feed.follow([delivery])]
    assert changed == [0, 1]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels ORDER BY id DESC LIMIT 1") == [(3, 0)]
