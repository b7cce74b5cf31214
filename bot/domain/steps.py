"""The steps of a calculation that evidence tells, each for many series at once; see `bot.domain.evidence`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from bot.domain import runoutsteps, velocitysteps
from bot.domain.arrays import Floats
from bot.domain.forecasting.states import TINY
from bot.domain.outlook import Outlook, Span
from bot.domain.replenishment import SpanDemand
from bot.domain.sheet import Given, Sheet, Texts
from bot.domain.watch import Assessment


def _quantile(name: str, column: int, a: Assessment, sheet: Sheet) -> Texts:
    """What a span's demand stays under with a chance; nothing where nothing was taught."""
    if a.outlook is None:
        return [""] * len(sheet)
    span = _told(a.outlook, name)
    values: dict[str, Given] = {
        "seen": span.seen,
        "ratio": _column(span.ratio, column),
        "mean": span.mean,
        "w": _column(span.w, column),
        "own": _column(span.own, column),
        "L": span.days,
        "variance": span.variance,
        "p": _column(span.p, column),
    }
    formula = "(seen * (ratio * mean * (1 - w) + own * L * w) + gamma(mean, variance, p)) / (seen + 1)"
    result = _column(span.quantile, column)
    return sheet.where(span.mean > TINY, lambda rows: rows.step(name, formula, result, **values))


def _column(table: Floats, column: int) -> Floats:
    return np.ascontiguousarray(table[:, column])


def _mean(name: str, a: Assessment, sheet: Sheet) -> Texts:
    """Mean demand over a span."""
    span, days = _span(a, name)
    return sheet.step(name, "d * L", span.mean, d=a.demand.velocity, L=days)


def _variance(name: str, a: Assessment, sheet: Sheet) -> Texts:
    """Variance of the demand over a span."""
    span, days = _span(a, name)
    sd = a.demand.sd if a.outlook is None else a.outlook.daily_sd
    values = {"d": a.demand.velocity, "L": days, "sd": sd, "sd_L": a.supply.lead_time_sd}
    formula = "L * sd**2 + d**2 * sd_L**2"
    if a.outlook is None:
        return sheet.step(name, formula, span.variance, **values)
    unsure = a.outlook.borrowed.rate_sd
    return sheet.either(
        [
            (
                unsure > 0,
                lambda rows: rows.step(name, f"{formula} + L**2 * sd_d**2", span.variance, **values, sd_d=unsure),
            ),
            (unsure <= 0, lambda rows: rows.step(name, formula, span.variance, **values)),
        ]
    )


def _safety(name: str, a: Assessment, sheet: Sheet) -> Texts:
    """Safety stock over a span, by the distribution that its series asks for."""
    span, _days = _span(a, name)
    if a.outlook is not None:
        ahead = _told(a.outlook, name)
        upper = {"quantile": _column(ahead.quantile, 0), "mean": ahead.mean}
        return sheet.step(name, "max(0, quantile - mean)", span.safety_stock, **upper)
    values = {"mean": span.mean, "variance": span.variance, "p": a.supply.service_level}

    def by(formula: str) -> Callable[[Sheet], Texts]:
        return lambda part: part.step(name, formula, span.safety_stock, **values)

    gamma = np.full(len(span.mean), a.settings.replenishment.skewed == "gamma")
    return sheet.either(
        [
            (~span.skewed & (span.mean > 0), by("max(0, z(p) * sqrt(variance))")),
            (~span.skewed, by("0")),
            (gamma, by("max(0, gamma(mean, variance, p) - mean)")),
            (span.variance > span.mean * (1 + 1e-6), by("max(0, negative_binomial(mean, variance, p) - mean)")),
            (np.ones_like(gamma), by("max(0, poisson(mean, p) - mean)")),
        ]
    )


