"""Whatever fails, dies, waits or is halted, in any order: no call is applied twice, none is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Call, MovableClock
from bot.services.effects import EffectKind
from bot.services.halts import topics_of
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.storage.tables import Effect
from tests.faults.figures import is_long, record
from tests.services.effects.kit import Floor, failed, followed, open_floor

DEEDS = ("ok", "unreached", "declined", "lost", "dropped", "broken", "dies before", "dies after")
LOOKS = ("truth", "unreached", "refused", "cannot", "broken", "dies")
AFTER = ("ok", "breaks", "dies")
KEYS = 4
EXAMPLES = 1000 if is_long() else 30
pytestmark = pytest.mark.timeout(7200 if is_long() else 180)

STEPS = st.one_of(
    st.tuples(st.just("plan"), st.integers(0, KEYS - 1)),
    st.tuples(st.just("work"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 90, 3600, 90_000])),
    st.tuples(st.just("halt"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("answer"), st.sampled_from(["true", "drop"])),
)
MISHAPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(LOOKS), st.sampled_from(AFTER)), max_size=30)


@dataclass
class Fate:
    """The other side, and what happens to us: it trusts us to ask once, and records every time that we do."""

    mishaps: list[tuple[str, str, str]]
    blind: bool = False
    applied: list[str] = field(default_factory=list)
    turn: Counter[str] = field(default_factory=Counter)

    def _next(self, what: int) -> str:
        """The next mishap of a kind; then all goes well."""
        kind = ("deed", "look", "after")[what]
        number = self.turn[kind]
        self.turn[kind] += 1
        return self.mishaps[number][what] if number < len(self.mishaps) else ("ok", "truth", "ok")[what]

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Apply it, unless something comes between."""
        deed = self._next(0)
        if deed == "dies before":
            raise asyncio.CancelledError  # as when the process is killed: nothing after it runs
        if deed == "unreached":
            raise Unreached
        if deed == "declined":
            raise Declined
        if deed == "dropped":
            raise Unanswered
        self.applied.append(call.key)
        if deed == "dies after":
            raise asyncio.CancelledError
        if deed == "lost":
            raise Unanswered
        if deed == "broken":
            raise RuntimeError("a defect")
        return {"receipt": call.key}

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """The truth, unless something comes between."""
        look = self._next(1)
        if self.blind:
            return None
        if look == "dies":
            raise asyncio.CancelledError
        if look == "unreached":
            raise Unreached
        if look == "refused":
            raise Declined
        if look == "cannot":
            raise Unanswered
        if look == "broken":
            raise RuntimeError("a defect")
        return {"receipt": call.key} if call.key in self.applied else None

    async def done(self, connection: AsyncConnection, held: EffectRow, result: Mapping[str, Any]) -> None:
        """What follows, unless it breaks half-way."""
        await followed(connection, held, result)
        after = self._next(2)
        if after == "dies":
            raise asyncio.CancelledError
        if after == "breaks":
            raise RuntimeError("a defect")


async def live(path: Path, fate: Fate, steps: list[tuple[str, Any]]) -> dict[str, str]:
    """One life of two workers on one database, then calm; the state of each call in the end."""
    clock = MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True)
    database = Database(f"sqlite+aiosqlite:///{path}")
    try:
        kind = EffectKind(fate, fate.done, failed)
        first = await open_floor(database, clock, kind=kind)
        second = await open_floor(database, clock, kind=kind, desk=first.desk)
        for step in steps:
            await take(first, second, fate, *step)
        await calm(first, fate)
        found = {row.idempotency_key: row.state for row in await first.desk.all(Effect)}
        for key, state in found.items():
            assert state in {"done", "failed"}, f"{key} was forgotten as {state}"
            said = (await first.followed(key) or "").split(" | ")
            assert len(said) == 1, f"something followed twice from {key}"
            assert (said[0] in {"done", "told"}) == (state == "done")
            assert (state == "done") == (key in fate.applied), f"{key} is {state}"
        assert (await first.desk.audit.verify()).broken_at is None
        return found
    finally:
        await database.close()


async def take(first: Floor, second: Floor, fate: Fate, what: str, value: Any) -> None:
    """One thing that happens."""
    greta = first.desk.asker("Greta")
    match what:
        case "plan":
            await first.plan(f"order:{value}")
        case "work":
            await (first, second)[value].worker.drain()
        case "wait":
            first.clock.push(timedelta(seconds=value))
        case "halt":
            before = len(fate.applied)
            await first.halts.halt(topics_of("purchases"), greta, "slack")
            await second.worker.drain()
            assert len(fate.applied) == before, "a call began while halted"
        case "resume":
            await first.halts.resume(topics_of("purchases"), greta, "slack")
        case "answer":
            await answer(first, fate, value)


async def answer(floor: Floor, fate: Fate, word: str) -> None:
    """Somebody looks into every doubt and says what is true."""
    for view in (await floor.inquiries.troubled(size=KEYS)).items:
        if view.state == "halted":
            verdict: Any = "done" if view.key in fate.applied else "drop" if word == "drop" else "again"
            with contextlib.suppress(
                RuntimeError, asyncio.CancelledError
            ):  # what follows broke, and all of it is undone
                await floor.inquiries.answer(view.id, view.attempts, verdict, floor.desk.asker("Greta"), "slack")


async def calm(floor: Floor, fate: Fate) -> None:
    """Nothing is halted, people answer, and time passes until all is settled."""
    await floor.halts.resume(topics_of("all"), floor.desk.asker("Greta"), "slack")
    for _hour in range(200):
        await floor.worker.drain()
        await answer(floor, fate, "true")
        if not await floor.effects.depths():
            return
        floor.clock.push(timedelta(minutes=10))
    pytest.fail("it never ends")


@pytest.fixture(scope="module")
def empty(sqlite_template: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the declared schema, to be copied for every life."""
    path = tmp_path_factory.mktemp("lives") / "empty.db"
    path.write_bytes(sqlite_template)
    return path


@settings(max_examples=EXAMPLES)
@given(mishaps=MISHAPS, steps=st.lists(STEPS, max_size=25))
def test_in_any_schedule_no_call_is_applied_twice_and_none_is_forgotten(
    empty: Path, mishaps: list[tuple[str, str, str]], steps: list[tuple[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "life.db"
        shutil.copy(empty, path)
        fate = Fate(mishaps)
        asyncio.run(live(path, fate, [("plan", 0), *steps]))
        doubled = sum(times > 1 for times in Counter(fate.applied).values())
        record("effects in random schedules with deaths", len(steps) + 1, doubled, "SQLite")
        assert doubled == 0


def test_the_same_lives_without_reading_back_are_seen_to_double(empty: Path, tmp_path: Path) -> None:
    path = tmp_path / "life.db"
    shutil.copy(empty, path)
    fate = Fate([("lost", "truth", "ok")], blind=True)
    asyncio.run(live(path, fate, [("plan", 0), ("work", 0), ("wait", 90), ("work", 1)]))
    assert Counter(fate.applied) == {"order:0": 2}
