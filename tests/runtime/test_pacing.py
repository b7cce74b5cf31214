"""The rates of a platform: never more than allowed in any window, and answers before alerts."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.ports import Limits
from bot.services.pacing import Backoff, Pace, Window


class Hand:
    """Seconds that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.floats(0.5, 2))
def test_no_window_ever_holds_more_than_its_count(steps: list[float], count: int, seconds: float) -> None:
    window, now, used = Window(count, seconds), 0.0, []
    for step in steps:
        now += step
        if window.wait(now) <= 0:
            window.use(now)
            used.append(now)
    for start in used:
        assert sum(start <= at < start + seconds - 1e-9 for at in used) <= count


def test_telegram_never_gets_more_than_thirty_a_second_nor_twenty_a_minute_in_a_group() -> None:
    hand = Hand()
    pace = Pace(Limits(30, 1, 20), hand)
    sent: list[float] = []
    while hand.now < 1065:
        if not pace.wait("-100", group=True, answer=True):
            pace.use("-100", group=True)
            sent.append(hand.now)
        hand.now += 0.05
    assert sum(at < 1060 for at in sent) == 20
    hand.now += 2
    many = 0
    for chat in range(50):
        if not pace.wait(str(chat), group=False, answer=True):
            pace.use(str(chat), group=False)
            many += 1
    assert many == 30


def test_an_answer_may_follow_an_alert_at_once_and_finds_room_in_a_full_group() -> None:
    hand = Hand()
    pace = Pace(Limits(30, 1, 20), hand)
    pace.use("C", group=True)
    assert pace.wait("C", group=True, answer=False) > 0.9
    assert pace.wait("C", group=True, answer=True) == 0
    for _second in range(16):
        hand.now += 1.01
        pace.use("C", group=True)
    hand.now += 1.01
    assert pace.wait("C", group=True, answer=False) > 0
    assert pace.wait("C", group=True, answer=True) == 0


def test_answers_may_come_in_a_short_burst_at_the_same_mean_rate() -> None:
    hand = Hand()
    pace = Pace(Limits(30, 1), hand)
    sent = []
    while hand.now < 1020:
        if not pace.wait("C", group=False, answer=True):
            pace.use("C", group=False)
            sent.append(hand.now)
        hand.now += 0.1
    assert sum(at < 1000.95 for at in sent) == 5
    assert len(sent) == 20


def test_a_pause_asked_for_holds_that_chat_and_all_of_them_once_it_is_asked_for_twice() -> None:
    hand = Hand()
    pace = Pace(Limits(30, 1), hand)
    pace.hold("A", 10)
    assert pace.wait("A", group=False, answer=True) == 10
    assert pace.wait("B", group=False, answer=True) == 0
    pace.hold("B", 5)
    assert pace.wait("C", group=False, answer=True) == 5
    hand.now += 5
    assert pace.wait("C", group=False, answer=True) == 0
    assert pace.held() == {"A": 5}


def test_what_a_chat_used_is_forgotten_when_it_no_longer_counts() -> None:
    hand = Hand()
    pace = Pace(Limits(100_000, 1), hand)
    for chat in range(1500):
        pace.use(str(chat), group=False)
        hand.now += 0.01
    assert len(pace._chats) < 1001


def test_a_wait_doubles_up_to_its_ceiling_and_jitter_only_shortens_it() -> None:
    backoff = Backoff(timedelta(seconds=1), timedelta(minutes=1), jitter=lambda: 0.0)
    assert [backoff.after(failures).total_seconds() for failures in (1, 2, 3, 7, 99)] == [1, 2, 4, 60, 60]
    assert Backoff(timedelta(seconds=1), timedelta(minutes=1), jitter=lambda: 1.0).after(3) == timedelta(seconds=2)
