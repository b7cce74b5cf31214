"""Forecasts and alerts are judged as one would by hand; fates and stock-outs as day-by-day loops find them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting.lessons import Law, teach
from bot.domain.groups import Groups
from bot.domain.hindsight import (
    GRACE_DAYS,
    LEVELS,
    NEVER,
    USUAL_DAYS,
    Alerts,
    Coverage,
    Fate,
    Forecasts,
    alert_score,
    fates,
    foretold,
    least_share,
    pinball,
    pooled,
    score,
    stockouts,
    waits,
    week_ahead,
)
from bot.domain.outlook import panel_of
from bot.domain.watch import Taught, WatchSettings, assess
from tests.domain.catalogue import catalogue


def forecasts(mean: list[float], quantiles: list[list[float]], usual: list[float], abc: list[int]) -> Forecasts:
    """Forecasts whose service quantile is the one at 0.95."""
    of = np.array(quantiles)
    return Forecasts(np.array(mean), of, np.full(len(mean), 0.95), of[:, 2], np.array(usual), np.array(abc))


def numbers(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def test_bias_is_over_all_units_and_coverage_counts_series() -> None:
    found = score(
        forecasts([10, 20, 0.5], [[9, 12, 15], [20, 25, 30], [0, 1, 2]], [10, 10, 1], [0, 0, 2]), numbers(10, 31, 0)
    )
    assert (found.forecast, found.sold) == (30.5, 41)
    assert found.bias == pytest.approx((30.5 - 41) / 41)
    assert [(part.within, part.of) for part in found.coverage] == [(1, 3), (2, 3), (2, 3)]
    assert [(part.abc, part.within, part.of) for part in found.service] == [("A", 1, 2), ("C", 1, 1)]
    assert found.service[1].share == 1


def test_nothing_sold_has_no_bias_and_nothing_foretold_is_all_too_low() -> None:
    one = forecasts([3.0], [[2, 4, 6]], [0.0], [1])
    assert score(one, numbers(0)).bias is None
    assert score(one, numbers(0)).skill is None  # the mean day was right: there is nothing to be better than
    assert score(forecasts([0.0], [[0, 0, 0]], [0.0], [1]), numbers(5)).bias == -1
    nothing = score(one.only(np.zeros(1, dtype=np.bool_)), numbers())
    assert (nothing.series, nothing.bias, nothing.skill, nothing.service) == (0, None, None, ())
    assert nothing.coverage[0].share is None


def test_skill_is_zero_for_the_mean_day_itself_and_one_for_what_came() -> None:
    sold = numbers(3, 8, 0)
    as_usual = forecasts([4, 4, 4], [[4.0] * 3] * 3, [4, 4, 4], [0, 1, 2])
    perfect = forecasts([3, 8, 0], [[3.0] * 3, [8.0] * 3, [0.0] * 3], [4, 4, 4], [0, 1, 2])
    assert score(as_usual, sold).skill == 0
    assert score(perfect, sold).skill == 1


@given(arrays(np.float64, 40, elements=st.floats(0, 50)), st.sampled_from(LEVELS), st.floats(0, 50))
@settings(max_examples=40)
def test_no_other_number_loses_less_than_the_quantile(sold: Floats, level: float, other: float) -> None:
    quantile = float(np.quantile(sold, level, method="inverted_cdf"))
    best = pinball(level, np.full(40, quantile), sold).sum()
    assert best <= pinball(level, np.full(40, other), sold).sum() + 1e-9


@given(st.integers(1, 30), st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_higher_quantile_never_covers_less_and_bias_has_the_sign_of_what_was_off(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.gamma(2, 5, (n, 3)), axis=1)
    sold = rng.poisson(8, n) + 1
    foretold_ = Forecasts(
        quantiles[:, 1], quantiles, np.full(n, 0.95), quantiles[:, 2], np.full(n, 8.0), rng.integers(0, 3, n)
    )
    found = score(foretold_, sold)
    within = [part.within for part in found.coverage]
    assert within == sorted(within)
    assert sum(part.within for part in found.service) == within[2]
    assert sum(part.of for part in found.service) == n
    assert found.bias is not None
    assert (found.bias > 0) == (found.forecast > found.sold)


def test_weeks_are_pooled_by_class_with_their_level_weighted() -> None:
    parts = [Coverage(0.9, 9, 10, "C"), Coverage(0.95, 19, 30, "C"), Coverage(0.975, 5, 5, "A")]
    best, rest = pooled(parts)
    assert best == Coverage(0.975, 5, 5, "A")
    assert (rest.abc, rest.within, rest.of) == ("C", 28, 40)
    assert rest.level == pytest.approx(0.9375)
    assert pooled([]) == ()


@pytest.mark.parametrize("learned", [False, True], ids=["blended", "taught"])
def test_the_week_ahead_is_what_the_watch_plans_a_week_of_lead_time_with(learned: bool) -> None:  # noqa: FBT001  # a parameter
    history, routes, positions, network = catalogue(120, 200, seed=3)
    rules = WatchSettings()
    lessons = teach(panel_of(history, rules.demand, by_place(network.location)), (Law(7.0, 0.0),)) if learned else None
    taught = Taught(lessons, None, by_place(network.location))
    week = replace(routes, lead_time_days=np.full(120, 7.0), lead_time_sd=np.zeros(120))
    found = assess(history, week, positions, rules, network, taught)
    ahead = week_ahead(found, history, taught)
    sells = found.demand.velocity > 0
    assert (found.outlook is not None) == learned
    assert ahead.mean == pytest.approx(found.demand.velocity * 7)
    assert np.maximum(ahead.at_service, ahead.mean) == pytest.approx(found.supply.reorder_point)
    assert (np.diff(ahead.quantiles, axis=1) >= 0).all()
    assert (ahead.quantiles[found.demand.velocity > 1, 2] > 7).all()
    assert (ahead.quantiles[~sells] == 0).all()
    assert ahead.usual == pytest.approx(history.units[:, -USUAL_DAYS:].sum(axis=1) / 4)


by_place = Groups.by_place
DAYS, ROWS = 24, 3


@st.composite
def shelves(draw: st.DrawFn) -> tuple[Ints, Ints, Ints, Alerts]:
    """Closing stock, units and receipts of a few series, and alerts on them."""
    shape = (ROWS, DAYS)
    closing = draw(arrays(np.int64, shape, elements=st.sampled_from([-1, 0, 0, 2, 5])))
    units = draw(arrays(np.int64, shape, elements=st.sampled_from([0, 0, 0, 1, 3])))
    receipts = draw(arrays(np.int64, shape, elements=st.sampled_from([0, 0, 0, 0, 0, 9])))
    day = st.integers(-5, DAYS + 5)
    later = st.one_of(st.just(NEVER), st.integers(0, DAYS + 3))
    made = draw(st.lists(st.tuples(st.integers(0, ROWS - 1), day, st.integers(0, 12), later, later), max_size=8))
    rows = [(row, told, told + ahead, max(closed, told), max(done, told)) for row, told, ahead, closed, done in made]
    return closing, units, receipts, Alerts(*np.array(rows, dtype=np.int64).reshape(-1, 5).T)


def by_hand(closing: Ints, receipts: Ints, alerts: Alerts, first: int, number: int) -> Fate:
    row, told = int(alerts.row[number]), int(alerts.told[number])
    end = int(alerts.due[number]) + GRACE_DAYS
    if told < 1 or end < first or end >= DAYS:
        return Fate.WAITING
    if closing[row, told - 1] == 0:
        return Fate.LATE
    if any(closing[row, day] == 0 for day in range(told, end + 1)):
        return Fate.CAME
    if any(receipts[row, day] > 0 for day in range(told, end + 1)):
        return Fate.AVERTED
    return Fate.ORDERED if alerts.ordered[number] <= end else Fate.FALSE


@given(shelves(), st.integers(0, DAYS - 1))
@settings(max_examples=60)
def test_every_alert_has_the_fate_that_its_days_tell(shelf: tuple[Ints, Ints, Ints, Alerts], first: int) -> None:
    closing, _units, receipts, alerts = shelf
    found = fates(alerts, closing, receipts, first)
    assert found.tolist() == [by_hand(closing, receipts, alerts, first, each) for each in range(len(alerts.row))]
    counts = alert_score(found, 0, 0)
    waiting = int((found == Fate.WAITING).sum())
    assert counts.judged + counts.ordered + counts.late + waiting == len(alerts.row)


@given(shelves(), st.integers(0, DAYS - 1))
@settings(max_examples=60)
def test_stock_outs_are_days_on_which_a_shelf_that_sold_ran_empty_and_alerts_stand_before_them(
    shelf: tuple[Ints, Ints, Ints, Alerts], first: int
) -> None:
    closing, units, _receipts, alerts = shelf
    rows, columns = stockouts(closing, units, first)
    expected = [
        (row, day)
        for row in range(ROWS)
        for day in range(max(first, 1), DAYS)
        if closing[row, day] == 0 and closing[row, day - 1] > 0 and units[row, max(day - 27, 0) : day + 1].sum() > 0
    ]
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
    stood = [
        any(
            int(alerts.row[each]) == row and alerts.told[each] < day <= alerts.closed[each]
            for each in range(len(alerts.row))
        )
        for row, day in expected
    ]
    assert foretold(rows, columns, alerts, closing.shape).tolist() == stood


def test_an_alert_is_right_where_the_stock_ended_or_goods_came_first_and_orders_under_way_prove_nothing() -> None:
    counts = alert_score(
        numbers(Fate.CAME, Fate.CAME, Fate.AVERTED, Fate.FALSE, Fate.ORDERED, Fate.LATE, Fate.WAITING), 5, 4
    )
    assert (counts.right, counts.judged, counts.ordered, counts.late) == (3, 4, 1, 1)
    assert (counts.foretold, counts.stockouts) == (4, 5)


def test_waits_have_a_median_and_a_ninth_decile_by_rank() -> None:
    assert waits([]) == waits(())
    assert (waits([]).count, waits([]).median, waits([]).p90) == (0, None, None)
    assert (waits([4]).median, waits([4]).p90) == (4, 4)
    found = waits([10, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert (found.count, found.median, found.p90) == (10, 5.5, 9)


@given(st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=40)
def test_the_lower_end_of_a_share_lies_below_it_and_rises_with_more_of_the_same(count: int, of: int) -> None:
    count = min(count, of)
    low = least_share(count, of)
    assert -1e-12 <= low <= count / of
    assert least_share(count * 4, of * 4) >= low - 1e-12
    assert least_share(0, 0) == 0
