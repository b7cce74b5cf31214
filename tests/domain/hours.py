"""For how much of a day there was stock, once more: one event after the other in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TIMED = timedelta(minutes=90)  # a count says when stock came or went where the one before is no older
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Units that came (or went, below zero), or that were counted."""

    at: datetime
    units: int
    counted: bool = False

    @property
    def order(self) -> tuple[datetime, bool, int]:
        """At one instant what comes stands first, then what goes, then what is counted."""
        return self.at, self.counted, 0 if self.counted else -self.units


def slow_parts(
    events: Iterable[Event],
    zone: ZoneInfo,
    days: Iterable[date],
    at: datetime,
    hours: Sequence[float] = (1.0,) * 24,
) -> dict[date, float]:
    """The share of each day with stock, of those that are over by `at` and known by their hours.

    `hours`: what each hour of the clock counts for.
    """
    lain: list[tuple[datetime, datetime]] = []  # from an event with stock after it to the next
    doubts: list[tuple[datetime, datetime]] = [(_EVER, _EVER)]
    level, since, counted = 0, _EVER, None
    for event in sorted(events, key=lambda each: each.order):
        if level > 0:
            lain.append((since, event.at))
        midnight = _begins(event.at.astimezone(zone).date(), zone)
        if event.counted:
            flips = (event.units > 0) != (level > 0)
            if counted is None or (flips and event.at - counted > TIMED):
                doubts.append((counted or _EVER, event.at))
            level, counted = event.units, event.at
        else:
            if event.at == midnight or (event.units < 0 and level <= 0):
                doubts.append((midnight, midnight + timedelta(hours=1)))
            level += event.units
        since = event.at
    if level > 0:
        lain.append((since, _NEVER))
    found = {}
    for day in days:
        start, end = _begins(day, zone), _begins(day + timedelta(days=1), zone)
        if end <= at and not any(a < end and b > start for a, b in doubts):
            there = sum(_worth(max(a, start), min(b, end), zone, hours) for a, b in lain)
            whole = _worth(start, end, zone, hours)
            if 0 < there < whole * (1 - 1e-9):
                found[day] = there / whole
    return found


def slow_hours(sold: Mapping[str, Iterable[datetime]], zones: Mapping[str, ZoneInfo]) -> dict[str, list[float]]:
    """What each hour of a place's clock counts for, by the instants of what was sold there."""
    clocks = {place: [each.astimezone(zones[place]).time() for each in sold.get(place, ())] for place in zones}
    counted = {place: Counter(each.hour for each in mine if each != time()) for place, mine in clocks.items()}
    everywhere = sum(counted.values(), Counter())
    if everywhere.total() < 200:
        return {place: [1.0] * 24 for place in zones}
    common = [(everywhere[hour] + 1) / (everywhere.total() + 24) for hour in range(24)]
    return {place: [mine[hour] + 200 * common[hour] for hour in range(24)] for place, mine in counted.items()}


def _worth(since: datetime, until: datetime, zone: ZoneInfo, hours: Sequence[float]) -> float:
    """What the time between two instants counts for, hour by hour."""
    worth, at = 0.0, since
    while at < until:
        following = min(until, at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        worth += hours[at.astimezone(zone).hour] * ((following - at) / timedelta(hours=1))
        at = following
    return worth


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
