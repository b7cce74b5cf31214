"""`python -m tests.bench.newcomers`: what is expected of new products, with their category's rates and without.

Of 60 shops of FreshRetailNet-50K (in `shared/data` beside the repository, or the folder named), a fifth of the series
is chosen at random, and all but the last few of their first 62 days are hidden; the others teach with all
of them. What is then expected of the 28 days after, had they stock, is held against the days that had. `out` is the
share of days since the listing on which a new product had no stock, chosen at random, the first aside.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory, without_spikes
from bot.domain.forecasting import lessons as taught
from bot.domain.forecasting.lessons import Law, teach
from bot.domain.groups import Groups
from bot.domain.hindsight import pinball
from bot.domain.outlook import Outlook, Question, outlook, panel_of
from tests.bench.recovery import FOLDER, NAME

PAST, AHEAD = 62, 28
LISTED, OUT = (3, 7, 14, 28), (0.0, 0.6)
SHOPS, HIDDEN, LEAST = 60, 5, 20  # shops, one series of so many hidden, days ahead with stock
LEVELS = (0.8, 0.95, 0.98)
EMPTY_HOURS = 12  # of the 16 from six on, by which a day counts as one without stock
FIRST = date(2024, 3, 28)
RULES = DemandSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Shops:
    """Whole units (n, 90) of each series, its days without stock, and what series have in common."""

    units: Ints
    empty: Bools
    groups: Groups


def shops(folder: Path, level: str) -> Shops:
    """The series of some shops, by the categories of a level."""
    columns = ["store_id", "product_id", "dt", "sale", "stockout_hours_6_22"]
    table = pq.read_table(folder / NAME, columns=columns)
    table = table.sort_by([("store_id", "ascending"), ("product_id", "ascending"), ("dt", "ascending")])
    store, product, sold, hours = (table[name].to_numpy() for name in ("store_id", "product_id", "sale", columns[-1]))
    days = PAST + AHEAD
    chosen = np.random.default_rng(3).choice(np.unique(store), SHOPS, replace=False)
    rows = np.isin(store[::days], chosen)
    names = pq.read_table(folder / "fresh_retail_products.parquet")
    kinds = dict(zip(names["product_id"].to_pylist(), names[level].to_pylist(), strict=True))
    category = np.array([kinds[one] for one in product[::days][rows].tolist()], dtype=np.int64) + 1
    units = np.rint(sold).astype(np.int64).reshape(-1, days)[rows]
    empty = (hours >= EMPTY_HOURS).reshape(-1, days)[rows]
    return Shops(units, empty, Groups(category, store[::days][rows].astype(np.int64)))


def hidden(of: Shops, new: Bools, listed: int, out: float) -> SeriesHistory:
    """The past as it would be, had the new series been listed so many days ago."""
    units = of.units[:, :PAST].copy()
    stock = np.where(of.empty[:, :PAST], 0, 9)
    gone = np.zeros(units.shape, dtype=np.bool_)
    gone[:, : PAST - listed] = True
    gone[:, PAST - listed + 1 :] = np.random.default_rng(9).random((len(units), listed - 1)) < out
    gone &= new[:, None]
    units[gone], stock[gone] = 0, 0
    return SeriesHistory(FIRST, units, stock)


def expected(of: Shops, history: SeriesHistory, new: Bools) -> tuple[Outlook, Outlook]:
    """What is expected of the days ahead that had stock: without categories to borrow from, and with them."""
    teachers = panel_of(without_spikes(history, RULES), RULES, of.groups).chosen(~new)
    lessons = teach(teachers, (Law(float(AHEAD), 0.0),))
    if lessons is None:
        raise SystemExit("nothing was learned")
    estimate, n = BlendedVelocity().estimate(history, RULES), history.series
    days = np.maximum((~of.empty[:, PAST:]).sum(axis=1), 1).astype(np.float64)
    question = Question(days, days, None, np.zeros(n), np.full(n, LEVELS[-1]), of.groups)
    alone = outlook(history, estimate, RULES, replace(lessons, newcomers=None), question)
    return alone, outlook(history, estimate, RULES, lessons, question)


def line(ahead: Outlook, came: Floats, rows: Ints) -> str:
    """Bias, mean absolute and root mean square error by what came, coverage and pinball loss at each level."""
    mean, sold = ahead.lead.mean[rows], came[rows]
    off = mean - sold
    columns = (2, 3, 0)  # of the quantiles that an outlook shows
    quantiles = [ahead.lead.quantile[rows, column] for column in columns]
    cover = " | ".join(f"{(sold <= one).mean():.3f}" for one in quantiles)
    loss = " | ".join(f"{pinball(level, one, sold).mean():.2f}" for level, one in zip(LEVELS, quantiles, strict=True))
    scaled = f"{np.abs(off).sum() / sold.sum():.3f} | {np.sqrt((off**2).mean()) / sold.mean():.3f}"
    return f"{off.sum() / sold.sum():+.1%} | {scaled} | {cover} | {loss}"


def main() -> None:
    """Reckon and print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--folder", type=Path, default=FOLDER)
    asked.add_argument("--level", default="second_category_id", help="a column of fresh_retail_products")
    given = asked.parse_args()
    if not (given.folder / NAME).exists():
        raise SystemExit(f"left out: {NAME} (FreshRetailNet-50K) is not in the folder; name another by --folder")
    taught.LEAST_DAYS = PAST  # the file has 90 days in all
    of = shops(given.folder, given.level)
    n = len(of.units)
    new = np.zeros(n, dtype=np.bool_)
    new[np.random.default_rng(3).choice(n, n // HIDDEN, replace=False)] = True
    stocked = ~of.empty[:, PAST:]
    came = np.where(stocked, of.units[:, PAST:], 0).sum(axis=1).astype(np.float64)
    heads = ["bias", "abs. error", "rms error", *(f"covered {level:g}" for level in LEVELS)]
    heads += [f"pinball {level:g}" for level in LEVELS]
    print("| listed | out | borrowing |", " | ".join(heads), "|\n" + "| --- " * (3 + len(heads)) + "|")
    for out in OUT:
        for listed in LISTED:
            history = hidden(of, new, listed, out)
            sees = history.on_hand[:, PAST - listed :].any(axis=1)
            rows = np.flatnonzero(new & (stocked.sum(axis=1) >= LEAST) & sees)
            for name, ahead in zip(("no", "yes"), expected(of, history, new), strict=True):
                print(f"| {listed} | {out:g} | {name} |", line(ahead, came, rows), "|")


if __name__ == "__main__":
    main()
