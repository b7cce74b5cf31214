"""Every hour: see to it that stores call, and read what their calls did not tell, and whatever has no calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def stores(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # a cursor says from where
    """The facts that each store told, how many were news, and what went wrong."""
    done: dict[str, Any] = {}
    for name in services.stores.names:
        restored = await services.stores.subscribe(name)
        reports = await services.stores.sync(name)
        done[name] = {
            "facts": sum(report.facts for report in reports),
            "changed": sum(report.changed for report in reports),
            "missed": sum(report.missed for report in reports),
            "subscribed": list(restored),
            "faults": sum(report.faults for report in reports),
            "errors": [f"{report.kind}: {report.error}" for report in reports if report.error],
        }
    if done:  # a store that cannot be read is told of at once, as is one that can be again
        await services.watch.rescan((), services.clock.now(), lambda news: news)
    return done


# Ten minutes past, before the watch of most days looks.
JOB = Job("stores", stores, Every(timedelta(hours=1), timedelta(minutes=10)))
