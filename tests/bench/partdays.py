"""`python -m tests.bench.partdays`: how far off rates are where stock-outs are known by the hour, by the day, or not.

Of FreshRetailNet-50K (in `shared/data` beside the repository, or the folder named) 1,000 series tell sales and stock of
each hour of 90 days. From those with stock from 6 to 22 on more than three days of four, the sales of the hours are
taken away in which another series, drawn at random, was out of stock; each is taken with several others. What is then
expected of a day is held against what is expected from the full record, by the blend of windows and by what all of them
teach. `whole days`: the rule of the watch where no hour is known, by the stock at each close and the units of the day;
`clock hours`: every hour counts alike; `hours by sales`: as the watch counts them, by what is sold in each hour.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Floats
from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory, without_spikes
from bot.domain.forecasting import lessons as taught
from bot.domain.forecasting.lessons import Law, teach
from bot.domain.groups import Groups
from bot.domain.outlook import Question, outlook, panel_of
from bot.domain.parts import Parts
from bot.storage.sellinghours import spread
from tests.bench.newcomers import FIRST
from tests.bench.recovery import FOLDER

NAME = "fresh_retail_hourly.parquet"
DAYS, HOURS = 90, 24
OPEN, ENOUGH = slice(6, 22), 0.75  # hours in which people buy, and the share of days with stock in all of them
DRAWS, SEEDS = 20, (1, 2, 3)
AHEAD = 14.0
RULES = DemandSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Hourly:
    """Units and whether there was stock, (n, days, hours) each."""

    units: Floats
    there: Bools

    @classmethod
    def read(cls, folder: Path) -> Hourly:
        """All series of the file."""
        table = pq.read_table(folder / NAME)
        table = table.sort_by([("store_id", "ascending"), ("product_id", "ascending"), ("ts", "ascending")])
        units = table["sale"].to_numpy().astype(np.float64).reshape(-1, DAYS, HOURS)
        return cls(units, (table["stockout"].to_numpy() == 0).reshape(units.shape))


def readings(of: Hourly, seed: int) -> Mapping[str, SeriesHistory]:
    """The full record, and how it is told after sales were hidden."""
    full = of.there[:, :, OPEN].all(axis=2).mean(axis=1) > ENOUGH
    rows = np.repeat(np.flatnonzero(full), DRAWS)
    others = np.random.default_rng(seed).choice(np.flatnonzero(~full), len(rows))
    units, there = of.units[rows], of.there[others]
    left = np.where(there, units, 0.0)
    sold, stock = left.sum(axis=2), np.where(there[:, :, -1], 9, 0)
    always = np.full_like(stock, 9)
    whole = SeriesHistory(FIRST, sold, stock)
    worth = spread((left > 0).sum(axis=(0, 1))[None, :])[0]
    return {
        "full record": SeriesHistory(FIRST, units.sum(axis=2), always),
        "not known": SeriesHistory(FIRST, sold, always),
        "whole days": whole,
        "clock hours": replace(whole, parts=parts(there.mean(axis=2))),
        "hours by sales": replace(whole, parts=parts(there @ worth)),
    }


def parts(share: NDArray[np.float64]) -> Parts:
    """Of the days that had stock for a part of their hours."""
    row, column = np.nonzero((share > 0) & (share < 1))
    return Parts.of(len(share), row, column, share[row, column])


def rates(history: SeriesHistory) -> tuple[Floats, Floats]:
    """Units a day by the blend of windows, and by what was taught."""
    n = history.series
    groups = Groups.by_place(np.zeros(n, dtype=np.int64))
    lessons = teach(panel_of(without_spikes(history, RULES), RULES, groups), (Law(AHEAD, 0.0),))
    if lessons is None:
        raise SystemExit("nothing was learned")
    estimate, days = BlendedVelocity().estimate(history, RULES), np.full(n, AHEAD)
    question = Question(days, days, None, np.zeros(n), np.full(n, 0.95), groups)
    return estimate.velocity, outlook(history, estimate, RULES, lessons, question).velocity


def main() -> None:
    """Reckon and print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--folder", type=Path, default=FOLDER)
    folder = asked.parse_args().folder
    if not (folder / NAME).exists():
        raise SystemExit(f"left out: {NAME} (FreshRetailNet-50K) is not in the folder; name another by --folder")
    taught.LEAST_DAYS = DAYS - 6  # the file has 90 days in all
    of = Hourly.read(folder)
    found: dict[str, list[list[float]]] = {}
    told: Mapping[str, SeriesHistory] = {}
    for seed in SEEDS:
        told = readings(of, seed)
        true = rates(told["full record"])
        for name, history in told.items():
            off = [mine - best for mine, best in zip(rates(history), true, strict=True)]
            ends = zip(off, true, strict=True)
            found.setdefault(name, []).append(
                [figure for each, best in ends for figure in (each.sum() / best.sum(), np.abs(each).sum() / best.sum())]
            )
    print("| stock-outs | bias, blend | off by | bias, learned | off by |\n| --- | --- | --- | --- | --- |")
    for name, figures in found.items():
        mean, worst = np.mean(figures, axis=0), np.abs(figures).max(axis=0)
        signs = ("+", "", "+", "")
        told_of = [f"{one:{sign}.1%} ({far:.1%})" for one, far, sign in zip(mean, worst, signs, strict=True)]
        print(f"| {name} |", " | ".join(told_of), "|")
    print(f"\n{told['whole days'].series} series each; in brackets the unluckiest of {len(SEEDS)} seeds.")


if __name__ == "__main__":
    main()
