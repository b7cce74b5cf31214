"""Evidence: the inputs, windows, formulas and results behind one series' figures, so that `Why?` replays them.

Every step is `{"name", "formula", "values", "result"}`. The formula is an expression over the names in `values` and
`min`, `max`, `round` (half to even), `sqrt`, `floor`, `ceil`, `inf`; the quantiles `z(p)`, `poisson(mean, p)`,
`negative_binomial(mean, variance, p)`, `gamma(mean, variance, p)`; the upper tails P(X >= count)
`poisson_tail(count, rate)` and `negative_binomial_tail(count, rate, variance)`, and the lower one P(X <= count)
`negative_binomial_head(count, mean, variance)`; and `shortage(stock, mean, sigma)`, the
expected part of a normal demand above the stock. Numbers are plain JSON: infinity and not-a-number become None.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import numpy as np

from bot.domain.arrays import Counts, Ints
from bot.domain.cases import KINDS
from bot.domain.demand import DemandClass
from bot.domain.sheet import Sheet, Texts, joined, json_text
from bot.domain.steps import STEPS
from bot.domain.turnover import ABC, XYZ
from bot.domain.views import CaseKind
from bot.domain.watch import Assessment

STEPS_OF_KIND: dict[CaseKind, tuple[str, ...]] = {
    "stockout_risk": (
        "category_share",
        "velocity", "lead_time_days", "lead_time_demand", "lead_time_variance", "lead_time_median", "lead_time_p80",
        "lead_time_p95", "lead_time_quantile", "safety_stock", "reorder_point", "cycle_days", "cycle_demand",
        "cycle_variance", "cycle_quantile", "cycle_safety_stock", "order_up_to", "joint_days", "joint_demand",
        "joint_variance", "joint_quantile", "joint_safety_stock", "review_point", "inventory_position",
        "days_of_cover", "days_to_stockout", "gap", "order_quantity", "lost_units", "lost_margin",
    ),
    "surge": ("surge_rate", "surge_p_value", "surge_lost_margin"),
    "slump": ("slump_rate", "slump_p_value", "slump_lost_margin", "inventory_position"),
    "slow_mover": ("category_share", "velocity", "days_of_cover", "inventory_turnover", "days_of_inventory", "capital"),
    "overstock": (
        "category_share", "velocity", "lead_time_days", "lead_time_demand", "lead_time_variance", "lead_time_quantile",
        "safety_stock", "inventory_position", "days_of_cover", "excess_line", "excess_units", "capital",
    ),
    "late_inbound": (
        "category_share", "velocity", "inventory_position", "days_to_stockout", "gap", "lost_units", "lost_margin",
    ),
    "data_stale": (),
}  # fmt: skip


def evidence(assessment: Assessment, row: int) -> dict[str, Any]:
    """Everything behind row `row`, as plain JSON.

    Keys: `as_of`; `inputs`; `windows` (one entry per window); `demand`; `forecast` (what it was learned from, or
    None); `steps`; `lying` (days without a sale, and
    the lines that make a slow mover); `ageing`; `classes`; `severity` and `money_minor` per kind.
    """
    [text] = evidence_texts(assessment, np.array([row], dtype=np.int64), tuple(STEPS))
    return {"as_of": assessment.as_of.isoformat(), **json.loads(text)}


def evidence_texts(assessment: Assessment, rows: Ints, steps: Collection[str]) -> Texts:
    """The evidence of `rows` as JSON texts without `as_of`, with those steps alone that are named."""
    a, sheet = assessment, Sheet(rows)
    stock, demand = a.stock, a.demand
    written = [make(a, sheet) for name, make in STEPS.items() if name in steps]
    return sheet.record(
        {
            "inputs": _inputs(a, sheet),
            "windows": _windows(a, sheet),
            "demand": sheet.record(
                {
                    "class": sheet.named([each.name.lower() for each in DemandClass], demand.kind),
                    "sd": demand.sd,
                    "cv": demand.cv,
                    "week_cv": demand.week_cv,
                    "adi": demand.adi,
                    "cv2": demand.cv2,
                    "spike_limit": demand.spike_limit,
                    "spike_days": demand.spike_days,
                    "listed_days": demand.listed_days,
                }
            ),
            "forecast": [json_text(_forecast(a))] * len(rows),
            "steps": joined(written) if written else ["[]"] * len(rows),
            "lying": sheet.record(
                {
                    "idle_days": stock.idle_days,
                    "days_since_sale": stock.days_since_sale,
                    "idle_lines": tuple(a.settings.ageing.slow_idle_days),
                    "cover_line": a.settings.ageing.slow_cover_days,
                }
            ),
            "ageing": [json_text(buckets) for buckets in stock.ageing[rows].tolist()],
            "classes": sheet.record({"abc": sheet.named(ABC, stock.abc), "xyz": sheet.named(XYZ, stock.xyz)}),
            "severity": sheet.record({kind: a.opens[kind] for kind in KINDS}),
            "money_minor": sheet.record({kind: a.money_minor[kind] for kind in KINDS}),
        }
    )


def _forecast(a: Assessment) -> dict[str, Any] | None:
    """From how many series, and until when, was learned; None where nothing was."""
    if a.outlook is None:
        return None
    told = a.outlook.lessons
    return {"learned_on": told.learned_on.isoformat(), "since": told.begins.isoformat(), "series": told.series}


def _inputs(a: Assessment, sheet: Sheet) -> Texts:
    """What was given; `incoming` lists [days from as_of, units]."""
    positions, routes, supply = a.positions, a.routes, a.supply
    return sheet.record(
        {
            "on_hand": positions.on_hand,
            "available": positions.available,
            "incoming": _landing(positions.incoming[sheet.rows]),
            "overdue": positions.overdue,
            "pending": positions.pending,
            "backorders": positions.backorders,
            "lead_time_days": supply.lead_time,
            "lead_time_sd": supply.lead_time_sd,
            "lead_time_assumed": supply.lead_time_assumed,
            "review_days": routes.review_days,
            **({} if routes.review_wait is None else {"review_wait": routes.review_wait}),
            "service_level": supply.service_level,
            "minimum_order": routes.minimum_order,
            "pack_size": routes.pack_size,
            "unit_cost_minor": routes.unit_cost_minor,
            "unit_price_minor": routes.unit_price_minor,
        }
    )


def _landing(incoming: Counts) -> Texts:
    """Each row's arrivals as pairs of a day and units."""
    found: list[list[tuple[int, float]]] = [[] for _ in incoming]
    row, day = np.nonzero(incoming)
    for at, column, units in zip(row.tolist(), day.tolist(), incoming[row, day].tolist(), strict=True):
        found[at].append((column, units))
    return [json_text(pairs) if pairs else "[]" for pairs in found]


def _windows(a: Assessment, sheet: Sheet) -> Texts:
    """Each window's units, days and velocities."""
    demand, settings = a.demand, a.settings.demand
    return joined(
        [
            sheet.record(
                {
                    "window": window,
                    "weight": settings.blend[column] if a.outlook is None else np.full(a.series, np.nan),
                    "units": demand.units[:, column],
                    "in_stock_days": demand.in_stock_days[:, column],
                    "base_days": demand.base_days[:, column],
                    "span_days": demand.span_days[:, column],
                    "left_out_days": demand.left_out_days[:, column],
                    "part_days": demand.part_days[:, column],
                    "part_out_days": demand.part_out_days[:, column],
                    "marked_days": demand.marked_days[:, column],
                    "raw": demand.raw[:, column],
                    "corrected": demand.corrected[:, column],
                }
            )
            for column, window in enumerate(settings.windows)
        ]
    )
