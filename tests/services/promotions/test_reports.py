"""What is told of a promotion the day after it: once, to whom, and counted how."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from bot.storage import tables
from tests.services.promotions.kit import LAMP, Yard


async def test_the_report_goes_once_to_each_place_that_shows_the_request(yard: Yard) -> None:
    request_id = await yard.runs()
    shown = await yard.shows(request_id)
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    await yard.works()
    yard.clock.push(timedelta(days=2))
    await yard.ticks()
    told = await yard.posts("What {request} brought")
    assert len(told) == 2  # the channel of slow stock, and the group that shows the card
    assert shown in {row.conversation_id for row in told}


async def test_the_report_counts_days_with_stock_against_as_many_before(yard: Yard) -> None:
    request_id = await yard.runs("promo LAMP 20% until 3d")
    async with yard.database.transaction() as connection:
        today = yard.clock.now().date()
        await connection.execute(
            insert(tables.DailyDemand),
            [
                {
                    "product_id": yard.shop.skus[LAMP], "location_id": yard.shop.places["UK"],
                    "day": today + timedelta(days=ahead), "units": 4, "lines": 1, "returned": 0, "shipped": 4,
                    "revenue_minor": 800,
                }
                for ahead in range(4)
            ],
        )  # fmt: skip
    yard.clock.push(timedelta(days=3))
    await yard.ticks()
    await yard.works()
    yard.clock.push(timedelta(days=1))
    assert (await yard.ticks()).reported == 1
    told = (await yard.promotion(request_id)).result
    assert told is not None
    lift = told["lift"]
    assert (lift["during"]["units"], lift["during"]["days"]) == (16, 4)
    assert (lift["before"]["units"], lift["before"]["days"]) == (4, 4)
    assert lift["extra"] == 12
    assert lift["given_away_minor"] == 16 * 50
    assert lift["margin_minor"] == 16 * 100
    assert lift["margin_without_minor"] == 4 * 150
    assert lift["freed_minor"] == 12 * 100
