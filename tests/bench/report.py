"""What a benchmark measures, how it is timed, and how it is written down."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import scipy
from rich.console import Console
from rich.table import Table

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench` (`python -m tests.bench`). Each figure is the median of the runs, with the fastest and the
slowest; the last column compares it with the baseline of the same table, measured in the same run, or, for a phase,
says which share of its whole it takes. Where the load average is near the number of cores or above it, others were
at work on the machine: there the processor's time tells more than the clock's.

Everything is measured on what the project ships and makes: the sample's file, and series and CSV files made with a
seed. Left out: networks and the chats' own servers, several processes at once, and, but for the scan, PostgreSQL.
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of each run; `scale` multiplies a sample up to the whole, `phase_of` names the timing that holds it."""

    label: str
    runs: tuple[float, ...]
    scale: float = 1.0
    phase_of: str = ""

    @property
    def middle(self) -> float:
        """The median, scaled."""
        return median(self.runs) * self.scale


@dataclass(frozen=True, slots=True)
class Report:
    """One table: its timings, which of them (by label) is the baseline, and notes to read it by."""

    title: str
    timings: tuple[Timing, ...]
    baseline: str
    notes: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Label, median, fastest to slowest, and speed against the baseline or share of the whole."""
        middles = {timing.label: timing.middle for timing in self.timings}
        rows = []
        for timing in self.timings:
            spread = f"{shown(min(timing.runs) * timing.scale)} - {shown(max(timing.runs) * timing.scale)}"
            if timing.label == self.baseline:
                against = "baseline"
            elif timing.phase_of:
                against = f"{timing.middle / middles[timing.phase_of]:.0%} of {timing.phase_of}"
            else:
                against = f"{middles[self.baseline] / timing.middle:,.1f} x faster"
            rows.append((timing.label, shown(timing.middle), spread, against))
        return rows


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A named benchmark; `run` measures and reports one table or several."""

    name: str
    run: Callable[[], tuple[Report, ...]]


def timed(label: str, call: Callable[[], object], runs: int = 7, scale: float = 1.0, phase_of: str = "") -> Timing:
    """Run once to warm up, then time `runs` runs."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return Timing(label, tuple(seconds), scale, phase_of)


def shown(seconds: float) -> str:
    """Seconds for people."""
    if seconds >= 10:
        return f"{seconds:,.0f} s"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def machine() -> str:
    """The machine and the versions that the figures depend on."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}; load average {os.getloadavg()[0]:.1f} at the end"
    )


def _processor() -> str:
    """The processor's model name."""
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show(report: Report, console: Console) -> None:
    """Print one table."""
    table = Table(
        "what", "median", "fastest - slowest", "against the baseline", title=report.title, title_justify="left"
    )
    for row in report.rows():
        table.add_row(*row)
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}")


def section(reports: tuple[Report, ...]) -> str:
    """A benchmark's part of the page, without its heading."""
    lines = [f"Measured on {machine()}.", ""]
    for report in reports:
        lines += [f"### {report.title}", "", "| what | median | fastest - slowest | against the baseline |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += ["| " + " | ".join(row) + " |" for row in report.rows()]
        lines += ["", *[f"- {note}" for note in report.notes], ""]
    return "\n".join(lines).rstrip() + "\n"


def write(sections: dict[str, str], order: tuple[str, ...], page: Path = PAGE) -> None:
    """Put the sections on the page; those that were not measured now stay as they were."""
    known = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    merged = {**known, **sections}
    parts = [HEAD, *[f"## {name}\n\n{merged[name]}" for name in order if name in merged]]
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join(parts), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    """The page's sections by name."""
    pieces = text.split("\n## ")[1:]
    return {name: body.strip() + "\n" for name, _, body in (piece.partition("\n") for piece in pieces)}
