"""What a scan leaves as it is written, and that it is what it would write again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop, steady

MINUTE = timedelta(minutes=1)


async def planted(database: Database, clock: MovableClock) -> Shop:
    """A shortage, stock that lies, and goods that are late; scanned until nothing changes any more."""
    shop = await open_shop(database, clock)
    for code in ("UK", "DE"):
        await shop.add_place(code)
    for sku, units, stock in (("A1", 10, 60), ("B1", 3, 4_000), ("E1", 5, 500)):
        await shop.add_product(sku)
        await shop.sells(sku, "UK", steady(units=units))
        await shop.holds(sku, "UK", stock)
        await shop.buys("UK", 21, 90, sku=sku, minimum=100, pack=24)
    await shop.awaits("E1", "UK", 50, -3)
    for _ in range(3):
        await shop.scan()
        clock.push(MINUTE)
    return shop


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    return await planted(database, clock)


async def kept(shop: Shop) -> dict[int, Any]:
    """What each case says, but for the instant of the scan that wrote it."""
    return {
        case.id: (case.kind, case.severity, case.money_minor, {**case.evidence, "at": ""}, case.resolved_at is None)
        for case in await shop.all_cases()
    }


async def write(shop: Shop, statement: Any) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(statement)


async def test_a_scan_that_finds_everything_as_it_was_writes_no_case(shop: Shop) -> None:
    before = await shop.all_cases()
    assert len(before) >= 3
    await shop.scan()
    assert await shop.all_cases() == before


async def test_the_next_day_every_case_is_written_anew(shop: Shop, clock: MovableClock) -> None:
    clock.push(timedelta(days=1))
    await shop.scan()
    open_cases = [case for case in await shop.all_cases() if case.resolved_at is None]
    assert {case.evidence["as_of"] for case in open_cases} == {"2011-11-21"}
    assert {case.updated_at for case in open_cases} == {clock.now()}


Change = Callable[[Shop], Awaitable[None]]
CHANGES: dict[str, Change] = {
    "a sale of today": lambda shop: shop.sells("A1", "UK", [], sold_today=7),  # after the count
    "a sale of a day gone by": lambda shop: write(
        shop, update(tables.DailyDemand).where(tables.DailyDemand.units == 10).values(units=11, shipped=11)
    ),
    "a count": lambda shop: shop.holds("B1", "UK", 3_900),
    "goods on their way": lambda shop: shop.awaits("A1", "UK", 40, 5, "2"),
    "a price": lambda shop: write(shop, update(tables.Product).values(unit_price_minor=260)),
    "a cost": lambda shop: write(
        shop, update(tables.Product).where(tables.Product.sku == "B1").values(unit_cost_minor=101)
    ),
    "a store's price": lambda shop: write(
        shop, update(tables.Product).values(unit_price_minor=None, store_price_minor=7, store_currency="GBP")
    ),
    "terms": lambda shop: write(shop, update(tables.Route).values(lead_time_days=Decimal(22))),
    "a promised date": lambda shop: write(shop, text("UPDATE inbounds SET expected_on = '2011-11-10'")),
    "a word nobody told yet": lambda shop: write(shop, update(tables.Case).values(notified_severity=0)),
    "another class": lambda shop: write(shop, update(tables.Case).values(severity=2)),
    "other money": lambda shop: write(shop, update(tables.Case).values(money_minor=1)),
}
OF_CASES = ("a word nobody told yet", "another class", "other money")  # the scan puts them right again


async def test_after_any_change_cases_are_those_of_a_scan_that_writes_them_all(
    sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await planted(sqlite_database, clock)
    clock.push(10 * MINUTE)
    for name, change in CHANGES.items():
        before = await kept(shop)
        await change(shop)
        await shop.scan()
        after = await kept(shop)
        await write(shop, delete(tables.CasePrint))
        await shop.scan()
        assert await kept(shop) == after, name
        assert (after != before) == (name not in OF_CASES), name


async def test_money_of_standing_cases_is_told_in_the_currency_that_it_is_in(
    sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await planted(sqlite_database, clock)
    await write(shop, update(tables.Case).values(currency="JPY"))
    await write(shop, delete(tables.CasePrint))
    await shop.scan()
    cases = [case for case in await shop.all_cases() if case.resolved_at is None]
    assert {(case.currency, case.evidence["currency"]) for case in cases} == {("GBP", "GBP")}


async def test_what_a_rescan_wrote_is_looked_at_by_the_next_scan(shop: Shop, clock: MovableClock) -> None:
    await shop.holds("B1", "UK", 3_900)
    await shop.watch.rescan([shop.skus["B1"]], clock.now(), lambda _news: 5)
    changed = await kept(shop)
    prints = {row.case_id for row in await shop.all(tables.CasePrint)}
    mine = {case.id for case in await shop.all_cases() if case.product_id == shop.skus["B1"]}
    assert mine
    assert not mine & prints
    await shop.scan()
    assert await kept(shop) == changed
    assert mine <= {row.case_id for row in await shop.all(tables.CasePrint)}


async def test_a_resolved_case_keeps_no_fingerprint(shop: Shop) -> None:
    await shop.holds("A1", "UK", 3_000)
    await shop.scan()
    resolved = {case.id for case in await shop.all_cases() if case.resolved_at is not None}
    assert resolved
    assert not resolved & {row.case_id for row in await shop.all(tables.CasePrint)}
