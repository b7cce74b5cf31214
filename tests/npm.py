"""Node.js for the tests that need it, with the packages of a folder installed as its lock file says."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def node_with(folder: Path) -> str:
    """The path of Node.js; without it, or without its packages, a skip here and a failure in CI."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not (found and npm):
        _absent("Node.js and npm are not installed")
    with (folder / ".npm-ci.lock").open("w") as lock:  # the first worker installs, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules" / ".package-lock.json").is_file():  # npm writes it last
            _install(npm, folder)
    return found


def _install(npm: str, folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # npm itself, with fixed words
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=folder, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        _absent("npm ci took too long")
    if done.returncode:
        _absent(f"npm ci failed: {done.stderr[-300:]}")


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
