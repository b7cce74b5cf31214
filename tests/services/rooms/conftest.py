from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from tests.services.rooms.kit import Floor
from tests.services.work.kit import add, add_team


@pytest.fixture
async def floor(database: Database, clock: MovableClock) -> AsyncIterator[Floor]:
    """A team on Slack, of which Jonas is on Telegram as well."""
    now = clock.now()
    async with database.transaction() as connection:
        members = await add_team(connection, now)
        for name, platform in (("Lin Wei", "slack"), ("Jonas", "slack"), ("Jonas", "telegram")):
            await add(
                connection, tables.Identity, platform=platform, external_id=f"U-{name}", member_id=members[name],
                linked_at=now,
            )  # fmt: skip
    floor = Floor(database, clock, members)
    yield floor
    for process in floor.processes:
        await process.close()
