"""Ends to come, as people in different zones write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.arguments import Until
from bot.chat.moments import instant_until, read_until
from bot.errors import BadArgument

LONDON, SHANGHAI, CHICAGO = ZoneInfo("Europe/London"), ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Chicago")
MONDAY = datetime(2011, 11, 21, 9, tzinfo=UTC)  # 09:00 in London, 17:00 in Shanghai


def meant(text: str, zone: ZoneInfo = LONDON, now: datetime = MONDAY) -> str:
    """The local time that an end means."""
    return instant_until(read_until(text), now, zone).astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("until Friday", "2011-11-25 23:59"),
        ("Friday", "2011-11-25 23:59"),
        ("till fri 18:00", "2011-11-25 18:00"),
        ("until Friday at 6pm", "2011-11-25 18:00"),
        ("until next Friday", "2011-12-02 23:59"),
        ("until Monday", "2011-11-21 23:59"),
        ("直到周五", "2011-11-25 23:59"),
        ("周五", "2011-11-25 23:59"),
        ("到下周五", "2011-12-02 23:59"),
        ("到星期天为止", "2011-11-27 23:59"),
        ("周五18点", "2011-11-25 18:00"),
        ("周五下午6点", "2011-11-25 18:00"),
        ("until 2011-12-01", "2011-12-01 23:59"),
        ("2011/12/01", "2011-12-01 23:59"),
        ("until 2011-12-01 18:00", "2011-12-01 18:00"),
        ("到12月1日", "2011-12-01 23:59"),
        ("2011年12月1日", "2011-12-01 23:59"),
        ("12月1号晚上8点", "2011-12-01 20:00"),
        ("until 1 December", "2011-12-01 23:59"),
        ("until Dec 1st", "2011-12-01 23:59"),
        ("until 3 Jan", "2012-01-03 23:59"),  # passed this year
        ("until today", "2011-11-21 23:59"),
        ("until tomorrow", "2011-11-22 23:59"),
        ("明天", "2011-11-22 23:59"),
        ("后天18:30", "2011-11-23 18:30"),
        ("until 18:00", "2011-11-21 18:00"),
        ("下午6点", "2011-11-21 18:00"),
        ("until 3d", "2011-11-24 09:00"),
        ("for 2 weeks", "2011-12-05 09:00"),
        ("3天", "2011-11-24 09:00"),
    ],
)
def test_an_end_is_read_as_it_is_meant(text: str, local: str) -> None:
    assert meant(text) == local


def test_a_day_ends_where_the_asker_is() -> None:
    ends = {zone.key: instant_until(read_until("until Friday"), MONDAY, zone) for zone in (LONDON, SHANGHAI, CHICAGO)}
    assert ends["Asia/Shanghai"] == datetime(2011, 11, 25, 15, 59, tzinfo=UTC)
    assert ends["Europe/London"] == datetime(2011, 11, 25, 23, 59, tzinfo=UTC)
    assert ends["America/Chicago"] == datetime(2011, 11, 26, 5, 59, tzinfo=UTC)


def test_the_day_itself_may_be_another_one_there() -> None:
    late = datetime(2011, 11, 21, 17, tzinfo=UTC)  # Tuesday in Shanghai already
    assert meant("until today", SHANGHAI, late) == "2011-11-22 23:59"
    assert meant("until Monday", SHANGHAI, late) == "2011-11-28 23:59"


def test_a_friday_named_in_its_last_minute_is_the_next_one() -> None:
    friday = datetime(2011, 11, 25, 23, 59, 30, tzinfo=UTC)
    assert meant("until Friday", LONDON, friday) == "2011-12-02 23:59"


@pytest.mark.parametrize("text", ["until 08:00", "until 2011-11-20", "until 2010-01-01", "until today 7:00"])
def test_an_end_that_has_passed_is_refused(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        meant(text)
    assert "has passed" in refused.value.words.msgid


@pytest.mark.parametrize("text", ["until 2012-03-01", "until 20 November", "2013年1月1日"])
def test_an_end_too_far_ahead_is_refused(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        meant(text)
    assert "days ahead" in refused.value.words.msgid


@pytest.mark.parametrize(
    "text", ["", "until", "until when", "2011-02-30", "12-01", "13月1日", "until 25:00", "mo", "until 91d", "周八", "3"]
)
def test_what_is_no_end_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        read_until(text)
    assert "until Friday" in str(refused.value.words.values)


def test_the_end_of_a_day_of_another_length_is_its_last_minute() -> None:
    before = datetime(2011, 10, 29, 12, tzinfo=UTC)  # clocks in London go back in the night to the 30th
    assert instant_until(read_until("until tomorrow"), before, LONDON) == datetime(2011, 10, 30, 23, 59, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(2011, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds are naive
    st.sampled_from([LONDON, SHANGHAI, CHICAGO, ZoneInfo("Pacific/Apia"), ZoneInfo("America/Sao_Paulo")]),
    st.integers(0, 6),
    st.sampled_from(["this", "next"]),
)
def test_a_weekday_means_the_last_minute_of_such_a_day_within_two_weeks(
    now: datetime, zone: ZoneInfo, weekday: int, week: str
) -> None:
    ends = instant_until(Until(weekday=weekday, next_week=week == "next"), now, zone)
    assert now < ends <= now + timedelta(days=15)
    assert (ends + timedelta(minutes=1)).astimezone(zone).date() > ends.astimezone(zone).date()
    if zone.key != "Pacific/Apia":  # whose 30 December 2011 never was
        assert ends.astimezone(zone).weekday() == weekday


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_until(text)
        instant_until(found, MONDAY, SHANGHAI)
    except BadArgument:
        return
    assert found != Until()


def test_a_date_stays_the_date_that_was_typed() -> None:
    assert read_until("2011-12-01") == Until(day=date(2011, 12, 1))
    assert read_until("18:30") == Until(at=time(18, 30))
