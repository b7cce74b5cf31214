"""The figures of every series: replenishment, stock in hand, and transfers; arrays are (n,) unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain import ageing, replenishment, turnover
from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.classes import service_table
from bot.domain.demand import DemandEstimate, SeriesHistory
from bot.domain.groups import Groups
from bot.domain.outlook import Outlook, Span
from bot.domain.uplift import Lift
from bot.domain.watch_inputs import Network, Positions, Routes, WatchSettings


@dataclass(frozen=True, slots=True)
class Supply:
    """Replenishment figures, all (n,)."""

    service_level: Floats
    lead_time: Floats  # days
    lead_time_sd: Floats
    lead_time_assumed: Bools
    lead_days: Floats  # days of usual demand in the lead time: events count as more
    cycle_days: Floats
    lead_demand: replenishment.SpanDemand  # over the lead time; its safety stock is the one shown
    cycle_demand: replenishment.SpanDemand  # over lead time + review period
    joint_days: Floats | None  # until goods of the supplier's next date come; None where no date is today
    joint_demand: replenishment.SpanDemand | None
    reorder_point: Floats  # d L + safety stock; in whole units it is floored, which decides the same
    order_up_to: Floats  # d (L + R) + safety stock over that span; in whole units it is rounded up
    position: Ints
    counted: Ints  # the position without inbound that lands later than L + R days: orders are due and sized by it
    runout: replenishment.Runout
    relief_days: Floats  # days of usual demand until relief: events count as more
    order_due: Bools  # what is counted is at or under a reorder point of at least one unit
    review_point: Floats  # d (L + R) + safety stock, R days to the next review date, on such a date; else reorder_point
    order_quantity: Ints  # 0 where no order is due; on a review date one is due at or under the review point
    order_cost_minor: Ints
    lost_units: Floats  # expected, until relief
    margin_minor: Ints  # of one unit
    lost_margin_minor: Ints

    @property
    def safety_stock(self) -> Floats:
        """Safety stock over the lead time, in units."""
        return self.lead_demand.safety_stock


@dataclass(frozen=True, slots=True)
class Stock:
    """Figures of the stock in hand, (n,) unless said otherwise."""

    period: turnover.Period
    abc: Ints  # index into turnover.ABC
    xyz: Ints  # index into turnover.XYZ
    inventory_turnover: Floats  # over the period; NaN without inventory
    days_of_inventory: Floats
    sell_through: Floats
    ageing: Ints  # (n, 5) units by age
    idle_days: Ints
    days_since_sale: Ints
    dead: Bools
    cycle_stock: Ints
    excess_line: Floats
    excess_units: Ints  # position above the line
    capital_minor: Ints  # all in hand: value and storage ahead
    excess_capital_minor: Ints  # the same of the excess


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """On what terms each series is kept in stock, all (n,)."""

    lead_time: Floats  # days
    lead_time_sd: Floats
    assumed: Bools
    service_level: Floats
    lead_days: Floats  # days of usual demand in the lead time: events count as more
    cycle_days: Floats  # and in lead time + review
    joint_days: Floats | None  # and in lead time + days between the supplier's dates; None where no date is today
    coming: tuple[Lift, Groups] | None = None  # the events ahead, and what series have in common for them


def terms_of(
    classes: tuple[Ints, Ints],
    routes: Routes,
    settings: replenishment.ReplenishmentSettings,
    coming: tuple[Lift, Groups] | None = None,
) -> Terms:
    """A series' ABC and XYZ `classes` choose its service level where the routes give none.

    `coming` are the events ahead, and what series have in common for them.
    """
    assumed = np.isnan(routes.lead_time_days)
    lead_time = np.where(assumed, settings.assumed_lead_time_days, routes.lead_time_days)
    lead_time_sd = np.where(assumed, settings.assumed_lead_time_sd, routes.lead_time_sd)
    level = routes.service_level
    if level is None:
        level = service_table(settings.service_levels, settings.classes)[classes]

    def usual(days: Floats) -> Floats:
        return days if coming is None else days + coming[0].of(coming[1], days)

    joint = None
    if routes.review_every is not None and routes.review_wait is not None and (routes.review_wait == 0).any():
        joint = usual(lead_time + routes.review_every)
    cycle = usual(lead_time + routes.review_days)
    return Terms(lead_time, lead_time_sd, assumed, level, usual(lead_time), cycle, joint, coming)


def supply_figures(
    demand: DemandEstimate,
    terms: Terms,
    routes: Routes,
    positions: Positions,
    settings: replenishment.ReplenishmentSettings,
    ahead: Outlook | None,
) -> Supply:
    """Replenishment of every series; the demand of its spans is that of `ahead` where something was taught."""
    lead_time, lead_time_sd, level = terms.lead_time, terms.lead_time_sd, terms.service_level
    skewed = replenishment.irregular(demand.kind, demand.cv, settings)

    def over(days: Floats, told: Span | None) -> replenishment.SpanDemand:
        if told is None:
            return replenishment.span_demand(
                demand.velocity, demand.sd, days, lead_time_sd, level, skewed, settings.skewed
            )
        safety = np.maximum(told.quantile[:, 0] - told.mean, 0.0)
        return replenishment.SpanDemand(told.mean, told.variance, safety, skewed & (told.mean > 0))

    lead = over(terms.lead_days, None if ahead is None else ahead.lead)
    cycle = over(terms.cycle_days, None if ahead is None else ahead.cycle)
    reorder_point, order_up_to = lead.mean + lead.safety_stock, cycle.mean + cycle.safety_stock
    incoming = positions.incoming.sum(axis=1) + positions.overdue
    position = replenishment.inventory_position(positions.available, incoming, positions.pending, positions.backorders)
    counted = position - replenishment.landing_after(positions.incoming, lead_time + routes.review_days)
    wanted = replenishment.order_quantity(order_up_to, counted, routes.minimum_order, routes.pack_size)
    due = (reorder_point >= 1) & (counted <= reorder_point) & (wanted > 0)
    review_point, until = reorder_point, None
    if terms.joint_days is not None:  # what must be left on a review date of the supplier
        until = over(terms.joint_days, None if ahead is None else ahead.joint)
        review_point = np.where(routes.review_wait == 0, until.mean + until.safety_stock, reorder_point)
    joint = (review_point >= 1) & (counted <= review_point)
    quantity = np.where(due | joint, wanted, 0)
    coming = terms.coming
    end = replenishment.runout(positions.available, demand.velocity, positions.incoming, lead_time, coming=coming)
    relief = end.relief if coming is None else end.relief + coming[0].of(coming[1], end.relief)
    usable = np.maximum(positions.available, 0) + end.landing
    spread = np.where(end.relief_due, 0.0, lead_time_sd)  # an arrival on its way has a date, one to be ordered a spread
    lost = replenishment.expected_lost_units(usable, demand.velocity, demand.sd, relief, spread)
    margin = replenishment.unit_margin(routes.unit_price_minor, routes.unit_cost_minor)
    return Supply(
        service_level=level,
        lead_time=lead_time,
        lead_time_sd=lead_time_sd,
        lead_time_assumed=terms.assumed,
        lead_days=terms.lead_days,
        cycle_days=terms.cycle_days,
        lead_demand=lead,
        cycle_demand=cycle,
        joint_days=terms.joint_days,
        joint_demand=until,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
        position=position,
        counted=counted,
        runout=end,
        relief_days=relief,
        order_due=due,
        review_point=review_point,
        order_quantity=quantity,
        order_cost_minor=quantity * routes.unit_cost_minor,
        lost_units=lost,
        margin_minor=margin,
        lost_margin_minor=replenishment.lost_margin(lost, margin),
    )


def stock_figures(
    history: SeriesHistory,
    demand: DemandEstimate,
    span: turnover.Period,
    classes: tuple[Ints, Ints],
    supply: Supply,
    routes: Routes,
    positions: Positions,
    settings: WatchSettings,
) -> Stock:
    """Turnover, age and excess of every series."""
    rules, cost, tariff = settings.ageing, routes.unit_cost_minor, routes.storage_tariff_minor
    closing = history.on_hand[:, -1].astype(np.int64)
    fresh = np.where(closing >= 0, np.maximum(positions.on_hand - closing, 0), 0)  # came in after the last day
    buckets = ageing.ageing_buckets(ageing.receipts_of(history), positions.on_hand - fresh, rules.bucket_edges)
    buckets[:, 0] += fresh
    idle = ageing.idle_days(history)
    turns = turnover.inventory_turnover(span.units, span.average_on_hand)  # one unit cost above and below
    cycle = ageing.cycle_stock(demand.velocity, supply.cycle_days, routes.minimum_order, routes.pack_size)
    line = ageing.excess_line(supply.safety_stock, cycle, rules)
    excess = np.maximum(np.floor(supply.position - line), 0).astype(np.int64)
    return Stock(
        period=span,
        abc=classes[0],
        xyz=classes[1],
        inventory_turnover=turns,
        days_of_inventory=turnover.days_of_inventory(turns, span.days),
        sell_through=turnover.sell_through(span.units, span.ending_on_hand),
        ageing=buckets,
        idle_days=idle,
        days_since_sale=ageing.days_since_sale(history),
        dead=ageing.is_dead(idle, positions.on_hand, rules),
        cycle_stock=cycle,
        excess_line=line,
        excess_units=excess,
        capital_minor=ageing.capital_at_risk(positions.on_hand, cost, tariff, rules),
        excess_capital_minor=ageing.capital_at_risk(excess, cost, tariff, rules),
    )


def transfer_figures(supply: Supply, positions: Positions, network: Network | None) -> replenishment.Transfers:
    """Stock at other locations above their own order-up-to level, for what would be bought."""
    n = len(supply.position)
    if network is None:
        return replenishment.Transfers(np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64))
    spare = np.maximum(positions.available - replenishment.whole(supply.order_up_to), 0)
    return replenishment.find_transfers(
        network.sku,
        network.location,
        supply.order_quantity,
        spare,
        network.transfer_days,
        supply.lead_time,
        supply.lost_margin_minor,
    )
