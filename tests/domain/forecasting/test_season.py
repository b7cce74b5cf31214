"""Last year's rise at this time, pooled over series."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.domain.forecasting import Engine, targets
from bot.domain.forecasting.season import SeasonSettings, rises
from tests.domain.forecasting.panels import panel

LEVELS = (0.5, 0.9)


def seasonal(days: int, rise: float, seed: int = 1) -> NDArray[np.int64]:
    """Poisson days of 300 series; in the last 60 days of each year of 364 all sell `rise` times as much."""
    law = np.random.default_rng(seed)
    shape = np.where(np.arange(days) % 364 >= 304, rise, 1.0)
    return law.poisson(law.uniform(1, 5, (300, 1)) * shape)


def ready(units: NDArray[np.int64]) -> targets.Past:
    return targets.prepared(panel(units), np.ones((len(units), 7)))


def test_what_rose_last_year_is_expected_to_rise_by_most_of_it() -> None:
    units = seasonal(364 + 304, 3.0)
    (now,) = rises(ready(units), np.array([364 + 304]), 28, SeasonSettings())
    assert now == pytest.approx(3.0**0.7, rel=0.05)
    found = Engine().forecast(panel(units), 28, LEVELS).mean.sum()
    assert found == pytest.approx(units[:, -28:].sum() * now, rel=0.12)


def test_a_season_that_ends_is_expected_to_end() -> None:
    units = seasonal(728, 3.0)
    (now,) = rises(ready(units), np.array([728]), 28, SeasonSettings())
    assert now == pytest.approx(3.0**-0.7, rel=0.07)


def test_without_a_year_behind_it_a_time_has_no_season_and_small_rises_are_doubted() -> None:
    assert rises(ready(seasonal(300, 3.0)), np.array([100, 300]), 28, SeasonSettings()).tolist() == [1.0, 1.0]
    (small,) = rises(ready(seasonal(364 + 304, 1.1)), np.array([364 + 304]), 28, SeasonSettings())
    assert 1.0 < small < 1.1**0.35


def test_series_that_were_not_there_a_year_ago_make_no_season() -> None:
    units = seasonal(364 + 304, 1.0)
    units[100:, :310] = 0
    listed = np.where(np.arange(300) >= 100, 310, 0)
    past = targets.prepared(panel(units, listed=listed), np.ones((300, 7)))
    (now,) = rises(past, np.array([364 + 304]), 28, SeasonSettings())
    assert now == pytest.approx(1.0, abs=0.02)
