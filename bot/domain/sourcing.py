"""Where goods come from and where they go: the route of a purchase, a transfer before it, and the terms of a clearance.

Money is in integer minor units of one currency, time in days, quantities in units.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.judgement import Judged, severities
from bot.domain.replenishment import Transfers, find_transfers, whole
from bot.domain.views import CaseKind
from bot.domain.watch import Assessment, Network


@dataclass(frozen=True, slots=True)
class SourcingSettings:
    """Defaults of buying, moving and clearing."""

    review_days: float = 7.0  # days between two orders of a series
    transfer_days_home: float = 3.0  # between two locations of one country
    transfer_days_abroad: float = 10.0
    freight_share_home: float = 0.03  # of the unit cost: what moving one unit costs
    freight_share_abroad: float = 0.10
    minimum_margin: float = 0.05  # floor price = unit cost x (1 + this)
    deepest_discount: float = 0.50  # of the price
    smallest_discount: float = 0.05  # under it a promotion is not worth its work
    longest_wait_days: float = 365.0  # stock that does not sell is expected to wait so long
    promotion_days: int = 14
    fill_days: float = 30.0  # of sales above the order-up-to level that filling an order up may buy early
    join_days: float = 0.0  # what will be due within so many days joins an order that is made anyway
    container_least: float = 0.30  # of its last container an order must fill, or what is not urgent waits
    cool_down_days: float = 7.0  # a rejected proposal is not repeated before, unless the case worsens


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to buy a series: `unit_cost_minor` is the landed cost per unit, None where unknown."""

    route: int  # the caller's number of the route
    lead_time_days: float
    unit_cost_minor: int | None


def choose_offer(offers: Sequence[Offer], days_to_stockout: float) -> Offer | None:
    """The cheapest that arrives before the stock-out, otherwise the soonest; None without any.

    An unknown cost counts as the dearest; equals are broken by the other figure, then by the route's number.
    """
    if not offers:
        return None
    in_time = [offer for offer in offers if offer.lead_time_days <= days_to_stockout]
    if in_time:
        return min(in_time, key=lambda offer: (_cost(offer), offer.lead_time_days, offer.route))
    return min(offers, key=lambda offer: (offer.lead_time_days, _cost(offer), offer.route))


def _cost(offer: Offer) -> float:
    return math.inf if offer.unit_cost_minor is None else offer.unit_cost_minor


def transfer_matrix(countries: Sequence[str], settings: SourcingSettings) -> Floats:
    """Days from each location (row) to each other (column); inf on the diagonal."""
    place = np.asarray(countries, dtype=object)
    same = (place[:, None] == place[None, :]) & (place[:, None] != "")
    days: Floats = np.where(same, settings.transfer_days_home, settings.transfer_days_abroad).astype(np.float64)
    np.fill_diagonal(days, np.inf)
    return days


def freight_minor(unit_cost_minor: int, days: float, settings: SourcingSettings) -> int:
    """What moving one unit costs between places `days` apart, in minor units."""
    home = days <= settings.transfer_days_home
    return round(unit_cost_minor * (settings.freight_share_home if home else settings.freight_share_abroad))


@dataclass(frozen=True, slots=True)
class Moves:
    """Transfers worth making, (n,): those that answer a restock, and those that place slow stock elsewhere.

    Both name for each taker the donor's row (-1: none) and the units; no unit is promised twice over both.
    """

    restock: Transfers
    relocate: Transfers


