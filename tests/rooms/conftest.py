"""A stand of each registered provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import MovableClock
from bot.rooms import ROOMS
from tests.rooms.kit import CALLED, STANDS, Stand


@pytest.fixture(params=sorted(ROOMS))
async def stand(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Stand]:
    """Each provider in turn."""
    async with STANDS[request.param](clock) as made:
        yield made


@pytest.fixture(params=CALLED)
async def called(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Stand]:
    """Each provider that calls a server to open and close."""
    async with STANDS[request.param](clock) as made:
        yield made
