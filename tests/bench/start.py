"""How soon the command line is there: whole processes, beside one of Python that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

from tests.bench.report import Benchmark, Report, Timing

ROUNDS = 11
NOTHING, IMPORT = "python -c pass", "import of the command line"
WAYS = {  # label: what the process does
    NOTHING: ("-c", "pass"),
    IMPORT: ("-c", "import bot.cli.app"),
    "stocktide --help": ("-m", "bot", "--help"),
    "what a command loads that opens the database": ("-c", "import bot.bootstrap"),
}
ROOT = Path(__file__).parents[2]
# Where compiled files are forbidden, each process would compile everything anew.
VARIABLES = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


def run() -> tuple[Report, ...]:
    """Every way in turn, round after round, so that what else the machine does falls on all of them."""
    for arguments in WAYS.values():
        _process(arguments)  # compiles what is not compiled yet
    rounds = [{label: _process(arguments) for label, arguments in WAYS.items()} for _ in range(ROUNDS)]
    timings = tuple(Timing(label, tuple(found[label][0] for found in rounds)) for label in WAYS)
    clock, processor = (median(found[IMPORT][part] - found[NOTHING][part] for found in rounds) for part in (0, 1))
    notes = [f"The import alone, beyond Python's own start: {clock * 1e3:.0f} ms (goal: below 500 ms)."]
    notes += [f"The processor's time of it: {processor * 1e3:.0f} ms."]
    return (Report("A process of the command line, start to end", timings, NOTHING, tuple(notes)),)


def _process(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a process took."""
    began, used = time.perf_counter(), _processor()
    subprocess.run([sys.executable, *arguments], env=VARIABLES, check=True, capture_output=True)  # noqa: S603  # our own
    return time.perf_counter() - began, _processor() - used


def _processor() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


BENCHMARK = Benchmark("start", run)
