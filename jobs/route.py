"""Every minute: put requests before whoever may decide them and is at work."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def route(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # who is at work is read by the clock
    """Route; the counts of `RoutingTick`."""
    return asdict(await services.routing.tick())


JOB = Job("route", route, Every(timedelta(minutes=1)))
