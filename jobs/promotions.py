"""Every minute: promotions that must stop, prices that are not back, and reports of what one brought."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def promotions(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """Do what is due; the counts of `PromotionTick`."""
    return asdict(await services.promotion_watch.tick(services.clock.now()))


JOB = Job("promotions", promotions, Every(timedelta(minutes=1)))
