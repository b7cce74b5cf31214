"""The clock that wakes us survives what it wakes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from bot.scheduler import Scheduler
from tests.runtime.recorder import until


async def test_a_tick_that_fails_does_not_end_the_clock() -> None:
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)
        raise LookupError("the database is away")

    scheduler = Scheduler(tick)
    scheduler.start()
    (job,) = scheduler._scheduler.get_jobs()
    for _round in range(2):
        job.modify(next_run_time=datetime.now(UTC))
        scheduler._scheduler.wakeup()
        expected = len(ticks) + 1
        await until(lambda expected=expected: len(ticks) >= expected)  # type: ignore[misc]
    scheduler.stop()
    await asyncio.sleep(0)


async def test_its_wake_ups_are_late_rather_than_lost_and_never_doubled() -> None:
    async def tick() -> None:
        return

    scheduler = Scheduler(tick)
    scheduler.start()
    (job,) = scheduler._scheduler.get_jobs()
    assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)
    assert job.next_run_time.second == 0
    scheduler.stop()
    await asyncio.sleep(0)
