"""The published methods as statsforecast implements them: what they are given, and what is made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.backtesting.smoothing import rate
from bot.services.evaluating.baselines import NAMES, baseline
from bot.services.evaluating.scores import scored
from tests.cli.terminal import stocktide
from tests.evaluating.kit import of_units, panel

LEVELS = (0.1, 0.5, 0.9, 0.99)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_forecasts_short_and_silent_series_too_in_rising_quantiles(name: str) -> None:
    units = panel(3, 40, 3).units
    units[2, :-2] = 0.0
    units[2, -2:] = (1.0, 0.0)  # listed two days ago
    done: list[None] = []
    found = baseline(name, "day", lambda: done.append(None)).forecast(of_units(units), 5, LEVELS)
    assert found.quantiles.shape == (3, 5, 4)
    assert np.isfinite(found.mean).all()
    assert (np.diff(found.quantiles, axis=2) >= 0.0).all()
    assert (found.quantiles >= 0.0).all()
    assert len(done) == 3


def test_its_rates_are_those_that_a_backtest_orders_by() -> None:
    history = panel(6, 50, 4)
    history.units[:, 0] = np.maximum(history.units[:, 0], 1.0)  # all are listed on the first day
    history = of_units(history.units)
    for name, kind in (("CrostonSBA", "sba"), ("TSB", "tsb")):
        theirs = baseline(name, "day", lambda: None).forecast(history, 1, LEVELS).mean[:, 0]
        np.testing.assert_allclose(rate(history, kind).mean, theirs, rtol=1e-9)  # type: ignore[arg-type]


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.sampled_from([0.9, 0.4, 0.1, 0.02]), st.booleans())
def test_rates_are_statsforecasts_to_1e_9_whatever_is_sold_how_seldom(seed: int, often: float, whole: object) -> None:
    law = np.random.default_rng(seed)
    periods = int(law.integers(1, 150))
    units = law.poisson(3.0, (20, periods)) * (law.random((20, periods)) < often)
    units[0] = 0  # never sold
    units[1], units[1, law.integers(periods)] = 0, 7  # sold once
    units[2] = 4  # always the same
    history = of_units(units if whole else units * law.random(units.shape))
    since_first = dataclasses.replace(history, listed=np.zeros(20, dtype=np.int64))
    for name, kind in (("CrostonSBA", "sba"), ("TSB", "tsb"), ("IMAPA", "imapa")):
        theirs = baseline(name, "day", lambda: None).forecast(since_first, 1, LEVELS).mean[:, 0]
        np.testing.assert_allclose(rate(since_first, kind).mean, theirs, rtol=1e-9, atol=1e-12)  # type: ignore[arg-type]


def test_imapa_counts_from_the_listing_on_as_statsforecast_is_given_it() -> None:
    law = np.random.default_rng(6)
    units = law.poisson(3.0, (60, 90)) * (law.random((60, 90)) < 0.2)
    units[np.arange(90) < law.integers(0, 80, 60)[:, None]] = 0
    units[:, 85] += 1  # all have sold
    history = of_units(units)
    theirs = baseline("IMAPA", "day", lambda: None).forecast(history, 1, LEVELS).mean[:, 0]
    np.testing.assert_allclose(rate(history, "imapa").mean, theirs, rtol=1e-9)


def smoothed(sums: Sequence[float], weight: float) -> list[float]:
    """The forecast of each but the first, and the one after the last."""
    told = [sums[0]]
    for one in sums[1:]:
        told.append(weight * one + (1.0 - weight) * told[-1])
    return told


def best(sums: Sequence[float]) -> list[float]:
    """Smoothed with the weight that misses least, of two thousand."""
    tried = (smoothed(sums, float(weight)) for weight in np.linspace(0.1, 0.3, 2_001))
    return min(tried, key=lambda told: sum((sold - one) ** 2 for sold, one in zip(sums[1:], told[:-1], strict=True)))


def test_imapas_errors_are_those_of_its_levels_as_fitted() -> None:
    units = [5, 0, 2, 0, 7, 1, 0, 0, 3]  # a sale every 1.8 periods: one period, and two from the second period on
    ones, twos = best(units), best([2, 7, 1, 3])
    told = [ones[0], ones[1]] + [(ones[at] + twos[(at - 2) // 2] / 2) / 2 for at in range(2, 8)]
    found = rate(of_units([units]), "imapa")
    assert found.mean[0] == pytest.approx((ones[-1] + twos[-1] / 2) / 2, rel=1e-4)
    wanted = np.sqrt(np.mean([(sold - one) ** 2 for sold, one in zip(units[1:], told, strict=True)]))
    assert found.error[0] == pytest.approx(wanted, rel=1e-4)


def test_its_history_may_begin_before_the_first_sale() -> None:
    history = of_units([[0, 0, 0, 0, 3, 0, 2, 1, 0, 2]])
    method = baseline("SES", "day", lambda: None)
    late = scored(history, method, 2, 1, LEVELS).score
    early = scored(history, method, 2, 1, LEVELS, np.asarray([0])).score
    assert late.series == early.series == 1
    assert late.rmsse != early.rmsse


def test_who_has_not_installed_them_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("long") / "long.csv"
    file.write_text("sku,day,units\nA,2024-01-01,1\nA,2024-01-09,2\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda _name: None)
        ran = stocktide("forecast-score", str(file), "--baselines")
    assert (ran.code, ran.out) == (2, "")
    assert "statsforecast is not installed" in ran.err
