"""Evidence: the inputs, windows, formulas and results behind one series' figures, so that `Why?` replays them.

Every step is `{"name", "formula", "values", "result"}`. The formula is an expression over the names in `values` and
`min`, `max`, `round` (half to even), `sqrt`, `floor`, `ceil`, `inf`; the quantiles `z(p)`, `poisson(mean, p)`,
`negative_binomial(mean, variance, p)`, `gamma(mean, variance, p)`; the upper tails P(X >= count)
`poisson_tail(count, rate)` and `negative_binomial_tail(count, rate, variance)`; and `shortage(stock, mean, sigma)`, the
expected part of a normal demand above the stock. Numbers are plain JSON: infinity and not-a-number become None.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot.domain.cases import KINDS
from bot.domain.demand import DemandClass
from bot.domain.replenishment import SpanDemand
from bot.domain.turnover import ABC, XYZ
from bot.domain.views import CaseKind
from bot.domain.watch import Assessment

STEPS_OF_KIND: dict[CaseKind, tuple[str, ...]] = {
    "stockout_risk": (
        "velocity", "lead_time_demand", "lead_time_variance", "safety_stock", "reorder_point", "order_up_to",
        "inventory_position", "days_of_cover", "days_to_stockout", "gap", "order_quantity", "lost_units",
        "lost_margin",
    ),
    "surge": ("surge_rate", "surge_p_value", "surge_lost_margin"),
    "slow_mover": ("velocity", "days_of_cover", "inventory_turnover", "days_of_inventory", "capital"),
    "overstock": ("velocity", "safety_stock", "inventory_position", "excess_line", "excess_units", "capital"),
    "late_inbound": ("velocity", "inventory_position", "days_to_stockout", "gap", "lost_units", "lost_margin"),
    "data_stale": (),
}  # fmt: skip


def evidence(assessment: Assessment, row: int) -> dict[str, Any]:
    """Everything behind row `row`, as plain JSON.

    Keys: `as_of`; `inputs`; `windows` (one entry per window); `demand`; `steps`; `lying` (days without a sale, and
    the lines that make a slow mover); `ageing`; `classes`; `severity` and `money_minor` per kind.
    """
    a = assessment
    stock, demand = a.stock, a.demand
    return {
        "as_of": a.as_of.isoformat(),
        "inputs": _inputs(a, row),
        "windows": _windows(a, row),
        "demand": {
            "class": DemandClass(int(demand.kind[row])).name.lower(),
            "sd": _plain(demand.sd[row]),
            "cv": _plain(demand.cv[row]),
            "week_cv": _plain(demand.week_cv[row]),
            "adi": _plain(demand.adi[row]),
            "cv2": _plain(demand.cv2[row]),
            "spike_limit": _plain(demand.spike_limit[row]),
            "spike_days": _plain(demand.spike_days[row]),
            "listed_days": _plain(demand.listed_days[row]),
        },
        "steps": [
            *_demand_steps(a, row),
            *_level_steps(a, row),
            *_runout_steps(a, row),
            *_stock_steps(a, row),
            *_surge_steps(a, row),
        ],
        "lying": {
            "idle_days": _plain(stock.idle_days[row]),
            "days_since_sale": _plain(stock.days_since_sale[row]),
            "idle_lines": list(a.settings.ageing.slow_idle_days),
            "cover_line": a.settings.ageing.slow_cover_days,
        },
        "ageing": [int(units) for units in stock.ageing[row]],
        "classes": {"abc": ABC[stock.abc[row]], "xyz": XYZ[stock.xyz[row]]},
        "severity": {kind: int(a.opens[kind][row]) for kind in KINDS},
        "money_minor": {kind: int(a.money_minor[kind][row]) for kind in KINDS},
    }


def _plain(value: Any) -> int | float | None:  # noqa: ANN401  # a NumPy scalar of any type
    """A NumPy scalar as a JSON number; None where it is not finite."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return number  # type: ignore[no-any-return]  # item() gives a Python number


def _step(name: str, formula: str, result: Any, **values: Any) -> dict[str, Any]:  # noqa: ANN401  # NumPy scalars
    """One step of a calculation."""
    return {
        "name": name,
        "formula": formula,
        "values": {key: _plain(value) for key, value in values.items()},
        "result": _plain(result),
    }


