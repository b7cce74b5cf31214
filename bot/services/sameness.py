"""Which cases a scan need not write: what they keep is what it would write again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter

import numpy as np

from bot import __version__
from bot.domain.arrays import Bools, Ints
from bot.domain.cases import step
from bot.domain.fingerprint import Fingerprints, number
from bot.domain.watch import Assessment
from bot.services.snapshot import Snapshot
from bot.storage.cases import CaseRow


def fingerprints(taken: Snapshot, assessed: Assessment) -> Ints:
    """A number per series (n,) of all that `figures.evidence_of_kind` tells of it, but for the instant of the scan."""
    marks = Fingerprints(len(taken.product_ids))
    marks.shared((__version__, taken.exchange.currency, taken.lift))
    marks.figures(assessed)
    for column in (taken.product_ids, taken.location_ids, taken.today):
        marks.column(column)
    _categories(taken, marks)
    _money(taken, marks)
    _routes(taken, marks)
    late = np.zeros((len(taken.product_ids), 2), np.int64)
    for row, day in taken.overdue_since.items():
        late[row, 0] = day.toordinal()
    for row, orders in taken.overdue_orders.items():
        late[row, 1] = number(orders)
    marks.column(late)
    return marks.numbers


def _categories(taken: Snapshot, marks: Fingerprints) -> None:
    """What the category of each series is called."""
    kinds, where = np.unique(taken.category, return_inverse=True)
    names = [taken.category_names.get(kind, "").encode() for kind in kinds.tolist()]
    digests = [int.from_bytes(blake2b(name, digest_size=8).digest()) for name in names]
    marks.column(np.array(digests, np.uint64)[where])


def _money(taken: Snapshot, marks: Fingerprints) -> None:
    """What products cost in their own currencies, and the rates of those."""
    ids, where = np.unique(taken.product_ids, return_inverse=True)
    rows = [taken.products[product_id] for product_id in ids.tolist()]
    pairs: dict[tuple[str, str | None], int] = {}
    for row in rows:
        pairs.setdefault((row.currency, row.store_currency), len(pairs))
    columns = [
        (
            pairs[row.currency, row.store_currency],
            -1 if row.unit_cost_minor is None else row.unit_cost_minor,
            -1 if row.unit_price_minor is None else row.unit_price_minor,
            -1 if row.store_price_minor is None else row.store_price_minor,
        )
        for row in rows
    ]
    marks.column(np.array(columns, np.int64).reshape(-1, 4)[where])
    marks.shared([(pair, taken.exchange.rate(pair[0]), taken.exchange.rate(pair[1] or "")) for pair in pairs])


def _routes(taken: Snapshot, marks: Fingerprints) -> None:
    """How the lead time of each series' route was learned."""
    routes, planned = taken.market.routes, taken.market.planned_route
    for column in (routes.lead_time, routes.stated, routes.closed, routes.observations):
        marks.column(np.append(column, 0)[planned])  # -1, no route, finds the zero


def quiet(
    cases: Sequence[CaseRow], rows: Ints, known: Mapping[int, int], prints: Ints, levels: tuple[Ints, Ints, Ints]
) -> Bools:
    """Which cases of one kind stay as they are, untold; `rows` are those of their series, -1 where there is none.

    `known` are the fingerprints by case as they were written last, `prints` those of the series now, and `levels` the
    severities by the opening and by the relaxed limits and the money at risk, of each series.
    """
    if not cases:
        return np.zeros(0, np.bool_)
    opens, holds, money = levels
    # Column by column: there are many.
    severity, told, at_risk = (
        np.array(list(map(attrgetter(name), cases)), np.int64)
        for name in ("severity", "notified_severity", "money_minor")
    )
    awake = np.array([case.snoozed_until is None for case in cases])
    prints_before = list(map(known.get, map(attrgetter("id"), cases)))
    written = np.array([found is not None for found in prints_before])
    before = np.array([found or 0 for found in prints_before], np.int64)
    same = written & (prints[rows] == before) & (money[rows] == at_risk)
    same &= (severity > 0) & (step(severity, opens[rows], holds[rows]) == severity)
    stays: Bools = same & (rows >= 0) & awake & (told >= severity)
    return stays
