"""What can be done about a stock-out, weighed: by hand, and what must hold whatever the figures."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.options import Choice, Situation, compare, empty_days

STEADY = Situation(stock=50, per_day=10, arrivals=(), margin_minor=100, carrying_rate=0.25)
WAIT = Choice("wait")
SEA = Choice("buy", 30, 300, 300 * 90, 90)
AIR = Choice("expedite", 8, 300, 300 * 120, 120)
MOVE = Choice("transfer", 3, 100, 100 * 3, 90, owned=True)


def test_the_figures_of_four_options_by_hand() -> None:
    found = compare(STEADY, [MOVE, AIR, SEA, WAIT])
    assert found.horizon == 37
    empty = [round(outcome.empty_days, 6) for outcome in found.outcomes]
    assert empty == [22.0, 3.0, 25.0, 32.0]  # 15, 34, 12 and 5 days of sales in 37
    assert [outcome.lost_minor for outcome in found.outcomes] == [22_000, 3_000, 25_000, 32_000]
    assert [round(outcome.avoided_days, 6) for outcome in found.outcomes] == [10.0, 29.0, 7.0, 0.0]
    # 300 units at 1.20 for 15 days on average, at 25% a year; and 0.30 more a unit than by sea
    assert found.outcomes[1].carrying_minor == round(36_000 * 0.25 * 15 / 365)
    assert found.outcomes[1].burden_minor == 3_000 + 370 + 9_000
    assert (found.best, found.why) == (1, "least_lost")


def test_with_stock_enough_it_is_best_to_wait() -> None:
    found = compare(replace(STEADY, stock=10_000), [AIR, SEA, WAIT])
    assert found.outcomes[found.best].choice.kind == "wait"
    assert found.outcomes[found.best].burden_minor == 0


def test_an_order_that_loses_nothing_is_said_to() -> None:
    found = compare(replace(STEADY, stock=90), [replace(AIR, landed_minor=300 * 91), SEA, WAIT], 7)
    assert (found.outcomes[found.best].choice.kind, found.why) == ("expedite", "nothing_lost")


def test_what_does_not_sell_loses_nothing_and_is_carried_for_the_longest_wait() -> None:
    idle = replace(STEADY, per_day=0.0)
    found = compare(idle, [SEA, WAIT])
    assert [outcome.empty_days for outcome in found.outcomes] == [0.0, 0.0]
    assert found.outcomes[0].carrying_minor == round(27_000 * 0.25)
    assert found.outcomes[found.best].choice.kind == "wait"


amounts = st.integers(0, 2_000)
situations = st.builds(
    Situation,
    stock=st.floats(0, 5_000),
    per_day=st.floats(0, 200),
    arrivals=st.lists(st.tuples(st.floats(0, 90), st.floats(0, 2_000)), max_size=4).map(tuple),
    margin_minor=st.integers(-500, 5_000),
    carrying_rate=st.floats(0, 1),
)
purchases = st.builds(
    lambda days, units, unit: Choice("buy", days, units, units * unit, unit),
    st.floats(0, 90), st.integers(1, 5_000), st.integers(1, 10_000),
)  # fmt: skip


@given(situations, st.lists(purchases, max_size=3))
def test_waiting_never_costs_goods_and_the_best_has_the_least_burden(
    situation: Situation, choices: list[Choice]
) -> None:
    found = compare(situation, [*choices, WAIT])
    waiting = found.outcomes[-1]
    assert (waiting.choice.landed_minor, waiting.carrying_minor, waiting.avoided_days) == (0, 0, 0.0)
    assert waiting.burden_minor == waiting.lost_minor
    assert found.outcomes[found.best].burden_minor == min(outcome.burden_minor for outcome in found.outcomes)
    for outcome in found.outcomes:
        assert 0 <= outcome.empty_days <= found.horizon + 1e-6
        assert outcome.lost_minor >= 0
        assert outcome.carrying_minor >= 0


@given(situations, purchases, st.floats(0, 90), st.floats(1, 120))
def test_a_sooner_arrival_never_avoids_fewer_days(
    situation: Situation, choice: Choice, sooner: float, horizon: float
) -> None:
    first, later = sorted((choice.days, sooner))
    units = float(choice.units)
    assert empty_days(situation, [(first, units)], horizon) <= empty_days(situation, [(later, units)], horizon) + 1e-6


@given(situations, purchases, st.integers(0, 1_000), st.floats(1, 120))
def test_more_goods_never_leave_more_empty_days(
    situation: Situation, choice: Choice, more: int, horizon: float
) -> None:
    day = choice.days if math.isfinite(choice.days) else 0.0
    few = empty_days(situation, [(day, float(choice.units))], horizon)
    assert empty_days(situation, [(day, float(choice.units + more))], horizon) <= few + 1e-6
