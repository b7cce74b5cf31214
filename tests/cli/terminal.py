"""Running the command: in this process, where it is quick, or as a program of its own."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.cli import parts
from bot.cli.app import app, main

COMMAND = Path(sys.executable).parent / "stocktide"
_command = cache(parts.load)  # a user makes a process per call; this one calls hundreds of times


@cache
def whole_tree() -> Any:
    """The root with every command itself below it, in place of its outline."""
    root = typer.main.get_group(app)
    for part in parts.PARTS:
        root.commands[part.name] = _command(part)
    return root


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Everything that was said on standard error, line by line."""
        return self.err.strip().splitlines()


def stocktide(*arguments: str) -> Ran:
    """Run the command line here and now; a traceback is a failure whatever the test asks."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(parts, "load", _command)
        patch.setattr(sys, "argv", ["stocktide", *arguments])
        patch.setattr(sys, "stdin", io.StringIO())
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        finally:
            _forget_logs()
    return _checked(Ran(code, out.getvalue(), err.getvalue()))


def program(*arguments: str, folder: Path, stdin: str = "", **variables: str) -> Ran:
    """Run the installed command as a process of its own in `folder`."""
    found = subprocess.run(  # noqa: S603  # our own command
        [COMMAND, *arguments],
        cwd=folder,
        env=clean(os.environ) | variables,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return _checked(Ran(found.returncode, found.stdout, found.stderr))


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings of ours."""
    return {name: value for name, value in variables.items() if not name.startswith("STOCKTIDE_")}


def _checked(ran: Ran) -> Ran:
    assert "Traceback" not in ran.out + ran.err, ran.err
    return ran


def _forget_logs() -> None:
    """Take our handler off again: it writes to a stream that ends with the command."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if getattr(handler, "stocktide", False):
            root.removeHandler(handler)
