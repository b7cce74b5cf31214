"""The words of a huddle, taken apart."""

from __future__ import annotations

from datetime import time

import pytest

from bot.chat.huddling import Wish, read_wish
from bot.errors import BadArgument

MEMBERS = {"lin wei", "petra", "nok", "林伟", "jonas"}


def read(line: str) -> Wish:
    return read_wish(line, lambda name: name.casefold() in MEMBERS)


@pytest.mark.parametrize(
    ("line", "words", "people", "at"),
    [
        ("", "", (), None),
        ("85123A", "85123A", (), None),
        ("85123A up with @Lin Wei, Petra and @Nok at 21:00", "85123A up", ("@Lin Wei", "Petra", "@Nok"), time(21)),
        ("C-5 at 9pm with Lin Wei", "C-5", ("Lin Wei",), time(21)),
        ("with @petra @nok", "", ("@petra", "@nok"), None),
        ("sync with <@U1|jonas.k> <@U2>", "sync", ("@U1", "@U2"), None),
        ("sync with <@U1><@U2> at 8:30", "sync", ("@U1", "@U2"), time(8, 30)),
        ("at 8:30", "", (), time(8, 30)),
        ("look at returns", "look at returns", (), None),
        ("what to do with returns", "what to do with returns", (), None),
        ("85123A what to do with returns with Jonas", "85123A what to do with returns", ("Jonas",), None),
        ("problems with DE warehouse", "problems with DE warehouse", (), None),
        ("problems with DE warehouse at 21:00", "problems with DE warehouse", (), time(21)),
        ("the 9pm batch at 21:00 with care", "the 9pm batch at 21:00 with care", (), None),
        ("prices with Jonas, Nobody", "prices", ("Jonas", "Nobody"), None),
        ("prices with @nobody", "prices", ("@nobody",), None),
        ("with Nobody", "", ("Nobody",), None),
        ("看看退货 和 价格 和 林伟", "看看退货 和 价格", ("林伟",), None),
        ("85123A 跟 林伟 和 Petra 与 Nobody", "85123A", ("林伟", "Petra", "Nobody"), None),
        ("with Lin Wei 和 Petra", "", ("Lin Wei", "Petra"), None),
        ("看看退货 与 Lin Wei、Petra 在21:00", "看看退货", ("Lin Wei", "Petra"), time(21)),
        ("85123A 和 林伟 在 下午3点", "85123A", ("林伟",), time(15)),
        ("decide without delay", "decide without delay", (), None),
        ("prices with everyone at 21:00", "prices", (), time(21)),
        ("降价 和 大家", "降价", (), None),
        ("sales at 2011", "sales at 2011", (), None),
        ("meet at the dock at 10am", "meet at the dock", (), time(10)),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, words: str, people: tuple[str, ...], at: time | None) -> None:
    found = read(line)
    assert (found.words, found.people, found.at and found.at.at) == (words, people, at)


@pytest.mark.parametrize("line", ["prices with everyone at 21:00", "prices with Jonas, Everybody", "降价 和 大家"])
def test_everyone_is_asked_by_that_word(line: str) -> None:
    found = read(line)
    assert found.everyone
    assert found.people == ()


def test_nobody_named_is_not_everyone() -> None:
    assert not read("prices at 21:00").everyone


@pytest.mark.parametrize("line", [" ", "at", "@", "at at at", "在"])
def test_rubbish_is_a_topic_at_worst(line: str) -> None:
    assert isinstance(read(line), Wish)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("85123A at 25:99", "is no time of day"),
        ("at 21", "is no time of day"),
        ("at 13pm", "is no time of day"),
        ("prices with", "With whom?"),
        ("与", "With whom?"),
        ("with with", "With whom?"),
        ("with @ at 21:00", "With whom?"),
    ],
)
def test_a_time_that_is_none_and_a_with_that_names_nobody_are_told(line: str, told: str) -> None:
    with pytest.raises(BadArgument) as refused:
        read(line)
    assert told in refused.value.words.msgid
