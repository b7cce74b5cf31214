"""The calendar: its days against the `holidays` library and known ones, uplift, and what a closure costs."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import calendar
from bot.domain.calendar import (
    KEYS,
    YEARS,
    CalendarSettings,
    Event,
    Written,
    closures,
    delay,
    events,
    holidays_of,
)
from bot.domain.uplift import mask

ALL = events(date(2020, 1, 1), date(2035, 12, 31))


def of(key: str, year: int, settings: CalendarSettings | None = None) -> list[Event]:
    chosen = events(date(year, 1, 1), date(year, 12, 31), settings)
    return [event for event in chosen if event.key == key and event.first.year == year]


def named(country: str, name: str) -> set[date]:
    found = holidays.country_holidays(country, years=YEARS, language="en_US")
    return {day for day, text in found.items() if text.removesuffix(" (estimated)") == name}


@pytest.mark.parametrize(
    ("table", "country", "name"),
    [
        ("_LUNAR_NEW_YEAR", "CN", "Chinese New Year (Spring Festival)"),
        ("_TET", "VN", "Lunar New Year"),
        ("_EID", "AE", "Eid al-Fitr"),
        ("_DIWALI", "IN", "Diwali"),
    ],
)
def test_tables_of_other_calendars_are_those_of_the_library(table: str, country: str, name: str) -> None:
    mine = calendar._dates(getattr(calendar, table))
    theirs = named(country, name)
    assert len(mine) >= len(YEARS)
    assert [day for day in mine if day not in theirs] == []


@pytest.mark.parametrize(
    ("key", "year", "first", "last"),
    [
        ("singles_day", 2026, date(2026, 11, 11), date(2026, 11, 11)),
        ("black_friday", 2011 + 9, date(2020, 11, 27), date(2020, 11, 30)),
        ("black_friday", 2024, date(2024, 11, 29), date(2024, 12, 2)),
        ("black_friday", 2026, date(2026, 11, 27), date(2026, 11, 30)),
        ("six_eighteen", 2025, date(2025, 6, 18), date(2025, 6, 18)),
        ("prime_day", 2020, date(2020, 10, 13), date(2020, 10, 14)),
        ("prime_day", 2024, date(2024, 7, 16), date(2024, 7, 17)),
        ("prime_day", 2025, date(2025, 7, 8), date(2025, 7, 11)),
        ("ramadan", 2024, date(2024, 3, 11), date(2024, 4, 9)),
        ("eid", 2024, date(2024, 4, 10), date(2024, 4, 12)),
        ("songkran", 2027, date(2027, 4, 13), date(2027, 4, 15)),
        ("diwali", 2026, date(2026, 10, 30), date(2026, 11, 8)),
        ("christmas", 2026, date(2026, 12, 1), date(2026, 12, 24)),
        ("lunar_new_year_closed", 2026, date(2026, 2, 10), date(2026, 2, 24)),
        ("golden_week_closed", 2026, date(2026, 10, 1), date(2026, 10, 7)),
    ],
)
def test_known_days(key: str, year: int, first: date, last: date) -> None:
    (event,) = of(key, year)
    assert (event.first, event.last, event.expected) == (first, last, False)


def test_what_nobody_announced_is_in_its_usual_week_and_called_expected() -> None:
    for year in range(2026, 2036):
        (event,) = of("prime_day", year)
        assert event.expected
        assert (event.first.month, event.first.weekday()) == (7, 1)
        assert "no days announced" in event.source
    assert {event.key for event in ALL if event.expected} == {"prime_day"}


def test_every_event_comes_in_every_year_with_a_source_and_a_name() -> None:
    for key in KEYS:
        years = {event.last.year for event in ALL if event.key == key}
        assert years >= set(YEARS), key
    assert all(event.source and event.name.msgid and event.first <= event.last for event in ALL)
    assert len([event for event in ALL if event.key == "ramadan"]) == 17  # 2030 has two
    assert all(25 <= (event.last - event.first).days <= 30 for event in ALL if event.key == "ramadan")


def test_black_friday_is_the_day_after_thanksgiving() -> None:
    thanksgiving = named("US", "Thanksgiving Day")
    fridays = {event.first for event in ALL if event.key == "black_friday"}
    assert fridays == {day + timedelta(days=1) for day in thanksgiving}


def test_a_public_holiday_is_one_event_of_every_country_that_has_it() -> None:
    shared, own = date(2026, 12, 25), date(2026, 12, 28)
    found = holidays_of({"GB": {shared: "Christmas Day", own: "Boxing Day"}, "DE": {shared: "Christmas Day"}})
    assert [(event.first, event.name.msgid, sorted(event.countries)) for event in found] == [
        (shared, "Christmas Day", ["DE", "GB"]),
        (own, "Boxing Day", ["GB"]),
    ]
    (mixed,) = holidays_of({"GB": {shared: "Christmas Day"}, "DE": {shared: "First Day of Christmas"}})
    assert mixed.name.msgid == "Public holidays"


def test_what_is_written_takes_the_place_of_the_year_it_names() -> None:
    settings = CalendarSettings(
        uplifts={"prime_day": 2.2},
        written=(
            Written("prime_day", date(2026, 6, 23), date(2026, 6, 26), source="aboutamazon.com/news"),
            Written(
                "livestream", date(2026, 9, 9), date(2026, 9, 9), "Our stream", countries=frozenset({"TH"}), uplift=4
            ),
        ),
    )
    (prime,) = of("prime_day", 2026, settings)
    assert (prime.first, prime.expected, prime.uplift) == (date(2026, 6, 23), False, 2.2)
    assert prime.source == "aboutamazon.com/news"
    assert of("prime_day", 2027, settings)[0].expected
    (stream,) = of("livestream", 2026, settings)
    assert (stream.name.msgid, stream.uplift, stream.touches("th"), stream.touches("US")) == (
        "Our stream",
        4,
        True,
        False,
    )


@given(start=st.dates(date(2020, 1, 1), date(2034, 1, 1)), days=st.integers(1, 400))
def test_a_mask_marks_exactly_the_days_of_its_events(start: date, days: int) -> None:
    chosen = [event for event in ALL if event.key in {"eid", "christmas"}]
    found = mask(chosen, start, days)
    each = [start + timedelta(days=number) for number in range(days)]
    assert found.tolist() == [any(event.first <= day <= event.last for event in chosen) for day in each]


def rested(start: date, making: float, closed: list[tuple[date, date]]) -> int:
    """Day by day: an order's making goes on only on days that are no rest."""
    day, left, days = start, making, 0
    while left > 0:
        if any(first <= day <= last for first, last in closed):
            days += 1
        else:
            left -= 1
        day += timedelta(days=1)
    return days


