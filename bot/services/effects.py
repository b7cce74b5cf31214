"""Effects: calls to stores and suppliers that cost money, written down in the transaction that decided them.

`bot.services.effectworker` carries them out, each exactly once as far as the other side lets us know; what nobody can
know is asked of a person (`bot.services.inquiries`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.effects import EffectTopic
from bot.ports import Clock, Performer
from bot.services.wakes import Wakes
from bot.storage import effects as rows
from bot.storage.database import Database
from bot.storage.effects import EffectRow

BELL = "effects"

Done = Callable[[AsyncConnection, EffectRow, Mapping[str, Any]], Awaitable[None]]
Failed = Callable[[AsyncConnection, EffectRow, str], Awaitable[None]]
Wanted = Callable[[AsyncConnection, EffectRow], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class EffectKind:
    """Who carries out the calls of one kind, and what follows from them.

    `done` is given what the other side answered, or `{"told_by": member_id, "note": ...}` where a person said that it
    happened; `failed` why it did not and will not. Both run in the transaction that settles the call, which holds its
    request: they may take the locks of cases and append to the audit log, and must call nobody outside.

    `wanted` is asked, holding the request, before a call that certainly did not happen is made again: what nobody wants
    any more is called off, and `failed` is told. Without it a call is always wanted.
    """

    performer: Performer
    done: Done
    failed: Failed
    wanted: Wanted | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """Calls of one topic in one state (pending, sending, halted), and when the oldest was written down."""

    topic: str
    state: str
    rows: int
    oldest: datetime


class Effects:
    """Writes calls down and calls them off; needs none of the services that ask for it."""

    def __init__(self, *, database: Database, clock: Clock, wakes: Wakes) -> None:
        self._database = database
        self._clock = clock
        self._wakes = wakes

    async def plan(
        self,
        connection: AsyncConnection,
        *,
        key: str,
        kind: str,
        topic: EffectTopic,
        request_id: int | None,
        payload: Mapping[str, Any],
        due_at: datetime | None = None,
    ) -> int:
        """Write a call down in the caller's transaction, to be made at `due_at` or at once; its id.

        A key is for one call alone: one seen before, even if it was called off or failed, gives the id of then.
        """
        now = self._clock.now()
        values = {
            "idempotency_key": key,
            "kind": kind,
            "topic": topic,
            "request_id": request_id,
            "payload": dict(payload),
            "state": "pending",
            "created_at": now,
            "due_at": due_at or now,
        }
        effect_id = await rows.add(connection, values)
        await self._wakes.after(connection, BELL)
        return effect_id

    async def cancel(self, connection: AsyncConnection, request_id: int) -> bool:
        """Call off every call of a request that has not begun; the caller holds the request.

        False where one is under way, has happened or may have: then the request cannot be called off as a whole. What
        restores a price is never called off.
        """
        await rows.cancel(connection, request_id, self._clock.now())
        return not await rows.begun(connection, request_id)

    async def depths(self) -> list[Depth]:
        """How many calls are not over, by topic and state."""
        async with self._database.reading() as connection:
            return [Depth(*found) for found in await rows.counts(connection)]
