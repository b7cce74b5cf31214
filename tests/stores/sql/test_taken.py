"""From a database into the tables: sold, returned, counted, on its way, and told again."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import FactKind, MovableClock
from bot.storage import board, catalogue, digests
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from tests.services.feeds.kit import SHOP, open_shop
from tests.stores.sql.conftest import Seller

OPTIONS = {
    "sales": "SELECT * FROM sales WHERE sold_at >= :since OR quantity < 0",
    "stock": "SELECT 'LAMP' AS code, 'UK' AS place, 40 AS on_hand, 2 AS committed",
    "products": "SELECT 'LAMP' AS code, 'Lamp' AS name, 12 AS price",
    "purchase_orders": "SELECT 1 AS id, 'LAMP' AS code, 'UK' AS place, 60 AS quantity,"
    " '2011-11-01' AS ordered_at, '2011-12-05' AS expected_on",
    "currency": "GBP",
}


async def test_what_a_database_tells_is_taken_once_and_follows_its_changes(
    sqlite_seller: Seller, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    location = await shop.add(
        Location, code="UK", name="UK", zone="Europe/London", country="GB", currency="GBP", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="UK", name="UK", location_id=location, counts=True)
    sqlite_seller.run(
        "CREATE TABLE sales (order_id, line_id, code, quantity, amount, sold_at, place, returns);"
        "INSERT INTO sales VALUES (7, 'a', 'LAMP', 5, 54.0, '2011-11-21 08:00:00', 'UK', NULL)"
    )
    cursors: dict[str, str] = {}

    async def read(kind: FactKind) -> int:
        changed = 0
        async for page in sqlite_seller.feed(**OPTIONS).read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    kinds: tuple[FactKind, ...] = ("products", "inbounds", "stock", "orders")
    assert [await read(kind) for kind in kinds] == [1, 1, 1, 1]
    assert await shop.demand() == [("LAMP", "UK", "2011-11-21", 5, 0, 5, 5400)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(40, 2)]
    assert [await read(kind) for kind in kinds][2:] == [0, 0]
    clock.push(timedelta(hours=1))
    sqlite_seller.run("INSERT INTO sales VALUES (7, 'b', 'LAMP', -2, -21.6, '2011-11-21 09:30:00', 'UK', 'a')")
    assert await read("orders") == 1
    assert [row[3:5] for row in await shop.demand()] == [(5, 2)]
    assert await shop.faults() == {}


async def test_a_purchase_that_was_cancelled_is_on_its_way_no_more(
    sqlite_seller: Seller, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    location = await shop.add(
        Location, code="UK", name="UK", zone="Europe/London", country="GB", currency="GBP", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="UK", name="UK", location_id=location, counts=True)

    async def told(units: int) -> list[tuple[object, ...]]:
        asked = OPTIONS["purchase_orders"].replace("60 AS", f"{units} AS")
        for kind in ("products", "inbounds"):
            async for page in sqlite_seller.feed(**{**OPTIONS, "purchase_orders": asked}).read(kind):
                await shop.taking.take(SHOP, page)
        return await shop.rows("SELECT external_id, quantity, received_at FROM inbounds")

    async def coming() -> tuple[int, int, int]:
        at, until = clock.now(), clock.now().date() + timedelta(days=60)
        async with shop.database.reading() as connection:
            return (
                len(await catalogue.inbounds(connection, at)),
                len(await digests.arrivals(connection, at, until, 9)),
                len(await board.arrivals(connection, at, until)),
            )

    assert (await told(60), await coming()) == ([("1", 60, None)], (1, 1, 1))
    assert (await told(0), await coming()) == ([("1", 0, None)], (0, 0, 0))
    assert await shop.faults() == {}
