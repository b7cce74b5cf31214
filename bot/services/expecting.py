"""Demand over any days ahead as the watch expects it: by what was taught or by the blend, and with events as more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.chart import FAN_LEVELS
from bot.domain.outlook import prospects
from bot.domain.replenishment import demand_paths, irregular
from bot.domain.spans import Demand, Spread
from bot.domain.watch import Assessment
from bot.services.snapshot import Snapshot


def usual_days(taken: Snapshot, rows: Ints, days: Floats) -> Floats:
    """Days of usual demand in the first `days` (m,) from today on of the series `rows` (m,)."""
    return days + taken.lift.of(taken.groups.rows(rows), days)


def demand_over(
    taken: Snapshot, assessed: Assessment, rows: Ints, spans: Sequence[tuple[Floats, Floats]]
) -> tuple[Spread, ...]:
    """The demand of the series `rows` (m,) over spans of usual days and their deviations, (m,) each."""
    if assessed.outlook is not None:
        history, rules = taken.history, assessed.settings.demand
        return prospects(history, rules, assessed.outlook, rows, taken.groups.rows(rows), spans)
    demand = assessed.demand
    skewed = irregular(demand.kind, demand.cv, assessed.settings.replenishment)[rows]
    velocity, sd = demand.velocity[rows], demand.sd[rows]
    return tuple(Demand.over(velocity, sd, days, days_sd, skewed) for days, days_sd in spans)


def paths(taken: Snapshot, assessed: Assessment, row: int, days: int) -> Floats:
    """Quantiles of one series' demand from today to the end of each day: (FAN_LEVELS, days), none falls."""
    again = np.full(days, row, dtype=np.int64)
    spans = usual_days(taken, again, np.arange(1, days + 1, dtype=np.float64))
    if assessed.outlook is not None:
        [told] = demand_over(taken, assessed, again, [(spans, np.zeros(days))])
        levels = np.maximum.accumulate(told.quantiles(np.asarray(FAN_LEVELS)), axis=1)
        found: Floats = np.maximum.accumulate(levels.T, axis=1)
        return found
    demand, rules = assessed.demand, assessed.settings.replenishment
    shape = rules.skewed if assessed.supply.lead_demand.skewed[row] else "normal"
    return demand_paths(float(demand.velocity[row]), float(demand.sd[row]), spans, FAN_LEVELS, shape)
