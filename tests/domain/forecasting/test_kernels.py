"""The compiled loops, against plain NumPy and SciPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator
from scipy.special import gammaincinv

from bot.domain.forecasting import kernels
from bot.domain.forecasting.compiled import in_blocks
from bot.domain.forecasting.gammas import Gammas


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**31))
def test_a_level_is_the_weighted_mean_of_the_past(series: int, periods: int, seed: int) -> None:
    law = np.random.default_rng(seed)
    exposure = law.choice([0.0, 0.5, 1.0], (series, periods)).astype(np.float32)
    units = (law.poisson(3.0, (series, periods)) * (exposure > 0)).astype(np.float32)
    decay = np.array([0.7, 0.95, 1.0])
    cuts = np.unique(law.integers(0, periods + 1, 3))
    out = np.zeros((len(cuts), series, 3))
    kernels.fill_levels(units, exposure, decay, cuts, out)
    for at, cut in enumerate(cuts.tolist()):
        age = np.arange(cut)[::-1]
        asked = exposure[:, :cut].astype(np.float64)
        mean = np.where(asked.sum(1) > 0, units[:, :cut].sum(1) / np.maximum(asked.sum(1), 1e-12), 0.0)
        for kind, factor in enumerate(decay.tolist()):
            weight = factor**age
            wanted = ((units[:, :cut] * weight).sum(1) + mean) / ((asked * weight).sum(1) + 1.0)
            np.testing.assert_allclose(out[at, :, kind], wanted, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 40), st.integers(0, 2**31))
def test_own_quantiles_are_those_of_numpy_over_the_samples_that_are_known(series: int, count: int, seed: int) -> None:
    law = np.random.default_rng(seed)
    samples = law.poisson(4.0, (series, count)).astype(np.float32)
    samples[law.random((series, count)) < 0.3] = np.nan
    levels = np.array([0.0, 0.25, 0.5, 0.95, 1.0])
    out = np.zeros((series, 5))
    kernels.fill_quantiles(np.sort(samples, axis=1), levels, out)
    for row in range(series):
        known = samples[row][~np.isnan(samples[row])]
        wanted = np.quantile(known.astype(np.float64), levels) if len(known) else np.zeros(5)
        np.testing.assert_allclose(out[row], wanted, rtol=1e-6, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(0, 6), st.booleans(), st.integers(0, 2**31))
def test_days_are_counted_and_readied_by_their_weekday_since_the_listing(
    periods: int, first: int, recorded: object, seed: int
) -> None:
    law = np.random.default_rng(seed)
    units = law.poisson(3.0, (4, periods)).astype(np.float32)
    listed = law.integers(0, periods + 1, 4)
    stock = law.choice([0.0, 0.5, 1.0], units.shape).astype(np.float32) if recorded else None
    factors = law.uniform(0.1, 2.0, (4, 7)).astype(np.float32)
    weekday = (np.arange(periods) + first) % 7
    share = (np.ones(units.shape) if stock is None else stock) * (np.arange(periods) >= listed[:, None])
    sold, there = np.full((4, 7), np.nan), np.full((4, 7), np.nan)
    kernels.fill_weekdays(units, stock, listed, first, sold, there)
    for day in range(7):
        np.testing.assert_allclose(sold[:, day], units[:, weekday == day].sum(axis=1))
        np.testing.assert_allclose(there[:, day], share[:, weekday == day].sum(axis=1))
    counted, exposure, whole = np.empty_like(units), np.empty_like(units), np.empty(units.shape, dtype=np.bool_)
    kernels.fill_past(units, stock, listed, factors, first, counted, exposure, whole)
    np.testing.assert_array_equal(counted, units * (share > 0))
    np.testing.assert_array_equal(exposure, share.astype(np.float32) * factors[:, weekday])
    np.testing.assert_array_equal(whole, share == 1.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-np.inf, -7.5, -0.0, 0.0, 1e-300, 2.0, 2.0, 3e9, np.inf]), max_size=40))
def test_an_order_is_stable_and_minus_zero_is_zero(values: list[float]) -> None:
    array = np.asarray(values, dtype=np.float64)
    order = np.empty(len(array), dtype=np.int64)
    kernels.fill_order(array, order)
    assert order.tolist() == np.argsort(array, kind="stable").tolist()


def test_groups_add_up_their_rows() -> None:
    out = np.zeros((3, 2))
    kernels.fill_groups(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([2, 0, 2]), out)
    assert out.tolist() == [[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]


def test_a_table_of_gammas_is_as_exact_as_the_function_within_it_and_beyond() -> None:
    shape = np.exp(np.random.default_rng(2).uniform(-5.0, 15.0, 3_000))
    levels = np.array([0.001, 0.5, 0.95, 0.99999])
    wanted = gammaincinv(shape[:, None], levels) / shape[:, None]
    np.testing.assert_allclose(Gammas(levels, 10).quantiles(shape), wanted, rtol=1e-14)
    np.testing.assert_allclose(Gammas(levels, 3_000).quantiles(shape), wanted, rtol=2e-10)


def test_a_ratio_is_looked_up_between_its_neighbours_and_flat_beyond_the_last() -> None:
    law = np.random.default_rng(1)
    centres, spread = np.array([0.0, 1.0, 3.0]), np.array([-1.0, 0.0, 2.0, 5.0])
    table = law.random((3, 4, 2))
    place, by = law.uniform(-1, 4, (50, 3)), law.uniform(-2, 6, 50)
    out = np.zeros((50, 3, 2))
    kernels.fill_lookup(place, by, centres, np.tile(spread, (3, 1)), table, out)
    points = np.stack([np.clip(place, 0, 3), np.broadcast_to(np.clip(by, -1, 5)[:, None], place.shape)], axis=-1)
    np.testing.assert_allclose(out, RegularGridInterpolator((centres, spread), table)(points), atol=1e-12)


def test_a_table_of_one_cell_gives_its_ratio_everywhere() -> None:
    out = np.zeros((2, 1, 1))
    one = np.ones((1, 1))
    kernels.fill_lookup(np.array([[-9.0], [9.0]]), np.zeros(2), np.zeros(1), one * 0, one[:, :, None] * 7, out)
    assert out.tolist() == [[[7.0]], [[7.0]]]


def test_blocks_cover_the_series_without_a_gap() -> None:
    seen = np.zeros(5_001, dtype=np.int64)

    def work(block: slice) -> None:
        seen[block] += 1

    in_blocks(len(seen), work)
    in_blocks(10, work)
    in_blocks(0, work)
    assert seen[:10].tolist() == [2] * 10
    assert (seen[10:] == 1).all()
