"""What operators look at: whether work can be done, and how much of it waits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.services import Services
from bot.services.jobs import JobRunner
from bot.storage import deliveries, inbox
from bot.storage.database import Database
from bot.web.app import Readiness, Sample


async def readiness(database: Database, platforms: Collection[str], connected: Collection[str]) -> Readiness:
    """Whether the database answers and every platform is connected."""
    return Readiness({"database": await database.answers(), **{name: name in connected for name in platforms}})


async def metrics(services: Services, jobs: JobRunner) -> list[Sample]:
    """Depth and age of the inbox, the outbox and the effects, the halts, and how each job last ended."""
    now = services.clock.now()

    def age(at: datetime) -> float:
        return max(0.0, (now - at).total_seconds())

    samples = []
    for depth in await services.outbox.depths():
        labels = {"platform": depth.platform, "state": depth.state}
        samples.append(Sample("stocktide_outbox_letters", depth.rows, labels))
        samples.append(Sample("stocktide_outbox_oldest_seconds", age(depth.oldest), labels))
    async with services.database.reading() as connection:
        events = await inbox.counts(connection)
        told = await deliveries.open_counts(connection)
    for platform, state, count, oldest in events:
        labels = {"platform": platform, "state": state}
        samples.append(Sample("stocktide_inbox_events", count, labels))
        samples.append(Sample("stocktide_inbox_oldest_seconds", age(oldest), labels))
    for store, state, count, oldest in told:
        labels = {"store": store, "state": state}
        samples.append(Sample("stocktide_store_deliveries", count, labels))
        samples.append(Sample("stocktide_store_deliveries_oldest_seconds", age(oldest), labels))
    for calls in await services.effects.depths():
        labels = {"topic": calls.topic, "state": calls.state}
        samples.append(Sample("stocktide_effects", calls.rows, labels))
        samples.append(Sample("stocktide_effects_oldest_seconds", age(calls.oldest), labels))
    standing = await services.halts.standing()
    samples += [Sample("stocktide_halted_seconds", age(halt.at), {"topic": halt.topic}) for halt in standing]
    for job in await jobs.overview():
        if job.finished_at is not None and job.started_at is not None:
            labels = {"job": job.job, "state": job.state}
            samples.append(Sample("stocktide_job_finished_seconds_ago", age(job.finished_at), labels))
            seconds = (job.finished_at - job.started_at).total_seconds()
            samples.append(Sample("stocktide_job_seconds", seconds, labels))
    return samples
