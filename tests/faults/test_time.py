"""Every zone, every half hour of the day, ten years of dates: each local date has exactly one instant to send at.

The rule is computed twice. `bot.domain.localtime` is what the bot uses; the other way is vectorised over tables of when
each zone's offset changes. The two are compared on every date near a change, and on a seeded sample of all the others;
the vectorised one then judges every date there is.
"""

from __future__ import annotations

import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.domain.localtime import date_exists, instant_of, next_local
from tests.faults import figures

FIRST = date(2010, 1, 1)  # Samoa's missing day (2011-12-30) and the decade's changes of Russia, Turkey, Egypt, Jordan
YEARS = 10
DAYS = (date(FIRST.year + YEARS, 1, 1) - FIRST).days
SLOTS = 48
HALF_HOUR = 1800
SHARES = 2  # of the zones, so that two workers share them
SAMPLE = figures.times(60, 600, 20_000)  # dates compared per zone besides those near a change
STRIDE = figures.times(9, 1, 1)  # of the half hours compared near a change; the first moves on with the date
SHARED = [pytest.param(share, marks=pytest.mark.xdist_group(f"zones {share}")) for share in range(SHARES)]

EPOCH = date(1970, 1, 1)
_WALLS = ((FIRST - EPOCH).days + np.arange(DAYS)[:, None]) * 86_400 + np.arange(SLOTS) * HALF_HOUR


@dataclass(frozen=True)
class Table:
    """A zone's offsets: from `at[i]` on (Unix seconds) its clocks are `offset[i]` seconds ahead of UTC."""

    at: np.ndarray[Any, np.dtype[np.int64]]
    offset: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def key(self) -> bytes:
        """Zones with the same table are one clock under several names."""
        return self.at.tobytes() + self.offset.tobytes()