def _inputs(a: Assessment, row: int) -> dict[str, Any]:
    """What was given for a row; `incoming` lists [days from as_of, units]."""
    positions, routes = a.positions, a.routes
    landing = np.flatnonzero(positions.incoming[row])
    return {
        "on_hand": _plain(positions.on_hand[row]),
        "available": _plain(positions.available[row]),
        "incoming": [[int(day), _plain(positions.incoming[row, day])] for day in landing],
        "overdue": _plain(positions.overdue[row]),
        "pending": _plain(positions.pending[row]),
        "backorders": _plain(positions.backorders[row]),
        "lead_time_days": _plain(a.supply.lead_time[row]),
        "lead_time_sd": _plain(a.supply.lead_time_sd[row]),
        "lead_time_assumed": bool(a.supply.lead_time_assumed[row]),
        "review_days": _plain(routes.review_days[row]),
        "service_level": _plain(a.supply.service_level[row]),
        "minimum_order": _plain(routes.minimum_order[row]),
        "pack_size": _plain(routes.pack_size[row]),
        "unit_cost_minor": _plain(routes.unit_cost_minor[row]),
        "unit_price_minor": _plain(routes.unit_price_minor[row]),
    }


def _windows(a: Assessment, row: int) -> list[dict[str, Any]]:
    """Each window's units, days and velocities."""
    demand, settings = a.demand, a.settings.demand
    return [
        {
            "window": window,
            "weight": settings.blend[column],
            "units": _plain(demand.units[row, column]),
            "in_stock_days": _plain(demand.in_stock_days[row, column]),
            "base_days": _plain(demand.base_days[row, column]),
            "span_days": _plain(demand.span_days[row, column]),
            "left_out_days": _plain(demand.left_out_days[row, column]),
            "marked_days": _plain(demand.marked_days[row, column]),
            "raw": _plain(demand.raw[row, column]),
            "corrected": _plain(demand.corrected[row, column]),
        }
        for column, window in enumerate(settings.windows)
    ]


def _demand_steps(a: Assessment, row: int) -> list[dict[str, Any]]:
    """The blend of the windows that hold in-stock days."""
    demand = a.demand
    weights, rates, top, bottom = {}, {}, [], []
    for column, window in enumerate(a.settings.demand.windows):
        if demand.in_stock_days[row, column]:
            weights[f"w{window}"] = a.settings.demand.blend[column]
            rates[f"v{window}"] = demand.corrected[row, column]
            top.append(f"w{window} * v{window}")
            bottom.append(f"w{window}")
    formula = f"({' + '.join(top)}) / ({' + '.join(bottom)})" if top else "0"
    return [_step("velocity", formula, demand.velocity[row], **weights, **rates)]


def _span_steps(
    names: tuple[str, str, str], span: SpanDemand, a: Assessment, row: int, days: float
) -> list[dict[str, Any]]:
    """Mean, variance and safety stock over a span of days."""
    d, sd, sd_l = a.demand.velocity[row], a.demand.sd[row], a.supply.lead_time_sd[row]
    mean, variance, p = span.mean[row], span.variance[row], a.supply.service_level[row]
    if not span.skewed[row]:
        safety = "max(0, z(p) * sqrt(variance))" if mean > 0 else "0"
    elif a.settings.replenishment.skewed == "gamma":
        safety = "max(0, gamma(mean, variance, p) - mean)"
    elif variance > mean * (1 + 1e-6):
        safety = "max(0, negative_binomial(mean, variance, p) - mean)"
    else:
        safety = "max(0, poisson(mean, p) - mean)"
    return [
        _step(names[0], "d * L", mean, d=d, L=days),
        _step(names[1], "L * sd**2 + d**2 * sd_L**2", variance, d=d, L=days, sd=sd, sd_L=sd_l),
        _step(names[2], safety, span.safety_stock[row], mean=mean, variance=variance, p=p),
    ]


def _level_steps(a: Assessment, row: int) -> list[dict[str, Any]]:
    """From lead-time demand to the levels, the position and the order."""
    s, held, route = a.supply, a.positions, a.routes
    lead = s.lead_time[row]
    cycle = lead + route.review_days[row]
    formula = "ceil(max(ceil(order_up_to - 1e-9) - position, minimum) / pack) * pack" if s.order_due[row] else "0"
    levels: dict[str, Any] = {"demand": s.lead_demand.mean[row], "safety_stock": s.safety_stock[row]}
    tops: dict[str, Any] = {"demand": s.cycle_demand.mean[row], "safety_stock": s.cycle_demand.safety_stock[row]}
    position: dict[str, Any] = {
        "available": held.available[row],
        "incoming": held.incoming[row].sum() + held.overdue[row],
        "pending": held.pending[row],
        "backorders": held.backorders[row],
    }
    order: dict[str, Any] = {
        "order_up_to": s.order_up_to[row],
        "position": s.position[row],
        "minimum": route.minimum_order[row],
        "pack": route.pack_size[row],
    }
    return [
        *_span_steps(("lead_time_demand", "lead_time_variance", "safety_stock"), s.lead_demand, a, row, lead),
        _step("reorder_point", "demand + safety_stock", s.reorder_point[row], **levels),
        *_span_steps(("cycle_demand", "cycle_variance", "cycle_safety_stock"), s.cycle_demand, a, row, cycle),
        _step("order_up_to", "demand + safety_stock", s.order_up_to[row], **tops),
        _step("inventory_position", "available + incoming + pending - backorders", s.position[row], **position),
        _step("order_quantity", formula, s.order_quantity[row], **order),
    ]


