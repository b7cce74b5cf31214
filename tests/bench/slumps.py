"""`python -m tests.bench.slumps`: the surges and slumps of the sample year, week by week, and how the next week sold.

The whole sample is loaded as `make demo` does. Of each slump found at an instant, `next` is what the days in stock of
the week after sold, as a share of the usual, of all of them together; `back` is how many sold at their usual again.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bot import settings
from bot.bootstrap.choices import service_settings
from bot.domain.demand import day_masks
from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.sandbox.sample import load_sample
from bot.services.settings import ServiceSettings
from bot.services.snapshot import take
from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.bench.outlooks import same

FIRST = datetime(2011, 3, 7, 9, tzinfo=UTC)
WEEKS = 38
WEEK = timedelta(days=7)


async def line(database: Database, rules: ServiceSettings, at: datetime) -> str:
    """What a scan of an instant would open."""
    async with database.reading() as connection:
        taken = await take(connection, rules, SourcingSettings(), at)
        later = await take(connection, rules, SourcingSettings(), at + WEEK)
    found = taken.assess(rules.watch)
    rows, there = same(taken, later)
    chosen = found.opens["slump"][rows] > 0
    rows, there = rows[chosen], there[chosen]
    in_stock = day_masks(later.history, rules.watch.demand).usable[there, -7:]
    sold = np.where(in_stock, later.history.units[there, -7:], 0).sum(axis=1)
    usual = found.slump.rate[rows] * in_stock.sum(axis=1)
    share = sold.sum() / max(float(usual.sum()), 1e-9)
    back = int((sold >= 0.9 * usual).sum())
    return (
        f"| {at:%Y-%m-%d} | {found.series:,} | {int(found.slump.judged.sum()):,} | {len(rows)} | {share:.0%} | {back} |"
        f" {int((found.opens['surge'] > 0).sum())} |"
    )


async def main() -> None:
    """Load, judge and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'year.db'}")
        await migrate(database)
        await load_sample(database, MovableClock(datetime(2011, 11, 28, 9, tzinfo=UTC), frozen=True))
        rules = service_settings(settings.given())
        print(
            "| Monday | series | judged | slumps | next | back | surges |\n| --- | --- | --- | --- | --- | --- | --- |"
        )
        for week in range(WEEKS):
            print(await line(database, rules, FIRST + week * WEEK), flush=True)
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
