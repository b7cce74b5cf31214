"""What the watch proposes for its cases: purchases, transfers in their place, and clearances.

A purchase is bought on the cheapest route that arrives before the stock-out, otherwise on the soonest, in the quantity
that this route's own lead time asks for, raised to its minimum and whole packs. A transfer replaces it where another
location has stock above its own order-up-to level that comes sooner and cheaper (`bot.domain.sourcing.find_moves`).

Lines that one supplier ships to one place by one mode in one currency share an order, and so do transfers of one way;
see `bot.domain.combining`. A clearance is always of one product at one place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.combining import MOST_LINES, MOST_SHIPPED, Piece, combine
from bot.domain.containers import Container
from bot.domain.replenishment import Transfers, order_quantity
from bot.domain.sourcing import Moves, Offer, SourcingSettings, choose_offer, clearance, freight_minor
from bot.domain.watch import Assessment, Routes, assess
from bot.services.buying import review_columns
from bot.services.figures import decimal
from bot.services.snapshot import Snapshot
from bot.storage.catalogue import ProductRow
from bot.storage.requests import Draft, DraftLine, Way


@dataclass(frozen=True, slots=True)
class Need:
    """What wants a proposal: a case or nothing, its series' row, its severity, the money at risk (organisation's)."""

    case_id: int | None
    row: int
    severity: int
    money_minor: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line to be, the way it comes, when it is here, and the money at risk that ranks it."""

    way: Way
    line: DraftLine
    expected_on: date
    money_minor: int
    container: Container | None = None  # that its route goes by

    @property
    def urgent(self) -> bool:
        """Whether the stock runs out before the goods are here."""
        return not (self.line.detail or {}).get("in_time", True)


