"""What the past teaches is learned once a day, kept, and used by every scan and answer until the next day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from bot.chat.arguments import Sku
from bot.domain.calendar import CalendarSettings, Written
from bot.domain.forecasting.lessons import LEAST_SERIES
from bot.domain.groups import Groups
from bot.domain.sourcing import SourcingSettings
from bot.domain.uplift import Peaks
from bot.ports import MovableClock
from bot.services import learning, snapshot
from bot.services.figures import events_ahead
from bot.services.learning import learn
from bot.storage import lessons as rows
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.shop import Shop, open_shop

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere

DAYS = 120
LAW = np.random.default_rng(3)


async def plant(shop: Shop, series: int, start: int = 0) -> None:
    """Products that sell at random for 120 days and have a supplier four weeks away."""
    for number in range(start, start + series):
        sku = f"P{number}"
        await shop.add_product(sku)
        sold = LAW.poisson(0.5 + number % 5, DAYS).tolist()
        await shop.sells(sku, "UK", sold)
        await shop.holds(sku, "UK", 400 if number % 3 else 20)
    await shop.buys("UK", 28, 100)


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await plant(shop, LEAST_SERIES + 2)
    return shop


async def told(shop: Shop) -> list[Any]:
    return list(await shop.all(tables.Lesson))


async def taken(shop: Shop, *skus: str) -> snapshot.Snapshot:
    """A snapshot of some products, of all where none are named."""
    ids = [shop.skus[sku] for sku in skus] or None
    async with shop.database.reading() as connection:
        return await snapshot.take(connection, shop.settings, SourcingSettings(), shop.clock.now(), ids)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_scan_learns_once_a_day_and_forgets_what_is_old(shop: Shop, clock: MovableClock) -> None:
    await shop.scan()
    (first,) = await told(shop)
    clock.push(timedelta(hours=8))
    await shop.scan()
    assert [row.id for row in await told(shop)] == [first.id]
    for _day in range(4):
        clock.push(timedelta(days=1))
        await shop.scan()
    kept = await told(shop)
    assert len(kept) == 3
    assert first.id not in {row.id for row in kept}


async def test_cases_and_answers_rest_on_what_was_learned(shop: Shop) -> None:
    await shop.scan()
    case = next(row for (kind, _sku), row in (await shop.unresolved()).items() if kind == "stockout_risk")
    steps = {step["name"]: step for step in case.evidence["steps"]}
    assert {"lead_time_quantile", "lead_time_p95", "cycle_quantile"} <= steps.keys()
    assert case.evidence["forecast"]["series"] == LEAST_SERIES + 2
    assert date.fromisoformat(case.evidence["forecast"]["learned_on"]) == shop.today("UK") - timedelta(days=1)
    number = next(name for name, found in shop.skus.items() if found == case.product_id)
    report = await shop.catalogue.stock_report(Sku(case.product_id, number, number), None, shop.clock.now())
    assert float(report.lines[0].per_day or 0) == pytest.approx(steps["velocity"]["result"], abs=1e-4)


async def test_a_few_products_are_judged_as_the_whole_catalogue_would(shop: Shop) -> None:
    await learn(shop.database, shop.settings, SourcingSettings(), shop.clock.now())
    whole, some = await taken(shop), await taken(shop, "P3", "P4")
    judged = whole.assess(shop.settings.watch)
    again = some.assess(shop.settings.watch, judged.stock.abc[3:5], others=whole.history.series - 2)
    for at, row in enumerate((3, 4)):
        assert some.product(at).sku == whole.product(row).sku
        assert again.demand.velocity[at] == pytest.approx(judged.demand.velocity[row], rel=1e-12)
        assert again.supply.order_up_to[at] == pytest.approx(judged.supply.order_up_to[row], rel=1e-12)


@pytest.mark.databases("sqlite", "postgres")
async def test_too_few_products_teach_nothing_which_is_not_asked_again_that_day(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await plant(shop, 3)
    await shop.scan()
    (row,) = await told(shop)
    assert row.told == ""
    assert (await taken(shop)).lessons is None
    monkeypatch.setattr(learning, "_read", None)  # whoever asks again breaks
    clock.push(timedelta(hours=1))
    await shop.scan()


async def test_a_look_at_yesterday_does_not_know_what_was_learned_today(shop: Shop) -> None:
    now = shop.clock.now()
    await learn(shop.database, shop.settings, SourcingSettings(), now)
    async with shop.database.reading() as connection:
        assert await rows.latest(connection, now - timedelta(minutes=1)) is None
        assert await rows.latest(connection, now) is not None


@pytest.mark.databases("sqlite", "postgres")
async def test_lessons_come_back_from_the_database_as_they_went_in(shop: Shop) -> None:
    found = await learn(shop.database, shop.settings, SourcingSettings(), shop.clock.now())
    assert found is not None
    async with shop.database.reading() as connection:
        again = await rows.latest(connection, shop.clock.now())
    assert again is not None
    assert again.weights.beta.tolist() == found.weights.beta.tolist()
    assert [lesson.scatter.ratios.tolist() for lesson in again.lessons] == [
        lesson.scatter.ratios.tolist() for lesson in found.lessons
    ]
    assert again.regions == found.regions


async def test_events_behind_are_no_usual_days_and_events_ahead_are_asked_for_and_told(
    shop: Shop, clock: MovableClock
) -> None:
    today = shop.today("UK")
    past, coming = today - timedelta(days=20), today + timedelta(days=5)
    events = (
        Written("fair", past, past + timedelta(days=2), "The fair", uplift=1.0),
        Written("fair", coming, coming + timedelta(days=1), "The fair"),
        Written("opening", coming, coming, "Opening", uplift=4.0),
    )
    calendar = CalendarSettings(written=events)
    shop.settings = replace(shop.settings, calendar=calendar, peaks=Peaks(calendar))
    await learn(shop.database, shop.settings, SourcingSettings(), clock.now())
    whole = await taken(shop)
    assert whole.history.marked is not None
    assert np.flatnonzero(whole.history.marked[0]).tolist() == [345, 346, 347]  # of 365 days, the last is yesterday
    assert whole.lessons is not None
    assert list(whole.lessons.uplifts) == [("fair", shop.places["UK"], 0)]
    size = whole.lessons.uplifts["fair", shop.places["UK"], 0]
    assert 0.8 < size < 1.25
    judged = whole.assess(shop.settings.watch)
    assert judged.supply.lead_days[0] == pytest.approx(judged.supply.lead_time[0] + 3.0 + (size - 1))
    told = events_ahead(whole, judged, 0)["events"]
    assert [(one["name"], one["source"]) for one in told] == [("The fair", "place"), ("Opening", "assumed")]
    assert told[1]["times"] == "4.00"


@pytest.mark.databases("sqlite", "postgres")
async def test_lessons_of_another_version_are_no_lessons_and_are_learned_anew(shop: Shop, clock: MovableClock) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(insert(tables.Lesson).values(at=clock.now(), told='{"form": 0, "beta": []}'))
    assert (await taken(shop)).lessons is None
    assert await learn(shop.database, shop.settings, SourcingSettings(), clock.now()) is not None
    assert (await taken(shop)).lessons is not None


async def test_what_a_best_seller_sold_in_an_event_is_no_spike_of_it(shop: Shop, clock: MovableClock) -> None:
    today = shop.today("UK")
    first, last = today - timedelta(days=20), today - timedelta(days=19)
    calendar = CalendarSettings(written=(Written("fair", first, last, "The fair"),))
    shop.settings = replace(shop.settings, calendar=calendar, peaks=Peaks(calendar))
    for number in range(4):
        sold = LAW.poisson(100, DAYS)
        sold[-20:-18] = LAW.poisson(300, 2)
        await shop.add_product(f"BIG{number}")
        await shop.sells(f"BIG{number}", "UK", sold.tolist())
        await shop.holds(f"BIG{number}", "UK", 9_000)
    await learn(shop.database, shop.settings, SourcingSettings(), clock.now())
    found = (await taken(shop)).lessons
    assert found is not None
    assert found.uplifts["fair", shop.places["UK"], 0] > 2.0  # capped as spikes it would be 1.3


async def test_lessons_of_later_instants_do_not_push_out_those_of_now(shop: Shop, clock: MovableClock) -> None:
    now = clock.now()
    async with shop.database.transaction() as connection:
        for day in range(1, 5):
            await rows.keep(connection, now + timedelta(days=day), None)
        await rows.keep(connection, now, None)
        assert await rows.learned_at(connection, now) == now


async def test_facts_with_other_lessons_have_the_sizes_of_events_that_come_with_them(shop: Shop) -> None:
    day = shop.today("UK")
    calendar = CalendarSettings(written=(Written("fair", day, day, "The fair"),))
    shop.settings = replace(shop.settings, calendar=calendar, peaks=Peaks(calendar))
    lessons = await learn(shop.database, shop.settings, SourcingSettings(), shop.clock.now())
    assert lessons is not None
    sized = replace(lessons, uplifts={("fair", shop.places["UK"], 0): 5.0})
    lift = (await taken(shop)).taught_by(sized, shop.settings).lift
    assert lift.of(Groups.by_place(np.array([shop.places["UK"]])), np.array([3.0])).tolist() == [4.0]


async def test_two_places_on_either_side_of_midnight_each_learn_their_own_closed_day(
    sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(sqlite_database, clock)
    zones = {"NZ": "Pacific/Auckland", "US": "America/Los_Angeles"}
    for place, zone in zones.items():
        await shop.add_place(place, zone, country=place)
    while shop.today("NZ") == shop.today("US"):
        clock.push(timedelta(hours=3))
    await shop.add_products([f"P{number}" for number in range(LEAST_SERIES)])
    for place in zones:
        days = [shop.today(place) - timedelta(days=DAYS - number) for number in range(DAYS)]
        for number in range(LEAST_SERIES):
            sold = [0 if day.weekday() == 6 else 3 + int(LAW.poisson(1 + number % 3)) for day in days]
            await shop.sells(f"P{number}", place, sold)
            await shop.holds(f"P{number}", place, 400)
        await shop.buys(place, 28, 100)
    found = await learn(shop.database, shop.settings, SourcingSettings(), clock.now())
    assert found is not None
    learned = dict(zip(found.weekdays.regions.tolist(), found.weekdays.in_region, strict=True))
    for place in zones:
        factors = learned[shop.places[place]]
        assert factors[6] < 0.1, place
        assert factors[:6].min() > 0.8, place
    whole = await taken(shop)
    sides = whole.history.behind
    assert sides is not None
    assert sorted(set(sides.tolist())) == [0, 1]
    judged = whole.assess(shop.settings.watch)
    of = whole.location_ids == shop.places["NZ"]
    here, there = float(judged.demand.velocity[of].sum()), float(judged.demand.velocity[~of].sum())
    assert here == pytest.approx(there, rel=0.06)
