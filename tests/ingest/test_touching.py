"""A file that goes on where others were lets the products it changed be judged at once; the first is a history."""

from __future__ import annotations

import pytest

from bot.ports import MovableClock
from bot.services.ingest import Ingest, IngestSettings, Kind
from bot.services.wakes import TOUCHED, Wakes
from bot.stores.files import open_table
from tests.ingest.conftest import Desk

HEADS: dict[Kind, str] = {
    "sales": "sku,market,sold_at,quantity,unit_price,order_ref",
    "stock": "sku,location,as_of,on_hand",
    "inbounds": "sku,location,quantity,ordered_at,expected_on",
}
FIRST: dict[Kind, tuple[str, ...]] = {
    "sales": ("A1,UK,2011-11-01 10:00,2,5.00,1", "A2,UK,2011-11-01 10:00,2,5.00,2"),
    "stock": ("A1,UK,2011-11-01,20", "A2,UK,2011-11-01,30"),
    "inbounds": ("A1,UK,50,2011-11-01,2011-12-01", "A2,UK,60,2011-11-01,2011-12-01"),
}
NEXT: dict[Kind, str] = {
    "sales": "A2,UK,2011-11-02 10:00,7,5.00,3",
    "stock": "A2,UK,2011-11-02,3",
    "inbounds": "A2,UK,61,2011-11-02,2011-12-02",
}


def file_of(kind: Kind, *rows: str) -> str:
    return "\n".join((HEADS[kind], *rows, ""))


async def judged(desk: Desk) -> list[str]:
    """The SKUs that wait to be judged, none of which waits any longer then."""
    found = await desk.rows("SELECT p.sku FROM touched_products t JOIN products p ON p.id = t.product_id ORDER BY 1")
    return [sku for (sku,) in found]


@pytest.mark.parametrize("kind", FIRST)
async def test_a_file_after_the_first_lets_what_it_changed_be_judged_at_once(
    any_desk: Desk, clock: MovableClock, kind: Kind
) -> None:
    wakes = Wakes(any_desk.database)
    bell = wakes.bell(TOUCHED)
    any_desk.ingest = Ingest(any_desk.database, clock, IngestSettings(currency="GBP", batch=3), open_table, wakes=wakes)
    await any_desk.take(file_of(kind, *FIRST[kind]), kind)
    await any_desk.take(file_of(kind, *FIRST[kind]), kind)
    assert (await judged(any_desk), bell.is_set()) == ([], False)
    report = await any_desk.take(file_of(kind, NEXT[kind]), kind)
    assert (report.added, report.rejected) == (1, 0)
    assert (await judged(any_desk), bell.is_set()) == (["A2"], True)


async def test_of_a_file_of_sales_that_tells_old_lines_too_only_what_is_new_is_judged(any_desk: Desk) -> None:
    await any_desk.take(file_of("sales", *FIRST["sales"]))
    report = await any_desk.take(file_of("sales", *FIRST["sales"], NEXT["sales"]))
    assert (report.added, report.unchanged) == (1, 2)
    assert await judged(any_desk) == ["A2"]


async def test_the_first_file_of_each_source_waits_for_a_scan_of_the_whole(any_desk: Desk) -> None:
    await any_desk.take(file_of("sales", *FIRST["sales"]), source="one")
    await any_desk.take(file_of("sales", *FIRST["sales"]), source="two")
    assert await judged(any_desk) == []
    await any_desk.take(file_of("sales", NEXT["sales"]), source="two")
    assert await judged(any_desk) == ["A2"]