def _runout_steps(a: Assessment, row: int) -> list[dict[str, Any]]:
    """From the stock in hand to the day it ends, the gap and the margin lost in it; nothing where nothing sells."""
    s, end, d = a.supply, a.supply.runout, a.demand.velocity[row]
    if d <= 0:
        return []
    stock = max(a.positions.available[row], 0)
    landing, relief, stockout = end.landing[row], end.relief[row], end.stockout[row]
    spread = 0.0 if end.relief_due[row] else s.lead_time_sd[row]
    sigma = math.sqrt(relief * a.demand.sd[row] ** 2 + d**2 * spread**2)
    lost, margin = s.lost_units[row], s.margin_minor[row]
    return [
        _step("days_of_cover", "stock / d", end.cover[row], stock=stock, d=d),
        _step("days_to_stockout", "(stock + landing) / d", stockout, stock=stock, landing=landing, d=d),
        _step("gap", "max(0, relief - stockout)", end.gap[row], relief=relief, stockout=stockout),
        _step(
            "lost_units",
            "shortage(stock, d * relief, sigma)",
            lost,
            stock=stock + landing,
            d=d,
            relief=relief,
            sigma=sigma,
        ),
        _step("lost_margin", "round(lost_units * margin)", s.lost_margin_minor[row], lost_units=lost, margin=margin),
    ]


def _stock_steps(a: Assessment, row: int) -> list[dict[str, Any]]:
    """Turnover, excess and capital."""
    stock, rules, span = a.stock, a.settings.ageing, a.stock.period
    steps = []
    if span.average_on_hand[row] > 0:
        sold, average, turns = span.units[row], span.average_on_hand[row], stock.inventory_turnover[row]
        steps.append(_step("inventory_turnover", "sold / average_on_hand", turns, sold=sold, average_on_hand=average))
        if turns > 0:
            inventory_days = stock.days_of_inventory[row]
            steps.append(_step("days_of_inventory", "days / turnover", inventory_days, days=span.days, turnover=turns))
    line, cycle = stock.excess_line[row], stock.cycle_stock[row]
    limits = {"safety_stock": a.supply.safety_stock[row], "cycles": rules.excess_cycles, "cycle_stock": cycle}
    tied: dict[str, Any] = {
        "units": max(a.positions.on_hand[row], 0),
        "unit_cost": a.routes.unit_cost_minor[row],
        "days": rules.storage_ahead_days,
    }
    tariff = a.routes.storage_tariff_minor
    if tariff is not None and not np.isnan(tariff[row]):
        fee, tied["tariff"] = "tariff", tariff[row]
    else:
        fee, tied["rate"] = "unit_cost * (rate / 365)", rules.carrying_rate
    capital = stock.capital_minor[row]
    return [
        *steps,
        _step("excess_line", "safety_stock + cycles * cycle_stock", line, **limits),
        _step("excess_units", "max(0, floor(position - line))", stock.excess_units[row],
              position=a.supply.position[row], line=line),
        _step("capital", f"round(units * unit_cost) + round(units * days * {fee})", capital, **tied),
    ]  # fmt: skip


def _surge_steps(a: Assessment, row: int) -> list[dict[str, Any]]:
    """The last day against the series' own rate; nothing where it was not judged."""
    signs = a.surge
    if not signs.judged[row]:
        return []
    count, rate, variance = signs.count[row], signs.rate[row], signs.variance[row]
    values: dict[str, Any] = {"count": count, "rate": rate}
    if count <= rate:
        formula = "1"
    elif variance > rate * (1 + 1e-6):
        formula, values["variance"] = "negative_binomial_tail(count, rate, variance)", variance
    else:
        formula = "poisson_tail(count, rate)"
    return [
        _step("surge_rate", "(units + 0.5) / (days + 1)", rate, units=signs.units[row], days=signs.days[row]),
        _step("surge_p_value", formula, signs.p_value[row], **values),
        _surge_margin(a, row),
    ]


def _surge_margin(a: Assessment, row: int) -> dict[str, Any]:
    """The margin lost before relief if the surge lasts."""
    signs, end = a.surge, a.supply.runout
    formula = "round(max(0, rate * relief + max(0, count - rate) * min(relief, lasting) - stock) * margin)"
    values: dict[str, Any] = {
        "rate": signs.rate[row],
        "count": signs.count[row],
        "relief": end.relief[row],
        "lasting": a.settings.surge.lasting_days,
        "stock": max(a.positions.available[row], 0) + end.landing[row],
        "margin": a.supply.margin_minor[row],
    }
    return _step("surge_lost_margin", formula, a.money_minor["surge"][row], **values)
