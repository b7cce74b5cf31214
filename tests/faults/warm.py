"""What a child would do first thing, done once before it is forked: a whole round of the bot's work, in this process.

Without it every child would load catalogs, certificates and half of SciPy anew.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import httpx._config
import httpx._transports.default
from sqlalchemy import Engine

from bot import settings
from bot.bootstrap import build
from bot.language import language
from bot.ports import MovableClock
from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.faults.founding import town
from tests.faults.kills import SOON
from tests.faults.rest import Rest, until
from tests.faults.town import WORK, give


def up(url: str) -> None:
    """Load everything, by doing everything once on SQLite and on the database of that address."""
    for code in ("en", "zh_CN"):
        language(code)
    _one_context()
    with tempfile.TemporaryDirectory() as folder:
        warmed = [asyncio.run(_round(each, Path(folder))) for each in (f"sqlite+aiosqlite:///{folder}/warm.db", url)]
    _keep_statements(warmed)


async def _round(url: str, folder: Path) -> Engine:
    database = Database(url)
    await migrate(database)
    await database.close()
    start = datetime(2011, 11, 21, tzinfo=UTC)
    async with town(url, start, folder) as found:
        clock = MovableClock(start, frozen=True)
        app = build(settings.given(**found.settings), clock)
        await app.runtime.start()
        await until(found.links, 20)
        rest = Rest(url)
        for work in WORK:
            give(found, work, 0)
            await until(lambda: not found.waiting() and found.answered() and rest.open(clock.now() + SOON) == 0, 20)
        clock.push(timedelta(hours=4))
        await app.runtime.tick()
        await until(lambda: not found.unordered() and rest.open(clock.now() + SOON) == 0, 20)
        rest.close()
        await app.runtime.stop()
        await app.close()
        return app.services.database.engine.sync_engine


def _keep_statements(warmed: list[Engine]) -> None:
    """Let the databases of the children begin with the statements that those of their kind have compiled.

    The cache is by dialect, so they share that too; it is the same but for the file.
    """
    plain = Database.__init__
    kinds = {engine.name: engine for engine in warmed}

    def begin(self: Database, url: str) -> None:
        plain(self, url)
        new = self.engine.sync_engine
        if (old := kinds.get(new.name)) is not None:
            new.dialect = new.pool._dialect = old.dialect
            new._compiled_cache = old._compiled_cache

    Database.__init__ = begin  # type: ignore[method-assign]  # in the nursery alone


def _one_context() -> None:
    """Certificates take 15 ms to read, and nothing here is encrypted: every client shares one reading of them."""
    plain: Callable[..., ssl.SSLContext] = httpx.create_ssl_context
    shared = lru_cache(maxsize=1)(plain)

    def context(*_given: Any, **_named: Any) -> ssl.SSLContext:
        return shared()

    for module in (httpx, httpx._config, httpx._transports.default):
        if hasattr(module, "create_ssl_context"):
            setattr(module, "create_ssl_context", context)  # noqa: B010  # modules have no declared attribute to set
    context()
