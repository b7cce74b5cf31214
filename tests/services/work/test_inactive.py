"""What is sold no more, or known no more, is judged no more: its cases end, and what they proposed is withdrawn."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from bot.chat.cards import case_card
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
    assert sum("is sold no more" in card for card in await shop.said()) == 1
    assert list(await shop.unresolved()) == ([] if alone else [("stockout_risk", "B2")])
    if alone:
        assert [request.state for request in await shop.requested()] == ["cancelled"]
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Product).values(active=True))
    await shop.scan()
    assert ("stockout_risk", "A1") in await shop.unresolved()


@pytest.mark.parametrize("left", ["nothing", "another product", "another place"])
async def test_a_case_whose_facts_are_all_gone_is_closed_and_its_card_says_why(shop: Shop, left: str) -> None:
    await plant_shortage(shop)
    if left == "another product":
        await plant_shortage(shop, "B2")
    if left == "another place":
        await shop.add_place("DE")
        await shop.holds("A1", "DE", 7)
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    async with shop.database.transaction() as connection:
        for table in (tables.DailyDemand, tables.StockLevel, tables.Sale):
            of = table.product_id == case.product_id, table.location_id == case.location_id
            await connection.execute(delete(table).where(*of))
    report = await shop.scan()
    assert (report.resolved, report.opened) == (1, 0)
    shortages = [sku for kind, sku in await shop.unresolved() if kind == "stockout_risk"]
    assert shortages == (["B2"] if left == "another product" else [])
    assert (await shop.cases.get(case.id)).ended == "unknown"
    assert "nothing is known of it here any more" in str(case_card(await shop.cases.get(case.id)))
    (request,) = [each for each in await shop.requested() if each.id == case.request_id]
    assert request.state == ("pending" if left == "another product" else "cancelled")
    waiting = [line.case_id for line in await shop.all(tables.RequestLine) if request.state == "pending"]
    assert case.id not in waiting
    assert (await shop.scan()).resolved == 0


async def test_a_case_that_recovered_is_solved_and_bears_no_other_end(shop: Shop) -> None:
    await plant_shortage(shop)
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.StockLevel).values(on_hand=9_000))
    await shop.scan()
    over = await shop.cases.get(case.id)
    assert (over.state, over.ended) == ("resolved", None)
    assert "the figures have recovered" in str(case_card(over))
