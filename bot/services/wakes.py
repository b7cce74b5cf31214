"""Waking the loops of this process when rows were written; other replicas find them by their own poll."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import Database

TOUCHED = "touched"  # products whose facts changed


class Wakes:
    """Rings a bell once the transaction that asked for it is over.

    A connection remembers which bells to ring; they ring when it goes back to the pool, thus after the commit. A
    rolled-back transaction rings too, which costs one look at the table.
    """

    def __init__(self, database: Database) -> None:
        self._bells: dict[str, list[asyncio.Event]] = {}
        self._key = ("stocktide_wakes", id(self))  # others of the same database keep their own
        event.listen(database.engine.sync_engine, "checkin", self._returned)

    def bell(self, name: str) -> asyncio.Event:
        """A new bell under `name`; every bell of a name rings."""
        bell = asyncio.Event()
        self._bells.setdefault(name, []).append(bell)
        return bell

    async def after(self, connection: AsyncConnection, name: str) -> None:
        """Ring `name` when the connection's transaction has ended."""
        raw = await connection.get_raw_connection()
        record = raw.record_info
        if record is not None:
            record.setdefault(self._key, set()).add(name)

    def ring(self, name: str) -> None:
        """Ring now."""
        for bell in self._bells.get(name, ()):
            bell.set()

    def _returned(self, _connection: object, record: Any) -> None:  # noqa: ANN401  # the pool's record
        for name in record.record_info.pop(self._key, ()):
            self.ring(name)
