"""Which routes may serve each series, and the one its replenishment is planned on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats, Ints
from bot.domain.reviewdates import days_to_review
from bot.domain.sourcing import Offer, row_numbers
from bot.services.exchange import Exchange
from bot.storage.catalogue import RouteColumns


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Every offer: series `row[k]` may be bought on route number `route[k]` (an index into `routes`).

    Sorted by row. `cost` is the landed cost in the organisation's minor units, -1 where unknown. `planned` (n,) is the
    index of the cheapest offer of each series, then the soonest; -1 where it has none.
    """

    routes: RouteColumns
    row: Ints
    route: Ints
    cost: Ints
    planned: Ints

    def offers(self, row: int) -> list[Offer]:
        """What a series may be bought on."""
        start, end = np.searchsorted(self.row, [row, row + 1])
        return [
            Offer(
                int(self.route[k]),
                float(self.routes.lead_time[self.route[k]]),
                int(self.cost[k]) if self.cost[k] >= 0 else None,
            )
            for k in range(start, end)
        ]

    @property
    def planned_route(self) -> Ints:
        """The route number (n,) that each series is planned on; -1 where it has none."""
        if not len(self.route):
            return np.full(len(self.planned), -1, dtype=np.int64)
        return np.where(self.planned >= 0, self.route[np.maximum(self.planned, 0)], -1)

    def of_plan(self, values: NDArray[np.float64] | NDArray[np.int64], missing: float) -> Floats:
        """A route column for each series by its planned route; `missing` without one."""
        if not len(self.route):
            return np.full(len(self.planned), missing)
        chosen = values[self.route[np.maximum(self.planned, 0)]]
        return np.where(self.planned >= 0, chosen, missing).astype(np.float64)


def review_columns(routes: RouteColumns, route: Ints, today: Ints, usual: float) -> dict[str, Any]:
    """The fields of `bot.domain.watch.Routes` that say when series are ordered, by route number (n,), -1 for none.

    `today` (n,) is the local day in days since 1970, `usual` the days between two orders of a supplier without dates.
    """
    known = (route >= 0) & (len(routes.id) > 0)
    at = np.where(known, route, 0)
    every = np.where(known, routes.review_every[at], 0) if known.any() else np.zeros(len(route), dtype=np.int64)
    if not every.any():
        return {"review_days": np.full(len(route), usual), "review_every": None, "review_wait": None}
    return {
        "review_days": np.where(every > 0, every, usual).astype(np.float64),
        "review_every": every.astype(np.float64),
        "review_wait": days_to_review(routes.review_from[at], every, today),
    }


def market(
    routes: RouteColumns,
    assortments: Mapping[int, Collection[int]],
    series: tuple[Ints, Ints],
    product_cost: Ints,
    exchange: Exchange,
) -> Market:
    """The offers of each series (product, location). A route without a product serves what its supplier has routes for,
    and everything where the supplier has none of its own. `product_cost` (n,) stands in for a route without a cost.
    """
    product, location = series
    own = np.flatnonzero(routes.product > 0)
    at = row_numbers(product, location, routes.product[own], routes.location[own])
    rows, chosen = [at[at >= 0]], [own[at >= 0]]
    for index in np.flatnonzero(routes.product == 0):
        served = location == routes.location[index]
        goods = assortments.get(int(routes.supplier[index]))
        if goods is not None:
            served &= np.isin(product, np.fromiter(goods, dtype=np.int64))
        found = np.flatnonzero(served)
        rows.append(found)
        chosen.append(np.full(len(found), index, dtype=np.int64))
    row, route = np.concatenate(rows), np.concatenate(chosen)
    cost = _landed(routes, exchange)[route]
    cost = np.where(cost == _OF_PRODUCT, product_cost[row], cost)
    dearness = np.where(cost > 0, cost, np.iinfo(np.int64).max)
    order = np.lexsort((route, routes.lead_time[route], dearness, row))
    row, route, cost = row[order], route[order], cost[order]
    planned = np.full(len(product), -1, dtype=np.int64)
    first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.empty(0, dtype=np.int64)
    planned[row[first]] = first
    return Market(routes, row, route, np.where(cost > 0, cost, -1), planned)


_OF_PRODUCT = -2


def _landed(routes: RouteColumns, exchange: Exchange) -> Ints:
    """Each route's landed cost in the organisation's minor units: -1 unknown, -2 the product's own."""
    cost = np.full(len(routes.id), -1, dtype=np.int64)
    currencies = np.asarray(routes.currency, dtype=object)
    for currency in set(routes.currency):
        factor = exchange.factor(currency)
        if factor is not None:
            mine = currencies == currency
            cost[mine] = np.rint(routes.cost[mine] * float(factor)).astype(np.int64)
    return np.where(routes.cost < 0, _OF_PRODUCT, cost).astype(np.int64)
