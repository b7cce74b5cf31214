"""The whole watch of a large catalogue with its reading and writing, phase by phase, and of a hundredth of it.

Beside it stand a bare read of the same rows of demand, what a script of polars and statsforecast takes for the same
reading, one published forecast per series and the same writes, and a published newsvendor formula per series.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import insert

from bot.domain.replenishment import span_demand
from bot.ports import MovableClock
from bot.services.scanning import ScanReport
from bot.storage.database import Database
from bot.storage.migrations import migrate
from bot.storage.tables import Product
from tests.bench.report import Benchmark, Report, Timing, timed
from tests.bench.scanstores import Rows, SqliteStore, Store, postgres
from tests.bench.stage import Stopwatch
from tests.services.feeds.kit import NOW
from tests.services.work.shop import Shop, open_shop

PRODUCTS, PLACES, DAYS = 10_000, 10, 180
SERIES = PRODUCTS * PLACES
SAMPLE = 1_000  # series that the others' programs are timed on, and scaled
SHARE = 100  # one product in so many changes before the small scan
SINCE = NOW.date() - timedelta(days=365)
THEIRS, BARE = "polars, statsforecast's TSB, and the same rows written", "bare read of the rows of demand"
FIRST, SECOND = "first scan: every case is new", "second scan: what the first one asked for counts"
AGAIN, NEXT = "third scan: nothing changed", "the next day's scan: every case is written anew"
FEW = f"scan of a hundredth: {SERIES // SHARE:,} series"
BY = ("by the clock", "processor time of this process")
_EPOCH = date(1970, 1, 1)

Lap = tuple[float, float]  # seconds of the clock and of the processor


@dataclass
class _Laps:
    """What was measured on one database, by label, and the phases of the scans by theirs."""

    store: Store
    report: ScanReport | None = None
    rows: int = 0
    whole: dict[str, Lap] = field(default_factory=dict)
    phases: dict[str, dict[str, Lap]] = field(default_factory=dict)


def run() -> tuple[Report, ...]:
    """On each database: make the catalogue, scan it and a part of it, and let the others do their part."""
    with TemporaryDirectory() as folder, postgres() as server:
        stores: tuple[Store, ...] = (SqliteStore(Path(folder) / "catalogue.db"), server)
        found = [asyncio.run(_measure(store)) for store in stores]
    return (*(_report(laps, number) for laps in found for number in range(len(BY))), _arithmetic())


async def _measure(store: Store) -> _Laps:
    database = Database(store.url)
    await migrate(database)
    shop = await open_shop(database, MovableClock(NOW, frozen=True))
    await _catalogue(shop)
    _fill(store)
    laps = _Laps(store)
    laps.rows = len(_lapped(laps, BARE, lambda: store.read(SINCE)))
    laps.report = await _scan(shop, laps, FIRST)
    await _scan(shop, laps, SECOND)
    await _scan(shop, laps, AGAIN)
    await _few(shop, laps)
    await _scan(shop, laps, NEXT, timedelta(days=1))
    await database.close()
    _theirs(laps)
    return laps


def _report(laps: _Laps, number: int) -> Report:
    """One table, by the clock (0) or by the processor (1)."""
    assert laps.report is not None  # every scan reports
    timings = []
    for label, lap in laps.whole.items():
        timings.append(Timing(label, (lap[number],)))
        short = label.partition(":")[0]
        timings += [
            Timing(f"{short}, {name}", (each[number],), phase_of=label)
            for name, each in laps.phases.get(label, {}).items()
        ]
    second, again, few, bare, theirs = (laps.whole[label][number] for label in (SECOND, AGAIN, FEW, BARE, THEIRS))
    reading = ", ".join(
        f"{name} {each[number] / bare:.2f}" for name, each in laps.phases[SECOND].items() if name in {"load", "assess"}
    )
    notes = (
        f"{SERIES:,} series of {DAYS} days, {laps.rows:,} rows of demand, {laps.report.opened:,} cases; one run.",
        f"The third scan takes 1/{theirs / again:.1f} of polars and statsforecast; the goals are 1/9, and 1/30.",
        f"The scan of a hundredth takes {few / second:.1%} of the second one, which judges all; the goal is 10%.",
        f"Times the bare read: the second scan's {reading}; the third scan {again / bare:.2f}.",
        f"polars and statsforecast: timed on {SAMPLE:,} series and scaled, but for the reading and the writing.",
    )
    return Report(f"The whole watch on {laps.store.name}, {BY[number]}", tuple(timings), THEIRS, notes)


async def _catalogue(shop: Shop) -> None:
    """Products, places, a supplier with a route to each place, and fresh feeds."""
    for number in range(PLACES):
        await shop.add_place(f"L{number}", "UTC", "GB")
    rows = [
        {
            "id": number,
            "sku": f"SKU{number:05}",
            "name": f"Product {number}",
            "currency": "GBP",
            "unit_cost_minor": 100 + number % 900,
            "unit_price_minor": 300 + number % 2_000,
            "active": True,
            "created_at": NOW - timedelta(days=400),
        }
        for number in range(1, PRODUCTS + 1)
    ]
    async with shop.database.transaction() as connection:
        await connection.execute(insert(Product), rows)
    for number in range(PLACES):
        await shop.buys(f"L{number}", 28 + number, 100)


def _fill(store: Store) -> None:
    """Daily demand of which six days in ten are zero, and a count of each shelf; straight into the tables."""
    law = np.random.default_rng(7)
    yesterday = (NOW.date() - _EPOCH).days - 1
    days = [(_EPOCH + timedelta(days=yesterday - back)).isoformat() for back in range(DAYS)][::-1]
    begun = store.instant(datetime(NOW.year - 1, 1, 1, tzinfo=NOW.tzinfo))
    demand = ("product_id", "location_id", "day", "units", "lines", "returned", "shipped", "revenue_minor")
    for place in range(1, PLACES + 1):
        size = law.uniform(0.5, 12.0, (PRODUCTS, 1))
        units = np.where(law.random((PRODUCTS, DAYS)) > 0.6, 1 + law.poisson(size, (PRODUCTS, DAYS)), 0)
        store.insert("daily_demand", demand, _sold(place, units, days))
        stock = units.sum(axis=1) + law.integers(0, 4_000, PRODUCTS) // 10
        store.insert(
            "stock_levels",
            ("product_id", "location_id", "as_of", "on_hand", "committed", "source"),
            [(product, place, begun, count, 0, "bench") for product, count in enumerate(stock.tolist(), 1)],
        )
    store.analyse()


def _sold(place: int, units: np.ndarray[Any, Any], days: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    row, column = np.nonzero(units)
    for product, day, count in zip((row + 1).tolist(), column.tolist(), units[row, column].tolist(), strict=True):
        yield product, place, days[day], count, 1, 0, count, count * 300


def _lapped(laps: _Laps, label: str, call: Callable[[], Rows]) -> Rows:
    watch = Stopwatch()
    found = call()
    laps.whole[label] = watch.lap()
    return found


async def _scan(shop: Shop, laps: _Laps, label: str, later: timedelta = timedelta()) -> ScanReport:
    whole, phase = Stopwatch(), Stopwatch()
    found: dict[str, Lap] = {}
    begun: list[str] = []

    def begin(name: str) -> None:
        lap = phase.lap()
        if begun:
            found[begun[-1]] = lap
        begun.append(name)

    report = await shop.watch.scan(shop.clock.now() + later, begin)
    begin("")
    laps.whole[label], laps.phases[label] = whole.lap(), found
    return report


async def _few(shop: Shop, laps: _Laps) -> None:
    """One product in a hundred has changed; as stores' calls let them be judged."""
    products = list(range(1, PRODUCTS + 1, SHARE))
    await shop.watch.rescan(products, shop.clock.now(), lambda _news: 5)
    watch = Stopwatch()
    await shop.watch.rescan(products, shop.clock.now(), lambda _news: 5)
    laps.whole[FEW] = watch.lap()


