"""A member's local time under explicit rules for daylight-saving changes.

A wall-clock time that is skipped (a gap) means the first instant after the gap; one that occurs twice (a fold) means
its first occurrence. So every local date that exists has exactly one instant for a time of day, and those
instants strictly increase. Results are aware datetimes in UTC. Weekdays count from Monday, 0.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))
LONGEST_REST = 400  # days looked ahead for a working day; a year of holidays on end is a fault of the calendar


def instant_of(zone: ZoneInfo, on: date, at: time) -> datetime:
    """The instant at which the clocks of `zone` show `at` on `on`; ValueError where `at` carries a zone of its own."""
    if at.tzinfo is not None:
        raise ValueError("a time of day carries no zone of its own")
    wall = datetime.combine(on, at.replace(fold=0), tzinfo=zone)
    instant = wall.astimezone(UTC)
    shown = instant.astimezone(zone)
    if shown.replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(zone, wall.replace(fold=1).astimezone(UTC), instant)


def date_exists(zone: ZoneInfo, on: date) -> bool:
    """Whether the zone has that date: a change of the date line skips one (Apia, 2011-12-30)."""
    return instant_of(zone, on, time.min).astimezone(zone).date() == on


def _end_of_gap(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant between two at which the zone's offset changes: the first one after the gap (to the second)."""
    offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds()) + 1
    start = before.replace(microsecond=0)
    while high - low > 1:
        middle = (low + high) // 2
        if (start + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return start + timedelta(seconds=high)


def next_local(
    zone: ZoneInfo,
    at: time,
    after: datetime,
    workdays: Collection[int] = EVERY_DAY,
    holidays: Container[date] = (),
) -> datetime:
    """The first instant strictly after `after` at which it is `at` on a working day that is no holiday.

    ValueError where `after` is naive, no day of the week is a working day, or no working day comes within 400 days.
    """
    if after.tzinfo is None:
        raise ValueError("`after` must be aware")
    if not set(workdays) & EVERY_DAY:
        raise ValueError("no day of the week is a working day")
    first = after.astimezone(zone).date() - timedelta(days=1)  # a gap may carry yesterday's instant into today
    for ahead in range(LONGEST_REST):
        on = first + timedelta(days=ahead)
        if not _works(zone, on, workdays, holidays):
            continue
        instant = instant_of(zone, on, at)
        if instant > after:
            return instant
    raise ValueError(f"no working day within {LONGEST_REST} days of {first}")


def _works(zone: ZoneInfo, on: date, workdays: Collection[int], holidays: Container[date]) -> bool:
    """Whether `on` is a working day that exists in the zone."""
    return on.weekday() in workdays and on not in holidays and date_exists(zone, on)


def is_awake(
    zone: ZoneInfo,
    start: time,
    end: time,
    workdays: Collection[int],
    at: datetime,
    holidays: Container[date] = (),
) -> bool:
    """Whether `at` lies in somebody's working hours, from `start` until just before `end`.

    Hours that end at or before their start run over midnight and belong to the day on which they start: a Friday night
    shift counts on Saturday morning. Equal times mean the whole day round.
    """
    if at.tzinfo is None:
        raise ValueError("`at` must be aware")
    today = at.astimezone(zone).date()
    for on in (today - timedelta(days=1), today):
        if _works(zone, on, workdays, holidays):
            last = on if start < end else on + timedelta(days=1)
            if instant_of(zone, on, start) <= at < instant_of(zone, last, end):
                return True
    return False


def next_awake(
    zone: ZoneInfo,
    start: time,
    end: time,
    workdays: Collection[int],
    at: datetime,
    holidays: Container[date] = (),
) -> datetime:
    """`at` itself, in UTC, where it lies in the working hours; otherwise the next instant at which they start."""
    if is_awake(zone, start, end, workdays, at, holidays):
        return at.astimezone(UTC)
    return next_local(zone, start, at, workdays, holidays)
