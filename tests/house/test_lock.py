"""The two lock files agree, carry hashes, and name no registry."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "requirements"


def pins(name: str) -> dict[str, set[str]]:
    """Each package's versions (more than one where the Python version decides)."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (FOLDER / name).read_text(), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def test_what_runs_is_pinned_alike_for_users_and_developers() -> None:
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert {name: versions for name, versions in runtime.items() if dev.get(name) != versions} == {}


def test_every_pin_has_hashes_and_no_line_names_a_registry() -> None:
    for name in ("runtime.txt", "dev.txt"):
        text = (FOLDER / name).read_text()
        entries = re.split(r"\n(?=\S)", text)
        assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
