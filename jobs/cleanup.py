"""Every night: forget handled events, delivered letters, lapsed codes and old runs."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from bot.services import Services
from bot.services.cleanup import clean
from bot.services.jobs import Daily, Job


async def cleanup(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # ages count from now
    """Clean; how many rows of each kind went."""
    return dict(await clean(services.database, services.clock.now()))


JOB = Job("cleanup", cleanup, lambda services: Daily((time(3, 30),), services.settings.default_zone))
