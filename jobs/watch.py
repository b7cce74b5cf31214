"""Scans the whole catalogue at the organisation's chosen times of day."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.services import Services
from bot.services.jobs import Daily, Job
from bot.services.scanning import ScanReport


async def watch(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # a late scan judges what is true now
    """Scan; what it found, and the seconds of each phase."""
    return told(await services.watch.scan(services.clock.now()))


def told(report: ScanReport) -> dict[str, Any]:
    """A report as plain JSON; money of orders that wait in minor units."""
    return {
        **asdict(report),
        "at": report.at.isoformat(),
        "held": [
            {
                "supplier": each.supplier,
                "lines": each.lines,
                "currency": each.total.currency,
                "total_minor": each.total.minor,
                "least_minor": None if each.least is None else each.least.minor,
            }
            for each in report.held
        ],
    }


JOB = Job("watch", watch, lambda services: Daily(services.settings.scan_at, services.settings.default_zone))
