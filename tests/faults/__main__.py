"""The proof as one command: `make faults` runs every test of faults, prints the table, and writes it into the docs.

python -m tests.faults            the short run (FAULTS=short), on both workers
FAULTS=long python -m tests.faults    the long one: hours
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn
from rich.table import Table

from tests.faults import figures

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
WORKERS = "2"


def main() -> int:
    """Run, print, write; pytest's exit code."""
    chosen = figures.length()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "figures.jsonl"
        began = time.monotonic()
        options = ["-n", WORKERS, "--dist", "loadgroup", "-q", "-s", "--timeout", "0" if figures.is_long() else "300"]
        process = subprocess.Popen(  # noqa: S603  # our own tests
            [sys.executable, "-m", "pytest", "tests/faults", *options, *sys.argv[1:]],
            cwd=ROOT,
            env={**os.environ, figures.VARIABLE: str(place)},
        )
        if figures.is_long():
            _watch(process, Path(f"{place}.progress"))
        code = process.wait()
        seconds = time.monotonic() - began
        found = figures.read(place)
    Console().print(_table(found, chosen, seconds))
    if code == 0 and not sys.argv[1:]:
        figures.write(PAGE, found, chosen, seconds)
    return code


def _watch(process: subprocess.Popen[bytes], place: Path) -> None:
    """Show how far each long test has come, until all have ended."""
    tasks: dict[str, TaskID] = {}
    read = 0
    with Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        while process.poll() is None:
            time.sleep(1)
            lines = place.read_text("utf-8").splitlines() if place.exists() else []
            for row, done, total in map(json.loads, lines[read:]):
                if row not in tasks:
                    tasks[row] = bar.add_task(row, total=total)
                bar.update(tasks[row], completed=done)
            read = len(lines)


def _table(found: list[figures.Figure], chosen: str, seconds: float) -> Table:
    table = Table(title=f"Faults injected ({chosen} run, {seconds:.0f} s)", title_justify="left")
    table.add_column("what")
    table.add_column("runs", justify="right")
    table.add_column("faults", justify="right")
    table.add_column("note")
    for figure in sorted(found, key=lambda figure: figure.row):
        style = "" if figure.faults == 0 else "bold red"
        table.add_row(figure.row, f"{figure.runs:,}", f"{figure.faults:,}", figure.note, style=style)
    return table


if __name__ == "__main__":
    sys.exit(main())
