"""`python -m tests.bench [NAME ...]`: run all benchmarks, or the named ones, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse

from rich.console import Console

from tests.bench.registry import BENCHMARKS
from tests.bench.report import PAGE, machine, section, show, write


def main() -> None:
    """Measure, print and write down."""
    names = tuple(benchmark.name for benchmark in BENCHMARKS)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Benchmarks of Stocktide.")
    parser.add_argument("name", nargs="*", help=f"one or more of: {', '.join(names)} (all)")
    wanted = parser.parse_args().name or list(names)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(names)}")
    console = Console()
    console.print(machine())
    sections = {}
    for benchmark in BENCHMARKS:
        if benchmark.name in wanted:
            reports = benchmark.run()
            for report in reports:
                show(report, console)
            sections[benchmark.name] = section(reports)
    write(sections, names)
    console.print(f"Written to {PAGE.relative_to(PAGE.parents[1])}")


main()
