"""Judging: what was written down, against what the shelves and the books say since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from bot.domain import turnover
from bot.domain.arrays import Bools, Ints
from bot.domain.demand import DemandSettings, SeriesHistory, day_masks
from bot.domain.hindsight import (
    NEVER,
    Alerts,
    Fate,
    Forecasts,
    alert_score,
    fates,
    foretold,
    score,
    stockouts,
)
from bot.domain.scorecard import AlertsView, ForecastWeek, LeadTime, TurnPoint
from bot.domain.sourcing import row_numbers
from bot.services.days import Days
from bot.storage.board import Delivery, StatedRow
from bot.storage.forecasts import Kept
from bot.storage.hindsight import AlertRow

TURNS_AGO = (0, 1, 4, 13)  # weeks
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """The days before an instant, n series; a local day is column `day - start[row]`.

    `silent` series have no fresh facts; `empty` (n, T) are days without stock by the rule of the watch.
    """

    days: Days
    zones: Mapping[int, ZoneInfo]
    start: Ints
    silent: Bools
    empty: Bools

    @property
    def length(self) -> int:
        """How many days (T)."""
        return self.days.history.days

    def rows(self, product_ids: Ints, location_ids: Ints) -> Ints:
        """The row of each series; -1 where it has no facts."""
        return row_numbers(self.days.product_ids, self.days.location_ids, product_ids, location_ids)

    def column(self, row: int, at: datetime) -> int:
        """The column of the local day that holds an instant."""
        zone = self.zones[int(self.days.location_ids[row])]
        return (at.astimezone(zone).date() - _EPOCH).days - int(self.start[row])


def shelf_of(days: Days, zones: Mapping[int, ZoneInfo], silent: Collection[int], settings: DemandSettings) -> Shelf:
    """The shelf of some days; `silent` are places whose feeds stopped."""
    places = np.fromiter(silent, dtype=np.int64, count=len(silent))
    return Shelf(
        days=days,
        zones=zones,
        start=days.today - days.history.days,
        silent=np.isin(days.location_ids, places),
        empty=day_masks(days.history, settings).stocked_out,
    )


def forecast_week(shelf: Shelf, week: date, kept: Kept, days: int, *, replayed: bool) -> ForecastWeek:
    """One week's forecasts against its sales; series whose days are not all over are left out as silent."""
    row = shelf.rows(kept.product_ids, kept.location_ids)
    known = row >= 0
    row = np.maximum(row, 0)
    first = kept.first - shelf.start[row] if len(shelf.start) else np.zeros_like(row)
    known &= (first >= 0) & (first + days <= shelf.length)
    if len(shelf.start):
        known &= ~shelf.silent[row]
    row, first = row[known], first[known]
    empty = _between(shelf.empty, row, first, days) > 0
    sold = _between(shelf.days.history.units, row, first, days)
    level, mean, *quantiles, at_service, usual = kept.figures[known].T
    stated = Forecasts(mean, np.column_stack(quantiles), level, at_service, usual, kept.abc[known])
    found = score(stated.only(~empty), sold[~empty])
    return ForecastWeek(week, replayed, found, int(empty.sum()), int((~known).sum()))


