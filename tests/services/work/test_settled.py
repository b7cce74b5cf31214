"""What is asked for once is not asked for again: over the real sample and over shops drawn at random."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import settings
from bot.bootstrap import build
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import open_shop

AT = datetime(2011, 11, 21, 9, tzinfo=UTC)


async def test_a_scan_right_after_a_scan_of_the_sample_drafts_nothing(tmp_path: Path, sample_template: bytes) -> None:
    path = tmp_path / "sample.db"
    path.write_bytes(sample_template)
    url = f"sqlite+aiosqlite:///{path}"
    chosen = settings.given(organisation={"currency": "GBP", "zone": "Europe/London"}, database={"url": url})
    application = build(chosen, MovableClock(AT, frozen=True))
    try:
        first = await application.services.watch.scan(AT)
        assert first.requests_drafted > 0
        for _again in range(2):
            report = await application.services.watch.scan(AT)
            assert (report.opened, report.requests_drafted, report.announced) == (0, 0, 0)
        async with application.services.database.reading() as connection:
            twice = (
                select(tables.RequestLine.case_id)
                .where(tables.RequestLine.case_id.is_not(None))
                .group_by(tables.RequestLine.case_id)
                .having(func.count() > 1)
            )
            assert list(await connection.scalars(twice)) == []
    finally:
        await application.close()


@pytest.mark.parametrize("seed", range(6))
async def test_position_counts_what_is_asked_for_so_that_nothing_is_asked_for_twice(
    sqlite_database: Database, clock: MovableClock, seed: int
) -> None:
    """Every line is there once per need, transfers never take more than there is, and the next scan adds nothing."""
    dice = random.Random(seed)  # noqa: S311  # a test's dice
    shop = await open_shop(sqlite_database, clock)
    places = {"UK": "GB", "DE": "DE", "CN": "CN"}
    for place, country in places.items():
        await shop.add_place(place, "Europe/London", country)
    for number in range(6):
        sku = f"A{number}"
        await shop.add_product(sku, cost=dice.randint(50, 900), price=dice.randint(900, 3_000))
        for place in places:
            await shop.sells(sku, place, [dice.randint(0, 12) for _day in range(120)])
            await shop.holds(sku, place, dice.choice((0, 20, 90, 400, 2_500)))
            for mode, days in (("sea", dice.randint(20, 50)), ("air", dice.randint(3, 12))):
                await shop.buys(
                    place, days, dice.randint(50, 900), sku=sku, supplier=dice.choice(("YIWU", "NINGBO")), mode=mode,
                    minimum=dice.randint(1, 60), pack=dice.choice((1, 6, 12)),
                )  # fmt: skip
    first = await shop.scan()
    assert (await shop.scan()).requests_drafted == 0
    clock.push(timedelta(minutes=5))
    assert (await shop.scan()).requests_drafted == 0
    assert first.requests_drafted == len(await shop.requested())
    answered = [line.case_id for line in await shop.all(tables.RequestLine)]
    assert len(answered) == len(set(answered))
    requests = {row.id: row for row in await shop.requested()}
    held = {(row.product_id, row.location_id): row.on_hand for row in await shop.all(tables.StockLevel)}
    for line in await shop.all(tables.RequestLine):
        source = requests[line.request_id].from_location_id
        if source is not None:
            held[line.product_id, source] -= line.quantity
    assert min(held.values()) >= 0
