"""The week of pools: a category leans on its place, and that on everyone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bot.domain.forecasting.panel import Panel
from bot.domain.forecasting.profile import leaning_on, weekday_factors, weekday_pools
from bot.domain.groups import keyed
from tests.domain.forecasting.panels import panel

WEEKS, PRIOR = 20, 100.0
FLAT, CLOSED, MARKET = np.ones(7), np.array([1.0] * 5 + [0.0] * 2), np.array([0.5] * 5 + [0.5, 4.0])


def shops() -> Panel:
    """At place 1 nothing sells on weekends, at place 2 always; there category 5 sells on Sundays most of all."""
    law = np.random.default_rng(2)
    week = [CLOSED] * 40 + [FLAT] * 30 + [MARKET] * 10
    rate = np.tile(np.stack(week), WEEKS) * 5.0
    rate[39] /= 100  # category 7 at place 1 is thin
    of = panel(law.poisson(rate))
    pool, region = np.array([3] * 39 + [7] + [3] * 30 + [5] * 10), np.array([1] * 40 + [2] * 40)
    return replace(of, pool=pool, region=region)


def test_each_category_at_a_place_has_its_own_week_and_a_thin_one_that_of_the_place() -> None:
    of = shops()
    found = weekday_pools(of, PRIOR)
    mine = dict(zip(found.keys.tolist(), found.factors, strict=True))
    keys = keyed(np.array([7, 3, 5]), np.array([1, 2, 2])).tolist()
    thin, flat, market = (mine[key] for key in keys)
    assert thin[5:].max() < 0.1  # leaning on all places it would hold Saturdays for open
    assert flat == pytest.approx(FLAT, abs=0.1)
    assert market == pytest.approx(MARKET, rel=0.15)
    assert weekday_factors(of, PRIOR)[39, 5:].max() < 0.2


def test_a_category_that_did_not_teach_goes_by_its_place_and_a_place_that_did_not_by_all() -> None:
    of = shops()
    pools = weekday_pools(of, PRIOR)
    nothing = replace(of.chosen(np.array([0, 0])), units=np.zeros((2, 7 * WEEKS), np.float32))
    other = replace(nothing, pool=np.array([9, 9]), region=np.array([1, 8]))
    here, elsewhere = leaning_on(pools, other, PRIOR)
    assert here[5:].max() < 0.1
    assert elsewhere == pytest.approx(pools.everyone / pools.everyone.mean())


def test_a_place_of_one_category_is_that_category_to_the_last_bit() -> None:
    of = shops()
    alone = replace(of, pool=np.zeros(of.series, dtype=np.int64))
    named = replace(of, pool=np.full(of.series, 4))
    assert np.array_equal(weekday_factors(alone, PRIOR), weekday_factors(named, PRIOR))
    found = weekday_pools(alone, PRIOR)
    assert np.array_equal(found.factors, found.in_region)
