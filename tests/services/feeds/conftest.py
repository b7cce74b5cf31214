"""A shop on each database."""

from __future__ import annotations

import pytest

from bot.ports import MovableClock
from bot.storage.database import Database
from tests.services.feeds.kit import NOW, Shop, open_shop


@pytest.fixture
async def shop(database: Database) -> Shop:
    """Two locations, a store with two places."""
    return await open_shop(database, MovableClock(NOW))
