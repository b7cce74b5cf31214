"""`python -m tests.bench.partdays`: what is expected where stock-outs are known by the hour, by the day, or not at all.

Of 1,000 series of FreshRetailNet-50K (in `shared/data` beside the repository, or the folder named) each hour of 90 days
tells its sales and whether there was stock. The first 62 days are the past, in which all of them teach; what is expected
of those of the 28 days after that had stock throughout is held against what they sold. `whole days` is the rule of the
watch where no hour is known: a day that ended without stock and sold few is left out; `parts of days` counts a day for the
hours of its twenty-four that had stock, as the watch does, and `6 to 22` for those of the sixteen in which people buy.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bot.domain.arrays import Floats
from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory, day_masks, without_spikes
from bot.domain.forecasting import lessons as taught
from bot.domain.forecasting.lessons import Law, teach
from bot.domain.groups import Groups
from bot.domain.outlook import Question, outlook, panel_of
from bot.domain.parts import Parts
from tests.bench.newcomers import AHEAD, FIRST, LEVELS, PAST, line
from tests.bench.recovery import FOLDER

NAME = "fresh_retail_hourly.parquet"
HOURS = 24
OPEN = slice(6, 22)
LEAST = 10  # days ahead with stock throughout
RULES = DemandSettings()


def hours(folder: Path) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Units and whether there was stock, (n, days, hours), and the shop (n,) of each series."""
    table = pq.read_table(folder / NAME)
    table = table.sort_by([("store_id", "ascending"), ("product_id", "ascending"), ("ts", "ascending")])
    shape = (-1, PAST + AHEAD, HOURS)
    units = table["sale"].to_numpy().astype(np.float64).reshape(shape)
    there = (table["stockout"].to_numpy() == 0).reshape(shape)
    return units, there, table["store_id"].to_numpy().astype(np.int64)[:: shape[1] * HOURS]


def readings(units: Floats, there: NDArray[np.bool_]) -> dict[str, SeriesHistory]:
    """The past as it is told: by nobody, by the stock at each close, and by the hour."""
    sold, past = units[:, :PAST].sum(axis=2), there[:, :PAST]
    closing = np.where(past[:, :, -1], 9, 0)
    whole = SeriesHistory(FIRST, sold, closing)
    found = {"not known": SeriesHistory(FIRST, sold, np.full_like(closing, 9)), "whole days": whole}
    for name, asked in (("parts of days", slice(None)), ("parts of days, 6 to 22", OPEN)):
        share = past[:, :, asked].mean(axis=2)
        row, column = np.nonzero((share > 0) & (share < 1))
        found[name] = replace(whole, parts=Parts.of(len(sold), row, column, share[row, column]))
    return found


def main() -> None:
    """Reckon and print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--folder", type=Path, default=FOLDER)
    folder = asked.parse_args().folder
    if not (folder / NAME).exists():
        raise SystemExit(f"left out: {NAME} (FreshRetailNet-50K) is not in the folder; name another by --folder")
    taught.LEAST_DAYS = PAST  # the file has 90 days in all
    units, there, shop = hours(folder)
    groups, n = Groups.by_place(shop), len(units)
    stocked = there[:, PAST:].all(axis=2)
    came = np.where(stocked, units[:, PAST:].sum(axis=2), 0.0).sum(axis=1)
    rows = np.flatnonzero(stocked.sum(axis=1) >= LEAST)
    days = np.maximum(stocked.sum(axis=1), 1).astype(np.float64)
    question = Question(days, days, None, np.zeros(n), np.full(n, LEVELS[-1]), groups)
    told = readings(units, there)
    some = there[:, :PAST].any(axis=2) & ~there[:, :PAST].all(axis=2)
    out = day_masks(told["whole days"], RULES).stocked_out
    print(f"{len(rows)} series; {some.mean():.0%} of the days of the past had stock for a part of their hours,")
    print(f"of which the rule for whole days leaves out {(some & out).sum() / some.sum():.0%}.\n")
    heads = ["bias", "abs. error", "rms error", *(f"covered {level:g}" for level in LEVELS)]
    heads += [*(f"pinball {level:g}" for level in LEVELS), "bias of the blend"]
    print("| stock-outs |", " | ".join(heads), "|\n" + "| --- " * (1 + len(heads)) + "|")
    for name, history in told.items():
        lessons = teach(panel_of(without_spikes(history, RULES), RULES, groups), (Law(float(AHEAD), 0.0),))
        if lessons is None:
            raise SystemExit("nothing was learned")
        estimate = BlendedVelocity().estimate(history, RULES)
        ahead = outlook(history, estimate, RULES, lessons, question)
        blend = (estimate.velocity * days)[rows].sum() / came[rows].sum() - 1
        print(f"| {name} |", line(ahead, came, rows), f"| {blend:+.1%} |")


if __name__ == "__main__":
    main()
