"""`python -m tests.bench.leadtimes FILE`: which shape lead times have, by what each would have planned with.

FILE is a Parquet file of deliveries with the columns `vendor`, `country`, `po_so_no`, `po_sent_on`, `scheduled_on`,
`delivered_on` and `quantity_packs`, as the SCMS Delivery History has them. A route is a vendor and a country; its
stated lead time is the promise of its first order, with a fifth of it as deviation. For each order of a route with five
earlier deliveries, quantiles are computed from what had been delivered before it was sent, and scored by pinball loss;
figures are per cent of the mean lead time, lower is better. `share` is how often the lead time was within the quantile.
Spoiled: 3% of the deliveries known then are put in as ten times as long; the others are scored.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, get_args

import numpy as np
from pyarrow import parquet
from scipy.special import ndtri

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.leadtime import Deliveries, LeadTimeSettings, Stated, learn, quantiles

Shape = Literal["normal", "lognormal", "gamma"]
LEVELS = (0.8, 0.9, 0.95)
LEAST = 5  # earlier deliveries
COLUMNS = ["vendor", "country", "po_so_no", "po_sent_on", "scheduled_on", "delivered_on", "quantity_packs"]
_EPOCH = date(1970, 1, 1)
PLAIN = LeadTimeSettings(clip=1e9, window_days=10**6)
ROBUST = LeadTimeSettings(window_days=10**6)


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """One row per order: its route's number, the days it was sent and here, and how long it took and was to take."""

    route: Ints
    sent: Ints
    here: Ints
    took: Floats
    promised: Floats


def read(path: str) -> Orders:
    """The orders of a file whose sending is known, by the day they were sent; parts weighted by their packs."""
    found: dict[tuple[str, str, str, date], list[tuple[int, int, int, int]]] = {}
    for row in parquet.read_table(path, columns=COLUMNS).to_pylist():
        sent = row["po_sent_on"]
        if sent is None or row["delivered_on"] < sent:
            continue
        took, promised = (row["delivered_on"] - sent).days, (row["scheduled_on"] - sent).days
        key = (row["vendor"], row["country"], row["po_so_no"], sent)
        found.setdefault(key, []).append((max(row["quantity_packs"] or 0, 1), took, promised, took))
    routes = {
        key: number for number, key in enumerate(dict.fromkeys((vendor, land) for vendor, land, _po, _on in found))
    }
    rows = []
    for (vendor, land, _po, sent), parts in found.items():
        table = np.array(parts, dtype=np.float64)
        packs, day = table[:, 0], (sent - _EPOCH).days
        took, promised = (float((packs * table[:, at]).sum() / packs.sum()) for at in (1, 2))
        rows.append((routes[vendor, land], day, day + int(table[:, 3].max()), took, max(promised, 1.0)))
    table = np.array(sorted(rows, key=lambda row: row[1]))
    route, sent_on, here = table[:, :3].astype(np.int64).T
    return Orders(route, sent_on, here, np.maximum(table[:, 3], 0.1), table[:, 4])


def shaped(days: Floats, sd: Floats, shape: Shape) -> Floats:
    """Quantiles (n, levels) of lead times of that shape, mean and deviation."""
    z, mean = ndtri(np.array(LEVELS))[None, :], days[:, None]
    cv = (np.maximum(sd, 1e-9) / days)[:, None]
    match shape:
        case "normal":
            return np.maximum(mean * (1 + cv * z), 0.0)
        case "lognormal":
            log_variance = np.log1p(cv**2)
            return np.asarray(mean * np.exp(np.sqrt(log_variance) * z - log_variance / 2))
        case "gamma":
            return quantiles(days, sd, np.array(LEVELS))


def scored(orders: Orders, settings: LeadTimeSettings) -> dict[Shape, Floats]:
    """Quantiles (orders, levels) by shape of each order, NaN where its route had too few deliveries before it."""
    first = np.unique(orders.route, return_index=True)[1]
    size = len(first)
    ids, none = np.arange(size), np.zeros(size, dtype=np.int64)
    stated = Stated(ids, none, none, none, orders.promised[first], 0.2 * orders.promised[first])
    out: dict[Shape, Floats] = {shape: np.full((len(orders.sent), len(LEVELS)), np.nan) for shape in get_args(Shape)}
    for day in np.unique(orders.sent):
        known = np.flatnonzero(orders.here < day)
        blank = np.zeros(len(known), dtype=np.int64)
        units = np.ones(len(known), dtype=np.int64)
        seen = Deliveries(known, orders.route[known], blank, blank, blank, units, orders.took[known])
        learned = learn(stated, seen, settings)
        mine = np.flatnonzero((orders.sent == day) & (learned.observations[orders.route] >= LEAST))
        for shape, found in out.items():
            at = orders.route[mine]
            found[mine] = shaped(learned.days[at], learned.sd[at], shape)
    return out


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    orders = read(arguments[0])
    absurd = np.random.default_rng(1).random(len(orders.took)) < 0.03
    spoiled = replace(orders, took=np.where(absurd, orders.took * 10, orders.took))
    for title, seen, judged in (("as it is", orders, ~np.zeros_like(absurd)), ("spoiled", spoiled, ~absurd)):
        for name, settings in (("plain", PLAIN), ("robust", ROBUST)):
            show(f"{title}, {name}", orders, scored(seen, settings), judged)
    return 0


def show(title: str, orders: Orders, results: dict[Shape, Floats], judged: Bools) -> None:
    """One table: a row per shape."""
    chosen = judged & ~np.isnan(results["normal"][:, 0])
    took, levels = orders.took[chosen], np.array(LEVELS)
    head = "  ".join(f"{f'at {level:g}':>8}  share" for level in LEVELS)
    print(f"{title}: {chosen.sum():,} orders of {len(np.unique(orders.route[chosen])):,} routes")
    print(f"  {'shape':10}  {head}   mean")
    for shape, found in results.items():
        gap = took[:, None] - found[chosen]
        loss = np.maximum(levels * gap, (levels - 1) * gap).mean(axis=0) / took.mean() * 100
        share = (gap <= 0).mean(axis=0)
        cells = "  ".join(f"{each:8.2f}  {part:5.1%}" for each, part in zip(loss, share, strict=True))
        print(f"  {shape:10}  {cells}  {loss.mean():5.2f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
