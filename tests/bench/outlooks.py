"""`python -m tests.bench.outlooks`: what the watch expects, held against what then sold, with lessons and without.

The whole sample is loaded as `make demo` does. At each instant the watch learns and reckons as it would have then, and
its quantiles of the next four weeks are held against the sales of series that had stock throughout. `coverage` is the
share of series that sold no more, `pinball` the mean loss in units, `stock` the sum of the quantiles.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bot import settings
from bot.bootstrap.choices import service_settings
from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.demand import DemandEstimate, day_masks
from bot.domain.outlook import TOLD, Question, outlook
from bot.domain.replenishment import irregular, span_demand
from bot.domain.sourcing import SourcingSettings, row_numbers
from bot.ports import MovableClock
from bot.sandbox.sample import load_sample
from bot.services.learning import learn
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot, take
from bot.storage.database import Database
from bot.storage.migrations import migrate

DAYS = 28
INSTANTS = tuple(
    datetime(2011, month, day, 9, tzinfo=UTC) for month, day in ((5, 1), (6, 15), (8, 1), (9, 15), (10, 20))
)
SOURCING = SourcingSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What was expected at one instant, a column per level, and what came; `whole`: in stock throughout."""

    came: Floats
    whole: Bools
    blend: Floats
    taught: Floats
    velocities: tuple[Floats, Floats]
    in_stock: Floats  # days


async def said(database: Database, rules: ServiceSettings, at: datetime) -> Said:
    """Both forecasts of an instant, and the four weeks after it."""
    await learn(database, rules, SOURCING, at)
    async with database.reading() as connection:
        taken = await take(connection, rules, SOURCING, at)
        later = await take(connection, rules, SOURCING, at + timedelta(days=DAYS))
    blended = dataclasses.replace(taken, lessons=None).assess(rules.watch)
    columns = _blend(blended.demand, irregular(blended.demand.kind, blended.demand.cv, rules.watch.replenishment))
    lessons = taken.lessons
    if lessons is None:
        raise SystemExit(f"nothing was learned at {at}")
    n = blended.series
    span = np.full(n, float(DAYS))
    question = Question(span, span, None, np.zeros(n), np.full(n, 0.9), taken.groups)
    ahead = outlook(taken.history, blended.demand, rules.watch.demand, lessons, question)
    rows, there = same(taken, later)
    window = later.history.tail(DAYS)
    empty = day_masks(later.history, rules.watch.demand).stocked_out[there, -DAYS:].sum(axis=1)
    sells = blended.demand.velocity[rows] > 0
    return Said(
        came=window.units[there].sum(axis=1)[sells].astype(np.float64),
        whole=(empty == 0)[sells],
        blend=columns[rows][sells],
        taught=ahead.lead.quantile[rows][:, 1:][sells],
        velocities=(blended.demand.velocity[rows][sells], ahead.velocity[rows][sells]),
        in_stock=(DAYS - empty)[sells].astype(np.float64),
    )


def _blend(demand: DemandEstimate, skewed: Bools) -> Floats:
    velocity, sd, none = demand.velocity, demand.sd, np.zeros(len(skewed))
    span = np.full(len(skewed), float(DAYS))
    found = []
    for level in TOLD:
        found_demand = span_demand(velocity, sd, span, none, np.full(len(skewed), level), skewed, "negative_binomial")
        found.append(found_demand.mean + found_demand.safety_stock)
    return np.stack(found, axis=1)


def same(taken: Snapshot, later: Snapshot) -> tuple[Ints, Ints]:
    """The rows of the series that are in both."""
    there = row_numbers(later.product_ids, later.location_ids, taken.product_ids, taken.location_ids)
    rows = np.flatnonzero(there >= 0)
    return rows, there[rows]


def lines(at: datetime, found: Said) -> Iterator[str]:
    """A row per level and forecast."""
    for column, level in enumerate(TOLD):
        for name, quantiles in (("blend", found.blend), ("taught", found.taught)):
            quantile, came = quantiles[found.whole, column], found.came[found.whole]
            short = came - quantile
            loss = np.maximum(level * short, (level - 1) * short).mean()
            yield (
                f"| {at:%Y-%m-%d} | {level:g} | {name} | {(came <= quantile).mean():.3f} | {loss:.2f} |"
                f" {quantile.sum():,.0f} |"
            )


async def main() -> None:
    """Load, reckon and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'year.db'}")
        await migrate(database)
        await load_sample(database, MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True))
        rules = service_settings(settings.given())
        print("| instant | level | forecast | coverage | pinball | stock |\n| --- | --- | --- | --- | --- | --- |")
        for at in INSTANTS:
            found = await said(database, rules, at)
            for line in lines(at, found):
                print(line)
            came = found.came.sum()
            off = [(velocity * found.in_stock).sum() / came - 1 for velocity in found.velocities]
            print(f"| {at:%Y-%m-%d} | mean | blend {off[0]:+.0%}, taught {off[1]:+.0%} | | | |")
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
