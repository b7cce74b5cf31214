"""Surge: exact tails, and the false-alarm budget."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bot.domain.demand import DemandSettings, SeriesHistory
from bot.domain.surge import SurgeSettings, SurgeSigns, discoveries, surge_signs

DAY = date(2011, 9, 1)


def signs(units: list[list[int]], stock: list[list[int]] | None = None) -> SurgeSigns:
    sold = np.array(units, dtype=np.int32)
    on_hand = np.full_like(sold, 9) if stock is None else np.array(stock, dtype=np.int32)
    return surge_signs(SeriesHistory(DAY, sold, on_hand), DemandSettings(), SurgeSettings())


def test_a_day_is_judged_by_the_poisson_tail_of_the_days_before_it() -> None:
    found = signs([[1, 2] * 14 + [9]])
    rate = (42 + 0.5) / 29
    assert found.rate[0] == pytest.approx(rate)
    assert found.p_value[0] == pytest.approx(stats.poisson.sf(8, rate))


def test_a_restless_series_is_judged_by_its_own_variance() -> None:
    before = [0, 0, 0, 12] * 7
    found = signs([[*before, 12]])
    rate, variance = (84 + 0.5) / 29, np.var(before, ddof=1)
    assert found.variance[0] == pytest.approx(variance)
    size = rate**2 / (variance - rate)
    assert found.p_value[0] == pytest.approx(stats.nbinom.sf(11, size, rate / variance))
    assert found.p_value[0] > 0.01


def test_days_without_stock_do_not_lower_the_rate() -> None:
    found = signs([[4] * 18 + [0] * 10 + [5]], [[9] * 18 + [0] * 10 + [9]])
    assert found.days[0] == 18
    assert found.rate[0] == pytest.approx(72.5 / 19)


def test_a_series_with_too_few_days_is_not_judged() -> None:
    found = signs([[0] * 20 + [3] * 8 + [60]], [[0] * 20 + [9] * 9])
    assert not found.judged[0]
    assert found.p_value[0] == 1


def test_the_day_after_a_surge_still_holds_it() -> None:
    found = signs([[2] * 27 + [30, 2]])
    assert found.p_value[0] == 1
    assert found.hold_p_value[0] < 0.10


def test_benjamini_and_hochberg_s_own_example() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    found = discoveries(np.array(p), np.ones(15, dtype=np.bool_), 0.05)
    assert found.tolist() == [True] * 4 + [False] * 11


@given(st.lists(st.floats(0, 1), max_size=60), st.sampled_from([0.01, 0.05, 0.2]))
def test_discoveries_follow_their_definition(p: list[float], q: float) -> None:
    found = discoveries(np.array(p, dtype=np.float64), np.ones(len(p), dtype=np.bool_), q)
    ranked = sorted(p)
    passing = [value for rank, value in enumerate(ranked, start=1) if value <= rank * q / len(p)]
    assert found.tolist() == [bool(passing) and value <= max(passing) for value in p]


def test_series_that_are_not_judged_do_not_dilute_the_budget() -> None:
    p = np.array([0.04] + [1.0] * 999)
    judged = np.array([True] + [False] * 999)
    assert discoveries(p, judged, 0.05)[0]
    assert not discoveries(p, np.ones(1000, dtype=np.bool_), 0.05)[0]


def test_ten_thousand_quiet_series_make_no_noise_and_real_surges_are_found() -> None:
    rng = np.random.default_rng(3)
    units = rng.poisson(rng.gamma(0.6, 3.0, (10_000, 1)), (10_000, 29)).astype(np.int32)
    units[:20, -1] = units[:20, :-1].mean(axis=1) * 6 + 25
    found = signs(units.tolist())
    surging = discoveries(found.p_value, found.judged, 0.05)
    assert surging[:20].all()
    assert surging[20:].sum() <= 5
