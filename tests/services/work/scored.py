"""A shop whose forecasts and alerts the scorecard judges: its weeks, its past, and the clock pushed along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import insert

from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.services.scorecards import Scorecards
from bot.storage import forecasts, tables
from bot.storage.database import Database
from tests.services.work.kit import add
from tests.services.work.shop import Shop, open_shop

SUNDAY = datetime(2011, 11, 20, 12, tzinfo=UTC)
MONDAY, NEXT = date(2011, 11, 21), date(2011, 11, 28)
DAY = timedelta(days=1)
MORNING = datetime(2011, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> MovableClock:
    """The noon before the week begins."""
    return MovableClock(SUNDAY, frozen=True)


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    return shop


def scorecards(shop: Shop, **more: Any) -> Scorecards:
    settings = replace(shop.settings, **more)
    return Scorecards(
        database=shop.database, clock=shop.clock, outbox=shop.outbox, settings=settings, sourcing=SourcingSettings()
    )  # fmt: skip


def to(shop: Shop, at: datetime) -> datetime:
    """Push the clock to an instant."""
    clock = cast("MovableClock", shop.clock)
    clock.push(at - clock.now())
    return at


async def stocked(shop: Shop, sku: str, units: Sequence[int], on_hand: int) -> None:
    """A product with its past sales, and what lies there now."""
    await shop.add_product(sku)
    await shop.sells(sku, "UK", units)
    await shop.holds(sku, "UK", on_hand)


async def counted(shop: Shop, sku: str, at: datetime, on_hand: int) -> None:
    """What lay there at an earlier instant."""
    async with shop.database.transaction() as connection:
        await connection.execute(
            insert(tables.StockLevel).values(
                product_id=shop.skus[sku], location_id=shop.places["UK"], as_of=at, on_hand=on_hand, committed=0,
                source="earlier",
            )
        )  # fmt: skip


async def moved(shop: Shop, sku: str, day: date, quantity: int) -> None:
    """Goods that came in at noon of a day."""
    at = datetime.combine(day, time(12), tzinfo=UTC)
    async with shop.database.transaction() as connection:
        await add(
            connection, tables.StockMovement, product_id=shop.skus[sku], location_id=shop.places["UK"], at=at, day=day,
            quantity=quantity, kind="receipt", source="erp", external_id=f"{sku}:{day}",
        )  # fmt: skip


async def of_week(shop: Shop, monday: date) -> forecasts.Kept:
    async with shop.database.reading() as connection:
        return await forecasts.of_week(connection, monday)
