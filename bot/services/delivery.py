"""The delivery loop: takes letters from the outbox as fast as the platforms' rates allow, and no faster."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.ports import ChatPlatform, Clock
from bot.services.conversations import Conversations
from bot.services.courier import Courier, Patience
from bot.services.outbox import BELL, Outbox
from bot.services.pacing import Pace
from bot.services.wakes import Wakes
from bot.storage import outbox as rows
from bot.storage.database import Database
from bot.storage.outbox import Claimed, Head

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0  # how soon letters written by another process are found
GRACE_SECONDS = 0.5  # of a stop, for a claim under way
IN_FLIGHT = 20  # letters of one platform on their way at once


@dataclass
class Lane:
    """One platform's way out: its pace, its courier, and the letters on their way."""

    name: str
    pace: Pace
    courier: Courier
    bell: asyncio.Event
    sending: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    loop: asyncio.Task[None] | None = None


class Delivery:
    """Runs a lane per platform, so that one that is down or slow delays no other.

    Several processes may deliver from one database: a letter is held by a lease and settled by its fence, and only the
    first waiting letter of a queue is ever taken.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        outbox: Outbox,
        conversations: Conversations,
        wakes: Wakes,
        platforms: Mapping[str, ChatPlatform],
        patience: Patience | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._patience = patience or Patience()
        self._stopping = False
        self.lanes: dict[str, Lane] = {}
        for name, platform in platforms.items():
            pace = Pace(platform.limits)
            courier = Courier(
                platform=platform,
                pace=pace,
                database=database,
                clock=clock,
                outbox=outbox,
                conversations=conversations,
                patience=self._patience,
            )
            self.lanes[name] = Lane(name, pace, courier, wakes.bell(BELL))

    def start(self) -> None:
        """Begin to deliver; needs a running loop."""
        self._stopping = False
        for lane in self.lanes.values():
            lane.loop = asyncio.create_task(self._run(lane), name=f"delivery-{lane.name}")

    async def stop(self, seconds: float) -> None:
        """Send what may leave at once, finish what is on its way, for at most that long.

        A letter cut off on its way is taken up after its lease and marked as a possible repeat.
        """
        self._stopping = True
        deadline = asyncio.get_running_loop().time() + seconds
        loops = [lane.loop for lane in self.lanes.values() if lane.loop]
        for lane in self.lanes.values():
            lane.bell.set()  # they end by themselves: a loop cut off while it claims would hold its letters for a lease
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                await asyncio.gather(*loops, return_exceptions=True)
                await asyncio.gather(*(self._drain(lane, deadline) for lane in self.lanes.values()))
        except TimeoutError:
            _log.warning("the database answers too late")
        cut = [task for lane in self.lanes.values() for task in lane.sending.values()]
        if cut:
            _log.warning("letters were cut off on their way", letters=len(cut))
            for task in cut:
                task.cancel()
            await asyncio.gather(*cut, return_exceptions=True)

    async def drain(self) -> None:
        """Deliver until nothing is left that may leave at once."""
        await asyncio.gather(*(self._drain(lane) for lane in self.lanes.values()))

    async def _drain(self, lane: Lane, deadline: float = math.inf) -> None:
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self._round(lane)
            if not lane.sending:
                return
            await asyncio.wait(lane.sending.values(), timeout=None if math.isinf(left) else left)

    async def _run(self, lane: Lane) -> None:
        while not self._stopping:
            lane.bell.clear()
            try:
                pause = await self._round(lane)
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("the outbox cannot be read")
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):  # wait_for may lose a cancellation (Python 3.11)
                    await lane.bell.wait()
            except TimeoutError:
                continue

    async def _round(self, lane: Lane) -> float:
        """Start what may leave now; seconds until it is worth looking again."""
        if rest := lane.pace.resting():
            return min(rest, POLL_SECONDS)
        now = self._clock.now()
        held = lane.pace.held()
        async with self._database.reading_of(1) as connection:
            heads = await rows.heads(connection, lane.name, now, list(held))
            next_due = await rows.next_due(connection, lane.name, now)
        pause = min([POLL_SECONDS, *held.values()])
        if next_due is not None:
            pause = min(pause, (next_due - now).total_seconds())
        ready: list[int] = []
        for head in heads:
            if head.id in lane.sending:
                continue
            if len(lane.sending) + len(ready) >= IN_FLIGHT:
                break
            if wait := self._wait(lane, head):
                pause = min(pause, wait)
                continue
            if head.kind not in rows.AT_ONCE:
                lane.pace.use(head.chat, group=head.chat_kind == "group")
            ready.append(head.id)
        for letter in await self._claim(ready, now):
            self._start(lane, letter)
        return max(pause, 0.001)

    def _wait(self, lane: Lane, head: Head) -> float:
        """Seconds until the rates let a letter go; a notice or a form is no message and waits for nothing."""
        if head.kind in rows.AT_ONCE:
            return 0.0
        return lane.pace.wait(head.chat, group=head.chat_kind == "group", answer=head.kind != "post")

    async def _claim(self, ids: list[int], now: datetime) -> list[Claimed]:
        if not ids:
            return []
        async with self._database.transaction_of(len(ids)) as connection:
            return await rows.claim(connection, ids, now, now + self._patience.lease)

    def _start(self, lane: Lane, letter: Claimed) -> None:
        task = asyncio.create_task(self._deliver(lane, letter), name=f"letter-{letter.id}")
        lane.sending[letter.id] = task

        def done(_task: asyncio.Task[None]) -> None:
            del lane.sending[letter.id]
            lane.bell.set()

        task.add_done_callback(done)

    async def _deliver(self, lane: Lane, letter: Claimed) -> None:
        with structlog.contextvars.bound_contextvars(
            delivery=letter.id, platform=lane.name, subject=letter.subject, kind=letter.kind
        ):
            try:
                await lane.courier.deliver(letter)
            except SQLAlchemyError:
                _log.exception("a letter's outcome cannot be written; it is taken up after its lease")
