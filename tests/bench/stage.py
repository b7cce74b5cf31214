"""A database with the whole sample in it, made once for a run of the benchmarks and copied for each use."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.sandbox.sample import SampleReport, load_sample
from bot.storage.database import Database
from bot.storage.migrations import migrate

AT = datetime(2011, 11, 21, 9, tzinfo=UTC)


class Stopwatch:
    """Seconds of the clock, and of the processor in all of this process's threads."""

    def __init__(self) -> None:
        self.clock, self.processor = time.perf_counter(), time.process_time()

    def lap(self) -> tuple[float, float]:
        """Both since the last lap, which begins anew."""
        clock, processor = time.perf_counter(), time.process_time()
        found = clock - self.clock, processor - self.processor
        self.clock, self.processor = clock, processor
        return found


def loaded(file: Path) -> SampleReport:
    """Migrate and fill a new database file."""

    async def load() -> SampleReport:
        database = Database(f"sqlite+aiosqlite:///{file}")
        try:
            await migrate(database)
            return await load_sample(database, MovableClock(AT, frozen=True))
        finally:
            await database.close()

    return asyncio.run(load())


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[App]:
    """The application on a copy of the file, without its platforms, at a Monday before Christmas."""
    copy = file.with_name("copy.db")
    shutil.copyfile(file, copy)
    chosen = settings.given(
        organisation={"currency": "GBP", "zone": "Europe/London"}, database={"url": f"sqlite+aiosqlite:///{copy}"}
    )
    application = build(chosen, MovableClock(AT, frozen=True))
    try:
        yield application
    finally:
        await application.close()
        for left in file.parent.glob("copy.db*"):
            left.unlink()
