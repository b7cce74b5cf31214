"""The outlook: velocities and the demand of lead times by what was taught, against laws that are known."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.domain.arrays import Floats
from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory, without_spikes
from bot.domain.forecasting.lessons import Law, Lessons, teach
from bot.domain.groups import Groups
from bot.domain.outlook import TOLD, Outlook, Question, levels_named, outlook, panel_of
from tests.domain.forecasting.panels import drawn

by_place = Groups.by_place
RULES = DemandSettings()
FIRST = date(2024, 1, 1)
PAST, AHEAD = 280, 28


def history(units: NDArray[np.generic], on_hand: NDArray[np.generic] | None = None) -> SeriesHistory:
    whole = np.asarray(units, dtype=np.int64)
    return SeriesHistory(FIRST, whole, np.full(whole.shape, 99) if on_hand is None else np.asarray(on_hand))


@cache
def lessons(days: int = AHEAD) -> Lessons:
    units, _ = drawn(400, PAST, seed=11)
    found = teach(panel_of(history(units), RULES, by_place(np.zeros(400, dtype=np.int64))), (Law(float(days), 0.0),))
    assert found is not None
    return found


def asked(of: SeriesHistory, days: float = AHEAD, days_sd: float = 0.0, level: float = 0.9) -> Outlook:
    n = of.series
    groups = by_place(np.zeros(n, dtype=np.int64))
    question = Question(np.full(n, days), np.full(n, days + 7.0), None, np.full(n, days_sd), np.full(n, level), groups)
    return outlook(of, BlendedVelocity().estimate(of, RULES), RULES, lessons(), question)


def test_quantiles_hold_what_they_promise_on_series_that_did_not_teach() -> None:
    units, _ = drawn(900, PAST + AHEAD, seed=12)
    ahead = asked(history(units[:, :PAST]))
    came = units[:, PAST:].sum(axis=1)
    for column, level in enumerate((0.9, *TOLD)):
        assert (came <= ahead.lead.quantile[:, column]).mean() == pytest.approx(level, abs=0.045), level
    assert float(ahead.lead.mean.sum()) == pytest.approx(float(came.sum()), rel=0.05)


def test_velocities_are_those_of_days_in_stock() -> None:
    units, rate = drawn(500, PAST, seed=13)
    stock = np.full(units.shape, 50)
    stock[:, ::3] = 0
    empty = history(np.where(stock > 0, units, 0), stock)
    found = asked(empty)
    assert float(found.velocity.sum()) == pytest.approx(float(rate.sum()), rel=0.06)
    raw = float((units * (stock > 0)).mean(axis=1).sum())
    assert raw < 0.72 * float(rate.sum())


@pytest.mark.parametrize("ago", [10, 91, 200])
def test_a_bulk_order_among_daily_sales_moves_no_velocity_by_much(ago: int) -> None:
    calm = np.tile([3, 2, 4, 3, 3, 2, 4], PAST // 7)[None, :]
    bulk = calm.copy()
    bulk[0, -ago] = 900
    one, other = (float(asked(history(units)).velocity[0]) for units in (calm, bulk))
    assert one == pytest.approx(3.0, rel=0.1)
    assert other < 1.3 * one
    assert without_spikes(history(bulk), RULES).units.max() < 20


def test_what_had_no_stock_for_half_a_year_is_expected_to_sell_nothing() -> None:
    units = np.ones((1, PAST))
    stock = np.full((1, PAST), 9)
    units[:, -190:] = stock[:, -190:] = 0
    found = asked(history(units, stock))
    assert found.velocity[0] == 0
    assert not found.lead.quantile.any()
    assert not found.lead.mean.any()


def test_one_sale_on_the_only_day_with_stock_is_no_sale_a_day() -> None:
    units, stock = np.zeros((1, PAST)), np.zeros((1, PAST))
    stock[0, 0] = 5
    units[0, -60] = stock[0, -60] = 1
    assert float(asked(history(units, stock)).velocity[0]) < 0.1


def test_a_longer_or_less_certain_lead_time_asks_for_more() -> None:
    units, _ = drawn(60, PAST, seed=14)
    of = history(units)

    def total(quantiles: Floats) -> float:
        return float(quantiles[:, 0].sum())

    plain = asked(of)
    assert total(asked(of, days=56).lead.quantile) > total(plain.lead.quantile)
    assert total(asked(of, days_sd=14).lead.quantile) > total(plain.lead.quantile)
    assert total(asked(of, level=0.99).lead.quantile) > total(plain.lead.quantile)
    assert (plain.cycle.mean == plain.velocity * (AHEAD + 7)).all()


def test_levels_between_two_that_were_learned_lie_between_them() -> None:
    of = history(drawn(40, PAST, seed=15)[0])
    low, middle, high = (asked(of, level=level).lead.quantile[:, 0] for level in (0.95, 0.96, 0.975))
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low < high).any()


def test_blocks_of_rows_are_no_matter() -> None:
    units, _ = drawn(2_100, 120, seed=16)
    every, some = asked(history(units)), asked(history(units[1_000:1_100]))
    np.testing.assert_allclose(every.lead.quantile[1_000:1_100], some.lead.quantile)
    np.testing.assert_allclose(every.velocity[1_000:1_100], some.velocity)


def test_levels_have_names_that_a_formula_can_hold() -> None:
    names = levels_named(lessons().half_lives)
    assert names == ["l2_5", "l7", "l14", "l28", "l56", "l_ever"]
    assert all(name.isidentifier() for name in names)


def test_what_was_listed_in_an_event_alone_sells_what_it_sold_there() -> None:
    units, stock = np.zeros((2, PAST)), np.zeros((2, PAST))
    units[0, -24:] = stock[0, -24:] = 10
    units[1, -33:] = stock[1, -33:] = 10
    days = np.zeros((2, PAST), dtype=np.bool_)
    days[0, -24:] = days[1, -23:] = True
    plain = history(units, stock)
    of = SeriesHistory(plain.first_day, plain.units, plain.on_hand, days)
    assert asked(of).velocity == pytest.approx([10, 10], rel=0.1)
    assert BlendedVelocity().estimate(of, RULES).velocity == pytest.approx([10, 10], rel=0.01)
