from __future__ import annotations

from pathlib import Path

import pytest

from bot.ports import MovableClock
from bot.storage.database import Database
from tests.services.orders.kit import Yard, open_yard


@pytest.fixture
async def yard(database: Database, clock: MovableClock, tmp_path: Path) -> Yard:
    """A shop that orders, on SQLite and on PostgreSQL."""
    return await open_yard(database, clock, tmp_path / "orders")


@pytest.fixture
async def lite(sqlite_database: Database, clock: MovableClock, tmp_path: Path) -> Yard:
    """The same on SQLite alone, for rules that no database changes."""
    return await open_yard(sqlite_database, clock, tmp_path / "orders")
