"""What the scorecard proposes, and that it proposes nothing on thin evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.hindsight import AlertScore, Coverage, ForecastScore, Waits, least_share, waits
from bot.domain.scorecard import (
    AlertsView,
    ForecastWeek,
    Lacking,
    LeadTime,
    Thresholds,
    advise,
    raised,
    worst,
)

LIMITS = Thresholds()
QUICK = waits([1.0] * 8)
GOOD_ALERTS = AlertsView(4, replayed=False, score=AlertScore(8, 0, 0, 0, 0, 0, 0))
ON_TIME = LeadTime("YIWU", "UK", "sea", 35, 35, 5)


def weeks(*service: Coverage, count: int = 3) -> list[ForecastWeek]:
    """So many weeks alike."""
    series = sum(part.of for part in service) or 1
    told = ForecastScore(series, 10.0, 10, 0.0, 0.1, (), service)
    mondays = [date(2011, 11, 7 * week) for week in range(1, count + 1)]
    return [ForecastWeek(monday, replayed=False, score=told, empty=0, silent=0) for monday in mondays]


HOLDS = weeks(Coverage(0.975, 98, 100, "A"), Coverage(0.95, 97, 100, "B"), Coverage(0.90, 95, 100, "C"))


def alerts(letter: str, false: int, right: int) -> AlertsView:
    score = AlertScore(right, 0, 0, false, 0, 0, 0)
    return AlertsView(4, replayed=False, score=score, by_class=((letter, false, false + right),))


def test_without_evidence_nothing_is_proposed_and_each_rule_says_what_it_lacks() -> None:
    proposals, lacking = advise([], None, [], waits([]))
    assert proposals == ()
    assert lacking == (
        Lacking("weeks", 0, 3),
        Lacking("alerts", 0, 8),
        Lacking("lead_time", 0, 5),
        Lacking("decisions", 0, 8),
    )


def test_where_all_is_well_nothing_is_proposed_and_nothing_lacks() -> None:
    assert advise(HOLDS, GOOD_ALERTS, [ON_TIME], QUICK) == ((), ())


def test_a_class_that_sells_beyond_its_level_too_often_asks_for_a_higher_one() -> None:
    short = weeks(Coverage(0.95, 90, 100, "B"), Coverage(0.90, 91, 100, "C"))
    [proposal], _lacking = advise(short, GOOD_ALERTS, [ON_TIME], QUICK)
    assert (proposal.kind, proposal.subject, proposal.count, proposal.of) == ("raise_level", "B", 270, 300)
    assert proposal.was == pytest.approx(0.95)
    z = scipy.special.ndtri
    exact = scipy.special.ndtr(2 * z(0.95) - z(0.90))
    assert abs(proposal.to - exact) <= 0.0025


def test_one_odd_week_few_series_or_a_gap_within_chance_ask_for_nothing() -> None:
    short = Coverage(0.95, 85, 100, "B")
    assert advise(weeks(short, count=2), GOOD_ALERTS, [ON_TIME], QUICK) == ((), (Lacking("weeks", 2, 3),))
    few = replace(short, within=28, of=33)
    assert advise(weeks(few), GOOD_ALERTS, [ON_TIME], QUICK) == ((), (Lacking("coverage", 99, 100),))
    chance = Coverage(0.95, 92, 100, "B")  # 3 points of 300: 2.4 standard errors
    assert advise(weeks(chance), GOOD_ALERTS, [ON_TIME], QUICK) == ((), ())


@given(st.floats(0.8, 0.99), st.floats(0.0, 0.12))
@settings(max_examples=40)
def test_a_raised_level_is_higher_and_never_beyond_the_highest(level: float, gap: float) -> None:
    to = raised(level, max(level - gap, 0.0), LIMITS.highest_level)
    assert level < to <= LIMITS.highest_level or to == LIMITS.highest_level
    assert raised(level, 0.0, LIMITS.highest_level) == LIMITS.highest_level


def test_many_false_alarms_lower_a_level_that_holds() -> None:
    [proposal], _lacking = advise(HOLDS, alerts("C", 15, 5), [ON_TIME], QUICK)
    lower = float(scipy.special.ndtr(scipy.special.ndtri(0.9) - LIMITS.lower_by))
    assert (proposal.kind, proposal.subject, proposal.count, proposal.of) == ("lower_level", "C", 15, 20)
    assert proposal.was == pytest.approx(0.9)
    assert proposal.to == pytest.approx(lower, abs=0.0025)


def test_false_alarms_lower_no_level_that_does_not_hold_is_not_known_or_may_be_chance() -> None:
    short = weeks(Coverage(0.90, 89, 100, "C"))  # within chance, but below
    assert advise(short, alerts("C", 15, 5), [ON_TIME], QUICK) == ((), ())
    assert advise(HOLDS, alerts("C", 5, 4), [ON_TIME], QUICK) == ((), ())
    assert least_share(5, 9) < LIMITS.false_share < 5 / 9
    assert advise([], alerts("C", 15, 5), [ON_TIME], QUICK)[0] == ()
    assert advise(HOLDS, alerts("C", 4, 3), [ON_TIME], QUICK) == ((), (Lacking("alerts", 7, 8),))


def test_the_three_ways_of_buying_that_are_latest_are_to_be_stated_anew() -> None:
    def way(place: str, mean: float, deliveries: int = 5) -> LeadTime:
        return LeadTime("YIWU", place, "sea", 35, mean, deliveries)

    late = [way("A", 41), way("B", 60.4), way("C", 45), way("D", 50), way("E", 70, 4), way("F", 40)]
    proposals, lacking = advise(HOLDS, GOOD_ALERTS, late, QUICK)
    assert [(each.way.place if each.way else "", each.was, each.to) for each in proposals] == [
        ("B", 35, 60),
        ("D", 35, 50),
        ("C", 35, 45),
    ]
    assert lacking == ()
    assert advise(HOLDS, GOOD_ALERTS, [way("F", 40)], QUICK)[0] == ()  # within 15%
    assert advise(HOLDS, GOOD_ALERTS, [way("E", 70, 4)], QUICK) == ((), (Lacking("lead_time", 4, 5),))
    assert [each.place for each in worst(late)] == ["E", "B", "D"]
    assert worst([way("A", 35.4), way("B", 30)]) == ()


def test_slow_decisions_ask_for_a_delegate_or_an_earlier_digest() -> None:
    slow = waits([*np.linspace(1, 20, 8).tolist(), 30.0, 40.0])
    [proposal], _lacking = advise(HOLDS, GOOD_ALERTS, [ON_TIME], slow)
    assert (proposal.kind, proposal.was, proposal.to, proposal.of) == ("decisions", 30, 24, 10)
    assert advise(HOLDS, GOOD_ALERTS, [ON_TIME], Waits(7, 30, 40)) == ((), (Lacking("decisions", 7, 8),))
    assert advise(HOLDS, GOOD_ALERTS, [ON_TIME], Waits(8, 20, 24)) == ((), ())