def _span(a: Assessment, name: str) -> tuple[SpanDemand, Floats]:
    """The demand and the days of the span that a step speaks of."""
    supply = a.supply
    if name.startswith("cycle"):
        return supply.cycle_demand, supply.cycle_days
    if name.startswith("joint") and supply.joint_demand is not None and supply.joint_days is not None:
        return supply.joint_demand, supply.joint_days
    return supply.lead_demand, supply.lead_days


def _told(ahead: Outlook, name: str) -> Span:
    """The span of an outlook that a step speaks of."""
    if name.startswith("joint") and ahead.joint is not None:
        return ahead.joint
    return ahead.cycle if name.startswith("cycle") else ahead.lead


def _on_date(make: Callable[[Assessment, Sheet], Texts], a: Assessment, sheet: Sheet) -> Texts:
    """A step of what is due on a review date of the supplier; nothing on other days."""
    if a.supply.joint_demand is None or a.routes.review_wait is None:
        return [""] * len(sheet)
    return sheet.where(a.routes.review_wait == 0, partial(make, a))


def _review_point(a: Assessment, sheet: Sheet) -> Texts:
    until, _days = _span(a, "joint")
    values = {"demand": until.mean, "safety_stock": until.safety_stock}
    return sheet.step("review_point", "demand + safety_stock", a.supply.review_point, **values)


def _days(name: str, a: Assessment, sheet: Sheet) -> Texts:
    """Days of usual demand in a span, where events ahead make them more or fewer than the calendar counts."""
    plain = a.supply.lead_time + _after(a, name)
    _demand, days = _span(a, name)
    values = {"days": plain, "events": days - plain}
    return sheet.where(days != plain, lambda part: part.step(name, "days + events", days, **values))


def _after(a: Assessment, name: str) -> Floats | float:
    """Days after the lead time that a span goes on."""
    if name.startswith("cycle"):
        return a.routes.review_days
    every = a.routes.review_every if name.startswith("joint") else None
    return 0.0 if every is None else every


def _reorder_point(a: Assessment, sheet: Sheet) -> Texts:
    s = a.supply
    values = {"demand": s.lead_demand.mean, "safety_stock": s.safety_stock}
    return sheet.step("reorder_point", "demand + safety_stock", s.reorder_point, **values)


def _order_up_to(a: Assessment, sheet: Sheet) -> Texts:
    s = a.supply
    values = {"demand": s.cycle_demand.mean, "safety_stock": s.cycle_demand.safety_stock}
    return sheet.step("order_up_to", "demand + safety_stock", s.order_up_to, **values)


def _position(a: Assessment, sheet: Sheet) -> Texts:
    held = a.positions
    values = {
        "available": held.available,
        "incoming": held.incoming.sum(axis=1) + held.overdue,
        "pending": held.pending,
        "backorders": held.backorders,
    }
    return sheet.step("inventory_position", "available + incoming + pending - backorders", a.supply.position, **values)


def _order(a: Assessment, sheet: Sheet) -> Texts:
    s, route = a.supply, a.routes
    values = {
        "order_up_to": s.order_up_to,
        "position": s.position,
        "minimum": route.minimum_order,
        "pack": route.pack_size,
    }
    formula = "ceil(max(ceil(order_up_to - 1e-9) - {}, minimum) / pack) * pack"
    late = s.position - s.counted
    without = formula.format("(position - late)")
    return sheet.either(
        [
            (
                (s.order_quantity > 0) & (late > 0),
                lambda part: part.step("order_quantity", without, s.order_quantity, **values, late=late),
            ),
            (
                s.order_quantity > 0,
                lambda part: part.step("order_quantity", formula.format("position"), s.order_quantity, **values),
            ),
            (s.order_quantity == 0, lambda part: part.step("order_quantity", "0", s.order_quantity, **values)),
        ]
    )


def _turnover(a: Assessment, sheet: Sheet) -> Texts:
    """Turnover; nothing where there was no stock."""
    span = a.stock.period
    values = {"sold": span.units, "average_on_hand": span.average_on_hand}
    return sheet.where(
        span.average_on_hand > 0,
        lambda part: part.step("inventory_turnover", "sold / average_on_hand", a.stock.inventory_turnover, **values),
    )


