"""The figures of `/stock` as of an instant, computed anew: DuckDB over the raw rows, plain Python over the stock.

What is read of the product's own database is the reconstruction alone (opening counts, arrivals, adjustments, orders
and routes), row by row, for the file knows of none; sales, returns and stock notes come from the Parquet file.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.domain.hours import Event, slow_hours, slow_parts
from tests.sample.oracle import Oracle

Key = tuple[str, str]  # code, place
WINDOWS = (7, 30, 90)
REACH = 180  # days that a velocity looks back at most

# Everything known at the instant: fees are no goods, and a sale whose cancellation is still to come stands.
_KNOWN = """
WITH here AS (SELECT place, CAST(timezone(zone, $at) AS DATE) AS today FROM zones),
known AS (
    SELECT l.code, l.place, l.day, l.moment, l.quantity, here.today, l.kind,
           l.kind = 'sale' AND NOT coalesce(undone.moment <= $at, FALSE) AS wanted
    FROM lines l JOIN here USING (place)
    LEFT JOIN cancelled c ON c.line = l.line LEFT JOIN lines undone ON undone.line = c.by_line
    WHERE l.moment <= $at AND l.kind <> 'fee')
"""
# A return comes with a negative quantity and goes back on the shelf; a write-off takes off it what its own sign says.
_OFF_SHELF = "SUM(CASE WHEN kind IN ('write_off', 'adjustment') THEN -quantity ELSE quantity END)"


@dataclass(frozen=True)
class Sold:
    """Units of demand in the last 7, 30 and 90 whole local days, those of today, and what left the shelf ever."""

    windows: tuple[int, int, int]
    today: int
    off_shelf: int


def sold(oracle: Oracle, at: datetime) -> dict[Key, Sold]:
    """Every product at every place that has any line."""
    spans = ", ".join(
        f"coalesce(SUM(quantity) FILTER (wanted AND day >= today - {days} AND day < today), 0)" for days in WINDOWS
    )
    rows = oracle.base.execute(
        f"{_KNOWN} SELECT code, place, {spans}, coalesce(SUM(quantity) FILTER (wanted AND day = today), 0), "  # noqa: S608  # no input in it
        f"{_OFF_SHELF} FROM known GROUP BY code, place",
        {"at": at},
    ).fetchall()
    return {
        (code, place): Sold((int(week), int(month), int(quarter)), int(today), int(off))
        for code, place, week, month, quarter, today, off in rows
    }


class MadeUp:
    """The reconstruction's rows in a SQLite file, as they lie there; instants are microseconds since 1970."""

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file)
        self._named = "JOIN products p ON p.id = t.product_id JOIN locations l ON l.id = t.location_id"

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask; `{named}` joins the codes p.sku and l.code to a table t."""
        return self._base.execute(query.format(named=self._named), values).fetchall()

    def stock(self, sold_by_then: dict[Key, Sold], at: datetime) -> dict[Key, int]:
        """On hand: the opening count, and what was received or adjusted, less what left the shelf; never below zero."""
        moment = _micros(at)
        shelf = {
            (sku, place): units
            for sku, place, units in self.rows(
                "SELECT p.sku, l.code, t.on_hand FROM stock_levels t {named} WHERE t.as_of <= ?", moment
            )
        }
        moved = self.rows(
            "SELECT p.sku, l.code, SUM(t.quantity) FROM stock_movements t {named} "
            "WHERE t.source = 'reconstruction' AND t.at <= ? GROUP BY p.sku, l.code",
            moment,
        )
        for sku, place, units in moved:
            shelf[sku, place] += units
        return {key: max(units - _off(sold_by_then, key), 0) for key, units in shelf.items()}

    def incoming(self, at: datetime) -> dict[Key, int]:
        """Ordered by then, and not received."""
        rows = self.rows(
            "SELECT p.sku, l.code, SUM(t.quantity) FROM inbounds t {named} "
            "WHERE t.ordered_at <= ?1 AND (t.received_at IS NULL OR t.received_at > ?1) GROUP BY p.sku, l.code",
            _micros(at),
        )
        return {(sku, place): units for sku, place, units in rows}

    def days(self, oracle: Oracle, at: datetime) -> dict[Key, tuple[list[int], list[int]]]:
        """Demand and closing stock over the last REACH whole local days, replayed day by day, of whatever has lines."""
        lines = oracle.base.execute(
            f"{_KNOWN} SELECT code, place, today, day, coalesce(SUM(quantity) FILTER (wanted), 0), {_OFF_SHELF} "  # noqa: S608  # no input in it
            "FROM known GROUP BY code, place, today, day",
            {"at": at},
        ).fetchall()
        ends = {(code, place): today for code, place, today, *_rest in lines}
        wanted = {((code, place), day): int(units) for code, place, _today, day, units, _off in lines}
        change = Counter({((code, place), day): -int(off) for code, place, _today, day, _units, off in lines})
        moved = self.rows(
            "SELECT p.sku, l.code, t.day, SUM(t.quantity) FROM stock_movements t {named} "
            "WHERE t.source = 'reconstruction' AND t.at <= ? GROUP BY p.sku, l.code, t.day",
            _micros(at),
        )
        for sku, place, day, units in moved:
            change[(sku, place), date.fromisoformat(day)] += units
        shelf = Counter(
            {
                (sku, place): units
                for sku, place, units in self.rows(
                    "SELECT p.sku, l.code, t.on_hand FROM stock_levels t {named} WHERE t.as_of <= ?", _micros(at)
                )
            }
        )
        for (key, day), units in change.items():
            if key in ends and day < ends[key] - timedelta(days=REACH):
                shelf[key] += units
        found: dict[Key, tuple[list[int], list[int]]] = {key: ([], []) for key in ends}
        for key, (demand, closing) in found.items():
            for ago in range(REACH, 0, -1):
                day = ends[key] - timedelta(days=ago)
                shelf[key] += change[key, day]
                demand.append(wanted.get((key, day), 0))
                closing.append(max(shelf[key], 0))
        return found

    def parts(self, oracle: Oracle, at: datetime) -> dict[Key, dict[int, float]]:
        """The share of the day with stock where its hours are known; days by their place in what `days` gives."""
        events: defaultdict[Key, list[Event]] = defaultdict(list)
        lines = oracle.base.execute(
            f"{_KNOWN} SELECT code, place, CAST(epoch(moment) AS BIGINT), "  # noqa: S608  # no input in it
            "CASE WHEN kind IN ('write_off', 'adjustment') THEN quantity ELSE -quantity END FROM known",
            {"at": at},
        ).fetchall()
        for code, place, moment, units in lines:
            events[code, place].append(Event(datetime.fromtimestamp(moment, UTC), int(units)))
        for table, units in (("stock_levels", "on_hand"), ("stock_movements", "quantity")):
            when = "as_of" if table == "stock_levels" else "at"
            rows = self.rows(
                f"SELECT p.sku, l.code, t.{when}, t.{units} FROM {table} t {{named}} "  # noqa: S608  # no input in it
                f"WHERE t.{when} <= ? AND (t.source = 'reconstruction' OR {table == 'stock_levels'})",
                _micros(at),
            )
            for sku, place, moment, number in rows:
                counted = table == "stock_levels"
                events[sku, place].append(Event(datetime.fromtimestamp(moment / 1e6, UTC), number, counted))
        zones = {place: ZoneInfo(zone) for place, zone in oracle.rows("SELECT place, zone FROM zones")}
        hours = slow_hours(self._sold_in(oracle, at), zones)
        found: dict[Key, dict[int, float]] = {}
        for key, mine in events.items():
            first = at.astimezone(zones[key[1]]).date() - timedelta(days=REACH)
            days = [first + timedelta(days=ahead) for ahead in range(REACH)]
            parts = slow_parts(mine, zones[key[1]], days, at, hours[key[1]])
            found[key] = {(day - first).days: share for day, share in parts.items()}
        return found

    def _sold_in(self, oracle: Oracle, at: datetime) -> dict[str, list[datetime]]:
        """The instants of 1,000 sales at most of the four weeks until the Sunday before last midnight's Monday."""
        last = at.date() - timedelta(days=at.weekday() + 1)
        chosen = self.rows("SELECT sku, id FROM products ORDER BY (id * 48271) % 2147483647 LIMIT 100")
        products = dict(chosen)
        places = dict(self.rows("SELECT code, id FROM locations"))
        lines = oracle.base.execute(
            "SELECT code, place, day, CAST(epoch(moment) AS BIGINT) FROM lines "
            "WHERE kind = 'sale' AND day >= $first AND day < $last",
            {"first": last - timedelta(weeks=4), "last": last},
        ).fetchall()
        ordered = sorted(
            (products[code], places[place], *rest, place) for code, place, *rest in lines if code in products
        )
        found: dict[str, list[datetime]] = {}
        for _product, _place, _day, moment, code in ordered[:1000]:
            found.setdefault(code, []).append(datetime.fromtimestamp(moment, UTC))
        return found

    def route(self, key: Key) -> tuple[float, float]:
        """Lead time and its spread, in days, of the cheapest route."""
        [(days, spread), *_dearer] = self.rows(
            "SELECT t.lead_time_days, t.lead_time_sd_days FROM routes t {named} WHERE p.sku = ? AND l.code = ? "
            "ORDER BY t.unit_cost_minor",
            *key,
        )
        return days / 1e6, spread / 1e6


def _off(found: dict[Key, Sold], key: Key) -> int:
    return found[key].off_shelf if key in found else 0


def _micros(at: datetime) -> int:
    return round(at.timestamp()) * 1_000_000