class Drafting:
    """Drafts for the cases of one scan. `minimums` are (minor units, currency) of suppliers with a minimum order."""

    def __init__(
        self,
        taken: Snapshot,
        assessed: Assessment,
        moves: Moves,
        settings: SourcingSettings,
        minimums: Mapping[int, tuple[int, str]] | None = None,
    ) -> None:
        self._taken = taken
        self._assessed = assessed
        self._moves = moves
        self._settings = settings
        self._minimums = minimums or {}
        self._takers = _takers(moves.relocate)

    def restock(self, needs: Sequence[Need], least_minor: int = 0) -> list[Draft]:
        """Purchases and transfers for stock-out risks whose position asks for an order, most money at risk first."""
        due = [need for need in needs if self._assessed.supply.order_quantity[need.row] > 0]
        moved = {need.row: found for need in due if (found := self._transfer_in(need)) is not None}
        bought = [need for need in due if need.row not in moved]
        offers = {need.row: self._offer(need.row) for need in bought}
        quantities = self.quantities({row: offer for row, offer in offers.items() if offer is not None})
        lines = list(moved.values())
        for need in bought:
            offer = offers[need.row]
            if offer is not None:
                found = self.purchase(need, offer, quantities.get(need.row, 0))
                lines += [found] if found is not None else []
        return self._combined(lines, least_minor)

    def clear(self, needs: Sequence[Need], least_minor: int = 0) -> list[Draft]:
        """Transfers to where the goods are wanted, otherwise clearances, for slow movers and overstocks."""
        moved = {need.row: found for need in needs if (found := self._transfer_out(need)) is not None}
        left = [need for need in needs if need.row not in moved and need.money_minor >= least_minor]
        cleared = [terms for need in left if (terms := self._clearance(need)) is not None]
        return [*self._combined(list(moved.values()), least_minor), *cleared]

    def _combined(self, lines: Sequence[Proposal], least_minor: int) -> list[Draft]:
        shipped = {line.way for line in lines if line.container is not None}
        found: list[list[Proposal]] = []
        for some, most in (
            ([line for line in lines if line.way not in shipped], MOST_LINES),
            ([line for line in lines if line.way in shipped], MOST_SHIPPED),
        ):
            orders = combine([Piece(line.way, line.money_minor) for line in some], least_minor, most)
            found += [[some[number] for number in order] for order in orders]
        found.sort(key=lambda order: -sum(line.money_minor for line in order))
        return [self.order(order) for order in found]

    def order(self, lines: Sequence[Proposal]) -> Draft:
        """One order of lines that come the same way; it is here when the last of them is."""
        way = lines[0].way
        detail: dict[str, Any] = {"cool_down_days": self._settings.cool_down_days}
        if (least := self.least_total(way)) is not None:
            detail["least_total_minor"] = least
        detail |= {key: value for key, value in container_facts(lines).items() if value}
        return Draft(
            kind=way.kind,
            location_id=way.location_id,
            currency=way.currency,
            total_minor=sum(found.line.quantity * found.line.unit_cost_minor for found in lines),
            lines=tuple(found.line for found in lines),
            supplier_id=way.supplier_id,
            from_location_id=way.from_location_id,
            mode=way.mode,
            expected_on=max(found.expected_on for found in lines),
            urgent=any(found.urgent for found in lines),
            detail=detail,
        )

    def asked(self, wish: Proposal, member_id: int) -> Draft:
        """The order of one line that a person asked for."""
        return dataclasses.replace(self.order([wish]), requested_by=member_id)

    def least_total(self, way: Way) -> int | None:
        """The supplier's minimum order value in the order's currency; None where there is none or no rate."""
        if way.supplier_id is None or way.supplier_id not in self._minimums:
            return None
        minor, currency = self._minimums[way.supplier_id]
        ours, theirs = self._taken.exchange.factor(way.currency), self._taken.exchange.factor(currency)
        if currency == way.currency:
            return minor
        return None if ours is None or theirs is None else math.ceil(minor * theirs / ours)

    def _offer(self, row: int) -> Offer | None:
        return choose_offer(self._taken.market.offers(row), float(self._assessed.supply.runout.stockout[row]))

    def quantities(self, offers: Mapping[int, Offer]) -> dict[int, int]:
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
            again.supply.order_up_to, again.supply.counted, routes.minimum_order[route], routes.pack_size[route]
        )
        return planned | {row: int(units) for row, units in zip(other, asked.tolist(), strict=True) if units > 0}

    def _reassess(self, rows: Ints, route: Ints) -> Assessment:
        """The same series on other routes; their classes and service levels stay those of the whole catalogue."""
        taken, a, columns = self._taken, self._assessed, self._taken.market.routes
        routes = Routes(
            lead_time_days=columns.lead_time[route],
            lead_time_sd=columns.lead_time_sd[route],
            minimum_order=columns.minimum_order[route],
            pack_size=columns.pack_size[route],
            unit_cost_minor=taken.routes.unit_cost_minor[rows],
            unit_price_minor=taken.routes.unit_price_minor[rows],
            service_level=a.supply.service_level[rows],
            **review_columns(columns, route, taken.today[rows], self._settings.review_days),
        )
        positions = dataclasses.replace(
            taken.positions,
            **{
                field.name: getattr(taken.positions, field.name)[rows]
                for field in dataclasses.fields(taken.positions)
                if getattr(taken.positions, field.name) is not None
            },
        )
        history = taken.history.rows(rows)
        return assess(history, routes, positions, a.settings, taught=taken.taught(rows), classes=a.stock.abc[rows])

    def _planned(self, row: int) -> int:
        index = int(self._taken.market.planned[row])
        return int(self._taken.market.route[index]) if index >= 0 else -1

    def purchase(self, need: Need, offer: Offer, quantity: int) -> Proposal | None:
        """A line bought on an offer; None where no price is known: what it costs must be approved."""
        taken, routes, row = self._taken, self._taken.market.routes, need.row
        product, route = taken.product(row), offer.route
        quote, currency = int(routes.cost[route]), routes.currency[route]
        if quote < 0:
            quote, currency = product.unit_cost_minor or 0, product.currency
        if quote <= 0 or quantity <= 0:
            return None
        detail = {
            **self._reasons(need),
            "quote_minor": quote,
            "lead_time_days": str(decimal(offer.lead_time_days, 1)),
            "lead_time_sd_days": str(decimal(routes.lead_time_sd[route], 1)),
            "minimum_order": int(routes.minimum_order[route]),
            "pack_size": int(routes.pack_size[route]),
            "in_time": offer.lead_time_days <= float(self._assessed.supply.runout.stockout[row]),
            **measures(product),
        }
        way = Way("purchase_order", taken.place(row).id, currency, int(routes.supplier[route]), mode=routes.mode[route])
        here = self._here(row, offer.lead_time_days)
        line = DraftLine(product.id, quantity, quote, need.case_id, {**detail, "arrives_on": here.isoformat()})
        return Proposal(way, line, here, need.money_minor, routes.container[route])

    def _here(self, row: int, days: float) -> date:
        return self._taken.today_of(row) + timedelta(days=math.ceil(days))

    def _transfer_in(self, need: Need) -> Proposal | None:
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
        return self.transfer(need, donor, need.row, int(self._moves.restock.quantity[need.row]))

    def _transfer_out(self, need: Need) -> Proposal | None:
        """Slow stock to the location that can use most of it."""
        takers = self._takers.get(need.row)
        if not takers:
            return None
        taker, quantity = takers[0]
        return self.transfer(need, need.row, taker, quantity)

    def transfer(self, need: Need, donor: int, taker: int, quantity: int) -> Proposal | None:
        """A line moved from one series to another; None where its cost is unknown."""
        taken = self._taken
        product, days = taken.product(donor), self._days(donor, taker)
        cost = product.unit_cost_minor
        if cost is None or quantity <= 0:
            return None
        detail = {
            **self._reasons(need),
            "lead_time_days": str(decimal(days, 1)),
            "freight_minor": freight_minor(cost, days, self._settings) * quantity,
            "donor_available": int(taken.positions.available[donor]),
            "donor_order_up_to": math.ceil(self._assessed.supply.order_up_to[donor] - 1e-9),
            "in_time": taker != need.row or days <= float(self._assessed.supply.runout.stockout[taker]),
        }
        way = Way("transfer", taken.place(taker).id, product.currency, from_location_id=taken.place(donor).id)
        here = self._here(taker, days)
        line = DraftLine(product.id, quantity, cost, need.case_id, {**detail, "arrives_on": here.isoformat()})
        return Proposal(way, line, here, need.money_minor)

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
        cost = product.unit_cost_minor or 0
        return Draft(
            kind="promotion",
            location_id=taken.place(row).id,
            currency=product.currency,
            total_minor=discount * terms.quantity,
            lines=(DraftLine(product.id, terms.quantity, cost, need.case_id, self._reasons(need)),),
            detail={
                "cool_down_days": self._settings.cool_down_days,
                "price_minor": terms.price_minor,
                "promo_price_minor": terms.promo_price_minor,
                "floor_price_minor": terms.floor_price_minor,
                "break_even_minor": terms.break_even_minor,
                "depth": str(decimal(discount / terms.price_minor, 4)),
                "below_cost": terms.promo_price_minor < cost,
                "wait_days": str(decimal(terms.wait_days, 1)),
                "ends_on": (taken.today_of(row) + timedelta(days=self._settings.promotion_days)).isoformat(),
            },
        )

    def _reasons(self, need: Need) -> dict[str, Any]:
        """The figures that a proposal rests on; `need_90` is the units that 90 days ask for at their own mean rate."""
        supply, demand, row = self._assessed.supply, self._assessed.demand, need.row
        cover = decimal(supply.runout.cover[row])
        return {
            "severity": need.severity,
            "on_hand": int(self._taken.positions.on_hand[row]),
            "per_day": str(decimal(demand.velocity[row], 4)),
            "position": int(supply.counted[row]),
            "order_up_to": math.ceil(supply.order_up_to[row] - 1e-9),
            "days_of_cover": None if cover is None else str(cover),
            "need_90": str(decimal(90 * float(demand.corrected[row, -1]), 1)),
        }

    def _days(self, donor: int, taker: int) -> float:
        network = self._taken.network
        return float(network.transfer_days[network.location[donor], network.location[taker]])


def container_facts(lines: Iterable[Proposal]) -> dict[str, Any]:
    """The one container that routes of the lines name, for an order's detail; or the names of several that differ."""
    named = {found.container for found in lines if found.container is not None}
    names = sorted({container.name or f"{container.volume_cm3} cm³" for container in named}) if len(named) > 1 else None
    return {"container": named.pop().facts() if len(named) == 1 else None, "containers_differ": names}


def measures(product: ProductRow) -> dict[str, int]:
    """What a packed unit takes of a container, as far as it is known."""
    known = {"volume_cm3": product.volume_cm3, "weight_g": product.weight_g}
    return {name: value for name, value in known.items() if value is not None}


def _takers(moves: Transfers) -> dict[int, list[tuple[int, int]]]:
    """For each donor's row the (taker's row, units), most units first."""
    found: dict[int, list[tuple[int, int]]] = {}
    takers: Iterable[int] = np.flatnonzero(moves.donor >= 0).tolist()
    for taker in takers:
        found.setdefault(int(moves.donor[taker]), []).append((taker, int(moves.quantity[taker])))
    return {donor: sorted(units, key=lambda pair: (-pair[1], pair[0])) for donor, units in found.items()}
