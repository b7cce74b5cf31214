"""Demand: hand-computed examples, and equality with the slow reference."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.demand import (
    BlendedVelocity,
    DemandClass,
    DemandEstimate,
    DemandSettings,
    SeriesHistory,
    day_masks,
    demand_class,
)
from tests.domain.reference import slow_days, slow_demand

DAY = date(2011, 9, 1)


def history(units: list[list[int]], on_hand: list[list[int]] | None = None, **more: Any) -> SeriesHistory:
    sold = np.asarray(units, dtype=np.int32)
    stock = np.full_like(sold, 50) if on_hand is None else np.asarray(on_hand, dtype=np.int32)
    return SeriesHistory(DAY, sold, stock, **more)


def estimate(days: SeriesHistory, **changed: Any) -> DemandEstimate:
    return BlendedVelocity().estimate(days, DemandSettings(**changed))


def test_steady_sales_have_one_velocity_in_every_window() -> None:
    demand = estimate(history([[3] * 120]))
    assert demand.raw[0].tolist() == [3, 3, 3]
    assert demand.corrected[0].tolist() == [3, 3, 3]
    assert demand.velocity[0] == pytest.approx(3)
    assert demand.sd[0] == 0
    assert DemandClass(demand.kind[0]) is DemandClass.SMOOTH


def test_the_blend_weighs_the_recent_week_most() -> None:
    demand = estimate(history([[2] * 60 + [4] * 23 + [8] * 7]), spike_sigma=99.0)
    week, month, quarter = 8.0, (23 * 4 + 7 * 8) / 30, (60 * 2 + 23 * 4 + 7 * 8) / 90
    assert demand.corrected[0] == pytest.approx([week, month, quarter])
    assert demand.velocity[0] == pytest.approx(0.5 * week + 0.3 * month + 0.2 * quarter)


def test_days_without_stock_are_left_out_and_the_window_reaches_further_back() -> None:
    units = [2] * 113 + [4, 4, 4, 4, 0, 0, 0]
    stock = [50] * 117 + [0, 0, 0]
    demand = estimate(history([units], [stock]), spike_sigma=99.0)
    assert demand.raw[0, 0] == pytest.approx(16 / 7)
    assert demand.in_stock_days[0].tolist() == [7, 30, 90]
    assert demand.span_days[0].tolist() == [10, 33, 93]
    assert demand.left_out_days[0].tolist() == [3, 3, 3]
    assert demand.corrected[0, 0] == pytest.approx((4 * 4 + 3 * 2) / 7)


def test_a_partly_filled_window_is_enough_where_the_setting_says_so() -> None:
    units = [2] * 113 + [4, 4, 4, 4, 0, 0, 0]
    demand = estimate(history([units], [[50] * 117 + [0, 0, 0]]), window_fill=0.5, spike_sigma=99.0)
    assert demand.span_days[0].tolist() == [7, 30, 90]
    assert demand.in_stock_days[0].tolist() == [4, 27, 87]
    assert demand.corrected[0, 0] == pytest.approx(4)


def test_a_day_that_sold_out_with_ordinary_sales_counts() -> None:
    masks = day_masks(history([[4, 4, 4, 0]], [[8, 4, 0, 0]]), DemandSettings())
    assert masks.stocked_out[0].tolist() == [False, False, False, True]


def test_few_sales_on_an_empty_shelf_are_a_stock_out_but_thirty_percent_are_not() -> None:
    units, stock = [[10] * 10 + [2, 3]], [[9] * 10 + [0, 0]]
    masks = day_masks(history(units, stock), DemandSettings())
    assert masks.stocked_out[0, -2:].tolist() == [True, False]


def test_the_whole_day_rule_asks_for_zero_at_opening_too() -> None:
    days = history([[10] * 10 + [0, 0]], [[9] * 10 + [0, 0]])
    assert day_masks(days, DemandSettings()).stocked_out[0, -2:].tolist() == [True, True]
    whole = DemandSettings(stockout_stock="whole_day")
    assert day_masks(days, whole).stocked_out[0, -2:].tolist() == [False, True]


def test_with_or_either_sign_is_enough() -> None:
    days = history([[10, 10, 10, 1, 10]], [[9, 9, 9, 9, 0]])
    either = DemandSettings(stockout_join="or")
    assert day_masks(days, either).stocked_out[0].tolist() == [False, False, False, True, True]


def test_unknown_stock_counts_as_in_stock_and_the_days_before_the_listing_do_not_count() -> None:
    demand = estimate(history([[0] * 40 + [5] * 10], [[-1] * 50]))
    assert demand.listed_days[0] == 10
    assert demand.in_stock_days[0].tolist() == [7, 10, 10]
    assert demand.left_out_days[0].tolist() == [0, 0, 0]
    assert demand.velocity[0] == pytest.approx(5)


def test_one_sale_on_the_only_day_with_stock_is_no_rate() -> None:
    demand = estimate(history([[0] * 60 + [960] + [0] * 39], [[0] * 60 + [50] + [0] * 39]))
    assert demand.in_stock_days[0].tolist() == [1, 1, 1]
    assert demand.base_days[0].tolist() == [30, 30, 30]
    assert demand.velocity[0] == pytest.approx(960 / 30)


def test_one_bulk_order_is_capped_and_a_marked_day_is_left_out() -> None:
    usual = [4, 6] * 45
    bulk = [*usual[:-3], 500, *usual[-2:]]
    demand = estimate(history([bulk]))
    sizes = sorted(bulk)[:-1]
    limit = np.mean(sizes) + 3 * max(np.std(sizes, ddof=1), np.sqrt(np.mean(sizes)))
    assert demand.spike_limit[0] == pytest.approx(limit)
    assert demand.spike_days[0] == 1
    assert demand.corrected[0, 0] == pytest.approx((sum(bulk[-7:]) - 500 + limit) / 7)
    assert demand.raw[0, 0] == pytest.approx(sum(bulk[-7:]) / 7)

    marked = np.zeros((1, 90), dtype=np.bool_)
    marked[0, 87] = True
    demand = estimate(history([bulk], marked=marked))
    assert demand.spike_days[0] == 0
    assert demand.marked_days[0].tolist() == [1, 1, 1]
    assert demand.corrected[0, 0] == pytest.approx(sum(bulk[-8:-3] + bulk[-2:]) / 7)


@pytest.mark.parametrize(("ordinary", "spikes"), [(4, 0), (5, 1)])
def test_a_spike_needs_five_ordinary_sale_days_beside_it(ordinary: int, spikes: int) -> None:
    units = [0] * 60
    units[::12] = [3] * 5
    units[:1] = [3 if ordinary == 5 else 0]
    units[30] = 400
    assert estimate(history([units])).spike_days[0] == spikes


def test_rare_single_sales_are_no_spikes() -> None:
    units = [0] * 90
    units[5] = units[40] = units[80] = 12
    demand = estimate(history([units]))
    assert demand.spike_days[0] == 0
    assert demand.adi[0] == pytest.approx(30)
    assert demand.cv2[0] == 0
    assert DemandClass(demand.kind[0]) is DemandClass.INTERMITTENT
    assert demand.corrected[0, -1] == pytest.approx(36 / 90)


@pytest.mark.parametrize(
    ("adi", "cv2", "kind"),
    [
        (1.0, 0.1, DemandClass.SMOOTH),
        (1.31, 0.49, DemandClass.ERRATIC),
        (1.32, 0.48, DemandClass.INTERMITTENT),
        (5.0, 2.0, DemandClass.LUMPY),
        (np.inf, 0.0, DemandClass.NONE),
    ],
)
def test_the_four_classes_are_cut_at_1_32_and_0_49(adi: float, cv2: float, kind: DemandClass) -> None:
    assert demand_class(np.array([adi]), np.array([cv2]), DemandSettings())[0] == kind


def test_nothing_sold_is_no_demand() -> None:
    demand = estimate(history([[0] * 100]))
    assert demand.velocity[0] == 0
    assert demand.cv[0] == 0
    assert np.isnan(demand.week_cv[0])
    assert DemandClass(demand.kind[0]) is DemandClass.NONE


def test_a_series_never_in_stock_has_no_velocity_rather_than_a_wrong_one() -> None:
    demand = estimate(history([[0] * 100], [[0] * 100]))
    assert demand.velocity[0] == 0
    assert demand.in_stock_days[0].tolist() == [0, 0, 0]


def test_what_was_out_of_stock_beyond_the_reach_has_no_velocity() -> None:
    demand = estimate(history([[5] * 20 + [0] * 180], [[50] * 20 + [0] * 180]))
    assert demand.velocity[0] == 0


def test_weekly_variation_is_that_of_rates_on_in_stock_days() -> None:
    units = [0] * 7 + [7] * 7 + [14] * 7 + [7] * 7
    stock = [9] * 28
    rates = [0.0, 7.0, 14.0, 7.0]
    demand = estimate(history([units], [stock]), spike_sigma=99.0)
    assert demand.week_cv[0] == pytest.approx(np.std(rates, ddof=1) / np.mean(rates))


@st.composite
def series(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    n, days = draw(st.integers(1, 4)), draw(st.integers(1, 130))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    units = rng.poisson(rng.choice([0.05, 0.7, 5.0], (n, 1)), (n, days))
    units[rng.random((n, days)) < 0.02] = 90
    stock = np.where(rng.random((n, days)) < draw(st.sampled_from([0.0, 0.2, 0.9])), 0, 30)
    stock = np.where(rng.random((n, days)) < 0.05, -1, stock)
    return units.tolist(), stock.tolist()


@settings(max_examples=60, deadline=None)
@given(
    series(),
    st.sampled_from(["closing", "whole_day"]),
    st.sampled_from(["and", "or"]),
    st.sampled_from([0.3, 1.0]),
    st.sampled_from([90, 120]),
)
def test_the_vectorised_estimate_equals_the_slow_one(
    data: tuple[list[list[int]], list[list[int]]], stock_rule: Any, join: Any, fill: float, reach: int
) -> None:
    rules = DemandSettings(stockout_stock=stock_rule, stockout_join=join, window_fill=fill, reach_days=reach)
    days = history(*data)
    fast = BlendedVelocity().estimate(days, rules)
    masks = day_masks(days, rules)
    for row, (units, stock) in enumerate(zip(*data, strict=True)):
        assert masks.stocked_out[row].tolist() == slow_days(units, stock, rules)[0]
        slow = slow_demand(units, stock, rules)
        assert fast.in_stock_days[row].tolist() == slow.in_stock_days
        assert fast.span_days[row].tolist() == slow.span_days
        assert fast.left_out_days[row].tolist() == slow.left_out_days
        assert fast.raw[row] == pytest.approx(slow.raw)
        assert fast.corrected[row] == pytest.approx(slow.corrected)
        assert fast.velocity[row] == pytest.approx(slow.velocity)
        assert fast.sd[row] == pytest.approx(slow.sd, abs=1e-6)
        assert fast.adi[row] == pytest.approx(slow.adi)
        assert fast.cv2[row] == pytest.approx(slow.cv2, abs=1e-6)
        assert fast.spike_limit[row] == pytest.approx(slow.spike_limit)
        assert fast.spike_days[row] == slow.spike_days


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="on_hand has the shape"):
        SeriesHistory(DAY, np.zeros((2, 5), dtype=np.int32), np.zeros((2, 4), dtype=np.int32))
    with pytest.raises(ValueError, match="at least one day"):
        SeriesHistory(DAY, np.zeros((2, 0), dtype=np.int32), np.zeros((2, 0), dtype=np.int32))


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": (30, 7, 90)},
        {"blend": (0.5, 0.5)},
        {"blend": (0.5, 0.3, 0.3)},
        {"reach_days": 60},
        {"window_fill": 0.0},
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|window_fill"):
        DemandSettings(**wrong)


def test_an_empty_catalogue_is_no_error() -> None:
    none = SeriesHistory(DAY, np.zeros((0, 30), dtype=np.int32), np.zeros((0, 30), dtype=np.int32))
    assert BlendedVelocity().estimate(none, DemandSettings()).velocity.shape == (0,)