def _theirs(laps: _Laps) -> None:
    """Reading into polars, pivoting, TSB by statsforecast, and as many rows of cases written as the first scan did."""
    import polars as pl  # noqa: PLC0415  # of benchmarks alone
    from statsforecast import models  # noqa: PLC0415  # as above

    assert laps.report is not None  # the scans are over
    warnings.simplefilter("ignore")
    watch = Stopwatch()
    rows = laps.store.read(SINCE)
    frame = pl.DataFrame(rows, schema=["product", "place", "day", "units"], orient="row")
    wide = frame.pivot(on="day", index=["product", "place"], values="units").fill_null(0)
    matrix = wide.drop("product", "place").to_numpy().astype(np.float64)
    read = watch.lap()
    model = models.TSB(0.1, 0.1)
    for row in matrix[:SAMPLE]:
        model.forecast(y=row, h=28)
    scale = len(matrix) / min(SAMPLE, len(matrix))
    forecast = watch.lap()
    laps.store.copy_cases(laps.report.opened)
    write = watch.lap()
    clock, processor = (read[of] + scale * forecast[of] + write[of] for of in range(2))
    laps.whole[THEIRS] = clock, processor


def _arithmetic() -> Report:
    """Safety stock and reorder level of every series, against a library's formula called for each."""
    from stockpyl.newsvendor import newsvendor_normal  # noqa: PLC0415  # of benchmarks alone

    law = np.random.default_rng(3)
    velocity, sd = law.uniform(0.1, 20, SERIES), law.uniform(0.2, 9, SERIES)
    span, spread, level = law.uniform(10, 60, SERIES), law.uniform(0, 9, SERIES), law.uniform(0.8, 0.99, SERIES)
    regular = np.zeros(SERIES, dtype=np.bool_)
    means, deviations = velocity * span, np.sqrt(span * sd**2 + velocity**2 * spread**2)

    def one_by_one(rows: Sequence[int]) -> None:
        for row in rows:
            newsvendor_normal(1 - level[row], level[row], means[row], deviations[row])

    some = range(0, SERIES, SERIES // 200)
    theirs = timed("stockpyl: newsvendor_normal", lambda: one_by_one(some), runs=3, scale=SERIES / len(some))
    ours = timed(
        "ours: mean, variance, safety stock",
        lambda: span_demand(velocity, sd, span, spread, level, regular, "negative_binomial"),
    )
    return Report(f"Reorder levels of {SERIES:,} series", (theirs, ours), theirs.label, ("Timed on 200 and scaled.",))


BENCHMARK = Benchmark("scan", run)
