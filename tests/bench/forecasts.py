"""`python -m tests.bench.forecasts SERIES`: forecast so many series and print what that took, and the memory.

A process of its own, so that the peak of its memory is that of the forecasts.
"""

from __future__ import annotations

import json
import resource
import sys

from tests.bench.panels import both, drawn, panel
from tests.bench.stage import Stopwatch


def _peak() -> int:
    """The most memory that this process ever had, in bytes; Linux counts in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Load what is needed, then draw so many series, forecast them twice and print the better time and the peak."""
    both(panel(drawn(3_000)))
    before = _peak()
    past = panel(drawn(int(sys.argv[1])))
    watch = Stopwatch()
    laps = []
    for _ in range(2):
        both(past)
        laps.append(watch.lap())
    clock, processor = min(laps, key=lambda lap: lap[1])
    print(json.dumps({"clock": clock, "processor": processor, "times": (_peak() - before) / past.units.nbytes}))


main()
