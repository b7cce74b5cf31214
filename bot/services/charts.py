"""Charts from the facts of the watch: the very figures that the cards tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.chart import DAYS, Arrival, ChartEvent, StockChart, fan
from bot.domain.demand import day_masks
from bot.domain.watch import Assessment
from bot.services.expecting import paths
from bot.services.figures import stockout_on
from bot.services.snapshot import Snapshot
from bot.storage import promotions

LEAST_AHEAD, MOST_AHEAD = 28, 60  # days of the fan


async def chart_of(connection: AsyncConnection, taken: Snapshot, assessed: Assessment, row: int) -> StockChart:
    """The chart of one series of a snapshot."""
    events = await _events(connection, taken, row)
    today = taken.today_of(row)
    units = taken.history.units[row, -DAYS:]
    closing = taken.history.on_hand[row, -DAYS:]
    demand = assessed.settings.demand
    recent = taken.history.rows(slice(row, row + 1)).tail(demand.reach_days)
    empty = day_masks(recent, demand).stocked_out[0, -DAYS:]
    days = _days_ahead(assessed, row)
    supply, positions = assessed.supply, assessed.positions
    incoming = np.zeros(days, dtype=np.int64)
    landing = positions.incoming[row, 1 : days + 1]
    incoming[: len(landing)] = landing
    available = int(positions.available[row])
    level = float(supply.reorder_point[row])
    return StockChart(
        sku=taken.product(row).sku,
        name=taken.product(row).name,
        code=taken.place(row).code,
        place=taken.place(row).name or taken.place(row).code,
        today=today,
        stock=tuple(None if count < 0 else int(count) for count in closing.tolist()),
        sales=tuple(int(count) for count in units.tolist()),
        empty=tuple(bool(mark) for mark in empty.tolist()),
        fan=fan(available, incoming, paths(taken, assessed, row, days)) if taken.counted[row] else (),
        arrivals=_arrivals(taken, assessed, row, days),
        events=events,
        reorder_point=math.floor(level + 1e-9) if level >= 1 else None,
        stockout_on=stockout_on(taken, assessed, row) if taken.counted[row] else None,
    )


def worth_a_look(taken: Snapshot, rows: Sequence[int], troubled: frozenset[str]) -> int | None:
    """The row to draw of rows in order of weight: the first whose place has a case, otherwise the first."""
    return next((row for row in rows if taken.place(row).code in troubled), rows[0] if rows else None)


async def _events(connection: AsyncConnection, taken: Snapshot, row: int) -> tuple[ChartEvent, ...]:
    """Promotions of the series that ran within the chart's days."""
    product, place = int(taken.product_ids[row]), taken.place(row)
    zone, since = ZoneInfo(place.zone), taken.today_of(row) - timedelta(days=DAYS)
    found = []
    for ran in await promotions.of_series(connection, product, place.id):
        if ran.started_at is None:
            continue
        end = (ran.stopped_at or ran.ends_at).astimezone(zone).date()
        if end >= since:
            found.append(ChartEvent(ran.started_at.astimezone(zone).date(), end, f"R-{ran.request_id}"))
    return tuple(found)


def _days_ahead(assessed: Assessment, row: int) -> int:
    """Long enough to show the lead time and the stock-out, within bounds."""
    lead, ends = float(assessed.supply.lead_time[row]), float(assessed.supply.runout.stockout[row])
    wanted = max(lead, ends + 7 if math.isfinite(ends) else 0.0)
    return int(min(max(wanted, LEAST_AHEAD), MOST_AHEAD))


def _arrivals(taken: Snapshot, assessed: Assessment, row: int, days: int) -> tuple[Arrival, ...]:
    """What is overdue first, then what lands on the days drawn."""
    today = taken.today_of(row)
    late = int(assessed.positions.overdue[row])
    first = (Arrival(late, taken.overdue_since[row], late=True),) if late else ()
    columns = np.flatnonzero(assessed.positions.incoming[row, : days + 1])
    return first + tuple(
        Arrival(int(assessed.positions.incoming[row, column]), today + timedelta(days=max(int(column) - 1, 0)))
        for column in columns
    )
