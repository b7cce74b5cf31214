"""The running process: one loop, one signal handler, and an order in which everything starts and drains."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from bot.errors import TokenRefused
from bot.ports import ChatPlatform
from bot.scheduler import Scheduler
from bot.services.delivery import Delivery
from bot.services.dispatch import Dispatcher
from bot.services.effects import BELL as EFFECTS
from bot.services.effectworker import EffectWorker
from bot.services.inbox import Inbox
from bot.services.jobs import JobRunner
from bot.services.outbox import BELL as OUTBOX
from bot.services.pacing import Backoff
from bot.services.wakes import Wakes
from bot.web.server import WebServer

_log = structlog.get_logger(__name__)

# Seconds of a stop, which must stay below ten in all.
FINISH_EVENTS = 2.0  # and calls to stores and suppliers
FINISH_LETTERS = 2.0
FINISH_PLATFORMS = 4.5
TOKEN_PAUSE = 60.0
SWITCH = 0.001  # seconds that a thread which reckons may keep the loop from answering, at a time; Python's own is 5 ms


class Worker(Protocol):
    """A loop beside the others."""

    def start(self) -> None:
        """Begin to work; needs a running loop."""

    async def stop(self, seconds: float) -> None:
        """Take nothing new and finish what is in hand, for at most that long."""


class Runtime:
    """Starts the parts, keeps the platforms connected, and drains all of it on the first SIGTERM or SIGINT.

    A platform that cannot start is tried again and again; the other ones work meanwhile.
    """

    def __init__(
        self,
        *,
        platforms: Mapping[str, ChatPlatform],
        connected: set[str],
        inbox: Inbox,
        dispatcher: Dispatcher,
        delivery: Delivery,
        effects: EffectWorker,
        workers: Sequence[Worker] = (),
        jobs: JobRunner,
        web: WebServer,
        wakes: Wakes,
        prepare: Callable[[], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
        changed: asyncio.Event | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._platforms = platforms
        self._inbox = inbox
        self._dispatcher = dispatcher
        self._delivery = delivery
        self._effects = effects
        self._workers = workers
        self._jobs = jobs
        self._wakes = wakes
        self._prepare = prepare
        self._close = close
        self._changed = changed or asyncio.Event()  # set once other settings are to be worked by
        self._backoff = backoff or Backoff()
        self._scheduler = Scheduler(self._wake)
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._ticks: set[asyncio.Task[list[str]]] = set()
        self._running = False
        self.web = web
        self.connected = connected

    async def start(self) -> None:
        """Start everything; platforms connect in the background, and what is due runs at once."""
        await self._prepare()
        await self.web.start()
        self._running = True
        self._dispatcher.start()
        self._delivery.start()
        self._effects.start()
        for worker in self._workers:
            worker.start()
        for name, platform in self._platforms.items():
            self._keepers[name] = asyncio.create_task(self._connect(name, platform), name=f"connect-{name}")
        self._scheduler.start()
        self._begin_tick()
        _log.info("started", platforms=list(self._platforms))

    async def tick(self) -> list[str]:
        """Do what is due now by the clock (which a demo may have pushed); the names of the jobs that ran."""
        self._wakes.ring(OUTBOX)
        self._wakes.ring(EFFECTS)
        return await asyncio.shield(self._begin_tick())

    async def stop(self) -> None:
        """Drain: take no new work, finish what is in hand, disconnect; below ten seconds."""
        if not self._running:
            return
        self._running = False
        _log.info("stopping")
        self._scheduler.stop()
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        await asyncio.gather(
            self._finish_ticks(),
            self._dispatcher.stop(FINISH_EVENTS),
            self._effects.stop(FINISH_EVENTS),
            *(worker.stop(FINISH_EVENTS) for worker in self._workers),
        )
        await self._delivery.stop(FINISH_LETTERS)
        await asyncio.gather(
            self.web.stop(), *(self._disconnect(name, platform) for name, platform in self._platforms.items())
        )
        _log.info("stopped")

    async def run(self) -> bool:
        """Work until the first SIGTERM or SIGINT, then drain; a second one ends the process at once.

        True where it ended because the settings have changed: somebody is to begin anew with the new ones.
        """
        sys.setswitchinterval(SWITCH)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, ended.set)
        asked = [asyncio.create_task(event.wait()) for event in (ended, self._changed)]
        try:
            await self.start()
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in asked:
                task.cancel()
            await self._leave(signals, ended)
        return self._changed.is_set() and not ended.is_set()

    async def _leave(self, signals: Sequence[signal.Signals], ended: asyncio.Event) -> None:
        """Drain and close. A drain that no signal set off is one that the first signal still may turn into the end."""
        loop = asyncio.get_running_loop()
        try:
            if ended.is_set() or not self._changed.is_set():
                for number in signals:
                    loop.remove_signal_handler(number)
            await self.stop()
            await self._close()
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def _wake(self) -> None:
        """Begin a tick, unless one waits already behind one that takes long: it will see the same rows."""
        if len(self._ticks) < 2:
            self._begin_tick()

    def _begin_tick(self) -> asyncio.Task[list[str]]:
        task = asyncio.create_task(self._jobs.tick(), name="tick")
        self._ticks.add(task)

        def done(task: asyncio.Task[list[str]]) -> None:
            self._ticks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _log.error("a tick failed", exc_info=task.exception())

        task.add_done_callback(done)
        return task

    async def _finish_ticks(self) -> None:
        if self._ticks:
            _done, late = await asyncio.wait(list(self._ticks), timeout=FINISH_EVENTS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._jobs.stop()

    async def _connect(self, name: str, platform: ChatPlatform) -> None:
        failures = 0
        while True:
            try:
                await platform.start(self._inbox.take)
            except Exception as error:  # noqa: BLE001  # whatever a platform's library raises, the other one must go on
                failures += 1
                patient = isinstance(error, TokenRefused)
                pause = TOKEN_PAUSE if patient else self._backoff.after(failures).total_seconds()
                _log.error("a platform cannot be reached", name=name, error=repr(error), again_in=round(pause))
                await self._disconnect(name, platform)
                await asyncio.sleep(pause)
            else:
                self.connected.add(name)
                _log.info("connected", name=name)
                return

    async def _disconnect(self, name: str, platform: ChatPlatform) -> None:
        self.connected.discard(name)
        try:
            async with asyncio.timeout(FINISH_PLATFORMS):
                await platform.stop()
        except Exception:  # noqa: BLE001  # a platform that does not stop must not keep the others from it
            _log.exception("a platform did not stop", name=name)
