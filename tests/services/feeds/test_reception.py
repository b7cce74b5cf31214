"""What stores call to say is stored before it is acknowledged, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Forged
from bot.ports import Delivery
from bot.services.feeds.reception import RUSH, RUSH_SECONDS
from bot.storage import deliveries
from tests.services.feeds.calling import Counter


async def rush(counter: Counter, calls: int) -> None:
    assert all(await asyncio.gather(*[counter.call(number) for number in range(1, calls + 1)]))


def waits(lull: Coroutine[Any, Any, None]) -> bool:
    """Whether it does not return at once."""
    try:
        lull.send(None)
    except StopIteration:
        return False
    lull.close()
    return True


async def test_work_on_what_was_said_waits_while_calls_come_in_a_rush(counter: Counter) -> None:
    assert not waits(counter.reception.lull())
    await rush(counter, RUSH - 1)
    assert not waits(counter.reception.lull())
    began = asyncio.get_running_loop().time()
    await rush(counter, RUSH)
    assert waits(counter.reception.lull())
    await counter.reception.lull()
    assert asyncio.get_running_loop().time() - began >= RUSH_SECONDS
    assert not waits(counter.reception.lull())


async def test_a_rush_without_an_end_does_not_keep_the_work_from_being_done(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.feeds.reception.RUSH_SECONDS", 60.0)
    monkeypatch.setattr("bot.services.feeds.reception.PATIENCE_SECONDS", 0.01)
    await rush(counter, RUSH)
    await counter.reception.lull()


async def test_a_call_is_stored_once_however_often_it_comes(counter: Counter) -> None:
    assert await counter.call(1)
    assert await counter.call(1)
    assert await asyncio.gather(*[counter.call(2) for _ in range(5)]) == [True] * 5
    assert await counter.states() == {"d1": "new", "d2": "new"}


async def test_a_greeting_and_a_forged_call_leave_nothing_behind(counter: Counter) -> None:
    assert not await counter.call(0)
    with pytest.raises(Forged):
        await counter.call(1, signature="")
    assert await counter.states() == {}


async def test_calls_that_come_together_are_written_together_and_none_is_lost(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = deliveries.add

    async def counted(connection: AsyncConnection, told: list[tuple[str, Delivery]], now: datetime) -> int:
        sizes.append(len(told))
        return await real(connection, told, now)

    monkeypatch.setattr(deliveries, "add", counted)
    await asyncio.gather(*[counter.call(number) for number in range(1, 201)])
    assert len(await counter.states()) == 200
    assert sum(sizes) == 200
    assert len(sizes) < 20


async def test_a_call_that_could_not_be_stored_is_not_acknowledged(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> int:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(deliveries, "add", away)
    told = await asyncio.gather(*[counter.call(number) for number in (1, 2)], return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 2
    monkeypatch.undo()
    assert await counter.call(1)
    assert await counter.states() == {"d1": "new"}
