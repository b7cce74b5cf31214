"""From the shop over HTTP into the tables: sold, returned, cancelled, counted, and told again."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import FactKind, MovableClock
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from tests.services.feeds.kit import SHOP, open_shop
from tests.stores.medusa.conftest import Medusa


async def test_what_the_shop_tells_is_taken_once_and_follows_its_changes(
    medusa: Medusa, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    leeds = medusa.shop.location("Leeds")
    location = await shop.add(
        Location, code="UK", name="UK", zone="Europe/London", country="GB", currency="GBP", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place=leeds, name="Leeds", location_id=location, counts=True)
    cursors: dict[str, str] = {}

    async def read(kind: FactKind) -> int:
        changed = 0
        async for page in medusa.feed.read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    lamp = medusa.shop.vary("LAMP", 12, (medusa.shop.item("LAMP", {leeds: 40}), 1))
    kept = medusa.shop.place({"variant": lamp, "quantity": 5, "unit_price": 10.8})
    gone = medusa.shop.place({"variant": lamp, "quantity": 1, "unit_price": 12})
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    assert [await read(kind) for kind in kinds] == [1, 1, 2]
    assert await shop.demand() == [("LAMP", "UK", "2011-11-21", 6, 0, 6, 6600)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(40, 6)]
    assert [await read(kind) for kind in kinds] == [0, 0, 0]

    clock.push(timedelta(hours=1))
    medusa.shop.receive(kept, "RECEIVE_RETURN_ITEM", (0, 2))
    medusa.shop.touch(gone, status="canceled")
    assert await read("orders") == 2
    assert [row[3:5] for row in await shop.demand()] == [(5, 3)]
    assert await shop.faults() == {}
