"""Local times across gaps, folds and a skipped day, in many zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.localtime import EVERY_DAY, date_exists, instant_of, is_awake, next_awake, next_local

NAMES = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Chicago", "America/St_Johns",
    "America/Sao_Paulo", "America/Havana", "America/Santiago", "America/Asuncion", "Asia/Shanghai", "Asia/Bangkok",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Gaza", "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca",
    "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati",
    "Pacific/Norfolk", "Antarctica/Troll", "Atlantic/Azores",
)  # fmt: skip
ZONES = st.sampled_from(NAMES).map(ZoneInfo)
DATES = st.dates(date(2009, 1, 1), date(2027, 12, 31))
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 29, 30, 31, 45, 59]))
WEEK = frozenset(range(5))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour, minute


@pytest.mark.parametrize(
    ("zone", "on", "at", "instant"),
    [
        ("Asia/Kathmandu", date(2011, 11, 21), time(9), utc(2011, 11, 21, 3, 15)),
        ("Asia/Shanghai", date(2011, 11, 21), time(9), utc(2011, 11, 21, 1)),
        ("Europe/Berlin", date(2011, 3, 27), time(2, 30), utc(2011, 3, 27, 1)),  # a gap: 03:00 summer time
        ("Europe/Berlin", date(2011, 3, 27), time(2), utc(2011, 3, 27, 1)),
        ("Europe/Berlin", date(2011, 3, 27), time(3), utc(2011, 3, 27, 1)),
        ("Europe/Berlin", date(2011, 10, 30), time(2, 30), utc(2011, 10, 30, 0, 30)),  # a fold: the first
        ("Australia/Lord_Howe", date(2011, 10, 2), time(2, 15), utc(2011, 10, 1, 15, 30)),  # a gap of half an hour
        ("Australia/Lord_Howe", date(2011, 4, 3), time(1, 45), utc(2011, 4, 2, 14, 45)),  # a fold of half an hour
        ("Pacific/Apia", date(2011, 12, 30), time(9), utc(2011, 12, 30, 10)),  # the whole day was skipped
        ("America/Sao_Paulo", date(2011, 10, 16), time(0), utc(2011, 10, 16, 3)),  # the day begins at 01:00
    ],
)
def test_a_local_time_is_one_instant_by_the_stated_rules(zone: str, on: date, at: time, instant: datetime) -> None:
    assert instant_of(ZoneInfo(zone), on, at) == instant


def test_apia_had_no_thirtieth_of_december_2011() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert not date_exists(apia, date(2011, 12, 30))
    assert date_exists(apia, date(2011, 12, 29))
    assert date_exists(ZoneInfo("America/Sao_Paulo"), date(2011, 10, 16))


@pytest.mark.parametrize("at", [time(0), time(9)])
def test_nothing_is_sent_for_a_skipped_day(at: time) -> None:
    apia = ZoneInfo("Pacific/Apia")
    sent, after = [], utc(2011, 12, 27, 23)
    for _ in range(4):
        after = next_local(apia, at, after)
        sent.append(after.astimezone(apia).replace(tzinfo=None))
    days = [date(2011, 12, 28), date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]
    assert sent == [datetime.combine(day, at) for day in days]


@given(ZONES, DATES, TIMES)
@settings(max_examples=300, deadline=None)
def test_the_instant_shows_the_asked_time_or_is_the_first_after_a_gap(zone: ZoneInfo, on: date, at: time) -> None:
    instant = instant_of(zone, on, at)
    asked = datetime.combine(on, at)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    assert instant.utcoffset() == timedelta(0)
    if shown == asked:
        earlier = [instant - timedelta(minutes=minutes) for minutes in (30, 60, 120, 180)]
        assert all(other.astimezone(zone).replace(tzinfo=None) != asked for other in earlier)
    else:
        assert shown > asked
        before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < asked


@given(ZONES, DATES, TIMES)
@settings(max_examples=60, deadline=None)
def test_every_local_date_has_one_send_instant_and_they_strictly_increase(zone: ZoneInfo, on: date, at: time) -> None:
    after = instant_of(zone, on, at)
    expected = [
        instant_of(zone, day, at)
        for day in (on + timedelta(days=ahead) for ahead in range(1, 61))
        if date_exists(zone, day)
    ]
    assert all(one < two for one, two in zip([after, *expected], expected, strict=False))
    for instant in expected:
        after = next_local(zone, at, after)
        assert after == instant


@given(ZONES, DATES, TIMES, TIMES)
@settings(max_examples=150, deadline=None)
def test_from_any_moment_the_next_local_time_is_the_first_one(zone: ZoneInfo, on: date, at: time, now: time) -> None:
    moment = datetime.combine(on, now, tzinfo=UTC)
    found = next_local(zone, at, moment)
    around = [on + timedelta(days=ahead) for ahead in range(-3, 5)]
    assert found == min(
        instant for day in around if date_exists(zone, day) and (instant := instant_of(zone, day, at)) > moment
    )


def test_a_year_across_both_changes_has_one_morning_a_day() -> None:
    berlin, after = ZoneInfo("Europe/Berlin"), utc(2010, 12, 31, 23)
    mornings = []
    for _ in range(365):
        after = next_local(berlin, time(2, 30), after)
        mornings.append(after.astimezone(berlin).date())
    assert mornings == [date(2011, 1, 1) + timedelta(days=ahead) for ahead in range(365)]


def test_weekends_and_holidays_are_passed_over() -> None:
    shenzhen = ZoneInfo("Asia/Shanghai")
    friday = utc(2011, 9, 30, 2)
    assert next_local(shenzhen, time(9), friday, WEEK) == utc(2011, 10, 3, 1)
    golden_week = {date(2011, 10, day) for day in range(1, 8)}
    assert next_local(shenzhen, time(9), friday, WEEK, golden_week) == utc(2011, 10, 10, 1)


def test_the_moment_itself_is_not_next() -> None:
    at = utc(2011, 11, 21, 9)
    assert next_local(ZoneInfo("UTC"), time(9), at) == utc(2011, 11, 22, 9)
    assert next_local(ZoneInfo("UTC"), time(9), at - timedelta(microseconds=1)) == at


def test_what_cannot_be_answered_is_refused() -> None:
    zone = ZoneInfo("UTC")
    with pytest.raises(ValueError, match="aware"):
        next_local(zone, time(9), datetime(2011, 1, 1))  # noqa: DTZ001  # naive on purpose
    with pytest.raises(ValueError, match="aware"):
        is_awake(zone, time(9), time(17), WEEK, datetime(2011, 1, 1))  # noqa: DTZ001  # naive on purpose
    with pytest.raises(ValueError, match="no day of the week"):
        next_local(zone, time(9), utc(2011, 1, 1), ())
    with pytest.raises(ValueError, match="no zone of its own"):
        instant_of(zone, date(2011, 1, 1), time(9, tzinfo=UTC))

    class Always:
        def __contains__(self, day: object) -> bool:
            return True

    with pytest.raises(ValueError, match="no working day within 400 days"):
        next_local(zone, time(9), utc(2011, 1, 1), EVERY_DAY, Always())


@pytest.mark.parametrize(
    ("at", "awake"),
    [
        (utc(2011, 11, 21, 7, 59), False),
        (utc(2011, 11, 21, 8), True),
        (utc(2011, 11, 21, 16, 59), True),
        (utc(2011, 11, 21, 17), False),
        (utc(2011, 11, 20, 12), False),  # a Sunday
    ],
)
def test_working_hours_include_their_start_and_not_their_end(at: datetime, awake: bool) -> None:  # noqa: FBT001  # a table
    assert is_awake(ZoneInfo("Europe/Berlin"), time(9), time(18), WEEK, at) is awake


def test_a_night_shift_belongs_to_the_day_on_which_it_starts() -> None:
    zone, hours = ZoneInfo("Asia/Bangkok"), (time(22), time(6))
    saturday_morning = utc(2011, 11, 25, 20)  # 03:00 on Saturday there
    monday_morning = utc(2011, 11, 20, 20)  # 03:00 on Monday there: Sunday's night
    assert is_awake(zone, *hours, WEEK, saturday_morning)
    assert not is_awake(zone, *hours, WEEK, monday_morning)
    assert not is_awake(zone, *hours, WEEK, saturday_morning, {date(2011, 11, 25)})
    assert next_awake(zone, *hours, WEEK, monday_morning) == utc(2011, 11, 21, 15)


def test_equal_hours_mean_the_whole_day_round() -> None:
    zone = ZoneInfo("Asia/Bangkok")
    assert all(is_awake(zone, time(9), time(9), EVERY_DAY, utc(2011, 11, 21, hour)) for hour in range(24))


@given(ZONES, DATES, TIMES, TIMES, TIMES, st.sets(st.integers(0, 6), min_size=1))
@settings(max_examples=150, deadline=None)
def test_somebody_is_awake_when_they_are_next_awake(
    zone: ZoneInfo, on: date, now: time, start: time, end: time, workdays: set[int]
) -> None:
    at = datetime.combine(on, now, tzinfo=UTC)
    wakes = next_awake(zone, start, end, workdays, at)
    assert wakes >= at
    if is_awake(zone, start, end, workdays, at):
        assert wakes == at
    elif instant_of(zone, wakes.astimezone(zone).date(), end) != wakes:  # hours that a gap swallows whole are empty
        assert is_awake(zone, start, end, workdays, wakes)
        between = at + (wakes - at) / 2
        assert not is_awake(zone, start, end, workdays, between)