def table_of(name: str) -> Table:
    """Every change of a zone's offset around those years, found by bisection in what `zoneinfo` shows of it."""
    zone = ZoneInfo(name)
    start = datetime(FIRST.year, 1, 1, tzinfo=UTC) - timedelta(days=40)
    end = start + timedelta(days=DAYS + 80)
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    at, offset = [int(start.timestamp()) - 10**8], [_offset(zone, start)]
    for before, after in pairwise(days):
        now = _offset(zone, after)
        if now != offset[-1]:
            low, high = int(before.timestamp()), int(after.timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, _instant(middle)) == offset[-1] else (low, middle)
            at.append(high)
            offset.append(now)
    return Table(np.array(at), np.array(offset))


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    found = instant.astimezone(zone).utcoffset()
    assert found is not None
    return int(found.total_seconds())


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def instants(table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The instant of each date and slot by the rule, vectorised: first occurrence; the end of the gap where none.

    A wall time w occurs while offset o holds if that span holds w - o. The earliest such span wins. Where there is
    none, w lies in a gap, and its instant is the change that made it: the first one whose new offset puts w behind it.
    """
    walls = _WALLS.ravel()
    begins = table.at + table.offset  # each span's first wall time
    ends = np.append(table.at[1:] + table.offset[:-1], np.iinfo(np.int64).max)  # and its end, not in it
    span = np.searchsorted(ends, walls, side="right")  # the first span that ends later: spans' ends rise
    within = walls >= begins[span]
    return np.where(within, walls - table.offset[span], table.at[span]).reshape(_WALLS.shape)


def exists(table: Table, found: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the zone has each date: its midnight's instant lies on that date."""
    midnight = found[:, 0]
    offset = table.offset[np.searchsorted(table.at, midnight, side="right") - 1]
    return np.asarray((midnight + offset) // 86_400 == _WALLS[:, 0] // 86_400)


@cache
def clocks(share: int) -> dict[bytes, tuple[Table, list[str]]]:
    """The share's zones, one entry per distinct clock."""
    found: dict[bytes, tuple[Table, list[str]]] = {}
    for name in sorted(zoneinfo.available_timezones())[share::SHARES]:
        table = table_of(name)
        found.setdefault(table.key, (table, []))[1].append(name)
    return found


def near_changes(table: Table) -> Iterator[int]:
    """Numbers of the days within one of a change."""
    first = (FIRST - EPOCH).days
    seen = {
        int(at + offset) // 86_400 - first + ahead
        for at, offset in zip(table.at, table.offset, strict=True)
        for ahead in (-1, 0, 1)
    }
    return (day for day in sorted(seen) if 0 <= day < DAYS)


def test_the_zone_files_are_those_that_ship() -> None:
    assert len(zoneinfo.available_timezones()) > 590
    assert resources.files("tzdata").joinpath("zones").is_file()


@pytest.mark.parametrize("share", SHARED)
def test_every_local_date_has_exactly_one_instant_in_every_zone_at_every_half_hour(share: int) -> None:
    dice = random.Random(20260101 + share)  # noqa: S311  # reproducible on purpose
    judged = compared = 0
    faults: list[str] = []
    for table, names in clocks(share).values():
        found = instants(table)
        there = exists(table, found)
        judged += found.size * len(names)
        faults += [f"{names[0]}: {fault}" for fault in _disorder(table, found, there)]
        zone = ZoneInfo(names[0])
        some = [divmod(dice.randrange(DAYS * SLOTS), SLOTS) for _ in range(SAMPLE)]
        near = [(near, slot) for near in near_changes(table) for slot in range(near % STRIDE, SLOTS, STRIDE)]
        for day, slot in (*near, *some):
            on = FIRST + timedelta(days=day)
            ours = instant_of(zone, on, time(slot // 2, slot % 2 * 30))
            compared += 1
            if ours.timestamp() != found[day, slot] or (slot == 0 and date_exists(zone, on) != there[day]):
                faults.append(f"{names[0]}: {on} slot {slot}: {ours} is not {_instant(int(found[day, slot]))}")
    figures.record(
        "Time: local dates x half hours x zones with one instant",
        judged,
        len(faults),
        "every date judged by the vectorised rule; the bot's own function compared at every change and on a sample",
    )
    figures.record("Time: the bot's own function against that rule", compared, len(faults))
    assert faults == []
    assert judged == len(sorted(zoneinfo.available_timezones())[share::SHARES]) * DAYS * SLOTS


def _disorder(
    table: Table,
    found: np.ndarray[Any, np.dtype[np.int64]],
    there: np.ndarray[Any, np.dtype[np.bool_]],
) -> Iterator[str]:
    """What is wrong with a zone: of each slot, the instants of dates that exist must rise strictly, a day at a time."""
    real = found[there]
    steps = np.diff(real, axis=0)
    if (steps <= 0).any():
        yield "two dates share an instant"
    if (steps > 86_400 + 10_800).any() or (steps < 86_400 - 10_800).any():
        yield "an instant is more than three hours away from a day later"
    shown = found + table.offset[np.searchsorted(table.at, found, side="right") - 1]
    late = shown - _WALLS
    if (late[there] < 0).any() or (late[there] > 10_800).any():
        yield "a clock shows something earlier, or hours later, than what was asked for"


@pytest.mark.parametrize("share", SHARED)
def test_walking_from_morning_to_morning_meets_every_date_once_around_every_change(share: int) -> None:
    walked = 0
    faults: list[str] = []
    for table, names in clocks(share).values():
        zone = ZoneInfo(names[0])
        for change in (int(at) for at in table.at[1:]):
            for slot in range(0, SLOTS, 1 if figures.is_long() else 7):
                at = time(slot // 2, slot % 2 * 30)
                middle = datetime.fromtimestamp(change, UTC).astimezone(zone).date()
                days = [middle + timedelta(days=ahead) for ahead in range(-2, 4)]
                expected = [instant_of(zone, day, at) for day in days if date_exists(zone, day)]
                instant = expected[0] - timedelta(seconds=1)
                met = []
                for _ in expected:
                    instant = next_local(zone, at, instant)
                    met.append(instant)
                walked += len(met)
                if met != expected:
                    faults.append(f"{names[0]} at {at} around {middle}: {met}")
    figures.record("Time: mornings met by walking over every change", walked, len(faults))
    assert faults == []
