"""What a Vendure store tells, from its answers into the database."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import FactKind, MovableClock
from bot.services.feeds import Taken
from bot.storage.database import Database
from bot.storage.tables import StorePlace
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.vendure.conftest import NOW, Strict, read


async def taken(strict: Strict, shop: Shop, kind: FactKind, cursor: str = "") -> tuple[Taken, str]:
    """Read all pages of a kind into the database; and the cursor behind them."""
    told = Taken()
    pages = await read(strict.feed, kind, cursor)
    for page in pages:
        told.add(await shop.taking.take(SHOP, page))
    return told, pages[-1].cursor


async def test_a_store_is_read_into_the_books_follows_its_changes_and_read_again_changes_nothing(
    strict: Strict, sqlite_database: Database
) -> None:
    shop = await open_shop(sqlite_database, MovableClock(NOW))
    places = dict(await shop.rows("SELECT code, id FROM locations"))
    await shop.add(StorePlace, store=SHOP, place="1", name="Default", location_id=places["BER"], counts=True)
    strict.shop.currency = "EUR"
    mug = strict.shop.sell("MUG", 425)
    strict.shop.count(mug, 9, 3)
    line, gone = strict.shop.line(mug, 5), strict.shop.line(mug, 2)
    order, other = strict.shop.place(line), strict.shop.place(gone)
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    first = {kind: await taken(strict, shop, kind) for kind in kinds}
    assert [(each.faults, bool(each.touched)) for each, _ in first.values()] == [(0, True)] * 3
    assert await shop.demand() == [("MUG", "BER", "2026-11-20", 7, 0, 7, 7000)]
    assert await shop.rows("SELECT on_hand, committed FROM stock_levels") == [(9, 3)]

    strict.shop.clock.push(timedelta(minutes=30))
    strict.shop.send(line, 4)
    strict.shop.cancel(order, line, 1)  # was not sent yet
    strict.shop.cancel(order, line, 1)  # was
    strict.shop.cancel(other, gone, 2)
    again, cursor = await taken(strict, shop, "orders", first["orders"][1])
    assert (again.changed, again.faults) == (2, 0)
    assert [row[3:5] for row in await shop.demand()] == [(4, 3)]  # one came back, and two were cancelled
    told, _ = await taken(strict, shop, "orders", cursor)
    assert (told.changed, told.faults) == (0, 0)
    assert await shop.faults() == {}
