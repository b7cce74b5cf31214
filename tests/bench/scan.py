"""The whole watch of a large catalogue with its reading and writing, phase by phase, and of a hundredth of it.

Beside it stand a bare read of the same rows of demand, what a script of polars and statsforecast takes for the same
reading, one published forecast per series and the same writes, and a published newsvendor formula per series.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import warnings
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bot.domain.replenishment import span_demand
from bot.ports import MovableClock
from bot.services.watch import ScanReport
from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.bench.report import Benchmark, Report, Timing, timed
from tests.services.feeds.kit import NOW
from tests.services.work.shop import Shop, open_shop

PRODUCTS, PLACES, DAYS = 10_000, 10, 180
SERIES = PRODUCTS * PLACES
SAMPLE = 1_000  # series that the others' programs are timed on, and scaled
SHARE = 100  # one product in so many changes before the small scan
READ = "SELECT product_id, location_id, day, units FROM daily_demand WHERE day >= ?"
_EPOCH = date(1970, 1, 1)


def run() -> tuple[Report, ...]:
    """Make the catalogue, scan it thrice, and let the others do their part."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder) / "catalogue.db"))


async def _measure(file: Path) -> tuple[Report, ...]:
    database = Database(f"sqlite+aiosqlite:///{file}")
    await migrate(database)
    shop = await open_shop(database, MovableClock(NOW, frozen=True))
    await _catalogue(shop)
    _fill(file)
    bare = timed("bare read of the rows of demand", lambda: _read(file), runs=3)
    first = await _scan(shop, "first scan: every case is new")
    again = await _scan(shop, "second scan: nothing changed")
    some = await _few(shop)
    await database.close()
    theirs = _theirs(file, first[1])
    plain = f"{SERIES:,} series of {DAYS} days, {_count(file):,} rows of demand, {first[1].opened:,} cases"
    notes = (
        f"{plain}. SQLite on a disk; sums of phases differ from the whole by what lies between them.",
        f"polars and statsforecast: timed on {SAMPLE:,} series and scaled, but for the reading and the writing.",
    )
    whole = Report("The whole watch", (theirs, bare, *first[0], *again[0], some), theirs.label, notes)
    return whole, _arithmetic()


async def _catalogue(shop: Shop) -> None:
    """Products, places, a supplier with a route to each place, and fresh feeds."""
    for number in range(PLACES):
        await shop.add_place(f"L{number}", "UTC", "GB")
    async with shop.database.transaction() as connection:
        rows = [
            (number, f"SKU{number:05}", f"Product {number}", "GBP", 100 + number % 900, 300 + number % 2_000, True)
            for number in range(1, PRODUCTS + 1)
        ]
        await connection.exec_driver_sql(
            "INSERT INTO products (id, sku, name, currency, unit_cost_minor, unit_price_minor, active, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            rows,
        )
    for number in range(PLACES):
        await shop.buys(f"L{number}", 28 + number, 100)


def _fill(file: Path) -> None:
    """Daily demand of which six days in ten are zero, and a count of each shelf; straight into the tables."""
    law = np.random.default_rng(7)
    with sqlite3.connect(file) as connection:
        places = [row[0] for row in connection.execute("SELECT id FROM locations ORDER BY id")]
        yesterday = (NOW.date() - _EPOCH).days - 1
        days = [(_EPOCH + timedelta(days=yesterday - back)).isoformat() for back in range(DAYS)][::-1]
        begun = int(datetime(NOW.year - 1, 1, 1, tzinfo=NOW.tzinfo).timestamp()) * 1_000_000
        for place in places:
            size = law.uniform(0.5, 12.0, (PRODUCTS, 1))
            units = np.where(law.random((PRODUCTS, DAYS)) > 0.6, 1 + law.poisson(size, (PRODUCTS, DAYS)), 0)
            row, column = np.nonzero(units)
            sold = units[row, column].tolist()
            told = zip((row + 1).tolist(), column.tolist(), sold, strict=True)
            connection.executemany(
                "INSERT INTO daily_demand (product_id, location_id, day, units, lines, returned, shipped,"
                " revenue_minor) VALUES (?, ?, ?, ?, 1, 0, ?, ?)",
                [(product, place, days[day], count, count, count * 300) for product, day, count in told],
            )
            stock = units.sum(axis=1) + law.integers(0, 4_000, PRODUCTS) // 10
            connection.executemany(
                "INSERT INTO stock_levels (product_id, location_id, as_of, on_hand, committed, source)"
                " VALUES (?, ?, ?, ?, 0, 'bench')",
                [(product, place, begun, count) for product, count in enumerate(stock.tolist(), 1)],
            )
    _shelves(file)


def _shelves(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("ANALYZE")


def _count(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        return int(connection.execute("SELECT count(*) FROM daily_demand").fetchone()[0])


def _read(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        return len(connection.execute(READ, ((NOW.date() - timedelta(days=365)).isoformat(),)).fetchall())


async def _scan(shop: Shop, label: str) -> tuple[tuple[Timing, ...], ScanReport]:
    start = time.perf_counter()
    report = await shop.scan()
    whole = Timing(label, (time.perf_counter() - start,))
    phases = (
        Timing(f"{label.partition(':')[0]}, {name}", (spent,), phase_of=label) for name, spent in report.phases.items()
    )
    return (whole, *phases), report


async def _few(shop: Shop) -> Timing:
    """One product in a hundred has changed; as stores' calls let them be judged."""
    label = f"scan of a hundredth: {SERIES // SHARE:,} series"
    products = list(range(1, PRODUCTS + 1, SHARE))
    await shop.watch.rescan(products, shop.clock.now(), lambda _news: 5)
    start = time.perf_counter()
    await shop.watch.rescan(products, shop.clock.now(), lambda _news: 5)
    return Timing(label, (time.perf_counter() - start,))


def _theirs(file: Path, first: ScanReport) -> Timing:
    """Reading into polars, pivoting, TSB by statsforecast, and as many rows of cases written as the first scan did."""
    import polars as pl  # noqa: PLC0415  # of benchmarks alone
    from statsforecast import models  # noqa: PLC0415  # as above

    warnings.simplefilter("ignore")
    start = time.perf_counter()
    with sqlite3.connect(file) as connection:
        rows = connection.execute(READ, ((NOW.date() - timedelta(days=365)).isoformat(),)).fetchall()
    frame = pl.DataFrame(rows, schema=["product", "place", "day", "units"], orient="row")
    wide = frame.pivot(on="day", index=["product", "place"], values="units").fill_null(0)
    matrix = wide.drop("product", "place").to_numpy().astype(np.float64)
    read = time.perf_counter() - start
    model = models.TSB(0.1, 0.1)
    start = time.perf_counter()
    for row in matrix[:SAMPLE]:
        model.forecast(y=row, h=28)
    forecast = (time.perf_counter() - start) * len(matrix) / SAMPLE
    start = time.perf_counter()
    _write(file, first.opened)
    write = time.perf_counter() - start
    return Timing("polars, statsforecast's TSB and the same rows written", (read + forecast + write,))


def _write(file: Path, cases: int) -> None:
    """Copy so many cases with their evidence into a table of the same shape."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE written AS SELECT * FROM cases WHERE 0")
        connection.execute("INSERT INTO written SELECT * FROM cases LIMIT ?", (cases,))


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
