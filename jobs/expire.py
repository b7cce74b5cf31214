"""Every five minutes: requests that nobody decided in time lapse; nothing is approved by silence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def expire(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what lapsed is read by the clock
    """Expire; how many."""
    return {"expired": await services.requests.expire(services.clock.now())}


JOB = Job("expire", expire, Every(timedelta(minutes=5)))
