"""Turnover, classes, ageing, excess and the cost of keeping."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import ageing, turnover
from bot.domain.ageing import AgeingSettings
from bot.domain.arrays import Floats, Ints
from bot.domain.demand import SeriesHistory
from bot.domain.turnover import TurnoverSettings
from tests.domain.reference import slow_ageing

DAY = date(2011, 9, 1)


def f(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def i(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def history(units: list[list[int]], on_hand: list[list[int]]) -> SeriesHistory:
    return SeriesHistory(DAY, np.array(units, dtype=np.int32), np.array(on_hand, dtype=np.int32))


def test_turning_three_times_in_ninety_days_is_thirty_days_of_inventory() -> None:
    turns = turnover.inventory_turnover(i(30_000, 10_000), i(10_000, 10_000))
    assert turns.tolist() == [3, 1]
    assert turnover.days_of_inventory(turns, 90).tolist() == [30, 90]


def test_without_inventory_there_is_no_turnover_and_without_sales_no_end_of_it() -> None:
    turns = turnover.inventory_turnover(i(100, 0), i(0, 50))
    assert np.isnan(turns[0])
    assert turns[1] == 0
    days = turnover.days_of_inventory(turns, 90)
    assert np.isnan(days[0])
    assert days[1] == np.inf


def test_the_period_averages_the_days_on_which_stock_is_known() -> None:
    days = history([[9, 9, 1, 2, 3]], [[99, 99, 10, -1, 20]])
    span = turnover.period(days, 3)
    assert span.days == 3
    assert span.units.tolist() == [6]
    assert span.average_on_hand.tolist() == [15]
    assert span.ending_on_hand.tolist() == [20]
    assert turnover.period(history([[1, 1]], [[7, -1]]), 2).ending_on_hand.tolist() == [7]
    assert turnover.period(history([[1, 1]], [[-1, -1]]), 2).ending_on_hand.tolist() == [0]


def test_sell_through_is_sold_over_sold_and_left() -> None:
    through = turnover.sell_through(i(30, 0, 0), i(10, 10, 0))
    assert through[:2].tolist() == [0.75, 0]
    assert np.isnan(through[2])


def test_groups_turn_over_by_their_summed_values() -> None:
    labels = i(0, 1, 0)
    assert turnover.group_sums(labels, i(100, 50, 20), 3).tolist() == [120, 50, 0]


def test_abc_cuts_revenue_at_eighty_and_ninety_five_percent() -> None:
    revenue = i(5, 500, 100, 300, 45, 50, 0)
    letters = [turnover.ABC[k] for k in turnover.abc(revenue, TurnoverSettings())]
    assert letters == ["C", "A", "B", "A", "C", "B", "C"]


def test_the_largest_is_a_even_when_it_is_nearly_everything_and_nothing_is_a_without_revenue() -> None:
    assert turnover.abc(i(1, 999), TurnoverSettings()).tolist() == [2, 0]
    assert turnover.abc(i(0, 0), TurnoverSettings()).tolist() == [2, 2]
    assert turnover.abc(i(), TurnoverSettings()).tolist() == []


def test_xyz_cuts_variation_at_a_half_and_one() -> None:
    assert turnover.xyz(f(0, 0.49, 0.5, 0.99, 1.0, np.nan), TurnoverSettings()).tolist() == [0, 0, 1, 1, 2, 2]


def test_stock_in_hand_came_with_the_newest_receipts() -> None:
    receipts = np.zeros((1, 200))
    receipts[0, 199] = 10  # age 0
    receipts[0, 169] = 20  # age 30
    receipts[0, 168] = 30  # age 31
    receipts[0, 100] = 40  # age 99
    buckets = ageing.ageing_buckets(np.repeat(receipts, 3, axis=0), i(75, 25, 130), (30, 60, 90, 180))
    assert buckets.tolist() == [[30, 30, 0, 15, 0], [25, 0, 0, 0, 0], [30, 30, 0, 40, 30]]


def test_stock_older_than_the_history_gets_the_least_age_it_can_have() -> None:
    buckets = ageing.ageing_buckets(np.zeros((1, 45)), i(9), (30, 60, 90, 180))
    assert buckets.tolist() == [[0, 9, 0, 0, 0]]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 3, 25]), min_size=1, max_size=220),
    st.integers(0, 600),
    st.sampled_from([(30, 60, 90, 180), (0, 1, 5), (10,)]),
)
def test_ageing_equals_a_walk_back_through_the_receipts(got: list[int], on_hand: int, edges: tuple[int, ...]) -> None:
    fast = ageing.ageing_buckets(np.array([got], dtype=np.float64), i(on_hand), edges)[0].tolist()
    assert fast == slow_ageing(got, on_hand, edges)
    assert sum(fast) == on_hand


def test_receipts_are_inferred_from_what_the_stock_rose_by() -> None:
    days = history([[0, 2, 3, 0]], [[10, 8, 25, 25]])
    assert ageing.receipts_of(days).tolist() == [[0, 0, 20, 0]]


def test_days_without_stock_are_not_idle_days() -> None:
    days = history([[0, 4, 0, 0, 0, 0]], [[9, 5, 5, 0, 0, 5]])
    assert ageing.idle_days(days).tolist() == [2]
    assert ageing.days_since_sale(days).tolist() == [4]
    assert ageing.idle_days(history([[0, 0]], [[3, 3]])).tolist() == [2]


def test_a_cycle_is_packed_before_excess_is_judged() -> None:
    cycle = ageing.cycle_stock(f(1, 1), f(37, 37), i(1, 100), i(24, 24))
    assert cycle.tolist() == [48, 120]
    assert ageing.excess_line(f(10, 10), cycle, AgeingSettings()).tolist() == [106, 250]


def test_keeping_a_year_costs_a_quarter_of_the_value_unless_the_location_has_a_tariff() -> None:
    cost = ageing.carrying_cost(i(100, 100), i(400, 400), f(365, 365), f(np.nan, 0.5), 0.25)
    assert cost.tolist() == [10_000, 18_250]
    assert ageing.carrying_cost(i(100), i(400), f(365), None, 0.25).tolist() == [10_000]


def test_capital_at_risk_is_value_and_storage_ahead() -> None:
    at_risk = ageing.capital_at_risk(i(10, -2), i(500, 500), None, AgeingSettings(storage_ahead_days=73))
    assert at_risk.tolist() == [5_000 + 250, 0]


def test_dead_needs_ninety_idle_days_and_stock() -> None:
    assert ageing.is_dead(i(89, 90, 400), i(5, 5, 0), AgeingSettings()).tolist() == [False, True, False]