def _days_of_inventory(a: Assessment, sheet: Sheet) -> Texts:
    stock, span = a.stock, a.stock.period
    return sheet.where(
        (span.average_on_hand > 0) & (stock.inventory_turnover > 0),
        lambda part: part.step(
            "days_of_inventory",
            "days / turnover",
            stock.days_of_inventory,
            days=span.days,
            turnover=stock.inventory_turnover,
        ),
    )


def _excess_line(a: Assessment, sheet: Sheet) -> Texts:
    values: dict[str, Given] = {
        "safety_stock": a.supply.safety_stock,
        "cycles": a.settings.ageing.excess_cycles,
        "cycle_stock": a.stock.cycle_stock,
    }
    return sheet.step("excess_line", "safety_stock + cycles * cycle_stock", a.stock.excess_line, **values)


def _excess_units(a: Assessment, sheet: Sheet) -> Texts:
    values = {"position": a.supply.position, "line": a.stock.excess_line}
    return sheet.step("excess_units", "max(0, floor(position - line))", a.stock.excess_units, **values)


def _capital(a: Assessment, sheet: Sheet) -> Texts:
    """Capital and storage ahead; by the location's own tariff where it gives one."""
    tied: dict[str, Given] = {
        "units": np.maximum(a.positions.on_hand, 0),
        "unit_cost": a.routes.unit_cost_minor,
        "days": a.settings.ageing.storage_ahead_days,
    }

    def by(fee: str, **values: Given) -> Callable[[Sheet], Texts]:
        formula = f"round(units * unit_cost) + round(units * days * {fee})"
        return lambda part: part.step("capital", formula, a.stock.capital_minor, **tied, **values)

    tariff = a.routes.storage_tariff_minor
    rated = by("unit_cost * (rate / 365)", rate=a.settings.ageing.carrying_rate)
    if tariff is None:
        return rated(sheet)
    return sheet.either([(~np.isnan(tariff), by("tariff", tariff=tariff)), (np.isnan(tariff), rated)])


def _surge_rate(a: Assessment, sheet: Sheet) -> Texts:
    """The series' own recent rate; nothing where it was not judged."""
    signs = a.surge
    values = {"units": signs.units, "days": signs.days}
    return sheet.where(
        signs.judged, lambda part: part.step("surge_rate", "(units + 0.5) / (days + 1)", signs.rate, **values)
    )


def _surge_p_value(a: Assessment, sheet: Sheet) -> Texts:
    """How unusual the last day was."""
    signs = a.surge
    values: dict[str, Given] = {"count": signs.count, "rate": signs.rate}
    skewed: dict[str, Given] = {**values, "variance": signs.variance}

    def by(formula: str, given: Mapping[str, Given]) -> Callable[[Sheet], Texts]:
        return lambda part: part.step("surge_p_value", formula, signs.p_value, **given)

    return sheet.either(
        [
            (signs.judged & (signs.count <= signs.rate), by("1", values)),
            (
                signs.judged & (signs.variance > signs.rate * (1 + 1e-6)),
                by("negative_binomial_tail(count, rate, variance)", skewed),
            ),
            (signs.judged, by("poisson_tail(count, rate)", values)),
        ]
    )


def _surge_margin(a: Assessment, sheet: Sheet) -> Texts:
    """The margin lost before relief if the surge lasts."""
    signs, end = a.surge, a.supply.runout
    formula = "round(max(0, rate * relief + max(0, count - rate) * min(relief, lasting) - stock) * margin)"
    values: dict[str, Given] = {
        "rate": signs.rate,
        "count": signs.count,
        "relief": end.relief,
        "lasting": a.settings.surge.lasting_days,
        "stock": runoutsteps.stock_in_hand(a) + end.landing,
        "margin": a.supply.margin_minor,
    }
    return sheet.where(
        signs.judged, lambda part: part.step("surge_lost_margin", formula, a.money_minor["surge"], **values)
    )


