from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import text

from bot.storage.database import Database
from bot.storage.ledger import history, on_hand, revision
from tests.ingest.conftest import Desk

HEAD = "invoice,sku,quantity,date,price,customer,country\n"
STOCK = "sku,location,on_hand,committed,as_of\n"
AT = datetime(2011, 11, 21, 9, tzinfo=UTC)


async def line_of(desk: Desk, until: str, days: int, **options: Any) -> list[int]:
    """The closing stock of the only series."""
    async with desk.database.reading() as connection:
        found = await history(connection, date.fromisoformat(until), days, **options)
    assert found.on_hand.shape == (1, days)
    assert found.on_hand.dtype == np.int32
    return [int(units) for units in found.on_hand[0]]


def sale(day: str, quantity: int, order: str = "") -> str:
    return f"{order or day},A,{quantity},{day},2,7,United Kingdom\n"


async def test_stock_is_the_count_less_what_was_sold_since(any_desk: Desk) -> None:
    await any_desk.take(STOCK + "A,UK,100,4,2011-11-10 00:00\n", "stock", "s.csv")
    await any_desk.take(HEAD + sale("2011-11-10 09:00", 10) + sale("2011-11-12 09:00", 5))
    assert await line_of(any_desk, "2011-11-13", 5) == [100, 90, 90, 85, 85]
    async with any_desk.database.reading() as connection:
        (found,) = await on_hand(connection, AT)
    assert (found.on_hand, found.committed) == (85, 4)
    assert found.counted_at == datetime(2011, 11, 10, tzinfo=UTC)


async def test_a_count_inside_a_day_is_followed_by_that_days_later_sales_only(any_desk: Desk) -> None:
    await any_desk.take(STOCK + "A,UK,50,0,2011-11-10 12:00\n", "stock", "s.csv")
    await any_desk.take(HEAD + sale("2011-11-10 11:00", 7) + sale("2011-11-10 13:00", 3))
    await any_desk.take(
        "sku,location,quantity,ordered_at,eta,received\nA,UK,20,2011-10-01,2011-11-10,2011-11-10 15:00\n"
        "A,UK,9,2011-10-01,2011-11-10,2011-11-10 08:00\n",
        "inbounds",
        "i.csv",
    )
    assert await line_of(any_desk, "2011-11-11", 3) == [48, 67, 67]  # 48 = 50 + 7 - 9, reckoned backwards


async def test_a_later_count_re_anchors_and_never_goes_below_zero(any_desk: Desk) -> None:
    counts = "A,UK,10,0,2011-11-10 00:00\nA,UK,40,0,2011-11-13 00:00\n"
    await any_desk.take(STOCK + counts, "stock", "s.csv")
    await any_desk.take(HEAD + sale("2011-11-11 09:00", 25) + sale("2011-11-14 09:00", 1))
    assert await line_of(any_desk, "2011-11-15", 6) == [10, 0, 0, 40, 39, 39]
    assert await line_of(any_desk, "2011-11-15", 2) == [39, 39]
    assert await line_of(any_desk, "2011-11-12", 2) == [0, 0]


async def test_nothing_after_the_instant_is_seen(any_desk: Desk) -> None:
    await any_desk.take(STOCK + "A,UK,100,0,2011-11-10 00:00\nA,UK,1,0,2011-11-30\n", "stock", "s.csv", as_of=AT)
    await any_desk.take(
        HEAD + sale("2011-11-21 08:00", 10) + sale("2011-11-21 10:00", 20) + sale("2011-11-22 09:00", 5)
    )
    assert await line_of(any_desk, "2011-11-22", 3, at=AT) == [100, 90, 90]
    async with any_desk.database.reading() as connection:
        found = await history(connection, date(2011, 11, 22), 3, at=AT)
        (stock,) = await on_hand(connection, AT)
        (later,) = await on_hand(connection, AT + timedelta(hours=1))
    assert found.units.tolist() == [[0, 10, 0]]
    assert (stock.on_hand, later.on_hand) == (90, 70)


async def test_a_sale_cancelled_only_later_is_still_demand(any_desk: Desk) -> None:
    await any_desk.take(HEAD + sale("2011-11-19 09:00", 6, "1") + "C2,A,-6,2011-11-21 12:00,2,7,United Kingdom\n")
    async with any_desk.database.reading() as connection:
        before = await history(connection, date(2011, 11, 21), 3, at=AT)
        after = await history(connection, date(2011, 11, 21), 3, at=AT + timedelta(hours=4))
    assert before.units.tolist() == [[6, 0, 0]]
    assert after.units.tolist() == [[0, 0, 0]]


async def test_without_a_count_stock_is_unknown_and_says_so(any_desk: Desk) -> None:
    await any_desk.take(HEAD + sale("2011-11-19 09:00", 6))
    async with any_desk.database.reading() as connection:
        found = await history(connection, date(2011, 11, 20), 3)
        assert await on_hand(connection, AT) == []
    assert found.counted.tolist() == [False]
    assert found.on_hand.tolist() == [[0, 0, 0]]


