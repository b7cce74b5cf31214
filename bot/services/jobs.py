"""Scheduled jobs: what is due is decided by rows, so that several replicas need no leader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from bot.domain.localtime import instant_of
from bot.errors import StocktideError
from bot.services import Services
from bot.storage import jobs as rows

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


Work = Callable[[Services, datetime], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job: `run(services, due_at)` does the work and returns plain JSON for the run's record.

    `schedule` is a Schedule, or a function that makes one from the services where settings decide. A run longer than
    `patience` is stopped and recorded as failed. One that is `aside` keeps no other job waiting; its next run may begin
    beside it.
    """

    name: str
    run: Work
    schedule: Schedule | Callable[[Services], Schedule]
    patience: timedelta = timedelta(minutes=5)
    aside: bool = False

    def due(self, services: Services, now: datetime) -> datetime:
        """The last due time at or before `now`."""
        schedule = self.schedule(services) if callable(self.schedule) else self.schedule
        return schedule.latest(now)


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as listed: when it was last due, and how its last run ended (`state` is empty before the first)."""

    job: str
    due_at: datetime
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str


class JobRunner:
    """Runs what is due, one job after another in their declared order, each at most once per due time.

    What runs aside is only begun with the others: it ends by itself, or with `stop`.
    After a pause only the latest missed run of a job is made up for. A run that fails is recorded, and its next due
    time tries again.
    """

    def __init__(self, *, services: Services, jobs: Sequence[Job]) -> None:
        self._services = services
        self._database = services.database
        self._clock = services.clock
        self._turn = asyncio.Lock()
        self._aside: set[asyncio.Task[object]] = set()
        self.jobs = {job.name: job for job in jobs}

    async def tick(self) -> list[str]:
        """Run every job that is due now, or begin what runs aside; their names. A second tick waits for the first."""
        async with self._turn:
            now = self._clock.now()
            async with self._database.reading() as connection:
                before = await rows.latest(connection)
            ran = []
            for job in self.jobs.values():
                due_at = job.due(self._services, now)
                last = before.get(job.name)
                if last is not None and last.due_at >= due_at:
                    continue
                run_id = await self._claim(job, due_at)
                if run_id is None:
                    continue
                ran.append(job.name)
                if job.aside:
                    self._begin(job, due_at, run_id)
                else:
                    await self._run(job, due_at, run_id)
            return ran

    async def stop(self) -> None:
        """Cut off what runs aside; whoever ticks next runs it again."""
        for running in self._aside:
            running.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)

    async def run_now(self, name: str) -> dict[str, Any]:
        """Run one job now, due or not, and give its result; StocktideError where it fails or there is none."""
        if name not in self.jobs:
            raise StocktideError(f"there is no job {name}; there are: {', '.join(self.jobs)}")
        job, due_at = self.jobs[name], self._clock.now()
        async with nullcontext() if job.aside else self._turn:
            while (run_id := await self._claim(job, due_at)) is None:
                due_at += timedelta(microseconds=1)  # the clock stands still
            result, error = await self._run(job, due_at, run_id)
        if error:
            raise StocktideError(f"the job {name} failed: {error}")
        return result or {}

    async def overview(self) -> list[JobState]:
        """Every job, when it was last due, and its last run."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            last = await rows.latest(connection)
        found = []
        for job in self.jobs.values():
            due_at, run = job.due(self._services, now), last.get(job.name)
            found.append(
                JobState(job.name, due_at, run.state, run.started_at, run.finished_at, run.result, run.error)
                if run
                else JobState(job.name, due_at, "", None, None, None, "")
            )
        return found

    def _begin(self, job: Job, due_at: datetime, run_id: int) -> None:
        running = asyncio.create_task(self._run(job, due_at, run_id), name=f"job-{job.name}")
        self._aside.add(running)

        def done(task: asyncio.Task[object]) -> None:
            self._aside.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _log.error("a job could not be recorded", job=job.name, exc_info=task.exception())

        running.add_done_callback(done)

    async def _claim(self, job: Job, due_at: datetime) -> int | None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            lost = await rows.give_up(connection, job.name, now - 2 * job.patience, now)
            run_id = await rows.claim(connection, job.name, due_at, now)
        if lost:
            _log.warning("job lost", job=job.name, runs=lost)
        return run_id

    async def _run(self, job: Job, due_at: datetime, run_id: int) -> tuple[dict[str, Any] | None, str]:
        """The run's result and its error, as recorded."""
        result: dict[str, Any] | None = None
        error = ""
        started = asyncio.get_running_loop().time()
        with structlog.contextvars.bound_contextvars(job=job.name, run=run_id):
            try:
                async with asyncio.timeout(job.patience.total_seconds()):
                    result = await job.run(self._services, due_at)
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back(run_id))
                raise
            except Exception as problem:  # noqa: BLE001  # a job's fault is recorded and must not end the others
                error = f"{type(problem).__name__}: {problem}".rstrip(": ")
                _log.exception("job failed")
            await self._finish(run_id, result, error)
            seconds = round(asyncio.get_running_loop().time() - started, 3)
            _log.debug("job done", seconds=seconds, failed=bool(error))
        return result, error

    async def _give_back(self, run_id: int) -> None:
        """Forget a run that the end of the process cut off: whoever ticks next runs it."""
        async with self._database.transaction() as connection:
            await rows.give_back(connection, run_id)

    async def _finish(self, run_id: int, result: dict[str, Any] | None, error: str) -> None:
        async with self._database.transaction() as connection:
            await rows.finish(connection, run_id, self._clock.now(), result=result, error=error)
