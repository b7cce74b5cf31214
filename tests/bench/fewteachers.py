"""`python -m tests.bench.fewteachers`: what is expected where a catalogue is small, with and without a shape beside it.

From the whole sample, catalogues of a few series are drawn; each teaches itself, and its quantiles of the next four
weeks are held against what then sold, as `tests.bench.outlooks` does. `needed` is the number of series of whom the
scatter among others keeps half of its weight beside a gamma of each series' own variance; 0 is that scatter alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bot import settings
from bot.bootstrap.choices import service_settings
from bot.domain.arrays import Floats, Ints
from bot.domain.demand import DemandEstimate, day_masks, without_spikes
from bot.domain.forecasting.engine import EngineSettings
from bot.domain.forecasting.lessons import CHANCES, Law, teach
from bot.domain.forecasting.panel import Panel
from bot.domain.groups import Groups
from bot.domain.outlook import Question, outlook, panel_of, prospects
from bot.ports import MovableClock
from bot.sandbox.sample import load_sample
from bot.services.days import days_before
from bot.services.learning import PAST_DAYS
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot, take
from bot.storage import catalogue
from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.bench.outlooks import DAYS, INSTANTS, SOURCING, same

SIZES = ((40, 8), (100, 5), (300, 3), (1_000, 1))  # series, and catalogues drawn at each instant
NEEDED = (0.0, 100.0, 500.0, 2_000.0)
LEVELS = (0.8, 0.95, 0.98)
LEAST = 0.3  # units a day; of less, a month says little about a tail


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One instant: who can teach, the rows of the snapshot that they are, and what these then sold."""

    taken: Snapshot
    panel: Panel
    estimate: DemandEstimate
    rows: Ints
    teachers: Ints  # rows of the panel
    came: Floats


async def moment(database: Database, rules: ServiceSettings, at: datetime) -> Moment:
    """Read an instant and the four weeks after it."""
    async with database.reading() as connection:
        places = await catalogue.places(connection)
        book = await days_before(connection, places, at, PAST_DAYS)
        taken = await take(connection, rules, SOURCING, at)
        later = await take(connection, rules, SOURCING, at + timedelta(days=DAYS))
    estimate = dataclasses.replace(taken, lessons=None).assess(rules.watch).demand
    rows, there = same(taken, later)
    empty = day_masks(later.history, rules.watch.demand).stocked_out[there, -DAYS:].any(axis=1)
    known = {
        key: row for row, key in enumerate(zip(book.product_ids.tolist(), book.location_ids.tolist(), strict=True))
    }
    keys = zip(taken.product_ids[rows].tolist(), taken.location_ids[rows].tolist(), strict=True)
    teachers = np.array([known.get(key, -1) for key in keys], dtype=np.int64)
    fit = (teachers >= 0) & ~empty & (estimate.velocity[rows] > LEAST)
    calm = without_spikes(book.history, rules.watch.demand)
    came = later.history.tail(DAYS).units[there].sum(axis=1).astype(np.float64)
    panel = panel_of(calm, rules.watch.demand, Groups.by_place(book.location_ids))
    return Moment(taken, panel, estimate, rows[fit], teachers[fit], came[fit])


def quantiles(found: Moment, chosen: Ints, needed: float, rules: ServiceSettings) -> Floats | None:
    """Those (n, LEVELS) that a catalogue of the chosen alone would have expected; None where it teaches nothing."""
    lessons = teach(found.panel.chosen(np.sort(found.teachers[chosen])), (Law(float(DAYS), 0.0),))
    if lessons is None:
        return None
    rows, n = found.rows[chosen], len(chosen)
    history, groups = found.taken.history.rows(rows), Groups.by_place(found.taken.location_ids[rows])
    span, demand, engine = np.full(n, float(DAYS)), rules.watch.demand, EngineSettings(teachers_needed=needed)
    question = Question(span, span, None, np.zeros(n), np.full(n, 0.9), groups)
    ahead = outlook(history, _only(found.estimate, rows), demand, lessons, question, engine)
    [told] = prospects(history, demand, ahead, np.arange(n), groups, [(span, np.zeros(n))], engine)
    return told.table[:, [CHANCES.index(level) for level in LEVELS]]


def _only(estimate: DemandEstimate, rows: Ints) -> DemandEstimate:
    n = len(estimate.velocity)
    parts = {field.name: getattr(estimate, field.name) for field in fields(DemandEstimate)}
    mine = {name: part[rows] for name, part in parts.items() if isinstance(part, np.ndarray) and len(part) == n}
    return replace(estimate, **mine)


def lines(moments: list[Moment], rules: ServiceSettings) -> Iterator[str]:
    """A row per size and weight: coverage and pinball loss at each level."""
    for size, times in SIZES:
        for needed in NEEDED:
            draw = np.random.default_rng(5)
            told, came = [], []
            for found in moments:
                for _time in range(times):
                    chosen = draw.choice(len(found.rows), min(size, len(found.rows)), replace=False)
                    mine = quantiles(found, chosen, needed, rules)
                    if mine is not None:
                        told.append(mine)
                        came.append(found.came[chosen])
            short = np.concatenate(came)[:, None] - np.concatenate(told)
            levels = np.asarray(LEVELS)
            loss = np.maximum(levels * short, (levels - 1) * short).mean(axis=0)
            cells = " | ".join(f"{cover:.3f}" for cover in (short <= 0).mean(axis=0))
            yield f"| {size} | {needed:g} | {cells} | " + " | ".join(f"{one:.2f}" for one in loss) + " |"


async def main() -> None:
    """Load, reckon and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'year.db'}")
        await migrate(database)
        await load_sample(database, MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True))
        rules = service_settings(settings.given())
        moments = [await moment(database, rules, at) for at in INSTANTS]
        await database.close()
    heads = [f"covered {level:g}" for level in LEVELS] + [f"pinball {level:g}" for level in LEVELS]
    print("| series | needed |", " | ".join(heads), "|\n" + "| --- " * (2 + len(heads)) + "|")
    for line in lines(moments, rules):
        print(line)


if __name__ == "__main__":
    asyncio.run(main())
