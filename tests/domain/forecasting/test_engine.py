"""The engine's means and quantiles, against laws that are known and against plain arithmetic."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.forecasting import Engine, Freq, Panel, fitting, states
from bot.domain.forecasting.engine import EngineSettings
from tests.domain.forecasting.panels import drawn, panel

LEVELS = (0.5, 0.8, 0.95, 0.99)
ENGINE = Engine()


def test_quantiles_cover_what_they_say_and_the_mean_is_that_of_the_law() -> None:
    units, rate = drawn(1_500, 134, seed=1)
    found = ENGINE.forecast(panel(units[:, :120]), 14, LEVELS)
    truth = units[:, 120:]
    for at, level in enumerate(LEVELS):
        covered = (truth <= found.quantiles[:, :, at]).mean()
        assert covered == pytest.approx(level, abs=0.09 if level == 0.5 else 0.025)  # counts lie on the median itself
    assert found.mean.sum() == pytest.approx(rate.sum() * 14, rel=0.03)
    assert np.corrcoef(found.mean[:, 0], rate)[0, 1] > 0.95


def test_what_was_sold_out_is_no_demand_of_zero() -> None:
    """Hidden in a third of the days, demand is found again with under half of the error of who takes it for zero."""
    units, rate = drawn(800, 120, seed=2, size=3.0, mean=(0.0, 2.0))
    stock = (np.random.default_rng(3).random(units.shape) > 0.33).astype(np.float32)
    seen = panel(units * stock, stock)
    corrected = ENGINE.forecast(seen, 7, LEVELS).mean.mean(axis=1)
    taken = ENGINE.forecast(dataclasses.replace(seen, in_stock=None), 7, LEVELS).mean.mean(axis=1)
    assert np.abs(corrected - rate).sum() < 0.5 * np.abs(taken - rate).sum()


def test_half_a_day_with_stock_asks_for_half_a_day_of_demand() -> None:
    units, rate = drawn(600, 120, seed=4, size=50.0, mean=(1.0, 3.0))
    stock = np.ones(units.shape, dtype=np.float32)
    stock[:, ::2] = 0.5
    halved = units.copy()
    halved[:, ::2] = np.random.default_rng(5).binomial(units[:, ::2], 0.5)
    found = ENGINE.forecast(panel(halved, stock), 7, LEVELS).mean.mean(axis=1)
    assert found.sum() == pytest.approx(rate.sum(), rel=0.05)


def test_a_day_on_which_the_shop_is_closed_is_forecast_closed_and_does_not_lower_the_others() -> None:
    units, rate = drawn(500, 140, seed=6, size=5.0, mean=(0.5, 2.0))
    units[:, 5::7] = 0  # Saturdays
    found = ENGINE.forecast(panel(units), 14, LEVELS)
    assert found.mean[:, [5, 12]].sum() < 0.05 * found.mean[:, [4, 11]].sum()
    assert found.mean[:, [0, 1, 2, 3, 4, 6]].sum() == pytest.approx(6 * rate.sum(), rel=0.06)


def test_growth_of_the_whole_goes_on_and_is_damped() -> None:
    law = np.random.default_rng(7)
    trend = np.exp(np.linspace(0, 1.2, 120))
    units = law.poisson(law.uniform(1, 6, 500)[:, None] * trend)
    found = ENGINE.forecast(panel(units), 14, LEVELS)
    last = units[:, -14:].sum()
    assert last < found.mean.sum() < last * 1.25


@pytest.mark.parametrize("freq", ["day", "week", "month"])
def test_demand_over_a_lead_time_that_is_random_is_wider_than_over_a_fixed_one(freq: Freq) -> None:
    units, rate = drawn(1_000, 150, seed=8, size=5.0, mean=(0.5, 2.5))
    past = panel(units, freq=freq)
    fixed = ENGINE.over(past, np.array([14]), np.array([1.0]), LEVELS)
    spread = ENGINE.over(past, np.array([7, 14, 21]), np.array([0.25, 0.5, 0.25]), LEVELS)
    assert fixed[:, 0].sum() == pytest.approx(14 * rate.sum(), rel=0.06)
    assert spread[:, 3].sum() > 1.1 * fixed[:, 3].sum()
    assert spread[:, 2].sum() > 1.05 * fixed[:, 2].sum()


def test_demand_over_a_span_is_covered_as_said() -> None:
    units, _ = drawn(1_500, 180, seed=9)
    found = ENGINE.over(panel(units[:, :150]), np.array([30]), np.array([1.0]), (0.5, 0.9, 0.98))
    truth = units[:, 150:].sum(axis=1)
    for at, level in enumerate((0.5, 0.9, 0.98)):
        assert (truth <= found[:, at]).mean() == pytest.approx(level, abs=0.05)


def test_nothing_that_comes_later_moves_a_forecast() -> None:
    units, _ = drawn(300, 120, seed=10)
    spiked = units.copy()
    spiked[:, 100:] = 10_000
    plain, other = panel(units).before(100), panel(spiked).before(100)
    for one, two in (
        (ENGINE.forecast(plain, 14, LEVELS).quantiles, ENGINE.forecast(other, 14, LEVELS).quantiles),
        (
            ENGINE.over(plain, np.array([20]), np.array([1.0]), LEVELS),
            ENGINE.over(other, np.array([20]), np.array([1.0]), LEVELS),
        ),
    ):
        np.testing.assert_array_equal(one, two)


def test_a_new_product_is_not_forecast_to_sell_nothing_on_the_days_before_it_was_there() -> None:
    units, rate = drawn(600, 120, seed=11, size=5.0, mean=(0.5, 2.0))
    listed = np.where(np.arange(600) % 2, 100, 0)
    units[np.arange(120)[None, :] < listed[:, None]] = 0
    found = ENGINE.forecast(panel(units, listed=listed), 14, LEVELS).mean.mean(axis=1)
    new = listed > 0
    assert found[new].sum() == pytest.approx(rate[new].sum(), rel=0.1)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 6), st.integers(1, 20), st.integers(1, 15), st.integers(0, 2**31),
    st.sampled_from(["day", "week", "month"]), st.sampled_from([(), (0.0, 0.3, 1.0)]),
)  # fmt: skip
def test_any_panel_has_finite_forecasts_that_rise_with_the_level(
    series: int, periods: int, horizon: int, seed: int, freq: Freq, stocks: tuple[float, ...]
) -> None:
    law = np.random.default_rng(seed)
    units = law.poisson(law.exponential(2.0, (series, 1)), (series, periods)) * law.integers(1, 1_000, (series, 1))
    stock = law.choice(stocks, (series, periods)) if stocks else None
    past = panel(units, stock, freq, law.integers(0, periods + 1, series))
    found = ENGINE.forecast(past, horizon, LEVELS)
    assert found.mean.shape == (series, horizon)
    assert found.quantiles.shape == (series, horizon, len(LEVELS))
    spans = np.array([1, horizon, horizon + 3])
    over = ENGINE.over(past, spans, np.array([0.2, 0.3, 0.5]), LEVELS)
    assert over.shape == (series, len(LEVELS))
    for numbers in (found.mean[:, :, None], found.quantiles, over[:, None, :]):
        assert np.isfinite(numbers).all()
        assert (numbers >= 0).all()
        assert (np.diff(numbers, axis=2) >= -1e-9).all()


def test_the_order_in_which_levels_are_asked_for_changes_none() -> None:
    units, _ = drawn(300, 100, seed=12)
    some = ENGINE.forecast(panel(units), 7, (0.99, 0.5)).quantiles
    np.testing.assert_array_equal(some[:, :, ::-1], ENGINE.forecast(panel(units), 7, (0.5, 0.99)).quantiles)


def arrivals(rate: float, seed: int) -> Panel:
    """300 series that always sold a unit a day, and 600 that begin with a sale and sell at the rate from then on."""
    law = np.random.default_rng(seed)
    units, begin = np.zeros((900, 160)), law.integers(0, 150, 900)
    begin[:300] = 0
    for row in range(900):
        units[row, begin[row] :] = law.poisson(rate if row >= 300 else 1.0, 160 - begin[row])
        units[row, begin[row]] = max(units[row, begin[row]], 1.0)
    return panel(units, listed=begin)


def test_what_the_past_of_new_series_did_says_how_far_a_young_level_is_believed() -> None:
    faded, stayed = arrivals(0.01, 1), arrivals(1.0, 1)
    told = ENGINE.forecast(faded, 14, LEVELS).mean.mean(axis=1)
    blind = Engine(dataclasses.replace(EngineSettings(), doubts={"day": (0.0,)})).forecast(faded, 14, LEVELS)
    young = (faded.listed > 120) & (np.arange(900) >= 300)
    old = np.arange(900) < 300
    off, off_blind = (abs(mean[young].mean() - 0.01) for mean in (told, blind.mean.mean(axis=1)))
    assert off < 0.85 * off_blind
    assert told[old].mean() == pytest.approx(1.0, rel=0.05)
    told = ENGINE.forecast(stayed, 14, LEVELS).mean.mean(axis=1)
    assert told[stayed.listed > 120].mean() == pytest.approx(1.0, rel=0.1)


def test_no_future_sale_changes_how_far_a_young_level_is_believed() -> None:
    calm = arrivals(0.01, 2)
    units = calm.units.copy()
    units[:, 100] += np.where(calm.listed == 90, 500.0, 0.0).astype(np.float32)
    spiked = dataclasses.replace(calm, units=units)
    for column in (96, 100, 101):
        known = calm.listed < column
        found, other = (
            ENGINE.over(of.before(column).chosen(known), np.array([14]), np.array([1.0]), LEVELS)
            for of in (calm, spiked)
        )
        assert np.array_equal(found, other) == (column <= 100)


def test_a_level_is_believed_by_half_at_the_doubted_age_and_one_from_before_all_history_wholly() -> None:
    ages = states.ages(np.array([0, 4, 9]), np.array([9, 18]))
    assert ages.tolist() == [[np.inf, 5.0, 1.0], [np.inf, 14.0, 9.0]]
    assert fitting.credible(ages[1], 14.0) == pytest.approx([1.0, 0.5, 9 / 23])
    assert fitting.credible(ages[0], 0.0).tolist() == [1.0, 1.0, 1.0]
