"""When to meet: what an hour does to people, and the slot that hurts least."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meeting import AHEAD, MOST_HURT, NOTICE, Hours, best_slot, hurt, slot

WEEK = frozenset(range(5))
HALF = timedelta(minutes=30)
MONDAY = datetime(2011, 11, 21, tzinfo=UTC)


def worker(number: int, zone: str, start: int = 9, end: int = 18, off: frozenset[date] = frozenset()) -> Hours:
    return Hours(number, ZoneInfo(zone), time(start), time(end), WEEK, off)


WEI, PETRA, MARIA = worker(1, "Asia/Shanghai"), worker(2, "Europe/Berlin"), worker(3, "America/Chicago")


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        (MONDAY.replace(hour=1), 0.0),  # 09:00 in Shanghai
        (MONDAY.replace(hour=9, minute=30), 0.0),  # until 18:00 sharp
        (MONDAY.replace(hour=10), 0.5),  # ends half an hour after six
        (MONDAY.replace(hour=0), 1.0),
        (MONDAY.replace(hour=17), 7.5),  # 01:00: seven and a half past six, eight before nine
    ],
)
def test_an_hour_hurts_by_its_distance_from_the_working_day(at: datetime, hours: float) -> None:
    assert hurt(WEI, at, HALF) == hours


def test_a_day_off_is_no_working_day() -> None:
    on = MONDAY.replace(hour=3)
    assert hurt(WEI, on, HALF) == 0
    resting = worker(1, "Asia/Shanghai", off=frozenset({date(2011, 11, 21)}))
    assert hurt(resting, on, HALF) == MOST_HURT


def test_a_night_shift_runs_over_midnight() -> None:
    night = worker(1, "UTC", 22, 6)
    assert hurt(night, MONDAY.replace(hour=23, minute=50), HALF) == 0
    assert hurt(night, MONDAY + timedelta(days=1, hours=7), HALF) == 1.5


def test_the_best_hour_for_three_continents_is_found_by_hand_too() -> None:
    """Shanghai works 01:00-10:00 UTC, Berlin 08:00-17:00, Chicago 15:00-24:00."""
    found = best_slot([WEI, PETRA, MARIA], MONDAY.replace(hour=21), MONDAY, HALF)
    tried = [slot([WEI, PETRA, MARIA], MONDAY.replace(hour=9) + HALF * number, HALF) for number in range(30)]
    assert found.cost == min(each.cost for each in tried)
    assert found.at == MONDAY.replace(hour=12, minute=30)  # as bad as 12:00, and nearer to the wish
    assert dict(found.hurts) == {1: 3.0, 2: 0.0, 3: 2.5}


def test_an_hour_that_suits_everybody_is_kept() -> None:
    wished = MONDAY.replace(hour=8, minute=40)
    assert best_slot([WEI, PETRA], wished, MONDAY, HALF).at == wished


_PEOPLE = st.lists(
    st.builds(
        Hours,
        st.integers(1, 99),
        st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Chicago", "Asia/Kolkata", "Pacific/Apia"]).map(
            ZoneInfo
        ),
        st.times().map(lambda at: at.replace(second=0, microsecond=0)),
        st.times().map(lambda at: at.replace(second=0, microsecond=0)),
        st.frozensets(st.integers(0, 6), min_size=1),
    ),
    min_size=1,
    max_size=6,
)


@given(_PEOPLE, st.integers(0, 40_000), st.integers(0, 1_439))
def test_the_best_slot_never_hurts_more_than_the_wished_one_and_is_never_past(
    people: list[Hours], minutes: int, ahead: int
) -> None:
    now = MONDAY + timedelta(minutes=minutes)
    wished = now + timedelta(minutes=ahead)
    found = best_slot(people, wished, now, HALF)
    assert found.cost <= slot(people, wished, HALF).cost + 1e-9
    assert found.at >= min(now + NOTICE, wished)
    assert abs(found.at - wished) <= AHEAD
    assert all(0 <= hours <= MOST_HURT for _member, hours in found.hurts)
