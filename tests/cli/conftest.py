"""A shop that was imported once, copied for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli import files
from tests.cli.terminal import stocktide

IMPORTS = ("locations", "products", "suppliers", "routes", "members", "sales", "stock", "inbounds")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and an environment without settings of ours."""
    for name in list(os.environ):
        if name.startswith("STOCKTIDE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated SQLite file without rows."""
    folder = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert stocktide("migrate").code == 0
    return (folder / "stocktide.db").read_bytes()


@pytest.fixture(scope="session")
def located(tmp_path_factory: pytest.TempPathFactory, tables: bytes) -> bytes:
    """A SQLite file with the shop's locations in it, without which nothing else is taken."""
    return _with(("locations",), tmp_path_factory.mktemp("located"), tables)


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, located: bytes) -> bytes:
    """A SQLite file with the whole shop in it, by the command's own imports."""
    return _with(IMPORTS[1:], tmp_path_factory.mktemp("imported"), located)


def _with(kinds: tuple[str, ...], folder: Path, before: bytes) -> bytes:
    (folder / "stocktide.db").write_bytes(before)
    files.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind in kinds:
            ran = stocktide("import", kind, f"{kind}.csv", "--yes")
            assert ran.code == 0, ran.err
    return (folder / "stocktide.db").read_bytes()


@pytest.fixture
def empty(home: Path, tables: bytes) -> Path:
    """A folder with a migrated database and the shop's files, none of them imported."""
    (home / "stocktide.db").write_bytes(tables)
    files.write(home)
    return home


@pytest.fixture
def placed(home: Path, located: bytes) -> Path:
    """As `empty`, but with the locations imported."""
    (home / "stocktide.db").write_bytes(located)
    files.write(home)
    return home


@pytest.fixture
def shop(home: Path, imported: bytes) -> Path:
    """A folder with the imported shop and its files."""
    (home / "stocktide.db").write_bytes(imported)
    files.write(home)
    return home
