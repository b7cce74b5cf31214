"""Every minute: the morning digests that are due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def digest(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """Plan and send; the counts of `DigestTick`."""
    return asdict(await services.digests.tick(services.clock.now()))


JOB = Job("digest", digest, Every(timedelta(minutes=1)))
