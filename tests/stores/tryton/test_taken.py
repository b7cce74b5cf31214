"""From Tryton over HTTP into the tables: what lies where, what is on its way, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.ports import FactKind, MovableClock
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.tryton.conftest import Erp

pytestmark = pytest.mark.xdist_group("tryton")
_INBOUNDS = "SELECT external_id, quantity, received_at IS NOT NULL FROM inbounds ORDER BY id"


async def opened(database: Database, clock: MovableClock) -> Shop:
    """A taker that knows both warehouses."""
    clock.push(datetime.now(UTC) - clock.now())  # Tryton goes by the real time
    shop = await open_shop(database, clock)
    for code, zone, place in (("HOME", "Asia/Shanghai", "5"), ("EAST", "America/New_York", "12")):
        values = {"code": code, "name": code, "zone": zone, "country": "", "currency": "USD", "markets": []}
        location = await shop.add(Location, **values)
        await shop.add(StorePlace, store=SHOP, place=place, name=code, location_id=location, counts=True)
    return shop


async def test_a_purchase_that_comes_in_parts_is_taken_once_however_often_it_is_told(
    erp: Erp, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await opened(sqlite_database, clock)
    cursors: dict[str, str] = {}

    async def read(kind: FactKind) -> int:
        clock.push(datetime.now(UTC) - clock.now())
        changed = 0
        for page in await erp.read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    assert [await read(kind) for kind in ("products", "stock", "inbounds")] == [4, 7, 7]
    stock = "SELECT p.sku, s.on_hand, s.committed FROM stock_levels s JOIN products p ON p.id = s.product_id "
    assert await shop.rows(stock + "WHERE on_hand > 0 ORDER BY s.id") == [
        ("85123A", 160, 8), ("85123A", 30, 0), ("MUG/1 BLUE", 37, 0)
    ]  # fmt: skip
    assert await read("inbounds") == 0
    assert set(await shop.faults()) == {"3@5", "move-17"}  # tea is kept by the kilogram

    purchase = await erp.buy(1, 100)
    await read("inbounds")
    shipment = await erp.ship(purchase, 40)
    assert await read("inbounds") == 0
    await erp.receive(shipment)
    await read("inbounds")
    first, rest = (await shop.rows(_INBOUNDS))[-2:]
    assert (first[1:], rest[1:]) == ((40, 1), (60, 0))
    receipts = "SELECT SUM(quantity) FROM stock_movements WHERE kind = 'receipt'"
    before = await shop.rows(receipts)
    cursors.clear()  # everything is told again
    assert [await read(kind) for kind in ("products", "inbounds")] == [0, 0]
    assert await shop.rows(receipts) == before == [(110,)]
    assert await read("stock") >= 1
    assert (await shop.rows(stock + "ORDER BY s.id DESC LIMIT 1"))[0][:2] == ("85123A", 200)
