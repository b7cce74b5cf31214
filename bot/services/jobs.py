"""Scheduled jobs: what is due is decided by rows, so that several replicas need no leader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from bot.domain.localtime import instant_of
from bot.ports import Clock
from bot.services import Services
from bot.storage import jobs as rows
from bot.storage.database import Database

_log = structlog.get_logger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Protocol):
    """When a job is due."""

    def latest(self, now: datetime) -> datetime:
        """The last due time at or before `now`, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Every(Schedule):
    """Due each `period`, counted from 1970 plus `offset`, so that every replica counts alike."""

    period: timedelta
    offset: timedelta = timedelta(0)

    def latest(self, now: datetime) -> datetime:
        """The last due time at or before `now`."""
        start = _EPOCH + self.offset
        return start + (now - start) // self.period * self.period


@dataclass(frozen=True, slots=True)
class Daily(Schedule):
    """Due at each time of day in `zone`, under the gap and fold rules of `bot.domain.localtime`."""

    times: tuple[time, ...]
    zone: str = "UTC"

    def latest(self, now: datetime) -> datetime:
        """The last due time at or before `now`."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        days = [today - timedelta(days=back) for back in range(-1, 4)]
        found = [instant_of(zone, day, at) for day in days for at in self.times]
        return max(instant.astimezone(UTC) for instant in found if instant <= now)


JobRunner = Callable[[Services, datetime], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job: `run(services, due_at)` does the work and returns plain JSON for the run's record.

    `schedule` is a Schedule, or a function that makes one from the services where settings decide. A run longer than
    `patience` is stopped and recorded as failed.
    """

    name: str
    run: JobRunner
    schedule: Schedule | Callable[[Services], Schedule]
    patience: timedelta = timedelta(minutes=5)

    def due(self, services: Services, now: datetime) -> datetime:
        """The last due time at or before `now`."""
        schedule = self.schedule(services) if callable(self.schedule) else self.schedule
        return schedule.latest(now)


class JobRuns:
    """Runs what is due, one job after another in their declared order, each at most once per due time.

    After a pause only the latest missed run of a job is made up for. A run that fails is recorded, and its next due
    time tries again.
    """

    def __init__(self, *, database: Database, clock: Clock, jobs: Sequence[Job]) -> None:
        self._database = database
        self._clock = clock
        self._turn = asyncio.Lock()
        self.jobs = {job.name: job for job in jobs}

    async def tick(self, services: Services) -> list[str]:
        """Run every job that is due now; their names. A second tick waits for the first."""
        async with self._turn:
            now = self._clock.now()
            async with self._database.reading() as connection:
                before = await rows.latest(connection)
            ran = []
            for job in self.jobs.values():
                due_at = job.due(services, now)
                last = before.get(job.name)
                if (last is None or last.due_at < due_at) and await self._claimed(services, job, due_at):
                    ran.append(job.name)
            return ran

    async def run(self, services: Services, name: str) -> rows.Run:
        """Run one job now, whatever its schedule says (`stocktide jobs run`); KeyError for an unknown name."""
        job = self.jobs[name]
        async with self._turn:
            await self._claimed(services, job, self._clock.now())
        async with self._database.reading() as connection:
            return (await rows.latest(connection))[name]

    async def listed(self, services: Services) -> list[tuple[Job, datetime, rows.Run | None]]:
        """Each job with its last due time and its last run."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            last = await rows.latest(connection)
        return [(job, job.due(services, now), last.get(job.name)) for job in self.jobs.values()]

    async def _claimed(self, services: Services, job: Job, due_at: datetime) -> bool:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            lost = await rows.give_up(connection, job.name, now - 2 * job.patience, now)
            run_id = await rows.claim(connection, job.name, due_at, now)
        if lost:
            _log.warning("job lost", job=job.name, runs=lost)
        if run_id is None:
            return False
        with structlog.contextvars.bound_contextvars(job=job.name, run=run_id):
            await self._run(services, job, due_at, run_id)
        return True

    async def _run(self, services: Services, job: Job, due_at: datetime, run_id: int) -> None:
        result: dict[str, Any] | None = None
        error = ""
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(job.patience.total_seconds()):
                result = await job.run(services, due_at)
        except TimeoutError:
            error = f"stopped after {job.patience}"
            _log.exception("job stopped")
        except Exception as problem:  # noqa: BLE001  # a job's fault is recorded and must not end the others
            error = f"{type(problem).__name__}: {problem}"
            _log.exception("job failed")
        except asyncio.CancelledError:
            await asyncio.shield(self._finish(run_id, None, "the process was stopped"))
            raise
        await self._finish(run_id, result, error)
        seconds = round(asyncio.get_running_loop().time() - started, 3)
        if not error:
            _log.debug("job done", seconds=seconds)

    async def _finish(self, run_id: int, result: dict[str, Any] | None, error: str) -> None:
        async with self._database.transaction() as connection:
            await rows.finish(connection, run_id, self._clock.now(), result=result, error=error)
