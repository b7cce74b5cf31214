"""Memory of an import: a long file takes no more than a short one."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.report import Benchmark, Report, Timing

SIZES = (100_000, 500_000, 1_000_000)
_MARKETS = ("United Kingdom", "Germany", "France", "EIRE", "Spain")
_FIRST = datetime(2010, 12, 1, 8)  # noqa: DTZ001  # a file's local time


def run() -> tuple[Report, ...]:
    """One import per size, each in a process of its own."""
    with TemporaryDirectory(prefix="stocktide-bench-") as folder:
        found = {size: _imported(Path(folder) / f"{size}.csv", size) for size in SIZES}
    small, middle, large = SIZES
    labels = {size: f"{size:,} rows, peak {taken['peak_mb']:,.0f} MB" for size, taken in found.items()}
    long, more = found[large], [found[size]["peak_mb"] - found[small]["peak_mb"] for size in (middle, large)]
    whole = (
        f"{middle:,} rows take {more[0]:+,.0f} MB at the peak, {large:,} rows {more[1]:+,.0f} MB; SQLite's page caches "
        "may take 80 of them. The peak is that of the whole process, Python and its libraries included."
    )
    pace = f"{large / long['seconds']:,.0f} rows/s of the long file, {long['processor']:,.0f} s of the processor."
    return (
        Report(
            title="Import of a CSV file of sales; seconds for each 100,000 rows",
            timings=tuple(Timing(labels[n], (found[n]["seconds"],), scale=small / n) for n in SIZES),
            baseline=labels[small],
            notes=(whole, pace, "One run of each."),
        ),
    )


def _imported(file: Path, rows: int) -> dict[str, float]:
    """Write the file, import it, and say what that took."""
    _write(file, rows)
    command = [sys.executable, "-m", "tests.bench.importing", str(file)]
    ran = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603  # our own module
    found: dict[str, float] = json.loads(ran.stdout)
    if found["rows"] != rows:
        raise RuntimeError(f"{found['rows']:,} of {rows:,} rows came in")
    return found


def _write(file: Path, rows: int) -> None:
    """Sales of 4,000 products over a year, a line in fifty taken back a day later."""
    dice = random.Random(7)  # noqa: S311  # no secret
    step = timedelta(days=350) / rows
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("invoice", "sku", "description", "quantity", "sold_at", "unit_price", "customer_id", "country"))
        for number in range(rows):
            at = _FIRST + number * step
            sku = 20_000 + int(4_000 * dice.random() ** 2)
            back = number % 50 == 49
            units = dice.choice((1, 2, 3, 6, 12, 24))
            out.writerow(
                (
                    f"{'C' if back else ''}{500_000 + number // 20}",
                    sku,
                    f"THING {sku}",
                    -units if back else units,
                    at.isoformat(" ", "minutes"),
                    f"{1 + sku % 40 / 4:.2f}",
                    12_000 + number % 3_000,
                    _MARKETS[number % len(_MARKETS)],
                )
            )


BENCHMARK = Benchmark("memory", run)
