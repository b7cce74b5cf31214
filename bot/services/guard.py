"""What keeps two people from deciding one request, and one from spending a budget twice: locked, then read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import locks
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import RequestRow


class DecisionGuard:
    """Opens the transaction of a decision and makes its change; another one may be handed in by a test."""

    @asynccontextmanager
    async def hold(
        self, database: Database, request_id: int
    ) -> AsyncIterator[tuple[AsyncConnection, RequestRow | None]]:
        """The transaction, and the request as it is now and stays until the end; None where there is none."""
        async with database.transaction() as connection:
            await locks.request(connection, request_id)
            yield connection, await rows.row(connection, request_id)

    async def hold_people(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        """Hold members: nothing else is spent by their authority until the transaction ends."""
        await locks.members(connection, ids)

    async def settle(self, connection: AsyncConnection, held: RequestRow, values: Mapping[str, Any]) -> bool:
        """Change the request if it still is what was held; false otherwise."""
        return await rows.settle(connection, held.id, held.version, held.state, values)
