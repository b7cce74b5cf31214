"""A process that takes a batch and dies at a named point: `python -m tests.web_api.dying URL`, one child per point."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from bot.ports import MovableClock, StockFact
from bot.services.batches import Batch, Batches, Once
from bot.services.feeds import Taking
from bot.services.wakes import Wakes
from bot.storage.database import Database
from tests.faults.points import Points

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
POINTS = (
    "Batches._claim: before commit",
    "Batches._claim: after commit",
    "Batches.take: before commit",
    "Batches.take: after commit",
)


def batches_of(database: Database, clock: MovableClock) -> Batches:
    """What takes batches."""
    taking = Taking(database=database, clock=clock, currency="GBP")
    return Batches(
        database=database, clock=clock, taking=taking, wakes=Wakes(database), limit_hours={"stock": 72, "orders": 48}
    )


def batch(sku: str) -> Batch:
    return Batch("stock", 1, [(0, StockFact(sku, sku, "UK", 5, NOW))])


async def _take(url: str, number: int) -> None:
    database = Database(url)
    await batches_of(database, MovableClock(NOW, frozen=True)).take("erp", batch(f"S{number}"), Once(f"k{number}", "d"))


def main() -> None:
    """Die once at each point, each time with another batch."""
    for number, point in enumerate(POINTS):
        pid = os.fork()
        if pid == 0:
            points = Points(lambda _line: None, point, live=True)
            points.watch_transactions()
            asyncio.run(_take(sys.argv[1], number))
            os._exit(0)  # it was to die
        _, status = os.waitpid(pid, 0)
        sys.stderr.write(f"{os.waitstatus_to_exitcode(status)}\n")


if __name__ == "__main__":
    main()
