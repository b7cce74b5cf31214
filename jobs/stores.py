"""Every hour: see to it that stores call, and read what their calls did not tell, and whatever has no calls."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.errors import UnderWay
from bot.services import Services
from bot.services.feeds.feedcheck import judge_feeds
from bot.services.jobs import Every, Job

_log = structlog.get_logger(__name__)


async def stores(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # a cursor says from where
    """The facts that each store told, how many were news, and what went wrong. No store waits for another."""
    names = services.stores.names
    return dict(zip(names, await asyncio.gather(*[_one(services, name) for name in names]), strict=True))


async def _one(services: Services, name: str) -> dict[str, Any]:
    if services.stores.under_way(name):  # since an hour ago, or for somebody who asked; it goes on
        return {"under_way": True}
    try:
        done = await _read(services, name)
        await judge_feeds(services.watch, services.clock)  # what stopped is told of at once, and what goes on again
    except UnderWay:  # in another process
        return {"under_way": True}
    except Exception as problem:  # noqa: BLE001  # a fault of ours in one must not keep the others from being read
        _log.exception("a store's reading broke off", store=name)
        return {"errors": [f"{type(problem).__name__}: {problem}"]}
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


# Ten minutes past, before the watch of most days looks. A first reading may take hours; a store that says nothing for
# long is given up by itself (`bot.services.feeds.reading.SILENCE`).
JOB = Job("stores", stores, Every(timedelta(hours=1), timedelta(minutes=10)), patience=timedelta(days=1), aside=True)
