"""A store is read by one process at a time, and by another one once that died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.errors import UnderWay
from bot.ports import Clock, MovableClock
from bot.services.feeds.turns import BEAT, LEASE, Turns
from bot.storage import leases
from bot.storage.database import Database
from tests.services.feeds.kit import NOW, SHOP


@dataclass
class Process:
    """One that reads; its heart beats when it is told to."""

    database: Database
    clock: MovableClock
    beats: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, _seconds: float) -> None:
        await self.beats.wait()
        self.beats.clear()

    def turns(self, pause: Callable[[float], Awaitable[object]] | None = None) -> Turns:
        return Turns(database=self.database, clock=self.clock, stores=[SHOP], pause=pause or self.pause)


async def _until(database: Database) -> datetime | None:
    async with database.reading() as connection:
        return await leases.held_until(connection, SHOP)


@pytest.fixture
def clock() -> Clock:
    """It stands still."""
    return MovableClock(NOW, frozen=True)


async def test_another_process_is_told_that_a_store_is_being_read_as_long_as_that_goes_on(
    database: Database, clock: MovableClock
) -> None:
    one = Process(database, clock)

    async def meanwhile(_seconds: float) -> None:
        before = await _until(database)
        clock.push(BEAT)
        one.beats.set()
        async with asyncio.timeout(10):
            while await _until(database) == before:  # noqa: ASYNC110  # the other one's beat is a row of the database
                await asyncio.sleep(0.01)

    other = Process(database, clock).turns(meanwhile)
    turns = one.turns()
    async with turns.of(SHOP):
        assert (turns.taken(SHOP), other.taken(SHOP)) == (True, False)
        with pytest.raises(UnderWay):
            async with other.of(SHOP):
                pytest.fail("both read it")
    assert await _until(database) is None
    async with Process(database, clock).turns().of(SHOP):
        assert await _until(database) == clock.now() + LEASE


async def test_a_process_that_died_holds_a_store_for_minutes_alone_and_one_that_slept_reads_no_more(
    database: Database, clock: MovableClock
) -> None:
    asleep, waited = Process(database, clock), list[timedelta]()

    async def meanwhile(_seconds: float) -> None:
        if sum(waited, timedelta()) == LEASE:  # it reads by now
            await asyncio.Event().wait()
        waited.append(BEAT)
        clock.push(BEAT)

    async def read_both() -> None:
        async with asleep.turns().of(SHOP), Process(database, clock).turns(meanwhile).of(SHOP):
            assert await _until(database) == clock.now() + LEASE
            asleep.beats.set()
            await asyncio.Event().wait()

    with pytest.raises(UnderWay):
        await asyncio.wait_for(read_both(), 20)
    assert (sum(waited, timedelta()), await _until(database)) == (LEASE, None)


async def test_a_lease_of_a_clock_that_was_ahead_is_taken_over_after_minutes_and_the_log_says_so(
    database: Database, clock: MovableClock
) -> None:
    waited, ahead = list[timedelta](), NOW + timedelta(days=400)
    async with database.transaction() as connection:
        assert await leases.take(connection, SHOP, "died", NOW, ahead)

    async def meanwhile(_seconds: float) -> None:
        if sum(waited, timedelta()) == LEASE:  # it reads by now
            await asyncio.Event().wait()
        waited.append(BEAT)
        clock.push(BEAT)

    with capture_logs() as logs:
        async with asyncio.timeout(20), Process(database, clock).turns(meanwhile).of(SHOP):
            assert await _until(database) == clock.now() + LEASE
    assert [(log["log_level"], log["store"], log["held_until"]) for log in logs] == [
        ("warning", SHOP, ahead.isoformat())
    ]


async def test_a_process_whose_clock_is_ahead_keeps_its_turn_while_it_lives(
    database: Database, clock: MovableClock
) -> None:
    one = Process(database, MovableClock(NOW + timedelta(hours=1), frozen=True))

    async def meanwhile(_seconds: float) -> None:
        before = await _until(database)
        for moved in (clock, one.clock):
            moved.push(LEASE)
        one.beats.set()
        async with asyncio.timeout(10):
            while await _until(database) == before:  # noqa: ASYNC110  # the other one's beat is a row of the database
                await asyncio.sleep(0.01)

    async with one.turns().of(SHOP):
        with pytest.raises(UnderWay):
            async with Process(database, clock).turns(meanwhile).of(SHOP):
                pytest.fail("both read it")


async def test_an_error_of_the_reading_itself_is_raised_and_gives_the_turn_back(
    database: Database, clock: MovableClock
) -> None:
    turns = Process(database, clock).turns()
    with pytest.raises(TimeoutError, match="its own"):
        async with turns.of(SHOP):
            raise TimeoutError("its own")
    assert (await _until(database), turns.taken(SHOP)) == (None, False)
