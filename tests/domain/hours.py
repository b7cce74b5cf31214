"""For how much of a day there was stock, once more: one event after the other in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
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


def slow_parts(events: Iterable[Event], zone: ZoneInfo, days: Iterable[date], at: datetime) -> dict[date, float]:
    """The share of each day with stock, of those that are over by `at` and known by their hours."""
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
            there = sum((max(min(b, end) - max(a, start), timedelta()) for a, b in lain), timedelta())
            if timedelta() < there < end - start:
                found[day] = there / (end - start)
    return found


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
