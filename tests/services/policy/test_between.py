"""What changes between the moment somebody decides and the moment their authority is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.policy import RoleLimit
from bot.errors import NotAllowed
from bot.ports import MovableClock
from bot.services.guard import DecisionGuard
from bot.storage.database import Database
from tests.services.policy.kit import POLICY, open_court
from tests.services.work.kit import request_row

LIMITS = (RoleLimit("approver", "GBP", 500_000), RoleLimit("buyer", "GBP", 300_000))


class Slow(DecisionGuard):
    """Lets something happen just before members are held."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def hold_people(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        await super().hold_people(connection, ids)


async def test_a_delegation_taken_back_while_its_delegate_decides_gives_no_authority(
    postgres_database: Database, clock: MovableClock
) -> None:
    guard = Slow()
    court = await open_court(postgres_database, clock, dataclasses.replace(POLICY, limits=LIMITS), guard)
    await court.join("Bo", "buyer")
    giver = court.asker("Lin Wei")
    await court.delegations.give(giver, "Bo", clock.now() + timedelta(days=1), "slack")
    request_id = await court.pending(1_000)
    guard.meanwhile = lambda: court.delegations.take_back(giver, "slack")
    with pytest.raises(NotAllowed):
        await court.decide(request_id, "Bo")
    assert (await request_row(court, request_id)).state == "pending"
