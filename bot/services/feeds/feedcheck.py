"""Judging how fresh feeds are as soon as one stopped, or goes on again."""

from __future__ import annotations

import asyncio
import random

from bot.ports import Clock
from bot.services.watch import Watch

_TURNS = 12  # about ten minutes, as long as a scan of the whole may keep others waiting
_PAUSES = (0.1, 120.0)  # seconds at most before the first turn but one, and before any


async def judge_feeds(watch: Watch, clock: Clock) -> None:
    """Open or resolve cases of feeds; where another scan is under way, after it."""
    for turn in range(_TURNS):
        if await watch.rescan((), clock.now(), lambda news: news) is not None:
            return
        await asyncio.sleep(random.uniform(0.5, 1) * min(_PAUSES[0] * 2**turn, _PAUSES[1]))  # noqa: S311  # not to meet again
