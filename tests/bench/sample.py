"""The real sample, end to end: its import, scans of its whole catalogue phase by phase, and answers."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq

from bot.bootstrap import App
from bot.cli.ask import answer, owner
from bot.domain.sourcing import SourcingSettings
from bot.sandbox import sample
from bot.sandbox.sample import SampleReport
from bot.services.scanning import ScanReport
from bot.services.snapshot import Snapshot, take
from tests.bench.report import Benchmark, Report, Timing
from tests.bench.stage import AT, Stopwatch, loaded, opened
from tests.bench.watch import RULES, SAMPLE, plain_loop

FILE = Path(sample.__file__).parent / "online_retail.parquet"
PHASES = ("load", "assess", "judge", "apply", "draft", "tell")
RUNS = 5
ASKED = 15
ROWS = 20_000  # of the import's baseline, scaled up
LOOP, AFTER = "arithmetic in a plain Python loop", "all after load"
ROWWISE, COLD = "one INSERT a row, rows as they are", "/stock 85123A, the first"
LINES = ("/stock 85123A", "/stock 22423 DE", "/restock", "/slow", "/turnover")
LOOP_NOTE = f"The loop is timed over {SAMPLE} series and scaled; it does a part of `assess`, and no evidence."
COLD_NOTE = "The first answer ranks the whole catalogue by revenue; that is kept until sales come in or a day ends."

Laps = dict[str, list[tuple[float, float]]]  # by phase: seconds of the clock and of the processor, per run


def run() -> tuple[Report, ...]:
    """Import once, scan several times, ask often."""
    with TemporaryDirectory(prefix="stocktide-bench-") as folder:
        file = Path(folder) / "sample.db"
        report = loaded(file)
        imported = _import_report(report, _row_by_row(Path(folder) / "plain.db"))
        return imported, *_scan_reports(file), asyncio.run(_answers(file))


def _import_report(report: SampleReport, rowwise: float) -> Report:
    """The phases of loading the sample."""
    rows, phases = report.sales.rows, report.phases
    return Report(
        title=f"Import of the sample: {rows:,} lines, {report.reconstruction.series:,} series",
        timings=(
            Timing(ROWWISE, (rowwise,), scale=rows / ROWS),
            Timing("everything", (sum(phases.values()),)),
            *(Timing(name, (seconds,), phase_of="everything") for name, seconds in phases.items()),
        ),
        baseline=ROWWISE,
        notes=(
            f"Sales: {rows / phases['sales']:,.0f} rows/s, cancellations matched and daily demand derived. One run.",
            f"The baseline inserts {ROWS:,} rows in one transaction of SQLite's own driver, scaled; it checks nothing.",
        ),
    )


def _row_by_row(file: Path) -> float:
    """Seconds to insert the first rows of the sample one by one into a table with two indexes."""
    rows = [tuple(map(str, row.values())) for row in pq.read_table(FILE).slice(0, ROWS).to_pylist()]
    base = sqlite3.connect(file)
    base.execute("CREATE TABLE sales (invoice, sku, description, quantity, sold_at, unit_price, customer_id, country)")
    base.execute("CREATE INDEX by_sku ON sales (sku, sold_at)")
    base.execute("CREATE INDEX by_customer ON sales (customer_id, sku, quantity, sold_at)")
    began = time.perf_counter()
    base.execute("BEGIN")
    for row in rows:
        base.execute("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    base.execute("COMMIT")
    base.close()
    return time.perf_counter() - began


def _scan_reports(file: Path) -> tuple[Report, ...]:
    """The first scan, which opens every case, and the next, which finds them open; by clock and by processor."""
    first: Laps = {}
    second: Laps = {}
    reports = [asyncio.run(_scans(file, first, second)) for _run in range(RUNS)]
    loop = asyncio.run(_loop(file))
    one = reports[0]
    titles = (
        (f"First scan: {one.series:,} series, {one.opened:,} cases opened, {one.requests_drafted:,} drafts", first),
        ("The next scan: the same cases are brought up to date", second),
    )
    return tuple(
        _scan_table(f"{title}; {by}", laps, loop, number)
        for title, laps in titles
        for number, by in enumerate(("by the clock", "processor time"))
    )


def _scan_table(title: str, laps: Laps, loop: float, of: int) -> Report:
    """One table of the phases; `of` chooses the clock (0) or the processor (1)."""
    runs = {name: tuple(lap[of] for lap in laps[name]) for name in PHASES}
    whole = tuple(sum(each) for each in zip(*runs.values(), strict=True))
    after = tuple(sum(each) for each in zip(*(runs[name] for name in PHASES[1:]), strict=True))
    judged = tuple(sum(each) for each in zip(runs["assess"], runs["judge"], strict=True))
    return Report(
        title=title,
        timings=(
            Timing(LOOP, (loop,)),
            Timing("assess and judge", judged),
            Timing("the scan", whole, phase_of="the scan"),
            *(Timing(name, runs[name], phase_of="the scan") for name in PHASES),
            Timing(AFTER, after, phase_of="the scan"),
        ),
        baseline=LOOP,
        notes=(LOOP_NOTE,),
    )


async def _scans(file: Path, first: Laps, second: Laps) -> ScanReport:
    """Two scans of a fresh copy; their laps are added to `first` and `second`."""
    async with opened(file) as application:
        reports = []
        for laps in (first, second):
            keep = _keeping(laps)
            reports.append(await application.services.watch.scan(AT, keep))
            keep("")
        return reports[0]


def _keeping(laps: Laps) -> Callable[[str], None]:
    """A progress callback that notes how long each phase took when the next begins, or the empty one."""
    watch, running = Stopwatch(), [""]

    def begin(name: str) -> None:
        lap = watch.lap()
        if running[0]:
            laps.setdefault(running[0], []).append(lap)
        running[0] = name

    return begin


async def _taken(application: App) -> Snapshot:
    services = application.services
    async with services.database.reading() as connection:
        return await take(connection, services.settings, SourcingSettings(), AT)


async def _loop(file: Path) -> float:
    """Seconds of the plain loop over the whole catalogue, scaled from a sample of its series."""
    async with opened(file) as application:
        taken = await _taken(application)
    rows = np.linspace(0, taken.history.series - 1, SAMPLE).astype(int).tolist()
    watch, found = Stopwatch(), []
    for _run in range(3):
        plain_loop(taken.history, taken.routes, taken.positions, rows, RULES)
        found.append(watch.lap()[0])
    return median(found) * taken.history.series / SAMPLE


async def _answers(file: Path) -> Report:
    """Commands through the router, from the words to the message; the scan has run."""
    async with opened(file) as application:
        await application.services.watch.scan(AT)
        asker = await owner(application)
        runs: dict[str, tuple[float, ...]] = {}
        for label, line, times in ((COLD, LINES[0], 1), *((line, line, ASKED) for line in LINES)):
            watch, seconds = Stopwatch(), []
            for _time in range(times):
                found = await answer(application, asker, line)
                seconds.append(watch.lap()[0])
                if found.refused:
                    raise RuntimeError(f"{line} was refused")
            runs[label] = tuple(seconds)
    return Report(
        title="Answers, by the clock",
        timings=tuple(Timing(line, seconds) for line, seconds in runs.items()),
        baseline=COLD,
        notes=(COLD_NOTE,),
    )


BENCHMARK = Benchmark("sample", run)