@given(start=st.dates(date(2025, 10, 1), date(2026, 12, 1)), making=st.integers(1, 90))
def test_a_closure_stretches_an_order_by_the_days_it_rests_in_its_making(start: date, making: int) -> None:
    closed = closures("CN", ALL)
    assert delay(start, making * 2.0, closed, 0.5) == rested(start, making, closed)


def test_an_order_before_the_new_year_waits_for_it_and_one_after_it_does_not() -> None:
    closed = closures("CN", ALL)
    assert delay(date(2026, 2, 1), 35.0, closed, 0.5) == 15
    assert delay(date(2026, 2, 20), 35.0, closed, 0.5) == 5
    assert delay(date(2026, 3, 1), 35.0, closed, 0.5) == 0
    assert delay(date(2026, 1, 1), 35.0, closed, 0.5) == 0
    assert delay(date(2026, 2, 1), 35.0, closures("DE", ALL), 0.5) == 0


def test_closures_that_touch_are_one() -> None:
    settings = CalendarSettings(
        written=(Written("strike", date(2026, 2, 25), date(2026, 2, 27), kind="supply", countries=frozenset({"CN"})),)
    )
    found = closures("cn", events(date(2026, 1, 1), date(2026, 6, 1), settings))
    assert found == [(date(2026, 2, 10), date(2026, 2, 27))]


def test_own_events_of_one_key_stand_beside_each_other() -> None:
    starts = [date(2026, 3, 1), date(2026, 5, 1), date(2026, 7, 1)]
    settings = CalendarSettings(written=tuple(Written("flash", day, day, uplift=2) for day in starts))
    assert [event.first for event in of("flash", 2026, settings)] == starts


def test_of_two_own_days_for_one_event_of_the_calendar_one_takes_its_place_and_both_stay() -> None:
    starts = [date(2026, 6, 23), date(2026, 10, 6)]
    settings = CalendarSettings(written=tuple(Written("prime_day", day, day) for day in starts))
    found = of("prime_day", 2026, settings)
    assert [event.first for event in found] == starts
    assert found[0].countries == found[1].countries == of("prime_day", 2026)[0].countries
    assert len(of("prime_day", 2027, settings)) == 1


def test_an_own_event_written_twice_is_one_as_it_was_written_last() -> None:
    day = date(2026, 3, 1)
    settings = CalendarSettings(written=tuple(Written("flash", day, day, uplift=size) for size in (2, 3)))
    assert [event.uplift for event in of("flash", 2026, settings)] == [3]
