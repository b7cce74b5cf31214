"""Lessons: what a catalogue teaches about each of its series, and what it must not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.forecasting import targets
from bot.domain.forecasting.lessons import (
    CHANCES,
    LEAST_DAYS,
    LEAST_SERIES,
    Law,
    Lessons,
    from_plain,
    laws_of,
    plain,
    recorded,
    teach,
)
from bot.domain.forecasting.panel import Panel
from bot.domain.forecasting.profile import leaning_on
from tests.domain.forecasting.panels import MONDAY, drawn, panel

LAWS = (Law(28.0, 0.15), Law(9.0, 0.0))


def taught(of: Panel) -> Lessons:
    found = teach(of, LAWS)
    assert found is not None
    return found


def test_lessons_stay_what_they_are_as_plain_json() -> None:
    found = taught(panel(drawn(60, 150, seed=1)[0]))
    again = from_plain(json.loads(json.dumps(plain(found), allow_nan=False)))
    assert again is not None
    assert json.dumps(plain(again)) == json.dumps(plain(found))
    assert again.learned_on == MONDAY + timedelta(days=149)
    assert [lesson.law for lesson in again.lessons] == list(LAWS)


@pytest.mark.parametrize(
    ("series", "days"), [(LEAST_SERIES - 1, 200), (60, LEAST_DAYS - 1), (0, 200)], ids=["few", "short", "none"]
)
def test_too_few_series_and_too_short_a_past_teach_nothing(series: int, days: int) -> None:
    assert teach(panel(drawn(series, days, seed=2)[0]), LAWS) is None


def test_what_nobody_ever_sold_teaches_nothing() -> None:
    assert teach(panel(np.zeros((60, 200))), LAWS) is None


def test_days_before_anybody_wrote_sales_down_are_no_days_without_demand() -> None:
    units, _ = drawn(60, 150, seed=3)
    late = panel(np.concatenate([np.zeros((60, 120)), units], axis=1))
    found, expected = taught(late), taught(replace(panel(units), first=MONDAY + timedelta(days=120)))
    assert found.begins == found.regions[0] == expected.begins
    assert plain(found) == plain(expected)


def test_a_region_that_began_later_is_listed_from_its_own_first_sale() -> None:
    units = np.ones((4, 100))
    units[2:, :40] = 0
    both = replace(panel(units), region=np.array([0, 0, 7, 7]))
    cut = recorded(both, MONDAY + timedelta(days=10), {0: MONDAY + timedelta(days=10), 7: MONDAY + timedelta(days=40)})
    assert cut.periods == 90
    assert cut.listed.tolist() == [0, 0, 30, 30]


def test_what_the_future_holds_moves_no_lesson_of_the_past() -> None:
    units, _ = drawn(80, 200, seed=4)
    spiked = units.copy()
    spiked[:, 160:] += 500
    before = [plain(taught(panel(each[:, :160]))) for each in (units, spiked)]
    assert before[0] == before[1]
    assert plain(taught(panel(spiked))) != plain(taught(panel(units)))


def test_the_weights_of_the_levels_sum_to_one_and_growth_says_what_is_expected_of_them() -> None:
    steady = np.random.default_rng(5).poisson(4.0, (80, 300))
    found = taught(panel(steady))
    assert found.weights.beta.sum() == pytest.approx(1.0)
    assert found.weights.growth == pytest.approx(1.0, abs=0.03)


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 120), st.sampled_from([0.0, 0.15, 0.3, 0.5]), st.integers(1, 200))
def test_a_laws_lengths_are_whole_days_whose_chances_sum_to_one(mean: float, share: float, longest: int) -> None:
    days, chances = Law(mean, share).lengths(longest)
    assert chances.sum() == pytest.approx(1.0)
    assert (np.diff(days) > 0).all()
    assert days[0] >= 1
    assert days[-1] <= longest
    if mean + 2.5 * share * mean + 1 < longest and mean * share >= 1:
        assert float(days @ chances) == pytest.approx(mean, abs=0.5)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5])
def test_a_laws_lengths_have_its_mean_and_deviation_and_the_long_tail_of_a_gamma(share: float) -> None:
    days, chances = Law(60.0, share).lengths(400)
    mean = float(days @ chances)
    moments = [float((days - mean) ** power @ chances) for power in (2, 3)]
    assert len(days) == 9
    assert mean == pytest.approx(60.0, abs=0.5)
    assert moments[0] ** 0.5 == pytest.approx(60.0 * share, rel=0.02)
    assert moments[1] / moments[0] ** 1.5 > 0.8 * share  # a gamma's is twice its share; nine parts keep some


def test_a_law_that_is_all_but_certain_has_one_length() -> None:
    for law in (Law(28.0, 0.0), Law(3.0, 0.15)):
        days, chances = law.lengths(400)
        assert (days.tolist(), chances.tolist()) == ([round(law.mean)], [1.0])


def test_the_laws_of_most_weight_are_learned_and_each_span_finds_the_one_most_like_it() -> None:
    days, spread = np.array([30.0, 31.0, 7.0, 60.0]), np.array([4.0, 4.5, 0.0, 30.0])
    laws = laws_of(days, spread, np.array([1.0, 1.0, 5.0, 0.5]), most=2)
    assert [(round(law.mean), law.share) for law in laws] == [(7, 0.0), (28, 0.15)]
    found = teach(panel(drawn(60, 200, seed=6)[0]), laws)
    assert found is not None
    assert found.nearest(days, spread).tolist() == [1, 1, 0, 1]


def test_the_table_rises_with_the_chance() -> None:
    for lesson in taught(panel(drawn(80, 200, seed=7)[0])).lessons:
        assert lesson.scatter.ratios.shape[2] == len(CHANCES)
        assert (np.diff(lesson.scatter.ratios, axis=2) >= 0).all()


def test_a_panel_of_nothing_is_no_error() -> None:
    none = panel(np.zeros((0, 30)))
    assert recorded(none, date(2024, 1, 10), {}).periods == 21


def test_weekdays_of_places_that_have_yesterday_still_are_their_own() -> None:
    units, _ = drawn(60, 211, seed=12)
    weekday = np.arange(211) % 7  # of the one place; the other's columns lie a day before
    there = np.arange(60) % 2
    own = (weekday[None, :] - there[:, None]) % 7
    closed = panel(np.where(own == 6, 0, units + 1))
    two = replace(closed, region=there.astype(np.int64), behind=there.astype(np.int64))
    pools = taught(two).weekdays
    for factors in pools.factors:
        assert factors[6] < 0.1
        assert factors[:6].min() > 0.8
    exposure = targets.prepared(two, leaning_on(pools, two, 100.0)).exposure
    assert exposure[own == 6].max() < 0.1
    assert exposure[own != 6].min() > 0.8


def test_the_day_of_a_places_first_sale_is_its_own() -> None:
    units, _ = drawn(60, 211, seed=13)
    units[:, :50], units[:, 50] = 0, 5
    one = panel(units)
    behind = np.ones(60, dtype=np.int64)
    found = taught(replace(one, behind=behind))
    assert found.regions == {0: MONDAY + timedelta(days=49)}
    again = recorded(replace(one, behind=behind), found.begins, found.regions)
    assert again.first == MONDAY + timedelta(days=49)
    assert again.listed.tolist() == [1] * 60
    assert again.behind is not None
