"""What is sold no more is judged no more: its cases end, and what they proposed is withdrawn."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop
from tests.services.work.test_watch import plant_shortage


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    """A shop with one place."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


@pytest.mark.parametrize("alone", [False, True])
async def test_a_product_that_is_sold_no_more_has_no_case_and_one_that_is_sold_again_has(
    shop: Shop, *, alone: bool
) -> None:
    await plant_shortage(shop)
    if not alone:
        await plant_shortage(shop, "B2")
    await shop.scan()
    assert ("stockout_risk", "A1") in await shop.unresolved()
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Product).where(tables.Product.sku == "A1").values(active=False))
    report = await shop.scan()
    assert (report.resolved, report.opened) == (1, 0)
    assert list(await shop.unresolved()) == ([] if alone else [("stockout_risk", "B2")])
    if alone:
        assert [request.state for request in await shop.requested()] == ["cancelled"]
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Product).values(active=True))
    await shop.scan()
    assert ("stockout_risk", "A1") in await shop.unresolved()
