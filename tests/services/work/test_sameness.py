"""What a scan leaves as it is written, and that it is what it would write again."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from bot.domain.forecasting.lessons import Lessons, plain
from bot.domain.sourcing import SourcingSettings
from bot.domain.told import ToldAge
from bot.ports import MovableClock
from bot.services import sources
from bot.services.exchange import Exchange
from bot.services.sources import Sources
from bot.storage import tables, touched
from bot.storage.catalogue import FeedRow, PlaceRow
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


class Judgements:
    """How often a watch judged the whole catalogue."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        judge = shop.watch._judge

        def counted(*told: Any) -> Any:
            self.count += 1
            return judge(*told)

        monkeypatch.setattr(shop.watch, "_judge", counted)


async def test_a_scan_of_facts_that_were_judged_before_judges_nothing_anew(
    shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    last, judgements = await shop.scan(), Judgements(shop, monkeypatch)
    clock.push(MINUTE)
    again = await shop.scan()
    assert judgements.count == 0
    assert (again.series, again.silenced, again.held) == (last.series, last.silenced, last.held)
    await shop.holds("A1", "UK", 61)
    await shop.scan()
    assert judgements.count == 1
    clock.push(timedelta(days=1))
    await shop.scan()
    assert judgements.count == 2


async def test_what_a_person_did_to_a_case_is_judged_though_no_fact_changed(
    shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await shop.requested()
    promotions = [row.id for row in asked if row.kind == "promotion"]
    assert promotions
    judgements = Judgements(shop, monkeypatch)
    await write(shop, update(tables.Request).where(tables.Request.kind == "promotion").values(state="expired"))
    report = await shop.scan()
    assert (judgements.count, report.requests_drafted) == (1, len(promotions))
    await shop.scan()
    await write(shop, update(tables.Case).values(snoozed_until=clock.now() + MINUTE))
    judgements.count = 0
    await shop.scan()
    assert judgements.count == 1


async def test_other_rules_judge_the_same_facts_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.scan()
    judgements = Judgements(shop, monkeypatch)
    shop.watch._sourcing = SourcingSettings(cool_down_days=1)
    await shop.scan()
    assert judgements.count == 1


async def test_a_rescan_leaves_what_it_may_not_judge_to_the_next_scan_though_the_facts_of_days_are_the_same(
    shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.add_product("G1")  # it has no case, and may have a slump
    await shop.scan()
    async with shop.database.transaction() as connection:  # as where a past sale is told at another hour
        await touched.touch(connection, [shop.skus["G1"]], clock.now())
    assert await shop.watch.rescan([shop.skus["G1"]], clock.now(), lambda _news: 5) is not None
    assert not await shop.all(tables.TouchedProduct)
    judgements = Judgements(shop, monkeypatch)
    await shop.scan()
    assert judgements.count == 1
    assert await shop.watch.rescan([], clock.now(), lambda _news: 5) is not None  # feeds alone
    judgements.count = 0
    await shop.scan()
    assert judgements.count == 0


async def test_cases_of_facts_that_came_and_went_between_two_scans_of_a_process_are_closed(shop: Shop) -> None:
    await shop.add_product("F1")
    await shop.scan()
    await shop.holds("F1", "UK", 900)
    elsewhere = shop.watch._last
    await shop.scan()
    mine = [case.id for case in await shop.all_cases() if case.product_id == shop.skus["F1"]]
    assert mine
    await write(shop, delete(tables.StockLevel).where(tables.StockLevel.product_id == shop.skus["F1"]))
    shop.watch._last = elsewhere  # as of a process that did not make the scan between
    await shop.scan()
    assert {case.id for case in await shop.all_cases() if case.ended == "unknown"} == {*mine}


def _longer(told: Sources) -> Any:
    past = told.past
    return dataclasses.replace(past, today={place: day + 1 for place, day in past.today.items()})


STUDIED: Lessons = Lessons.__new__(Lessons)
PLACE = PlaceRow(9, "X", "X", "UTC", "GB")
FEED = FeedRow(1, "till", "sales", datetime(2011, 11, 20, 12, tzinfo=UTC), 48)
AGE = ToldAge("amazon", datetime(2011, 11, 20, tzinfo=UTC), ((0, 90, 5),))
OTHERS: dict[str, Callable[[Sources], Any]] = {
    "whole": lambda _told: False,
    "places": lambda told: {**told.places, 9: PLACE},
    "products": lambda told: dict(list(told.products.items())[1:]),
    "past": _longer,
    "new": lambda _told: {1: 3},
    "exchange": lambda _told: Exchange("GBP", {"USD": Decimal("0.8")}),
    "routes": lambda told: dataclasses.replace(told.routes, lead_time=told.routes.lead_time + 1),
    "assortments": lambda _told: {1: {7}},
    "feeds": lambda _told: (FEED,),
    "requested": lambda told: told.requested[1:],
    "unshipped": lambda _told: [(1, 0, 1, 5)],
    "inbounds": lambda told: told.inbounds[1:],
    "lessons": lambda _told: STUDIED,
    "category_names": lambda _told: {1: "Lamps"},
    "told_ages": lambda _told: {(1, 1): AGE},
}


async def test_every_fact_that_a_snapshot_is_made_of_is_in_the_digest(
    sqlite_database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "plain", lambda lessons: "lessons" if lessons is STUDIED else plain(lessons))
    shop = await planted(sqlite_database, clock)
    async with shop.database.reading() as connection:
        told = await sources.read(connection, shop.settings, clock.now())
        later = await sources.read(connection, shop.settings, clock.now() + MINUTE)
    assert told.digest() == later.digest()
    sunday = dataclasses.replace(told, at=datetime(2011, 11, 20, 23, 59, tzinfo=UTC))  # in the east it is Monday
    assert sunday.digest() != told.digest()
    for name, other in OTHERS.items():
        assert dataclasses.replace(told, **{name: other(told)}).digest() != told.digest(), name
    fed = dataclasses.replace(told, feeds=(FEED,))
    of_feeds: dict[str, Any] = {
        "stale_feeds": (FEED,),
        "fed": {FEED.id: {1}},
        "feeds": (dataclasses.replace(FEED, fresh_until=clock.now() - timedelta(days=1, hours=10)),),
    }
    for name, value in of_feeds.items():
        assert dataclasses.replace(fed, **{name: value}).digest() != fed.digest(), name
    assert {field.name for field in dataclasses.fields(Sources)} == {*OTHERS, *of_feeds, "at"}


async def test_every_figure_of_the_past_is_in_the_digest(sqlite_database: Database, clock: MovableClock) -> None:
    shop = await planted(sqlite_database, clock)
    async with shop.database.reading() as connection:
        past = (await sources.read(connection, shop.settings, clock.now())).past.ledger
    bundle, told = past.packs, {column.tobytes() for column in past.columns()}
    assert bundle is not None
    assert bundle.rows
    for column in (past.facts.demand, past.facts.moved, past.facts.sold_after, bundle.until.product, bundle.until.day):
        assert column.tobytes() in told
    for field in dataclasses.fields(past.facts.counts):
        assert getattr(past.facts.counts, field.name).tobytes() in told
    before = list(bundle.columns())
    first: tuple[Any, ...] = bundle.rows[0]
    for place, value in enumerate(first):
        other: Any = (*first[:place], b"\1" + value if place == 3 else int(value) + 1, *first[place + 1 :])
        after = dataclasses.replace(bundle, rows=[other, *bundle.rows[1:]]).columns()
        assert any(one.tobytes() != two.tobytes() for one, two in zip(before, after, strict=True)), place
    assert {field.name for field in dataclasses.fields(past)} == {"window", "places", "facts", "packs"}
    kept = {"demand", "moved", "counts", "sold_after", "packed"}
    assert {field.name for field in dataclasses.fields(past.facts)} == kept
    assert {field.name for field in dataclasses.fields(bundle)} == {"rows", "until", "since", "last"}
