"""Scores: as published, free of scale, and blind to what was not for sale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.forecasting import Forecast, Panel
from bot.domain.forecasting.scoring import Score, Tally, origins, truth
from bot.services.evaluating import scores
from bot.services.evaluating.ours import OURS
from bot.services.evaluating.scores import Method, known_series, scored
from tests.evaluating.flat import Flat
from tests.evaluating.kit import of_units, panel

LEVELS = (0.5, 0.9)


class Said:
    """Forecasts whatever it was given, for every series and period alike."""

    name = "said"

    def __init__(self, mean: float, quantiles: tuple[float, ...]) -> None:
        self._mean = mean
        self._quantiles = quantiles

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        shape = (past.series, horizon, len(levels))
        return Forecast(np.full(shape[:2], self._mean), levels, np.broadcast_to(np.asarray(self._quantiles), shape))


def test_the_figures_are_those_worked_out_by_hand() -> None:
    history = of_units([[2, 4, 4, 1, 3, 6]])
    # Steps of the past: 2, 0, 3 (absolute mean 5/3, squared mean 13/3); what came: 3 and 6.
    score = scored(history, Said(4.0, (3.5, 5.0)), 2, 1, LEVELS).score
    assert score.rmsse == pytest.approx(np.sqrt(((4 - 3) ** 2 + (4 - 6) ** 2) / 2 / (13 / 3)))
    assert score.pinball[0.5] == pytest.approx(np.mean([0.5 * 0.5, 2.5 * 0.5]) / (5 / 3))
    assert score.pinball[0.9] == pytest.approx(np.mean([2.0 * 0.1, 1.0 * 0.9]) / (5 / 3))
    assert score.coverage == {0.5: 0.5, 0.9: 0.5}
    assert score.bias == pytest.approx((8 - 9) / 9)
    assert (score.series, score.left_out) == (1, 0)


def test_origins_are_the_last_ones_a_horizon_apart() -> None:
    assert origins(90, 14, 4) == [34, 48, 62, 76]
    with pytest.raises(ValueError, match="4 origins of 14 periods need a history of 70 periods, and there are 51"):
        origins(51, 14, 4)


def test_periods_out_of_stock_are_no_truth_and_no_scale() -> None:
    units = [[2, 4, 0, 5, 3, 0, 7]]
    stocked = [[1, 1, 0, 1, 1, 0.4, 1]]
    held = truth(of_units(units, in_stock=stocked), 5, 2)
    assert held.known.tolist() == [[False, True]]
    assert held.absolute.tolist() == [2.0]  # 2 to 4 and 5 to 3; no step touches the day without stock
    score = scored(of_units(units, in_stock=stocked), Said(7.0, (7.0, 7.0)), 2, 1, LEVELS).score
    assert (score.rmsse, score.bias, score.coverage[0.9]) == (0.0, 0.0, 1.0)


def test_a_series_whose_past_never_moves_is_left_out_and_counted() -> None:
    score = scored(of_units([[3, 3, 3, 3, 5, 5], [1, 0, 2, 0, 1, 0]]), Said(1.0, (1.0, 2.0)), 2, 1, LEVELS).score
    assert (score.series, score.left_out) == (1, 1)


def test_where_no_series_has_a_scale_bias_and_coverage_are_of_every_known_period() -> None:
    even = [[3, 3, 3, 3, 5, 1]]
    score = scored(of_units(even), Said(4.5, (1.0, 5.0)), 2, 1, LEVELS).score
    assert score == Score("said", None, {0.5: None, 0.9: None}, {0.5: 0.5, 0.9: 1.0}, 0.5, 0, 1)
    both = scored(of_units([*even, [1, 0, 2, 0, 1, 0]]), Said(4.5, (1.0, 5.0)), 2, 1, LEVELS).score
    assert (both.series, both.bias, both.coverage[0.5]) == (1, (9 - 1) / 1, 1.0)
    out = of_units(even, in_stock=[[1, 1, 1, 1, 0, 0.5]])
    nothing = scored(out, Said(1.0, (1.0, 2.0)), 2, 1, LEVELS).score
    assert nothing == Score("said", None, {0.5: None, 0.9: None}, {0.5: None, 0.9: None}, None, 0, 1)


class Slow(Said):
    """Loads for a hundred seconds of its own clock at the first forecast, and takes one for each."""

    calls, now = 0, 0.0

    def perf_counter(self) -> float:
        return self.now

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        self.now += 1.0 if self.calls else 101.0
        self.calls += 1
        return super().forecast(past, horizon, levels)


def test_the_seconds_of_a_method_leave_out_what_it_loads_at_its_first_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    history, slow = panel(30, 60, 1), Slow(1.0, (1.0, 2.0))
    monkeypatch.setattr(scores, "time", slow)
    assert scored(history, slow, 7, 2, LEVELS).seconds == 2.0
    assert slow.calls == 3
    assert known_series(history, 7, 2) == sum(int((history.listed < origin).sum()) for origin in (46, 53)) + 20


@given(st.integers(0, 2**32), st.sampled_from([0.25, 3.0, 1000.0]))
@settings(max_examples=20)
def test_scores_know_no_unit(seed: int, factor: float) -> None:
    history = panel(6, 60, seed)
    one = scored(history, Flat(), 7, 3, LEVELS).score
    other = scored(of_units(history.units * factor), Flat(), 7, 3, LEVELS).score
    assert other.rmsse == pytest.approx(one.rmsse, rel=1e-5)
    assert other.pinball[0.9] == pytest.approx(one.pinball[0.9], rel=1e-5)
    assert other.bias == pytest.approx(one.bias, rel=1e-4, abs=1e-6)
    assert other.coverage == one.coverage


@given(st.integers(0, 2**32), st.integers(20, 59))
@settings(max_examples=20)
def test_no_forecast_moves_for_what_comes_after_it(seed: int, spiked: int) -> None:
    history = panel(5, 60, seed)
    units = history.units.copy()
    units[:, spiked] += 5_000
    later = of_units(units)
    for origin in origins(60, 10, 4):
        calm = Flat().forecast(history.before(origin), 10, LEVELS)
        after = Flat().forecast(later.before(origin), 10, LEVELS)
        same = np.array_equal(calm.mean, after.mean) and np.array_equal(calm.quantiles, after.quantiles)
        assert same == (spiked >= origin)


class Heard:
    """Forecasts as another does, and keeps what it said by origin."""

    name = "heard"

    def __init__(self, method: Method) -> None:
        self._method = method
        self.said: dict[int, Forecast] = {}

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        return self.said.setdefault(past.periods, self._method.forecast(past, horizon, levels))


@pytest.mark.parametrize("method", [OURS, Flat()], ids=["ours", "flat"])
@pytest.mark.parametrize("spiked", [39, 41, 59])
def test_no_score_shows_a_method_the_future(method: Method, spiked: int) -> None:
    history = panel(12, 60, 9)
    units = history.units.copy()
    units[:, spiked] += 5_000
    calm, later = Heard(method), Heard(method)
    for one, of in ((calm, history), (later, of_units(units))):
        scored(of, one, 10, 2, LEVELS)
    assert list(calm.said) == list(later.said) == [40, 50]
    for origin, found in calm.said.items():
        same = np.array_equal(found.quantiles, later.said[origin].quantiles)
        assert same == (origin <= spiked)


def test_an_origin_adds_to_the_tally_what_its_series_are_worth() -> None:
    history = of_units([[1, 2, 0, 1, 4], [0, 0, 0, 2, 3]])
    tally = Tally("said", LEVELS, 2)
    rows = history.listed < 3
    found = Said(1.0, (1.0, 2.0)).forecast(history.before(3).chosen(rows), 2, LEVELS)
    tally.add(found, truth(history.chosen(rows), 3, 2), rows)
    assert (tally.score().series, tally.score().left_out) == (1, 0)
