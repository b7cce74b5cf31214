"""Scans the whole catalogue at the organisation's chosen times of day."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.services import Services
from bot.services.jobs import Daily, Job


async def watch(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # a late scan judges what is true now
    """Scan; what it found, and the seconds of each phase."""
    report = asdict(await services.watch.scan(services.clock.now()))
    report["at"] = report["at"].isoformat()
    return report


JOB = Job("watch", watch, lambda services: Daily(services.settings.scan_at, services.settings.default_zone))
