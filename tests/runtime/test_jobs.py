"""Due runs are claimed by rows: once, by whoever is first; failures are recorded; only the latest is made up for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from bot.errors import StocktideError
from bot.ports import MovableClock
from bot.services import Services
from bot.services.jobs import Daily, Every, Job, JobRunner
from bot.storage.database import Database
from bot.storage.tables import JobRun


def services_of(database: Database, clock: MovableClock) -> Services:
    """The two services that a runner itself needs."""
    return cast("Services", SimpleNamespace(database=database, clock=clock))


async def runs(database: Database) -> list[tuple[str, str]]:
    """(job, state) of every run, by id."""
    async with database.reading() as connection:
        return [
            (row[0], row[1]) for row in await connection.execute(select(JobRun.job, JobRun.state).order_by(JobRun.id))
        ]


async def count(_services: Services, due_at: datetime) -> dict[str, Any]:
    """Say when it was due."""
    return {"due": due_at.isoformat()}


async def test_a_due_job_runs_once_per_due_time(database: Database, clock: MovableClock) -> None:
    runner = JobRunner(services=services_of(database, clock), jobs=[Job("hourly", count, Every(timedelta(hours=1)))])
    assert await runner.tick() == ["hourly"]
    assert await runner.tick() == []
    clock.push(timedelta(minutes=59))
    assert await runner.tick() == []
    clock.push(timedelta(minutes=1))
    assert await runner.tick() == ["hourly"]


async def test_only_the_latest_missed_run_is_made_up_for(database: Database, clock: MovableClock) -> None:
    runner = JobRunner(services=services_of(database, clock), jobs=[Job("hourly", count, Every(timedelta(hours=1)))])
    await runner.tick()
    clock.push(timedelta(days=3))
    assert await runner.tick() == ["hourly"]
    assert len(await runs(database)) == 2


async def test_several_replicas_run_a_job_once(database: Database, clock: MovableClock) -> None:
    ran: list[int] = []

    async def note(_services: Services, _due_at: datetime) -> dict[str, Any]:
        ran.append(1)
        await asyncio.sleep(0)
        return {}

    job = Job("scan", note, Every(timedelta(hours=1)))
    replicas = [JobRunner(services=services_of(database, clock), jobs=[job]) for _replica in range(4)]
    await asyncio.gather(*(replica.tick() for replica in replicas))
    assert ran == [1]


async def test_a_failed_run_is_recorded_and_tried_at_its_next_time(database: Database, clock: MovableClock) -> None:
    async def fail(_services: Services, _due_at: datetime) -> dict[str, Any]:
        raise LookupError("no feed")

    jobs = [Job("bad", fail, Every(timedelta(hours=1))), Job("good", count, Every(timedelta(hours=1)))]
    runner = JobRunner(services=services_of(database, clock), jobs=jobs)
    assert await runner.tick() == ["bad", "good"]
    assert await runs(database) == [("bad", "failed"), ("good", "done")]
    assert (await runner.overview())[0].error == "LookupError: no feed"
    clock.push(timedelta(hours=1))
    assert await runner.tick() == ["bad", "good"]
    with pytest.raises(StocktideError, match="no feed"):
        await runner.run_now("bad")


async def test_a_run_that_takes_too_long_is_stopped(database: Database, clock: MovableClock) -> None:
    async def hang(_services: Services, _due_at: datetime) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    job = Job("stuck", hang, Every(timedelta(hours=1)), patience=timedelta(milliseconds=50))
    await JobRunner(services=services_of(database, clock), jobs=[job]).tick()
    assert await runs(database) == [("stuck", "failed")]


async def test_a_run_cut_off_by_the_end_is_run_by_the_next_process(database: Database, clock: MovableClock) -> None:
    begun = asyncio.Event()

    async def hang(_services: Services, _due_at: datetime) -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    daily = Every(timedelta(days=1))
    stopped = JobRunner(services=services_of(database, clock), jobs=[Job("scan", hang, daily)])
    ticking = asyncio.create_task(stopped.tick())
    await begun.wait()
    ticking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ticking
    following = JobRunner(services=services_of(database, clock), jobs=[Job("scan", count, daily)])
    assert await following.tick() == ["scan"]
    assert await runs(database) == [("scan", "done")]


async def test_a_run_whose_process_died_is_recorded_as_failed(database: Database, clock: MovableClock) -> None:
    runner = JobRunner(services=services_of(database, clock), jobs=[Job("hourly", count, Every(timedelta(hours=1)))])
    await runner._claim(runner.jobs["hourly"], clock.now())
    clock.push(timedelta(hours=1))
    await runner.tick()
    assert await runs(database) == [("hourly", "failed"), ("hourly", "done")]


async def test_a_job_can_be_run_at_any_time(database: Database, clock: MovableClock) -> None:
    runner = JobRunner(services=services_of(database, clock), jobs=[Job("hourly", count, Every(timedelta(hours=1)))])
    await runner.run_now("hourly")
    assert "due" in await runner.run_now("hourly")
    with pytest.raises(StocktideError, match="there is no job nightly"):
        await runner.run_now("nightly")


def test_a_period_is_counted_from_the_same_start_everywhere() -> None:
    schedule = Every(timedelta(minutes=5), timedelta(minutes=1))
    assert schedule.latest(datetime(2011, 11, 21, 9, 4, tzinfo=UTC)) == datetime(2011, 11, 21, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2012, 3, 25, 0, 29, tzinfo=UTC), datetime(2012, 3, 24, 1, 30, tzinfo=UTC)),
        (datetime(2012, 3, 25, 1, 0, tzinfo=UTC), datetime(2012, 3, 25, 1, 0, tzinfo=UTC)),  # 02:30 is skipped: 03:00
        (datetime(2012, 10, 28, 1, 30, tzinfo=UTC), datetime(2012, 10, 28, 0, 30, tzinfo=UTC)),  # 02:30 comes twice
    ],
)
def test_a_daily_time_follows_the_rules_for_changes_of_clocks(now: datetime, due: datetime) -> None:
    assert Daily((time(2, 30),), "Europe/Berlin").latest(now) == due


class Endless:
    """A job that runs until it is cut off; what else happens goes on beside it."""

    def __init__(self) -> None:
        self.begun, self.cut = asyncio.Event(), asyncio.Event()

    async def run(self, _services: Services, _due_at: datetime) -> dict[str, Any]:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cut.set()
        return {}

    def job(self) -> Job:
        return Job("read", self.run, Every(timedelta(hours=1)), patience=timedelta(days=1), aside=True)


async def test_what_runs_aside_keeps_no_other_job_waiting_and_is_cut_off_and_given_back_by_a_stop(
    database: Database, clock: MovableClock
) -> None:
    endless = Endless()
    runner = JobRunner(
        services=services_of(database, clock), jobs=[endless.job(), Job("hourly", count, Every(timedelta(hours=1)))]
    )
    assert await runner.tick() == ["read", "hourly"]
    await endless.begun.wait()
    assert await runs(database) == [("read", "running"), ("hourly", "done")]
    assert await runner.tick() == []
    await runner.stop()
    assert endless.cut.is_set()
    following = JobRunner(services=services_of(database, clock), jobs=[Job("read", count, Every(timedelta(hours=1)))])
    assert await following.tick() == ["read"]
    assert ("read", "done") in await runs(database)
