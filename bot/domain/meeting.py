"""When to meet: how much an hour hurts people in other zones, and the slot that hurts least.

An hour hurts somebody by its distance from their nearest working hours, at most twelve hours; a slot by the sum of the
squares, so that one person at night weighs more than several who stay a little longer.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.localtime import instant_of

MOST_HURT = 12.0  # hours
STEP = timedelta(minutes=30)
AHEAD = timedelta(hours=12)  # before and after the wished time
NOTICE = timedelta(minutes=10)  # between now and the earliest slot


@dataclass(frozen=True, slots=True)
class Hours:
    """When one person works: from `start` to `end` in `zone` on `workdays` (Monday is 0) that are not `off`."""

    member_id: int
    zone: ZoneInfo
    start: time
    end: time
    workdays: frozenset[int]
    off: Container[date] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant, and by how many hours it lies outside each person's working hours."""

    at: datetime
    hurts: tuple[tuple[int, float], ...]  # (member id, hours)

    @property
    def cost(self) -> float:
        """What slots are compared by: the sum of squares."""
        return sum(hours**2 for _member, hours in self.hurts)


def hurt(person: Hours, at: datetime, length: timedelta) -> float:
    """Hours between the meeting and the person's nearest working hours; 0 where it lies within them altogether."""
    today = at.astimezone(person.zone).date()
    nearest = MOST_HURT
    for on in (today + timedelta(days=ahead) for ahead in (-1, 0, 1)):
        if on.weekday() not in person.workdays or on in person.off:
            continue
        begins = instant_of(person.zone, on, person.start)
        last = on if person.start < person.end else on + timedelta(days=1)
        ends = instant_of(person.zone, last, person.end)
        outside = max((begins - at), (at + length - ends), timedelta(0))
        nearest = min(nearest, outside.total_seconds() / 3600)
    return nearest


def slot(people: Sequence[Hours], at: datetime, length: timedelta) -> Slot:
    """What an instant does to people."""
    return Slot(at, tuple((person.member_id, hurt(person, at, length)) for person in people))


def best_slot(people: Sequence[Hours], wished: datetime, now: datetime, length: timedelta) -> Slot:
    """The slot that hurts least within twelve hours of the wished one; of equals the nearest to it, then the earlier.

    Slots stand on full and half hours of UTC, and not before ten minutes from now; the wished instant is one too.
    """
    first = max(wished - AHEAD, now + NOTICE)
    begun = first.replace(minute=0, second=0, microsecond=0)
    grid = [begun + STEP * number for number in range(int(2 * AHEAD / STEP) + 3)]
    found = [at for at in grid if first <= at <= wished + AHEAD]
    if wished >= now:
        found.append(wished)
    slots = [slot(people, at, length) for at in found or [first]]
    return min(slots, key=lambda one: (round(one.cost, 6), abs(one.at - wished), one.at))
