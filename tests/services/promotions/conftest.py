"""The yard, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import MovableClock
from bot.storage.database import Database
from tests.services.promotions.kit import Yard, open_yard


@pytest.fixture
async def yard(database: Database, clock: MovableClock) -> AsyncIterator[Yard]:
    """Everything together, on each database."""
    async with open_yard(database, clock) as found:
        yield found


@pytest.fixture
async def small(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[Yard]:
    """The same, on SQLite alone: for what no database tells apart."""
    async with open_yard(sqlite_database, clock) as found:
        yield found
