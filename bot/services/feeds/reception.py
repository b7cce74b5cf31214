"""What stores call to say is stored before it is acknowledged, and taken once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from bot.ports import Clock, Delivery, HookedFeed
from bot.services.wakes import Wakes
from bot.storage import deliveries as rows
from bot.storage.database import Database

BELL = "deliveries"
RUSH = 20  # calls within RUSH_SECONDS: more than that, and answering comes before all work on what was said
RUSH_SECONDS = 0.1
PATIENCE_SECONDS = 2.0  # of that work with a rush
_LOOK_SECONDS = 0.02


class Reception:
    """Takes calls in. Those that come while others are being written are written together, in the next transaction."""

    def __init__(self, *, database: Database, clock: Clock, wakes: Wakes, feeds: Mapping[str, HookedFeed]) -> None:
        self._database = database
        self._clock = clock
        self._wakes = wakes
        self._feeds = feeds
        self._waiting: list[tuple[str, Delivery, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._latest: deque[float] = deque(maxlen=RUSH)  # when the last calls came, in the loop's time

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores whose calls are understood."""
        return tuple(sorted(self._feeds))

    async def take(self, store: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Store a call of one of `stores`; names of headers are in lower case. Returning means: acknowledge.

        False for a greeting that says nothing. Forged where the signature is missing or wrong.
        """
        self._latest.append(asyncio.get_running_loop().time())
        delivery = self._feeds[store].open(headers, body, self._clock.now())
        if delivery is None:
            return False
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((store, delivery, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="deliveries")
        await written
        return True

    async def lull(self) -> None:
        """Wait while calls come in a rush, for PATIENCE_SECONDS at most: stores give up where they are not answered."""
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE_SECONDS
        while (  # noqa: ASYNC110  # that calls come no more is no event
            len(self._latest) == RUSH and now() - self._latest[0] < RUSH_SECONDS and now() < until
        ):
            await asyncio.sleep(_LOOK_SECONDS)

    async def _write(self) -> None:
        """Write what waits until nothing does."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                async with self._database.transaction_of(len(batch)) as connection:
                    await rows.add(connection, [(store, delivery) for store, delivery, _ in batch], self._clock.now())
                    await self._wakes.after(connection, BELL)
            except Exception as problem:  # noqa: BLE001  # each caller is told by its own answer
                error = problem
            for *_said, written in batch:
                if written.done():  # whoever called has hung up
                    continue
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)
