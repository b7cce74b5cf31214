"""Every minute: look into the places where files arrive whose time has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.feeds.feedcheck import judge_feeds
from bot.services.jobs import Every, Job


async def files(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """How many files were imported and what came of it, and what went wrong."""
    before = services.files.away
    done = await services.files.tick()
    if services.files.away != before:  # a place that cannot be looked into is told of at once, and one that can again
        await judge_feeds(services.watch, services.clock)
    return {
        "files": sum(bool(one.file) and not one.error for one in done),
        "added": sum(one.added for one in done),
        "updated": sum(one.updated for one in done),
        "rejected": sum(one.rejected for one in done),
        "errors": [f"{one.feed} {one.file}: {one.error}" for one in done if one.error],
    }


JOB = Job("files", files, Every(timedelta(minutes=1)), patience=timedelta(minutes=15))
