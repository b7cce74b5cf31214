"""What the watch proposes for a case: a purchase, a transfer in its place, or a clearance.

A purchase is bought on the cheapest route that arrives before the stock-out, otherwise on the soonest, in the quantity
that this route's own lead time asks for, raised to its minimum and whole packs. A transfer replaces it where another
location has stock above its own order-up-to level that comes sooner and cheaper (`bot.domain.sourcing.find_moves`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.demand import SeriesHistory
from bot.domain.replenishment import Transfers, order_quantity
from bot.domain.sourcing import Moves, Offer, SourcingSettings, choose_offer, clearance, freight_minor
from bot.domain.watch import Assessment, Routes, assess
from bot.services.figures import decimal
from bot.services.snapshot import Snapshot
from bot.storage.requests import Draft


@dataclass(frozen=True, slots=True)
class Need:
    """A case that wants a proposal: its series' row and its severity."""

    case_id: int
    row: int
    severity: int


class Drafting:
    """Drafts for the cases of one scan."""

    def __init__(self, taken: Snapshot, assessed: Assessment, moves: Moves, settings: SourcingSettings) -> None:
        self._taken = taken
        self._assessed = assessed
        self._moves = moves
        self._settings = settings
        self._takers = _takers(moves.relocate)

    def restock(self, needs: Sequence[Need]) -> list[Draft]:
        """Purchases and transfers for stock-out risks whose position asks for an order."""
        due = [need for need in needs if self._assessed.supply.order_quantity[need.row] > 0]
        moved = {need.row: draft for need in due if (draft := self._transfer_in(need)) is not None}
        bought = [need for need in due if need.row not in moved]
        offers = {need.row: self._offer(need.row) for need in bought}
        quantities = self._quantities({row: offer for row, offer in offers.items() if offer is not None})
        drafts = list(moved.values())
        for need in bought:
            offer = offers[need.row]
            if offer is not None:
                draft = self._purchase(need, offer, quantities.get(need.row, 0))
                drafts += [draft] if draft is not None else []
        return drafts

    def clear(self, needs: Sequence[Need]) -> list[Draft]:
        """Transfers to where the goods are wanted, otherwise clearances, for slow movers and overstocks."""
        found = ((self._transfer_out(need) or self._clearance(need)) for need in needs)
        return [draft for draft in found if draft is not None]

    def _offer(self, row: int) -> Offer | None:
        return choose_offer(self._taken.market.offers(row), float(self._assessed.supply.runout.stockout[row]))

    def _quantities(self, offers: Mapping[int, Offer]) -> dict[int, int]:
        """Order quantities: the planned ones, and for series bought on another route by that route's lead time."""
        supply, routes = self._assessed.supply, self._taken.market.routes
        planned = {row: int(supply.order_quantity[row]) for row in offers}
        other = [row for row, offer in offers.items() if offer.route != self._planned(row)]
        if not other:
            return planned
        rows = np.array(other, dtype=np.int64)
        route = np.array([offers[row].route for row in other], dtype=np.int64)
        again = self._reassess(rows, route)
        asked = order_quantity(
            again.supply.order_up_to, again.supply.position, routes.minimum_order[route], routes.pack_size[route]
        )
        return planned | {row: int(units) for row, units in zip(other, asked.tolist(), strict=True) if units > 0}

    def _reassess(self, rows: Ints, route: Ints) -> Assessment:
        """The same series on other routes; their classes and service levels stay those of the whole catalogue."""
        taken, a, columns = self._taken, self._assessed, self._taken.market.routes
        history = SeriesHistory(
            taken.history.first_day,
            taken.history.units[rows],
            taken.history.on_hand[rows],
            receipts=None if taken.history.receipts is None else taken.history.receipts[rows],
        )
        routes = Routes(
            lead_time_days=columns.lead_time[route],
            lead_time_sd=columns.lead_time_sd[route],
            review_days=taken.routes.review_days[rows],
            minimum_order=columns.minimum_order[route],
            pack_size=columns.pack_size[route],
            unit_cost_minor=taken.routes.unit_cost_minor[rows],
            unit_price_minor=taken.routes.unit_price_minor[rows],
            service_level=a.supply.service_level[rows],
        )
        positions = dataclasses.replace(
            taken.positions,
            **{
                field.name: getattr(taken.positions, field.name)[rows]
                for field in dataclasses.fields(taken.positions)
                if getattr(taken.positions, field.name) is not None
            },
        )
        return assess(history, routes, positions, a.settings, classes=a.stock.abc[rows])

    def _planned(self, row: int) -> int:
        index = int(self._taken.market.planned[row])
        return int(self._taken.market.route[index]) if index >= 0 else -1

    def _purchase(self, need: Need, offer: Offer, quantity: int) -> Draft | None:
        """None where no price is known: an order without its cost cannot be approved."""
        taken, routes, row = self._taken, self._taken.market.routes, need.row
        product, route = taken.product(row), offer.route
        cost, currency = int(routes.cost[route]), routes.currency[route]
        if cost < 0:
            cost, currency = product.unit_cost_minor or 0, product.currency
        if cost <= 0 or quantity <= 0:
            return None
        return Draft(
            kind="purchase_order",
            case_id=need.case_id,
            product_id=product.id,
            location_id=taken.place(row).id,
            quantity=quantity,
            unit_cost_minor=cost,
            total_minor=cost * quantity,
            currency=currency,
            supplier_id=int(routes.supplier[route]),
            expected_on=taken.today_of(row) + timedelta(days=math.ceil(offer.lead_time_days)),
            detail={
                **self._reasons(need),
                "mode": routes.mode[route],
                "lead_time_days": str(decimal(offer.lead_time_days, 1)),
                "minimum_order": int(routes.minimum_order[route]),
                "pack_size": int(routes.pack_size[route]),
                "in_time": offer.lead_time_days <= float(self._assessed.supply.runout.stockout[row]),
            },
        )

    def _transfer_in(self, need: Need) -> Draft | None:
        """Stock of another location for a restock, where moving it costs less than buying."""
        donor = int(self._moves.restock.donor[need.row])
        if donor < 0:
            return None
        offer = self._offer(need.row)
        days = self._days(donor, need.row)
        unit = int(self._taken.routes.unit_cost_minor[need.row])
        buying = unit if offer is None or offer.unit_cost_minor is None else offer.unit_cost_minor
        if freight_minor(unit, days, self._settings) >= buying:
            return None
        return self._transfer(need, donor, need.row, int(self._moves.restock.quantity[need.row]))

    def _transfer_out(self, need: Need) -> Draft | None:
        """Slow stock to the location that can use most of it."""
        takers = self._takers.get(need.row)
        if not takers:
            return None
        taker, quantity = takers[0]
        return self._transfer(need, need.row, taker, quantity)

    def _transfer(self, need: Need, donor: int, taker: int, quantity: int) -> Draft | None:
        taken = self._taken
        product, days = taken.product(donor), self._days(donor, taker)
        cost = product.unit_cost_minor
        if cost is None:
            return None
        return Draft(
            kind="transfer",
            case_id=need.case_id,
            product_id=product.id,
            location_id=taken.place(taker).id,
            from_location_id=taken.place(donor).id,
            quantity=quantity,
            unit_cost_minor=cost,
            total_minor=cost * quantity,
            currency=product.currency,
            expected_on=taken.today_of(taker) + timedelta(days=math.ceil(days)),
            detail={
                **self._reasons(need),
                "lead_time_days": str(decimal(days, 1)),
                "freight_minor": freight_minor(cost, days, self._settings) * quantity,
                "donor_available": int(taken.positions.available[donor]),
                "donor_order_up_to": math.ceil(self._assessed.supply.order_up_to[donor] - 1e-9),
            },
        )

    def _clearance(self, need: Need) -> Draft | None:
        """A lower price for what lies above the order-up-to level, where clearing beats holding."""
        taken, supply, row = self._taken, self._assessed.supply, need.row
        product, available = taken.product(row), int(taken.positions.available[row] - taken.promised[row])
        kept = min(available, math.ceil(supply.order_up_to[row] - 1e-9))
        terms = clearance(
            available - kept,
            kept,
            float(self._assessed.demand.velocity[row]),
            product.unit_price_minor or 0,
            product.unit_cost_minor or 0,
            self._assessed.settings.ageing.carrying_rate,
            self._settings,
        )
        if terms is None:
            return None
        discount = terms.price_minor - terms.promo_price_minor
        return Draft(
            kind="promotion",
            case_id=need.case_id,
            product_id=product.id,
            location_id=taken.place(row).id,
            quantity=terms.quantity,
            unit_cost_minor=product.unit_cost_minor or 0,
            total_minor=discount * terms.quantity,
            currency=product.currency,
            detail={
                **self._reasons(need),
                "price_minor": terms.price_minor,
                "promo_price_minor": terms.promo_price_minor,
                "floor_price_minor": terms.floor_price_minor,
                "break_even_minor": terms.break_even_minor,
                "depth": str(decimal(discount / terms.price_minor, 4)),
                "below_cost": terms.promo_price_minor < (product.unit_cost_minor or 0),
                "wait_days": str(decimal(terms.wait_days, 1)),
                "ends_on": (taken.today_of(row) + timedelta(days=self._settings.promotion_days)).isoformat(),
            },
        )

    def _reasons(self, need: Need) -> dict[str, Any]:
        """The figures that a proposal rests on."""
        supply, row = self._assessed.supply, need.row
        cover = decimal(supply.runout.cover[row])
        return {
            "severity": need.severity,
            "on_hand": int(self._taken.positions.on_hand[row]),
            "per_day": str(decimal(self._assessed.demand.velocity[row], 4)),
            "position": int(supply.position[row]),
            "order_up_to": math.ceil(supply.order_up_to[row] - 1e-9),
            "days_of_cover": None if cover is None else str(cover),
        }

    def _days(self, donor: int, taker: int) -> float:
        network = self._taken.network
        return float(network.transfer_days[network.location[donor], network.location[taker]])


def _takers(moves: Transfers) -> dict[int, list[tuple[int, int]]]:
    """For each donor's row the (taker's row, units), most units first."""
    found: dict[int, list[tuple[int, int]]] = {}
    takers: Iterable[int] = np.flatnonzero(moves.donor >= 0).tolist()
    for taker in takers:
        found.setdefault(int(moves.donor[taker]), []).append((taker, int(moves.quantity[taker])))
    return {donor: sorted(units, key=lambda pair: (-pair[1], pair[0])) for donor, units in found.items()}
