"""Every quarter of an hour: this week's forecasts kept once, and the scorecard where Monday morning has come."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def scorecard(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """Keep and post; the counts of `CardTick`."""
    return asdict(await services.scorecards.tick(services.clock.now()))


JOB = Job("scorecard", scorecard, Every(timedelta(minutes=15)), patience=timedelta(minutes=30))
