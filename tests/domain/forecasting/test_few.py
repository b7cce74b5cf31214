"""What one series may say of all the others, and what is told where there are few others."""

from __future__ import annotations

import numpy as np
import pytest

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import Engine
from bot.domain.forecasting.fitting import common_ratio
from bot.domain.forecasting.profile import weekday_pools
from bot.domain.forecasting.season import SeasonSettings, rises
from bot.domain.forecasting.shapes import periods_by_shape
from bot.domain.forecasting.states import moments
from bot.domain.forecasting.targets import prepared
from tests.domain.forecasting.panels import drawn, panel

ENGINE = Engine()
SPANS, CHANCES = np.array([14, 21, 28]), np.array([0.25, 0.5, 0.25])


def with_an_order(
    units: Ints,
) -> Ints:
    """The first series sells 5,000 at once, ten days before the end."""
    more = units.copy()
    more[0, -10] = 5_000
    return more


def test_a_bulk_order_of_one_series_moves_the_forecasts_of_the_others_by_less_than_two_hundredths() -> None:
    units, _rate = drawn(200, 180, seed=31)
    calm, busy = (ENGINE.forecast(panel(each), 14, (0.9,)) for each in (units, with_an_order(units)))
    assert float(busy.mean[1:].sum()) == pytest.approx(float(calm.mean[1:].sum()), rel=0.02)
    assert float(busy.quantiles[1:].sum()) == pytest.approx(float(calm.quantiles[1:].sum()), rel=0.03)
    assert busy.mean[0].sum() > 5 * calm.mean[0].sum()


def test_a_bulk_order_of_one_series_hardly_widens_what_the_others_ask_for_over_a_lead_time() -> None:
    units, _rate = drawn(200, 180, seed=32)
    calm, busy = (
        ENGINE.over(panel(each), SPANS, CHANCES, (0.5, 0.98))[1:].sum(axis=0) for each in (units, with_an_order(units))
    )
    np.testing.assert_allclose(busy, calm, rtol=0.03)


def test_one_fridays_order_makes_no_better_fridays_for_all() -> None:
    units, _rate = drawn(100, 182, seed=33)
    calm, busy = (weekday_pools(panel(each), 100.0) for each in (units, with_an_order(units)))
    np.testing.assert_allclose(busy.everyone, calm.everyone, atol=0.02)
    np.testing.assert_allclose(busy.factors, calm.factors, atol=0.02)


def test_an_order_of_last_year_is_no_season() -> None:
    units, _rate = drawn(150, 420, seed=34)
    ordered = units.copy()
    ordered[0, 60] = 20_000
    columns = np.array([420])

    def rise(of: Ints) -> float:
        ready = prepared(panel(of), np.ones((150, 7)))
        return float(rises(ready, columns, 28, SeasonSettings())[0])

    assert rise(ordered) == pytest.approx(rise(units), abs=0.03)


@pytest.mark.parametrize("by", [0.4, 1.0, 2.5])
def test_what_all_series_sold_more_or_less_is_told_whole_though_one_sells_most_of_it(by: float) -> None:
    for share in (0.5, 0.9, 0.95):
        told: Floats = np.append(np.full(200, 5.0), 1_000.0 * share / (1 - share))[None, :]
        assert common_ratio(by * told, told, 0.01)[0] == pytest.approx(by, rel=1e-3)
    alone = common_ratio(np.array([[30.0]]), np.array([[10.0]]), 0.01)
    assert alone[0] == pytest.approx(3.0), "one series is the whole"
    assert common_ratio(np.zeros((1, 3)), np.zeros((1, 3)), 0.01)[0] == 1.0


@pytest.mark.parametrize(("series", "days"), [(1, 200), (1, 365), (5, 120)])
def test_few_lumpy_series_are_covered_as_often_as_said(series: int, days: int) -> None:
    covered = []
    for seed in range(24):
        law = np.random.default_rng(seed)
        units = law.negative_binomial(0.5, 0.5 / 5.5, (series, days + 14))
        found = ENGINE.forecast(panel(units[:, :days]), 14, (0.95, 0.99))
        covered.append((units[:, days:, None] <= found.quantiles).mean(axis=(0, 1)))
    high, highest = np.mean(covered, axis=0)
    assert high == pytest.approx(0.95, abs=0.045)
    assert highest >= 0.965


def test_shapes_are_poisson_negative_binomial_or_gamma_as_the_own_past_scatters() -> None:
    levels = np.array([0.5, 0.9, 0.99])
    law = np.random.default_rng(9)
    drawn_ = [
        law.poisson(2.0, 40_000).astype(np.float64),
        law.negative_binomial(0.5, 0.5 / 2.5, 40_000).astype(np.float64),
        law.gamma(4.0, 0.05, 40_000),
    ]
    told = np.array([(len(one), one.sum(), (one**2).sum(), (one != np.rint(one)).sum()) for one in drawn_])
    means = np.array([[one.mean()] for one in drawn_])
    found = periods_by_shape(told, means, levels)[:, 0]
    np.testing.assert_array_equal(found[0], np.quantile(drawn_[0], levels))
    np.testing.assert_allclose(found[1], np.quantile(drawn_[1], levels), atol=1.0)
    np.testing.assert_allclose(found[2], np.quantile(drawn_[2], levels), rtol=0.03)
    assert (periods_by_shape(told, np.zeros((3, 1)), levels) == 0).all()


def test_goods_sold_in_halves_are_measured_though_they_happen_to_add_up_to_whole_ones() -> None:
    units = np.tile([0.5, 0.0, 0.0, 0.0], 100)[None, :366]  # 92 halves: 46
    ready = prepared(panel(units), np.ones((1, 7)))
    found = periods_by_shape(moments(ready), np.array([[0.125]]), np.array([0.8, 0.95]))
    assert not (found == np.rint(found)).any()


@pytest.mark.parametrize("series", [1, 20, 50, 200])
def test_few_series_ask_for_a_lead_time_what_its_demand_comes_to(series: int) -> None:
    covered = []
    for seed in range(16):
        units = np.random.default_rng(seed).negative_binomial(0.5, 0.5 / 2.5, (series, 365 + 28))
        found = ENGINE.over(panel(units[:, :365]), np.array([28]), np.ones(1), (0.5, 0.95, 0.99))
        covered.append(found / np.array([54.6, 86.0, 101.0]))  # quantiles of 28 such days
    np.testing.assert_allclose(np.mean([one.mean(axis=0) for one in covered], axis=0), 1.0, atol=0.12)
