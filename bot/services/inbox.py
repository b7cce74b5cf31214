"""The inbox: an event is stored before it is acknowledged, and taken once."""

from __future__ import annotations

from bot.chat.incoming import Incoming
from bot.ports import Clock
from bot.services.wakes import Wakes
from bot.storage import inbox as rows
from bot.storage.database import Database

BELL = "inbox"


class Inbox:
    """What the platforms hand their events to."""

    def __init__(self, *, database: Database, clock: Clock, wakes: Wakes) -> None:
        self._database = database
        self._clock = clock
        self._wakes = wakes

    async def take(self, incoming: Incoming) -> None:
        """Store an event once; a redelivery is taken for done. Returning means: acknowledge."""
        async with self._database.transaction() as connection:
            if await rows.add(connection, incoming, self._clock.now()):
                await self._wakes.after(connection, BELL)
