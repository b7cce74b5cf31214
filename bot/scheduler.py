"""The clock that wakes us: APScheduler, and nothing else imports it.

It keeps no jobs of ours. What is due is decided by rows (see `bot.services.jobs`), so a wake-up that is late, doubled
or missing changes nothing but the minute in which work is found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # APScheduler 3 has no types
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # as above

_log = structlog.get_logger(__name__)


class Scheduler:
    """Calls `tick` at second 0 of every minute, one call at a time, in the running loop."""

    def __init__(self, tick: Callable[[], Awaitable[object]]) -> None:
        self._tick = tick
        # Late is better than never, and several missed calls are one.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        """Begin to tick; needs a running loop."""
        self._scheduler.add_job(self._guarded, CronTrigger(second=0, timezone=UTC))
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; a tick under way is left to whoever runs it."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _guarded(self) -> None:
        try:
            await self._tick()
        except Exception:  # noqa: BLE001  # a database that is away must not end the clock
            _log.exception("a tick failed")
