"""Every hour: look for new exchange rates once those we hold are a day old."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def rates(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """Refresh; what became of it."""
    done = asdict(await services.rates.refresh())
    return {**done, "day": done["day"].isoformat() if done["day"] else None}


# Five minutes past: the ECB publishes on the hour, or a little later.
JOB = Job("rates", rates, Every(timedelta(hours=1), timedelta(minutes=5)))
