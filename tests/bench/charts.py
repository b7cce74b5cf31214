"""One chart as a picture: ours, and what else could draw it; each in a process of its own, for its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

from tests.bench.report import Benchmark, Report, Timing

OURS = "ours: SVG, then resvg"
WAYS = {  # label: (what it needs, its name in tests.bench.drawing)
    OURS: ("resvg_py", "ours"),
    "ours: the SVG alone, as the board shows it": ("resvg_py", "svg"),
    "Pillow: lines and letters alone": ("PIL", "pillow"),
    "matplotlib": ("matplotlib", "matplotlib"),
    "vl-convert": ("vl_convert", "vl_convert"),
}


def run() -> tuple[Report, ...]:
    """Every way that is installed; the others are named."""
    there = {label: name for label, (module, name) in WAYS.items() if find_spec(module)}
    left_out = [label for label in WAYS if label not in there]
    found = {label: _measured(name) for label, name in there.items()}
    notes = [f"{label}: {one['memory_mb']:+.0f} MB for the first 30 charts." for label, one in found.items()]
    if left_out:
        notes.append(f"Not installed here, so left out: {', '.join(left_out)}; docs/charts.md has their figures.")
    return (
        Report(
            title="One chart of ninety days and the weeks ahead, 1200 x 600 pixels",
            timings=tuple(Timing(label, tuple(one["seconds"])) for label, one in found.items()),
            baseline=OURS,
            notes=tuple(notes),
        ),
    )


def _measured(name: str) -> dict[str, Any]:
    """Seconds of each chart and the growth of the memory, of a process that draws with one library."""
    command = [sys.executable, "-m", "tests.bench.drawing", name]
    ran = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603  # our own module
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


BENCHMARK = Benchmark("charts", run)