def _between(values: np.ndarray[tuple[int, int], np.dtype[np.generic]], row: Ints, first: Ints, days: int) -> Ints:
    """The sum of `days` columns of each row, from its own first one."""
    chosen = values[row[:, None], first[:, None] + np.arange(days)]
    return np.asarray(chosen.sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Told:
    """An alert: rows of the shelf, and days as its columns."""

    row: int
    told: int
    due: int
    closed: int
    ordered: int = NEVER


def told_of_cases(shelf: Shelf, alerts: Sequence[AlertRow], ordered: Sequence[tuple[int, int, datetime]]) -> list[Told]:
    """The cases that were told, each with the first order for its series from then on."""
    orders: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for product, place, at in ordered:
        orders[product, place].append(at)
    rows = shelf.rows(
        np.array([alert.product_id for alert in alerts], dtype=np.int64),
        np.array([alert.location_id for alert in alerts], dtype=np.int64),
    )
    found = []
    for alert, row in zip(alerts, rows.tolist(), strict=True):
        if row < 0:
            continue
        since = [at for at in orders.get((alert.product_id, alert.location_id), ()) if at >= alert.opened_at]
        found.append(
            Told(
                row,
                shelf.column(row, alert.opened_at),
                (alert.foretold_on - _EPOCH).days - int(shelf.start[row]),
                NEVER if alert.resolved_at is None else shelf.column(row, alert.resolved_at),
                shelf.column(row, min(since)) if since else NEVER,
            )
        )
    return found


def told_by_replay(shelf: Shelf, weeks: Sequence[tuple[date, Kept]]) -> list[Told]:
    """What weekly scans would have told; `weeks` oldest first. The first week without the risk closes an alert."""
    standing: dict[int, Told] = {}
    found: list[Told] = []
    for monday, kept in weeks:
        rows = shelf.rows(kept.product_ids, kept.location_ids)
        risky = (rows >= 0) & (kept.severity > 0) & (kept.ends >= 0)
        columns = kept.first[risky] - shelf.start[rows[risky]]
        dues = kept.ends[risky] - shelf.start[rows[risky]]
        now = dict(zip(rows[risky].tolist(), zip(columns.tolist(), dues.tolist(), strict=True), strict=True))
        today = (monday - _EPOCH).days
        found += [
            Told(row, old.told, old.due, today - int(shelf.start[row]))
            for row, old in standing.items()
            if row not in now
        ]
        standing = {row: standing.get(row, Told(row, told, due, NEVER)) for row, (told, due) in now.items()}
    return found + list(standing.values())


def alerts_view(shelf: Shelf, told: Sequence[Told], abc: Ints, first: int, *, replayed: bool) -> AlertsView:
    """Alerts whose day lies in columns `first` to the last, and the stock-outs of these days; `abc` (n,) classes.

    Of silent series nobody knows what became.
    """
    history = shelf.days.history
    columns = np.array([(t.row, t.told, t.due, t.closed, t.ordered) for t in told], dtype=np.int64).reshape(-1, 5)
    alerts = Alerts(*columns[~shelf.silent[columns[:, 0]]].T)
    receipts = history.receipts if history.receipts is not None else np.zeros_like(history.units)
    found = fates(alerts, history.on_hand, receipts, first)
    rows, on = stockouts(history.on_hand, history.units, first)
    heard = foretold(rows, on, alerts, (history.series, history.days))
    letters = abc[alerts.row] if len(alerts.row) else np.zeros(0, dtype=np.int64)
    by_class = []
    for number, letter in enumerate(turnover.ABC):
        mine = found[letters == number]
        false = int((mine == Fate.FALSE).sum())
        of = false + int(np.isin(mine, (Fate.CAME, Fate.AVERTED)).sum())
        if of:
            by_class.append((letter, false, of))
    weeks = max(1, -(-(shelf.length - first) // 7))
    return AlertsView(weeks, replayed, alert_score(found, len(rows), int(heard.sum())), tuple(by_class))


def turn_points(days: Days, cost: Ints, period: int) -> tuple[TurnPoint, ...]:
    """Days of inventory of everything over `period` days, now and some weeks ago, at today's `cost` (n,).

    The sum of what was sold at cost against the mean stock at cost, as `/turnover` has it.
    """
    found = []
    counted = (cost > 0) & days.counted
    for ago in TURNS_AGO:
        end = days.history.days - 7 * ago
        if end < period:
            found.append(TurnPoint(ago, None))
            continue
        history = days.history
        part = SeriesHistory(
            history.first_day, history.units[counted, end - period : end], history.on_hand[counted, end - period : end]
        )
        span = turnover.period(part, period)
        sold = (span.units * cost[counted]).sum(dtype=np.float64)
        lay = (span.average_on_hand * cost[counted]).sum()
        turns = turnover.inventory_turnover(np.array([sold]), np.array([lay]))
        length = float(turnover.days_of_inventory(turns, period)[0])
        found.append(TurnPoint(ago, length if np.isfinite(length) else None))
    return tuple(found)


def lead_times(stated: Sequence[StatedRow], arrived: Sequence[Delivery]) -> tuple[LeadTime, ...]:
    """Each way of buying with deliveries: the longest that its routes state, and its deliveries' mean, in days."""
    waits: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for one in arrived:
        waits[one.supplier, one.place, one.mode].append((one.arrived_at - one.ordered_at).total_seconds() / 86_400)
    return tuple(
        LeadTime(way.supplier, way.place, way.mode, way.most, sum(mine) / len(mine), len(mine))
        for way in stated
        if (mine := waits.get((way.supplier, way.place, way.mode)))
    )


def hours(pairs: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime) -> list[float]:
    """The hours of the waits that ended between two instants."""
    return [(end - begin).total_seconds() / 3600 for begin, end in pairs if since <= end < until]
