from datetime import time, timedelta

import pytest

from bot.chat.values import read_case, read_clock, read_lapse, read_request
from bot.errors import BadArgument


@pytest.mark.parametrize("text", ["C-12", "c12", "12", "#12", "c 12", "案例12", "case-12"])
def test_a_case_number_is_read_however_it_is_written(text: str) -> None:
    assert read_case(text).id == 12


def test_a_request_number_may_name_the_version_that_a_button_showed() -> None:
    assert (read_request("R-12@3").id, read_request("R-12@3").version) == (12, 3)
    assert read_request("r12").version is None


@pytest.mark.parametrize("text", ["", "C-", "R-12", "12.5", "-1", "9999999999999", "C-12@3", "١٢"])
def test_what_is_no_case_number_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        read_case(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("3d", timedelta(days=3)),
        ("3 days", timedelta(days=3)),
        ("2W", timedelta(weeks=2)),
        ("3天", timedelta(days=3)),
        ("12小时", timedelta(hours=12)),
        ("2周", timedelta(weeks=2)),
        ("30分钟", timedelta(minutes=30)),
    ],
)
def test_a_length_of_time_is_read_in_both_languages(text: str, length: timedelta) -> None:
    assert read_lapse(text).length == length


@pytest.mark.parametrize("text", ["0d", "3", "d", "91d", "9999w", "3y", "-3d", "1.5h"])
def test_a_length_that_is_none_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        read_lapse(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("08:30", time(8, 30)),
        ("8.30", time(8, 30)),
        ("8:30pm", time(20, 30)),
        ("8:30 PM", time(20, 30)),
        ("12am", time(0)),
        ("12pm", time(12)),
        ("8点半", time(8, 30)),
        ("8点", time(8)),
        ("下午3点", time(15)),
        ("中午12点", time(12)),
        ("晚上12点", time(0)),
        ("23:59", time(23, 59)),
    ],
)
def test_a_time_of_day_is_read_in_both_languages(text: str, at: time) -> None:
    assert read_clock(text).at == at


@pytest.mark.parametrize("text", ["8", "24:00", "8:60", "13pm", "0am", "8:", "morning", "25点"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        read_clock(text)
