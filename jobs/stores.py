"""Every hour: see to it that stores call, and read what their calls did not tell, and whatever has no calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.services import Services
from bot.services.jobs import Every, Job

_log = structlog.get_logger(__name__)


async def stores(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # a cursor says from where
    """The facts that each store told, how many were news, and what went wrong."""
    done: dict[str, Any] = {}
    for name in services.stores.names:
        try:
            done[name] = await _read(services, name)
        except Exception as problem:  # noqa: BLE001  # a fault of ours in one must not keep the others from being read
            _log.exception("a store's reading broke off", store=name)
            done[name] = {"errors": [f"{type(problem).__name__}: {problem}"]}
    if done:  # a store that cannot be read is told of at once, as is one that can be again
        await services.watch.rescan((), services.clock.now(), lambda news: news)
    return done


async def _read(services: Services, name: str) -> dict[str, Any]:
    restored = await services.stores.subscribe(name)
    reports = await services.stores.sync(name)
    return {
        "facts": sum(report.facts for report in reports),
        "changed": sum(report.changed for report in reports),
        "missed": sum(report.missed for report in reports),
        "subscribed": list(restored),
        "faults": sum(report.faults for report in reports),
        "errors": [f"{report.kind}: {report.error}" for report in reports if report.error],
    }


# Ten minutes past, before the watch of most days looks.
JOB = Job("stores", stores, Every(timedelta(hours=1), timedelta(minutes=10)))
