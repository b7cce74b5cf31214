"""Every minute: reminders of video rooms, rooms that everybody left, minutes for those who slept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.services import Services
from bot.services.jobs import Every, Job


async def rooms(services: Services, due_at: datetime) -> dict[str, Any]:  # noqa: ARG001  # what is due is read by the clock
    """The counts of `RoomLife.tick`."""
    return dict(await services.room_life.tick(services.clock.now()))


JOB = Job("rooms", rooms, Every(timedelta(minutes=1)))