def _slump_rate(a: Assessment, sheet: Sheet) -> Texts:
    """The series' own rate before the last week; nothing where it was not judged."""
    signs = a.slump
    values = {"units": signs.units, "days": signs.days}
    return sheet.where(
        signs.judged, lambda part: part.step("slump_rate", "(units + 0.5) / (days + 1)", signs.rate, **values)
    )


def _slump_p_value(a: Assessment, sheet: Sheet) -> Texts:
    """How unusual so few of the last week were."""
    signs = a.slump
    values: dict[str, Given] = {"count": signs.count, "n": signs.recent, "rate": signs.rate}
    more: dict[str, Given] = {**values, "v": signs.variance, "days": signs.days}
    formula = "negative_binomial_head(count, n * rate, n * v * (1 + n / days))"
    return sheet.either(
        [
            (
                signs.judged & (signs.count >= signs.usual),
                lambda part: part.step("slump_p_value", "1", signs.p_value, **values),
            ),
            (signs.judged, lambda part: part.step("slump_p_value", formula, signs.p_value, **more)),
        ]
    )


def _slump_margin(a: Assessment, sheet: Sheet) -> Texts:
    """The margin missed if the slump lasts."""
    signs = a.slump
    values: dict[str, Given] = {
        "rate": signs.rate,
        "count": signs.count,
        "n": signs.recent,
        "lasting": a.settings.slump.lasting_days,
        "margin": a.supply.margin_minor,
    }
    formula = "round(max(0, rate - count / n) * lasting * margin)"
    return sheet.where(
        signs.judged, lambda part: part.step("slump_lost_margin", formula, a.money_minor["slump"], **values)
    )


STEPS: Mapping[str, Callable[[Assessment, Sheet], Texts]] = {  # in the order in which they are told
    "category_share": velocitysteps.category_share,
    "velocity": velocitysteps.velocity,
    "lead_time_days": partial(_days, "lead_time_days"),
    "lead_time_demand": partial(_mean, "lead_time_demand"),
    "lead_time_variance": partial(_variance, "lead_time_variance"),
    "lead_time_median": partial(_quantile, "lead_time_median", 1),
    "lead_time_p80": partial(_quantile, "lead_time_p80", 2),
    "lead_time_p95": partial(_quantile, "lead_time_p95", 3),
    "lead_time_quantile": partial(_quantile, "lead_time_quantile", 0),
    "safety_stock": partial(_safety, "safety_stock"),
    "reorder_point": _reorder_point,
    "cycle_days": partial(_days, "cycle_days"),
    "cycle_demand": partial(_mean, "cycle_demand"),
    "cycle_variance": partial(_variance, "cycle_variance"),
    "cycle_quantile": partial(_quantile, "cycle_quantile", 0),
    "cycle_safety_stock": partial(_safety, "cycle_safety_stock"),
    "order_up_to": _order_up_to,
    "joint_days": partial(_on_date, partial(_days, "joint_days")),
    "joint_demand": partial(_on_date, partial(_mean, "joint_demand")),
    "joint_variance": partial(_on_date, partial(_variance, "joint_variance")),
    "joint_quantile": partial(_on_date, partial(_quantile, "joint_quantile", 0)),
    "joint_safety_stock": partial(_on_date, partial(_safety, "joint_safety_stock")),
    "review_point": partial(_on_date, _review_point),
    "inventory_position": _position,
    "order_quantity": _order,
    **runoutsteps.STEPS,
    "inventory_turnover": _turnover,
    "days_of_inventory": _days_of_inventory,
    "excess_line": _excess_line,
    "excess_units": _excess_units,
    "capital": _capital,
    "surge_rate": _surge_rate,
    "surge_p_value": _surge_p_value,
    "surge_lost_margin": _surge_margin,
    "slump_rate": _slump_rate,
    "slump_p_value": _slump_p_value,
    "slump_lost_margin": _slump_margin,
}
