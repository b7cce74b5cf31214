"""Help, version and completion: everywhere, and complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from tests.cli.terminal import program, stocktide, whole_tree


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below, with the words that lead there."""
    yield path, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from walk(inner, (*path, name))


TREE = list(walk(whole_tree()))


def test_the_command_line_has_what_the_readme_promises() -> None:
    found = {" ".join(path) for path, _ in TREE}
    assert found >= {
        "demo", "run", "check", "init", "import", "scan", "ask", "migrate", "jobs list", "jobs run", "jobs dead",
        "jobs retry", "members list", "members add", "members role", "members limit", "audit verify",
        "audit export", "rates",
    }  # fmt: skip


@pytest.mark.parametrize(("path", "command"), TREE, ids=[" ".join(path) or "stocktide" for path, _ in TREE])
def test_help_is_given_everywhere(path: tuple[str, ...], command: Any) -> None:
    ran = stocktide(*path, "--help")
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.startswith(f"Usage: {' '.join(('stocktide', *path))}")
    assert command.help
    assert command.help.strip().split()[0] in ran.out
    undescribed = [
        option.name
        for option in command.params
        if option.param_type_name == "option" and not getattr(option, "help", None)
    ]
    assert undescribed == []


def test_a_word_that_is_no_command_is_refused() -> None:
    ran = stocktide("nonsense")
    assert (ran.code, ran.out) == (2, "")
    assert "No such command 'nonsense'" in ran.err


def test_no_words_at_all_show_the_help() -> None:
    ran = stocktide()
    assert ran.code == 2
    assert "Usage: stocktide" in ran.out + ran.err


def test_the_version_is_told() -> None:
    ran = stocktide("--version")
    assert (ran.code, ran.out) == (0, f"stocktide {__version__}\n")


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_completion_is_offered(option: str) -> None:
    assert option in stocktide("--help").out


def test_the_installed_program_completes_what_is_typed(home: Path) -> None:
    ran = program(
        folder=home, _STOCKTIDE_COMPLETE="complete_bash", COMP_WORDS="stocktide m", COMP_CWORD="1"
    )  # fmt: skip
    assert ran.code == 0
    assert sorted(ran.out.split()) == ["members", "migrate"]