async def test_each_location_lives_its_own_day(any_desk: Desk) -> None:
    """23:30 UTC on the 20th: still the 20th in London, the 21st already in Berlin."""
    await any_desk.take(STOCK + "A,UK,10,0,2011-11-01 00:00\nA,Germany,10,0,2011-11-01 00:00\n", "stock", "s.csv")
    rows = [
        f"{n},A,1,2011-11-20T{hour}:15Z,2,7,{place}\n"
        for n, (hour, place) in enumerate(
            (hour, place) for hour in ("22", "23") for place in ("United Kingdom", "Germany")
        )
    ]
    await any_desk.take(HEAD + "".join(rows))
    async with any_desk.database.reading() as connection:
        found = await history(connection, date(2011, 11, 21), 2, at=datetime(2011, 11, 20, 23, 30, tzinfo=UTC))
    assert found.units.tolist() == [[2, 0], [1, 1]]
    assert found.on_hand.tolist() == [[8, 8], [9, 8]]


async def test_receipts_are_arrivals_alone(any_desk: Desk) -> None:
    await any_desk.take(STOCK + "A,UK,10,0,2011-11-01 00:00\n", "stock", "s.csv")
    await any_desk.take(
        "sku,location,quantity,ordered_at,eta,received\nA,UK,20,2011-10-01,2011-11-10,2011-11-10 15:00\n",
        "inbounds",
        "i.csv",
    )
    await any_desk.take(HEAD + "9,A,-4,2011-11-11 09:00,0,,United Kingdom\n")
    async with any_desk.database.reading() as connection:
        found = await history(connection, date(2011, 11, 11), 2)
    assert found.receipts.tolist() == [[20, 0]]
    assert found.on_hand.tolist() == [[30, 26]]


async def test_products_and_places_can_be_chosen(sample_database: Database) -> None:
    async with sample_database.reading() as connection:
        whole = await history(connection, date(2011, 11, 21), 30, at=AT)
        chosen = whole.product_ids[len(whole.product_ids) // 2]
        some = await history(connection, date(2011, 11, 21), 30, at=AT, product_ids=[int(chosen)])
        one = await history(
            connection,
            date(2011, 11, 21),
            30,
            at=AT,
            product_ids=[int(chosen)],
            location_ids=[int(some.location_ids[0])],
        )
    mine = whole.product_ids == chosen
    assert np.array_equal(some.units, whole.units[mine])
    assert np.array_equal(some.on_hand, whole.on_hand[mine])
    assert np.array_equal(one.on_hand, some.on_hand[:1])


async def test_a_history_needs_a_day(sample_database: Database) -> None:
    async with sample_database.reading() as connection:
        with pytest.raises(ValueError, match="at least one day"):
            await history(connection, date(2011, 11, 21), 0)


async def test_the_revision_changes_with_every_new_fact(desk: Desk) -> None:
    async with desk.database.reading() as connection:
        empty = await revision(connection)
    await desk.take(HEAD + sale("2011-11-19 09:00", 6))
    async with desk.database.reading() as connection:
        assert await revision(connection) != empty


async def test_any_history_equals_a_count_by_hand_over_every_event(sample_database: Database) -> None:
    """Random instants and windows over the small sample against a plain replay of every event in order of time."""
    async with sample_database.reading() as connection:
        places = {
            row.id: ZoneInfo(row.zone) for row in await connection.execute(text("SELECT id, zone FROM locations"))
        }
        opening = {
            (r[0], r[1]): (r[2], r[3])
            for r in await connection.execute(text("SELECT product_id, location_id, as_of, on_hand FROM stock_levels"))
        }
        events = [
            tuple(row)
            for row in await connection.execute(
                text(
                    "SELECT product_id, location_id, sold_at, -quantity, kind, external_id, cancelled_by FROM sales "
                    "WHERE product_id IS NOT NULL "
                    "UNION ALL SELECT product_id, location_id, at, quantity, 'moved', NULL, NULL FROM stock_movements"
                )
            )
        ]
        when = {row[5]: row[2] for row in events if row[5]}
        random = Random(7)  # noqa: S311  # a fixed seed for a test
        for _ in range(6):
            at = datetime(2011, 1, 10, tzinfo=UTC) + timedelta(minutes=random.randrange(320 * 1440))
            until, days = at.date() + timedelta(days=random.randrange(2)), random.randrange(1, 40)
            found = await history(connection, until, days, at=at)
            now = int(at.timestamp() * 1_000_000)
            stock = {key: units for key, (_, units) in opening.items()}
            units = dict.fromkeys(opening, 0)
            first = until - timedelta(days=days - 1)
            for product, place, instant, change, kind, _name, by in events:
                if instant > now:
                    continue
                stock[product, place] += change
                on = datetime.fromtimestamp(instant / 1e6, UTC).astimezone(places[place]).date()
                undone = by is not None and when[by] <= now
                if kind == "sale" and not undone and first <= on <= until:
                    units[product, place] -= change
            keys = list(zip(found.product_ids.tolist(), found.location_ids.tolist(), strict=True))
            assert dict(zip(keys, found.on_hand[:, -1].tolist(), strict=True)) == {
                key: max(value, 0) for key, value in stock.items()
            }
            assert dict(zip(keys, found.units.sum(axis=1).tolist(), strict=True)) == units
