"""What the board counts as a delivery."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from bot.ports import MovableClock
from bot.storage import board
from bot.storage.database import Database
from bot.storage.tables import Inbound, Route, Supplier
from tests.services.feeds.kit import NOW, open_shop


async def test_goods_of_which_none_came_are_no_delivery(database: Database) -> None:
    """A store writes off what never came as an arrival of nothing: its time says nothing of the supplier."""
    shop = await open_shop(database, MovableClock(NOW))
    product = await shop.product("MUG")
    ((place,),) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    supplier = await shop.add(Supplier, code="YIWU", name="Yiwu", country="CN", currency="CNY")
    await shop.add(
        Route, supplier_id=supplier, product_id=product, location_id=place, mode="sea", lead_time_days=Decimal(30),
        lead_time_sd_days=Decimal(2), minimum_order=1, pack_size=1, unit_cost_minor=100, currency="CNY",
    )  # fmt: skip
    for name, quantity, took in (("came", 40, 30), ("written off", 0, 90)):
        await shop.add(
            Inbound, product_id=product, location_id=place, quantity=quantity, ordered_at=NOW - timedelta(days=took),
            expected_on=date(2026, 11, 19), received_at=NOW, source="store:shop", external_id=name,
        )  # fmt: skip
    async with database.reading() as connection:
        found = await board.deliveries(connection, NOW - timedelta(days=365), NOW)
    assert [(row.supplier, row.arrived_at - row.ordered_at) for row in found] == [("YIWU", timedelta(days=30))]
