"""One bot process of the proof: the real bot, built by `bootstrap.build`, armed with the point at which it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import logs, settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from tests.faults.points import MONEY, WAYS_OUT, Points
from tests.unpaced import hurried


@dataclass(frozen=True, slots=True)
class Plan:
    """What a child is told: its settings, the time, and where it dies (`armed` empty: nowhere).

    A `dormant` child can die only after SIGUSR1; where `push` is set its clock is pushed then by so many seconds, and
    it looks for due work.
    With `tick` it looks for due work every so many seconds.
    """

    settings: dict[str, Any]
    now: str
    armed: str = ""
    skip: int = 0
    dormant: bool = False
    push: float = 0.0
    tick: float = 0.0
    log: str = ""


def live(plan: Plan, pipe: int) -> None:
    """Be that process until it dies or is asked to stop; what it reaches goes into the pipe, a line each."""
    _quiet(plan.log)
    points = Points(lambda line: _tell(pipe, line), plan.armed, plan.skip, not plan.dormant)
    points.watch_transactions()
    points.watch_writes()
    asyncio.run(_run(plan, points))


async def _run(plan: Plan, points: Points) -> None:
    clock = MovableClock(datetime.fromisoformat(plan.now))
    app = build(settings.given(**plan.settings), clock)
    for name, platform in app.platforms.items():
        points.watch_calls(platform, name, WAYS_OUT)
    for kind, effect in app.services.inquiries.settlements.kinds.items():
        points.watch_calls(effect.performer, kind, MONEY)
    hurried(app)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: _wake(app, clock, plan, points))
    await app.runtime.start()
    points.tell("started")
    if plan.tick:
        ticking = asyncio.create_task(_tick(app, plan.tick))
        await asked.wait()
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
    else:
        await asked.wait()
    await app.runtime.stop()
    await app.close()


def _wake(app: App, clock: MovableClock, plan: Plan, points: Points) -> None:
    """Become mortal, and let time pass where it is to."""
    points.live = True
    points.tell("awake")
    if plan.push:
        clock.push(timedelta(seconds=plan.push))
        asyncio.get_running_loop().create_task(app.runtime.tick())


async def _tick(app: App, seconds: float) -> None:
    """Look for due work far more often than each minute."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await app.runtime.tick()
        except Exception:  # noqa: BLE001  # the database is away; the runtime's own loops say so
            await asyncio.sleep(seconds)


def _quiet(log: str) -> None:
    """Errors go to a file of their own, where one is named; nothing else is said."""
    place = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(place, 1)
    os.dup2(place, 2)
    os.close(place)
    logs.set_up("WARNING", "console")


def _tell(pipe: int, line: str) -> None:
    os.write(pipe, line.encode() + b"\n")


def log_of(folder: Path, number: int) -> str:
    """Where child `number` logs."""
    return str(folder / f"child-{number}.log")
