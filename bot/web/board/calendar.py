"""Arrivals laid out as a calendar: whole weeks from the one of today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.boardviews import ArrivalDay


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One cell; `shown` is false before today."""

    on: date
    units: int
    places: tuple[str, ...]
    today: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class Late:
    """What should have come already."""

    units: int
    deliveries: int
    oldest: date | None


def calendar(arrivals: Sequence[ArrivalDay], today: date, weeks: int) -> list[list[CalendarDay]]:
    """So many weeks from Monday to Sunday, the first one today's."""
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=number) for number in range(7 * weeks)]
    cells = [_day(on, today, [one for one in arrivals if one.on == on and not one.late]) for on in days]
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def late(arrivals: Sequence[ArrivalDay]) -> Late:
    """The overdue in one line."""
    overdue = [one for one in arrivals if one.late]
    return Late(sum(one.units for one in overdue), len(overdue), min((one.on for one in overdue), default=None))


def _day(on: date, today: date, coming: Sequence[ArrivalDay]) -> CalendarDay:
    return CalendarDay(
        on, sum(one.units for one in coming), tuple(one.place for one in coming), today=on == today, shown=on >= today
    )