def find_moves(assessed: Assessment, network: Network, judged: Bools, promised: Ints) -> Moves:
    """Look for stock above its own order-up-to level, among the series that are `judged`.

    `promised` units (n,) are left alone: an earlier request will move them. A series to which a request will bring
    something is answered already and takes nothing from others.

    A restock is answered by a transfer when the goods come sooner than a purchase and lift the position above the
    reorder point; otherwise it is bought. What is then still to spare may go wherever a position is under its
    order-up-to level and nothing has been asked for.
    """
    supply, positions = assessed.supply, assessed.positions
    target = whole(supply.order_up_to)
    spare = np.where(judged, np.maximum(positions.available - promised - target, 0), 0).astype(np.int64)
    lacking = np.where(judged, np.maximum(target - supply.counted, 0), 0).astype(np.int64)
    restock = find_transfers(
        network.sku, network.location, np.where((supply.order_quantity > 0) & (positions.pending == 0), lacking, 0),
        spare, network.transfer_days, supply.lead_time, supply.lost_margin_minor,
    )  # fmt: skip
    enough = supply.counted + restock.quantity > supply.reorder_point
    kept = (restock.donor >= 0) & enough
    restock = Transfers(np.where(kept, restock.donor, -1), np.where(kept, restock.quantity, 0))
    taken = np.bincount(restock.donor[kept], weights=restock.quantity[kept], minlength=len(spare)).astype(np.int64)
    served = (supply.order_quantity > 0) | (positions.pending > 0)
    relocate = find_transfers(
        network.sku, network.location, np.where(served, 0, lacking), spare - taken, network.transfer_days,
        np.full(len(spare), np.inf), _worth(assessed),
    )  # fmt: skip
    return Moves(restock, relocate)


def _worth(assessed: Assessment) -> Floats:
    """Who is served first: what sells fastest."""
    return assessed.demand.velocity


@dataclass(frozen=True, slots=True)
class Clearance:
    """Terms of a clearance: a price no lower than the floor, and no deeper than holding the stock would cost."""

    quantity: int
    price_minor: int
    promo_price_minor: int
    floor_price_minor: int
    break_even_minor: int  # discount per unit at which clearing now costs what holding would
    wait_days: float  # expected until the mean unit sells without a promotion


def clearance(
    quantity: int,
    before: int,
    velocity: float,
    price_minor: int,
    unit_cost_minor: int,
    carrying_rate: float,
    settings: SourcingSettings,
) -> Clearance | None:
    """Terms for clearing `quantity` units that stand behind `before` others; None where none pays.

    Clearing now beats holding while the discount per unit is under the carrying cost until the expected sale date
    without promotion: wait = (before + quantity / 2) / velocity, at most `longest_wait_days`. The price stays at or
    above unit cost x (1 + minimum margin).
    """
    if quantity <= 0 or price_minor <= 0 or unit_cost_minor <= 0:
        return None
    ahead = before + quantity / 2
    wait = min(ahead / velocity, settings.longest_wait_days) if velocity > 0 else settings.longest_wait_days
    break_even = int(unit_cost_minor * carrying_rate * wait / 365.0)
    floor = math.ceil(unit_cost_minor * (1 + settings.minimum_margin) - 1e-9)
    discount = min(break_even, int(price_minor * settings.deepest_discount), price_minor - floor)
    if discount < max(1.0, price_minor * settings.smallest_discount):
        return None
    return Clearance(quantity, price_minor, price_minor - discount, floor, break_even, wait)


def row_numbers(product: Ints, location: Ints, wanted_product: Ints, wanted_location: Ints) -> Ints:
    """The row of each wanted (product, location) among rows sorted by both; -1 where there is none."""
    pack = np.int64(max(int(location.max(initial=0)), int(wanted_location.max(initial=0))) + 1)
    keys, wanted = product * pack + location, wanted_product * pack + wanted_location
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    return np.where(keys[at] == wanted, at, -1).astype(np.int64)


def without_requests(assessed: Assessment) -> tuple[dict[CaseKind, Ints], dict[CaseKind, Ints]]:
    """Severities (opening, relaxed) as if nothing had been asked for.

    What a request would bring counts when the next order is sized, so that nothing is asked for twice; but goods that
    nobody has ordered keep no shelf full, and a case must not resolve because of its own proposal.
    """
    pending = assessed.positions.pending
    if not pending.any():
        return dict(assessed.opens), dict(assessed.holds)
    position, counted = assessed.supply.position - pending, assessed.supply.counted - pending
    due = (assessed.supply.reorder_point >= 1) & (counted <= assessed.supply.reorder_point)
    due &= counted < whole(assessed.supply.order_up_to)
    supply = dataclasses.replace(assessed.supply, position=position, counted=counted, order_due=due)
    facts = Judged(
        assessed.demand,
        supply,
        assessed.stock,
        assessed.surge,
        assessed.surging,
        assessed.slump,
        assessed.slumping,
        assessed.positions,
        assessed.settings,
        assessed.coming,
    )
    return severities(facts)
