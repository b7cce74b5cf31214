"""The figures of `stocktide plan --json`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bot.domain.money import Money

if TYPE_CHECKING:
    from bot.services.budgets import BudgetLine, BudgetView
    from bot.services.targets import LevelsView, Scenario


def levels_json(view: LevelsView) -> dict[str, object]:
    """What levels hold: money as decimal text, None where there is no figure."""
    return {
        "as_of": view.as_of.isoformat(),
        "currency": view.currency,
        "series": view.series,
        "without_cost": view.without_cost,
        "stale": view.silenced,
        "stock_now": str(view.stock_now.amount),
        "days_now": _finite(view.days_now),
        "scenarios": [_scenario_json(view, each) for each in view.scenarios],
        "curve": [_scenario_json(view, each) for each in view.curve],
        "ahead": [
            {
                "key": event.key,
                "name": event.name.msgid,
                "first": event.first.isoformat(),
                "last": event.last.isoformat(),
                "expected": event.expected,
                "kind": event.kind,
                "countries": sorted(event.countries),
                "uplift": event.uplift,
                "source": event.source,
            }
            for event in view.ahead
        ],
    }


def _scenario_json(view: LevelsView, scenario: Scenario) -> dict[str, object]:
    found: dict[str, object] = {
        "target_days": scenario.target_days,
        "reachable": bool(scenario.groups),
        "service_levels": [round(level, 6) for level in scenario.levels],
        "own_service_levels": {name: round(level, 6) for name, level in scenario.own},
        "classes": [
            {
                "class": group.name or "all",
                "series": group.series,
                "service_level": _finite(group.level),
                "fill_rate": _finite(group.fill),
                "stock": str(Money.of_minor(group.stock_minor, view.currency).amount),
                "days_of_inventory": _finite(group.days),
                "lost_margin_a_month": str(Money.of_minor(group.lost_minor, view.currency).amount),
            }
            for group in scenario.groups
        ],
    }
    return found if scenario.groups else {**found, "least_days": _finite(scenario.least_days)}


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def budget_json(view: BudgetView) -> dict[str, object]:
    """A budget's orders: money as decimal text."""
    return {
        "budget": str(view.budget.amount),
        "currency": view.budget.currency,
        "until": view.until.isoformat(),
        "due": str(view.due.amount),
        "spent": str(view.spent.amount),
        "saved_margin": str(view.saved.amount),
        "forgone_margin": str(view.forgone.amount),
        "at_most_more": str(view.at_most.amount),
        "order": [_line_json(line) for line in view.lines],
        "left_out": [_line_json(line) for line in view.left_out],
        "under_minimum": [{"supplier": name, "lacking": str(money.amount)} for name, money in view.short],
        "due_in_other_currencies": {money.currency: str(money.amount) for money in view.elsewhere},
        "requests": [
            {"request": f"R-{each.request_id}", "edit": dict(each.units), "not_weighed": each.unweighed}
            for each in view.revisions
        ],
    }


def _line_json(line: BudgetLine) -> dict[str, object]:
    return {
        "sku": line.sku,
        "location": line.location,
        "supplier": line.supplier,
        "units": line.units,
        "wanted": line.wanted,
        "cost": str(line.cost.amount),
        "saved_margin": str(line.saved.amount),
        "left_cost": str(line.left_cost.amount),
        "forgone_margin": str(line.forgone.amount),
        "arrives_on": line.arrives_on.isoformat(),
        "request": None if line.request_id is None else f"R-{line.request_id}",
    }
