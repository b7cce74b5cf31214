"""Starts the child process that parses a file, and reads what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from datetime import date, datetime
from pathlib import Path

from bot.errors import Fault, FileRefused, FileTrouble
from bot.stores.files.table import FileLimits

Rows = Generator[tuple[int, list[object]], None, None]

_CHILD = Path(__file__).with_name("child.py")
_UNREADABLE: FileTrouble = "unreadable"
_TROUBLES: Mapping[str, FileTrouble] = {  # by what the child says
    "memory": "resources",
    " rows": "rows",
    " columns": "columns",
    " text": "encoding",
}


def child_rows(path: Path, what: str, how: Mapping[str, str | None], limits: FileLimits, remedy: str) -> Rows:
    """(row number, cells) from the child, as it reads; FileRefused with the remedy where it cannot, or runs out.

    `what` it ought to be is said in the fault; `how` is a workbook's `sheet`, or a text's `encoding` and `delimiter`.
    """
    # -I: no environment, no working directory on the path; the arguments are data, never options. -S: nothing that an
    # installed package would run at each start, before the limits are set; where packages lie is told instead.
    command = [sys.executable, "-I", "-S", str(_CHILD)]
    wishes = {
        **how,
        "path": str(path.resolve()),
        "packages": [place for place in sys.path if place],
        "rows": limits.rows,
        "columns": limits.columns,
        "memory": limits.memory,
        "seconds": limits.seconds,
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:  # noqa: S603  # our own interpreter and script
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018  # both are pipes
        try:
            child.stdin.write(json.dumps(wishes).encode())
            child.stdin.close()
            ended = False
            for line in child.stdout:
                said = json.loads(line, object_hook=_moment)
                if isinstance(said, str):
                    ended = said == "end"
                    if not ended:
                        raise _refused(path.name, what, said, remedy)
                else:
                    yield said[0], said[1]
            if not ended:
                raise _refused(path.name, what, "memory or time ran out while reading it", remedy)
        finally:
            child.kill()


def _moment(said: dict[str, str]) -> datetime | date | str:
    kind, text = next(iter(said.items()))
    return datetime.fromisoformat(text) if kind == "moment" else date.fromisoformat(text)


def _refused(name: str, what: str, said: str, remedy: str) -> FileRefused:
    trouble = next((found for sign, found in _TROUBLES.items() if sign in said), _UNREADABLE)
    return FileRefused(Fault(name, f"cannot be read as a {what}: {said}", remedy), trouble)
