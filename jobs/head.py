"""Once a day: walk the audit log, and post its head where it is kept out of our reach."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Daily, Job


async def head(services: Services, due_at: datetime) -> dict[str, Any]:
    """Post the head of the day that was due; what became of it."""
    done = asdict(await services.heads.post(due_at))
    return {**done, "on": done["on"].isoformat()}


JOB = Job(
    "head",
    head,
    lambda services: Daily((services.settings.audit_post_at,), services.settings.default_zone),
    patience=timedelta(minutes=30),
)
