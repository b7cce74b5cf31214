"""The published methods as statsforecast implements them: what they are given, and what is made of it."""

from __future__ import annotations

import numpy as np
import pytest

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
