"""Job runs as stored: a due run is claimed by inserting it, so that it runs once however many replicas look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.dialect import insert_into
from bot.storage.tables import JobRun


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job. `state`: running, done, failed."""

    id: int
    job: str
    due_at: datetime
    state: str
    started_at: datetime
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str


_COLUMNS = (
    JobRun.id,
    JobRun.job,
    JobRun.due_at,
    JobRun.state,
    JobRun.started_at,
    JobRun.finished_at,
    JobRun.result,
    JobRun.error,
)


async def latest(connection: AsyncConnection) -> dict[str, Run]:
    """The run with the latest due time of each job."""
    newest = select(JobRun.job, func.max(JobRun.due_at).label("due_at")).group_by(JobRun.job).subquery()
    found = await connection.execute(
        select(*_COLUMNS).join(newest, (newest.c.job == JobRun.job) & (newest.c.due_at == JobRun.due_at))
    )
    runs = [Run(*row) for row in found]
    return {run.job: run for run in runs}


async def claim(connection: AsyncConnection, job: str, due_at: datetime, now: datetime) -> int | None:
    """Take a due run; None where it was taken before."""
    taken = await connection.execute(
        insert_into(connection, JobRun)
        .values(job=job, due_at=due_at, state="running", started_at=now)
        .on_conflict_do_nothing(index_elements=["job", "due_at"])
        .returning(JobRun.id)
    )
    run_id: int | None = taken.scalar_one_or_none()
    return run_id


async def finish(
    connection: AsyncConnection, run_id: int, at: datetime, *, result: dict[str, Any] | None = None, error: str = ""
) -> None:
    """Record how a run ended: failed where there is an error."""
    await connection.execute(
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.state == "running")
        .values(state="failed" if error else "done", finished_at=at, result=result, error=error[:500])
    )


async def give_back(connection: AsyncConnection, run_id: int) -> None:
    """Forget a run that has not ended; it is due again."""
    await connection.execute(delete(JobRun).where(JobRun.id == run_id, JobRun.state == "running"))


async def give_up(connection: AsyncConnection, job: str, started_before: datetime, now: datetime) -> int:
    """Record runs whose process must have died as failed; how many."""
    done = await connection.execute(
        update(JobRun)
        .where(JobRun.job == job, JobRun.state == "running", JobRun.started_at < started_before)
        .values(state="failed", finished_at=now, error="the process ended before the run did")
    )
    return done.rowcount


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """Delete runs that were due before an instant, but the last of each job; how many."""
    newest = select(func.max(JobRun.id)).group_by(JobRun.job).scalar_subquery()
    done = await connection.execute(delete(JobRun).where(JobRun.due_at < before, JobRun.id.not_in(newest)))
    return done.rowcount
