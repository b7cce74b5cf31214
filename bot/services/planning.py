"""The figures of a few products as the watch has them, for whoever buys, edits or weighs options."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.replenishment import pack_up
from bot.domain.sourcing import Moves, Offer, SourcingSettings, find_moves
from bot.domain.watch import Assessment
from bot.services.catalogue import Catalogue
from bot.services.drafting import Drafting, Need
from bot.services.snapshot import Snapshot
from bot.storage import suppliers as supplier_rows
from bot.storage.cases import CaseRow

Taken = Mapping[tuple[int, int], int]  # (product, location) -> units that a request brings and that do not count


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Some products at every place, judged at one instant, and what writes lines for them."""

    taken: Snapshot
    assessed: Assessment
    moves: Moves
    drafting: Drafting

    def row(self, product_id: int, location_id: int) -> int | None:
        """The series of a product at a place; None where it has no facts."""
        return self.taken.find(product_id, location_id)

    def offers(self, row: int, supplier_id: int | None = None, mode: str = "") -> list[Offer]:
        """What a series may be bought on: of one supplier, by one mode, where they are named."""
        routes = self.taken.market.routes
        return [
            offer
            for offer in self.taken.market.offers(row)
            if (supplier_id is None or int(routes.supplier[offer.route]) == supplier_id)
            and (not mode or routes.mode[offer.route] == mode)
        ]

    def supplier(self, offer: Offer) -> int:
        """Who makes an offer."""
        return int(self.taken.market.routes.supplier[offer.route])

    def mode(self, offer: Offer) -> str:
        """How its goods come."""
        return self.taken.market.routes.mode[offer.route]

    def lot(self, offer: Offer, units: int) -> int:
        """So many units raised to the route's minimum and whole packs."""
        routes = self.taken.market.routes
        least, pack = routes.minimum_order[offer.route], routes.pack_size[offer.route]
        return int(pack_up(np.array([units]), np.array([least]), np.array([pack]))[0])

    def need(self, row: int, case: CaseRow | None) -> Need:
        """What a line answers: the case of the series, or nothing but somebody's wish."""
        if case is not None:
            return Need(case.id, row, case.severity, case.money_minor)
        return Need(None, row, 0, int(self.assessed.money_minor["stockout_risk"][row]))


async def plan(
    connection: AsyncConnection,
    catalogue: Catalogue,
    sourcing: SourcingSettings,
    product_ids: Collection[int],
    at: datetime,
    aside: Taken | None = None,
) -> Plan:
    """Judge the products as of `at`; what `aside` names is left out of the inventory position."""
    taken, classes = await catalogue.figures(connection, sorted(product_ids), at)
    taken = _without(taken, aside or {})
    assessed = taken.assess(catalogue.watch_settings, classes)
    stale = taken.positions.stale
    fresh = np.ones(assessed.series, dtype=np.bool_) if stale is None else ~stale
    moves = find_moves(assessed, taken.network, fresh, taken.promised)
    minimums = await supplier_rows.minimums(connection)
    return Plan(taken, assessed, moves, Drafting(taken, assessed, moves, sourcing, minimums))


def _without(taken: Snapshot, aside: Taken) -> Snapshot:
    pending = taken.positions.pending.copy()
    for (product_id, location_id), units in aside.items():
        row = taken.find(product_id, location_id)
        if row is not None:
            pending[row] = max(int(pending[row]) - units, 0)
    return dataclasses.replace(taken, positions=dataclasses.replace(taken.positions, pending=pending))


def listed(codes: Sequence[str], most: int = 5) -> str:
    """A few codes by name, the others by dots."""
    return ", ".join(codes[:most]) + (" ..." if len(codes) > most else "")
