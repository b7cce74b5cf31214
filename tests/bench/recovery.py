"""`python -m tests.bench.recovery [FOLDER]`: how much of the demand that stock-outs hid is found again.

FOLDER holds `fresh_retail_daily.parquet` (FreshRetailNet-50K) with the columns `store_id`, `product_id`, `dt`, `sale`
and `stockout_hours_6_22`; by default it is `shared/data` beside the repository. Of the series that had stock all day on
more than three days of four, the sales of those days are hidden by the stock-out hours of another series, drawn by
seed: a day loses the share of its sales that the other was out of 16 hours. The rate is the forecast of the next 14
days. Error: the absolute difference to the rate that the full record gives, over that rate, all series together.
Uncorrected: the days are forecast as if there had been stock; corrected: with the share of each day in stock.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyarrow import parquet

from bot.domain.arrays import Floats
from bot.domain.forecasting import Engine, Panel

NAME = "fresh_retail_daily.parquet"
FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
COLUMNS = ["store_id", "product_id", "dt", "sale", "stockout_hours_6_22"]
HOURS, HORIZON, SEEDS = 16.0, 14, (1, 2, 3)
MOSTLY = 0.75  # of its days with stock throughout makes a full record


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Sales and the share of each day in stock (series, days), and the first day."""

    sale: Floats
    in_stock: Floats
    first: np.datetime64

    def panel(self, sale: Floats, in_stock: Floats | None) -> Panel:
        """The record's series with other sales."""
        stock = None if in_stock is None else in_stock.astype(np.float32)
        none, unknown = np.zeros(len(sale), dtype=np.int64), np.full(len(sale), np.nan)
        first = self.first.astype("M8[D]").item()
        return Panel(first, "day", sale.astype(np.float32), stock, none, none, none, unknown, unknown)


def read(path: Path) -> Record:
    """Every series over all days; the file holds one row for each."""
    table = parquet.read_table(path, columns=COLUMNS)
    store, product, day, sale, out = (table[name].to_numpy() for name in COLUMNS)
    order = np.lexsort((day, product, store))
    days = len(np.unique(day))
    shape = (len(order) // days, days)
    return Record(sale[order].reshape(shape), 1.0 - out[order].reshape(shape) / HOURS, day.min())


def hidden(full: Record, others: Floats, seed: int) -> Record:
    """The full record with the days in stock of others drawn by chance, where it had stock all day."""
    drawn = others[np.random.default_rng(seed).integers(len(others), size=len(full.sale))]
    share = np.where(full.in_stock >= 1.0, drawn, 1.0)
    return dataclasses.replace(full, sale=full.sale * share, in_stock=full.in_stock * share)


def rate(panel: Panel) -> Floats:
    """Units expected a day (n,)."""
    expected: Floats = Engine().forecast(panel, HORIZON, (0.5,)).mean.mean(axis=1)
    return expected


def errors(full: Record, others: Floats, seed: int) -> tuple[float, float]:
    """The share of the rate that is missed: uncorrected, and corrected."""
    true, seen = rate(full.panel(full.sale, full.in_stock)), hidden(full, others, seed)
    found = (rate(seen.panel(seen.sale, stock)) for stock in (None, seen.in_stock))
    uncorrected, corrected = (float(np.abs(one - true).sum() / true.sum()) for one in found)
    return uncorrected, corrected


def main(arguments: Sequence[str]) -> int:
    """Print a row per seed."""
    path = (Path(arguments[0]) if arguments else FOLDER) / NAME
    if not path.is_file():
        print(f"Left out: {NAME}, for it is not in {path.parent}; name its folder.")
        return 0
    every = read(path)
    mostly = (every.in_stock >= 1.0).mean(axis=1) > MOSTLY
    full = Record(every.sale[mostly], every.in_stock[mostly], every.first)
    print(f"{mostly.sum():,} of {len(mostly):,} series had stock all day on more than {MOSTLY:.0%} of days")
    print("| seed | uncorrected | corrected |\n| --- | --- | --- |")
    for seed in SEEDS:
        uncorrected, corrected = errors(full, every.in_stock[~mostly], seed)
        print(f"| {seed} | {uncorrected:.1%} | {corrected:.1%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
