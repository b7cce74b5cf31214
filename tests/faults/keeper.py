"""The parent's side of the nursery: start it, order children, hear what they reach and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.child import Plan

ROOT = Path(__file__).parents[2]
READY_SECONDS = 150.0
# NumPy's and Arrow's libraries would begin threads of their own, which no fork takes along.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


@dataclass
class Life:
    """One child's: `reached` are its points in order, `died` the one it was armed with and met, `exit` its end."""

    id: int
    pid: int = 0
    reached: list[str] = field(default_factory=list)
    died: str = ""
    started: bool = False
    awake: bool = False
    exit: int | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, fact: dict[str, Any]) -> None:
        """Take in one line of the nursery's."""
        if "pid" in fact:
            self.pid = fact["pid"]
        if "exit" in fact:
            self.exit = fact["exit"]
            self.over.set()
        kind, _, rest = fact.get("line", "").partition(" ")
        match kind:
            case "reached":
                self.reached.append(rest)
            case "died":
                self.died = rest
            case "started":
                self.started = True
            case "awake":
                self.awake = True


class Keeper:
    """Keeps one nursery."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lives: dict[int, Life] = {}
        self._listening = asyncio.create_task(self._listen())
        self.ready = asyncio.Event()
        self.threads = 0
        self.pid = process.pid

    def fork(self, plan: Plan) -> Life:
        """Order a child."""
        life = Life(len(self._lives) + 1)
        self._lives[life.id] = life
        self._order({"id": life.id, "plan": asdict(plan)})
        return life

    def signal(self, life: Life, which: signal.Signals) -> None:
        """Send one living child a signal."""
        if life.exit is None:
            self._order({"id": life.id, "signal": int(which)})

    async def kill(self, life: Life) -> None:
        """End a child by SIGKILL, from outside, and wait for its end."""
        self.signal(life, signal.SIGKILL)
        await asyncio.wait_for(life.over.wait(), 10)

    async def stop(self, life: Life) -> int:
        """Ask a child to drain and end; its exit code."""
        self.signal(life, signal.SIGTERM)
        await asyncio.wait_for(life.over.wait(), 20)
        assert life.exit is not None
        return life.exit

    def _order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            fact = json.loads(line)
            if "ready" in fact:
                self.threads = fact["threads"]
                self.ready.set()
            else:
                self._lives[fact["id"]].hear(fact)

    async def close(self) -> None:
        """End the nursery, and every child with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


@contextlib.asynccontextmanager
async def nursery(url: str) -> AsyncIterator[Keeper]:
    """A nursery that is ready, for as long as the block lasts; `url` is an empty database to get ready on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.nursery",
        url,
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    keeper = Keeper(process)
    try:
        await asyncio.wait_for(keeper.ready.wait(), READY_SECONDS)
        assert keeper.threads == 1, "a fork of several threads would lose all but one"
        yield keeper
    finally:
        await keeper.close()
