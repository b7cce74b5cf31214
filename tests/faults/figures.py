"""The figures of the proof: each test records what it counted, and `python -m tests.faults` prints the table.

Runs and faults are counted from what the other side recorded, never from what the bot says of itself.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.report import machine

VARIABLE = "FAULTS_FIGURES"  # names the file that figures are appended to; unset, nothing is written


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was tried, how often, how often it went wrong (0 is the promise), and what else is worth saying."""

    row: str
    runs: int
    faults: int
    note: str = ""


def record(row: str, runs: int, faults: int, note: str = "") -> None:
    """Append one figure, where a file is named; several workers may do so at once."""
    place = os.environ.get(VARIABLE)
    if not place:
        return
    line = json.dumps(asdict(Figure(row, runs, faults, note)), ensure_ascii=False) + "\n"
    with Path(place).open("ab", buffering=0) as file:  # one write of a short line, appended as a whole
        file.write(line.encode())


def progress(row: str, done: int, total: int) -> None:
    """Say how far a long test has come, where somebody watches."""
    place = os.environ.get(VARIABLE)
    if place:
        with Path(f"{place}.progress").open("ab", buffering=0) as file:
            file.write((json.dumps([row, done, total]) + "\n").encode())


def read(path: Path) -> list[Figure]:
    """Every figure of a file, in the order of recording; a row recorded more than once is added up."""
    found: dict[str, Figure] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        new = Figure(**json.loads(line))
        old = found.get(new.row, Figure(new.row, 0, 0))
        notes = [note for note in (old.note, new.note) if note]
        found[new.row] = Figure(new.row, old.runs + new.runs, old.faults + new.faults, "; ".join(dict.fromkeys(notes)))
    return list(found.values())


def length() -> str:
    """`short` or `long`, as `make faults FAULTS=long` asks."""
    chosen = os.environ.get("FAULTS", "short")
    if chosen not in {"short", "long"}:
        raise ValueError(f"FAULTS is {chosen!r}; write short or long")
    return chosen


def is_long() -> bool:
    """Whether the long run was asked for."""
    return length() == "long"


def chosen() -> str:
    """`short` or `long` where `make faults` asks; `make test` asks for no length."""
    return os.environ.get("FAULTS", "")


def times(everyday: int, short: int, long: int) -> int:
    """How often something is tried: `make test` asks for no length and takes the first, so that it stays quick."""
    return {"": everyday, "short": short, "long": long}[chosen()]


def write(page: Path, found: list[Figure], chosen: str, seconds: float) -> None:
    """Put the table of a run between the page's markers of that length; a page without them stays as it is."""
    begin, end = f"<!-- figures:{chosen} -->", f"<!-- /figures:{chosen} -->"
    text = page.read_text("utf-8")
    if begin not in text or end not in text:
        return
    head, rest = text.split(begin, 1)
    _old, tail = rest.split(end, 1)
    rows = [
        f"| {figure.row} | {figure.runs:,} | {figure.faults:,} | {figure.note} |"
        for figure in sorted(found, key=lambda figure: figure.row)
    ]
    table = "\n".join(["| what | runs | faults | note |", "| --- | ---: | ---: | --- |", *rows])
    page.write_text(
        f"{head}{begin}\n{table}\n\nThe whole run took {seconds:,.0f} s on {machine()}.\n{end}{tail}", "utf-8"
    )
