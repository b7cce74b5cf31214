"""The effects over a real database, and another side in memory that fails as it is told."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Call, MovableClock
from bot.services.effects import EffectKind, Effects
from bot.services.effectworker import EffectWorker, Persistence
from bot.services.halts import Halts
from bot.services.inquiries import Inquiries
from bot.services.pacing import Backoff
from bot.services.settlements import Settlements
from bot.services.wakes import Wakes
from bot.storage import effects as rows
from bot.storage import marks, tables
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.words import verbatim
from tests.services.work.kit import Desk, open_desk

Deed = Literal["ok", "unreached", "declined", "lost", "dropped", "broken", "hangs"]
Look = Literal["truth", "unreached", "refused", "cannot", "broken"]

STEADY = Persistence(pause=timedelta(0), backoff=Backoff(jitter=lambda: 0.0), jitter=lambda: 0.0)
KIND = "order.send"


@dataclass
class Counterparty:
    """Implements the Performer port. `deeds` and `looks` say how it behaves, one after another; then it behaves well.

    lost: it did it, and the answer is lost; dropped: the question was lost; broken: it did it, and our side broke.
    Every application is recorded; one that does not keep keys does as often as it is asked.
    """

    deeds: deque[Deed] = field(default_factory=deque)
    looks: deque[Look] = field(default_factory=deque)
    keeps_keys: bool = False
    gate: asyncio.Event | None = None  # a call waits for it after it was applied
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    applied: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Do it, or fail as told."""
        self.asked.append(call.key)
        self.entered.set()
        deed = self.deeds.popleft() if self.deeds else "ok"
        if deed == "unreached":
            raise Unreached(verbatim("nobody listens"))
        if deed == "declined":
            raise Declined(verbatim("not sold any more"))
        if deed == "dropped":
            raise Unanswered(verbatim("no answer"))
        if deed == "hangs":
            await asyncio.Event().wait()
        if not (self.keeps_keys and call.key in self.applied):
            self.applied.append(call.key)
        if self.gate is not None:
            await self.gate.wait()
        if deed == "lost":
            raise Unanswered(verbatim("no answer"))
        if deed == "broken":
            raise RuntimeError("a defect")
        return {"receipt": call.key}

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """Say the truth, or fail as told."""
        self.looked.append(call.key)
        look = self.looks.popleft() if self.looks else "truth"
        if look == "unreached":
            raise Unreached(verbatim("nobody listens"))
        if look == "refused":
            raise Declined(verbatim("the token is not valid any more"))
        if look == "cannot":
            raise Unanswered(verbatim("no record is kept"))
        if look == "broken":
            raise RuntimeError("a defect")
        return {"receipt": call.key, "found": True} if call.key in self.applied else None

    @property
    def doubled(self) -> int:
        """Keys that were applied more than once."""
        return sum(count > 1 for count in Counter(self.applied).values())


@dataclass
class Floor:
    """One process's effects."""

    desk: Desk
    clock: MovableClock
    wakes: Wakes
    other: Counterparty
    effects: Effects
    settlements: Settlements
    worker: EffectWorker
    inquiries: Inquiries
    halts: Halts
    kind: EffectKind

    @property
    def database(self) -> Database:
        """The database."""
        return self.desk.database

    async def plan(self, key: str = "order:1", **more: Any) -> int:
        """Write a call down; its id."""
        values: dict[str, Any] = {"kind": KIND, "topic": "purchases", "request_id": None, "payload": {"n": 1}, **more}
        async with self.database.transaction() as connection:
            return await self.effects.plan(connection, key=key, **values)

    async def row(self, effect_id: int) -> EffectRow:
        """A call as it stands."""
        async with self.database.reading() as connection:
            found = await rows.row(connection, effect_id)
        assert found is not None
        return found

    async def later(self, seconds: float) -> None:
        """Let time pass and work on what is due by then."""
        self.clock.push(timedelta(seconds=seconds))
        await self.worker.drain()

    async def deeds(self, prefix: str = "effect.") -> list[str]:
        """The actions that the audit log has, in order."""
        entries = await self.desk.all(tables.Audit)
        return [entry.action for entry in entries if entry.action.startswith(prefix)]

    async def followed(self, key: str) -> str | None:
        """What followed from a call, as `followed` and `failed` wrote it down in the settling transaction."""
        async with self.database.reading() as connection:
            return await marks.get(connection, f"followed:{key}")

    async def letters(self, subject: str) -> list[Any]:
        """What was written to the channels about a subject."""
        async with self.database.reading() as connection:
            found = await connection.execute(
                select(tables.Outbox).where(tables.Outbox.subject == subject).order_by(tables.Outbox.id)
            )
            return list(found.mappings())


async def followed(connection: AsyncConnection, held: EffectRow, result: Mapping[str, Any]) -> None:
    """What follows from a call that was done: one more line under its key, so that a second time shows."""
    told = "told" if "told_by" in result else "done"
    await _add(connection, held.key, told)


async def failed(connection: AsyncConnection, held: EffectRow, error: str) -> None:
    """What follows from a call that failed."""
    await _add(connection, held.key, f"failed({error})")


async def _add(connection: AsyncConnection, key: str, word: str) -> None:
    before = await marks.get(connection, f"followed:{key}")
    await marks.put(connection, f"followed:{key}", f"{before} | {word}" if before else word)


async def open_floor(
    database: Database,
    clock: MovableClock,
    other: Counterparty | None = None,
    *,
    desk: Desk | None = None,
    persistence: Persistence = STEADY,
    kind: EffectKind | None = None,
) -> Floor:
    """A team with its shop, and the effects put together as bootstrap does; with a `desk` one process more on it."""
    desk = desk or await open_desk(database, clock)
    other = other or Counterparty()
    kind = kind or EffectKind(other, followed, failed)
    wakes = desk.outbox._wakes  # one to a database: it takes every bell that a transaction asked for
    effects = Effects(database=database, clock=clock, wakes=wakes)
    settlements = Settlements(
        database=database, clock=clock, audit=desk.audit, outbox=desk.outbox, wakes=wakes, kinds={KIND: kind}
    )
    worker = EffectWorker(
        database=database,
        clock=clock,
        wakes=wakes,
        audit=desk.audit,
        settlements=settlements,
        persistence=persistence,
    )
    inquiries = Inquiries(database=database, clock=clock, audit=desk.audit, wakes=wakes, settlements=settlements)
    halts = Halts(
        database=database, clock=clock, audit=desk.audit, outbox=desk.outbox, wakes=wakes, requests=desk.requests
    )
    return Floor(desk, clock, wakes, other, effects, settlements, worker, inquiries, halts, kind)
