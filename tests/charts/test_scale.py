"""Axes hold what is drawn on them, in round steps; the fan obeys what stock obeys."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bot.charts.scale import Days, Linear, round_top
from bot.domain.chart import FAN_LEVELS, fan
from bot.domain.replenishment import demand_paths

H = 20
UNITS = st.integers(0, 5_000)
FIRST = date(2011, 8, 23)
ARRIVALS = arrays(np.int64, H, elements=st.integers(0, 500))


@given(st.floats(0, 1e12), st.integers(1, 10))
def test_a_top_holds_the_largest_value_in_few_round_whole_steps(largest: float, steps: int) -> None:
    top, step = round_top(largest, steps)
    assert top >= largest - 1e-6 * largest
    assert step == int(step) >= 1
    assert str(int(step)).strip("0") in {"1", "2", "5"}
    assert 1 <= round(top / step) <= steps
    assert top - step < max(largest, 1) or round(top / step) == 1


@given(st.floats(1, 1e9), st.floats(0, 1))
def test_a_value_stands_in_proportion_between_the_ends(top: float, share: float) -> None:
    axis = Linear(top, 322, 64)
    assert axis.at(0) == 322
    assert axis.at(top * share) == pytest.approx(322 - 258 * share)


@given(st.integers(1, 400), st.integers(0, 399), st.integers(2, 12))
def test_days_are_marked_in_equal_steps_few_enough_and_today_is_one_of_them(span: int, today: int, most: int) -> None:
    today = min(today, span)
    days = Days(FIRST, FIRST + timedelta(days=span), 58, 746)
    anchor = FIRST + timedelta(days=today)
    ticks = list(days.ticks(most, anchor))
    assert anchor in ticks
    assert all(days.first <= on <= days.last for on in ticks)
    assert len({(after - before).days for before, after in pairwise(ticks)}) <= 1
    assert len(ticks) <= most or span >= 56 * most


@given(st.integers(0, 400))
def test_the_days_fill_the_plot_side_by_side(span: int) -> None:
    days = Days(FIRST, FIRST + timedelta(days=span), 58, 746)
    assert days.start(days.first) == 58
    assert days.start(days.last) + days.width == pytest.approx(746)
    assert days.middle(days.last) == pytest.approx(746 - days.width / 2)


def paths(velocity: float, sd: float, shape: str = "normal") -> np.ndarray:
    return demand_paths(velocity, sd, np.arange(1.0, H + 1), FAN_LEVELS, shape)  # type: ignore[arg-type]


RATES = st.just(0.0) | st.floats(1e-3, 500)  # a unit in a thousand days is the slowest that a history can tell
SHAPES = st.sampled_from(["normal", "negative_binomial", "gamma"])


@given(UNITS, ARRIVALS, RATES, st.floats(0, 60), SHAPES)
def test_a_fan_is_never_negative_and_keeps_its_order(
    available: int, incoming: np.ndarray, velocity: float, sd: float, shape: str
) -> None:
    drawn = fan(available, incoming, paths(velocity, sd, shape))
    assert len(drawn) == H
    assert all(0 <= low <= middle <= high for low, middle, high in drawn)
    most = available + np.cumsum(incoming)
    assert all(high <= limit for (_low, _middle, high), limit in zip(drawn, most.tolist(), strict=True))


@given(UNITS, ARRIVALS, st.floats(0, 40), st.floats(0, 20), st.floats(0, 40))
def test_more_demand_never_leaves_more_stock(
    available: int, incoming: np.ndarray, velocity: float, sd: float, more: float
) -> None:
    less_sold, more_sold = paths(velocity, sd), paths(velocity, sd)
    more_sold = more_sold + more * np.arange(1, H + 1)
    one, other = fan(available, incoming, less_sold), fan(available, incoming, more_sold)
    assert all(np.all(np.array(b) <= np.array(a)) for a, b in zip(one, other, strict=True))


@given(UNITS, st.integers(0, H - 1), st.integers(1, 900))
def test_goods_land_on_their_day_and_are_there_from_it_on(available: int, day: int, quantity: int) -> None:
    incoming = np.zeros(H, dtype=np.int64)
    incoming[day] = quantity
    drawn = fan(available, incoming, np.zeros((3, H)))
    assert [row[0] for row in drawn] == [available + (quantity if at >= day else 0) for at in range(H)]


def test_what_could_not_be_sold_is_lost_and_not_taken_from_the_next_delivery() -> None:
    incoming = np.array([0, 0, 50])
    demand = np.cumsum(np.full((1, 3), 10.0), axis=1).repeat(3, axis=0)
    assert fan(5, incoming, demand) == ((0, 0, 0), (0, 0, 0), (40, 40, 40))


@given(RATES, st.floats(0, 500), SHAPES)
def test_paths_of_demand_never_fall_and_stand_in_the_order_of_their_levels(
    velocity: float, sd: float, shape: str
) -> None:
    found = paths(velocity, sd, shape)
    assert found.shape == (len(FAN_LEVELS), H)
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.diff(found, axis=0) >= -1e-9 * (1 + found[:-1])).all()


@given(st.floats(0.1, 200))
def test_without_spread_every_path_is_the_mean(velocity: float) -> None:
    assert paths(velocity, 0.0) == pytest.approx(np.tile(velocity * np.arange(1, H + 1), (3, 1)))
