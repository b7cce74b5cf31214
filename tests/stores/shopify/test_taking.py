"""What a Shopify shop tells, from its answers into the database."""

from __future__ import annotations

from bot.ports import FactKind, MovableClock
from bot.services.feeds import Taken
from bot.storage.database import Database
from bot.storage.tables import StorePlace
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.store import EAST, WEST


async def taken(running: Running, shop: Shop, kind: FactKind, cursor: str = "") -> Taken:
    """Read all pages of a kind into the database."""
    told = Taken()
    for page in await running.read(kind, cursor):
        told.add(await shop.taking.take(SHOP, page))
    return told


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
