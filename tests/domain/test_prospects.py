"""Prospects: the demand of any span by what was taught, held to the outlook's own and to what then sold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bot.domain.arrays import Floats
from bot.domain.groups import Groups
from bot.domain.outlook import TOLD, Outlook, prospects
from bot.domain.prospects import Prospect
from bot.domain.replenishment import gamma_quantile
from tests.domain.forecasting.panels import drawn
from tests.domain.test_outlook import AHEAD, PAST, RULES, asked, history

by_place = Groups.by_place
SERIES = 300
UNITS, _RATE = drawn(SERIES, PAST + AHEAD, seed=21)
CAME = UNITS[:, PAST:].sum(axis=1).astype(np.float64)
EVERY = np.arange(SERIES)


@pytest.fixture(scope="module")
def ahead() -> Outlook:
    return asked(history(UNITS[:, :PAST]))


def over(ahead: Outlook, days: float, rows: np.ndarray[tuple[int], np.dtype[np.int64]] = EVERY) -> Prospect:
    n = len(rows)
    spans = [(np.full(n, days), np.zeros(n))]
    [found] = prospects(history(UNITS[:, :PAST]), RULES, ahead, rows, by_place(np.zeros(n, dtype=np.int64)), spans)
    return found


def test_a_span_that_the_outlook_was_asked_for_has_its_quantiles_to_the_last_digit(ahead: Outlook) -> None:
    found = over(ahead, AHEAD)
    for column, level in enumerate((0.9, *TOLD)):
        np.testing.assert_array_equal(found.at(np.full(SERIES, level)), ahead.lead.quantile[:, column])
    np.testing.assert_array_equal(found.mean, ahead.lead.mean)


def test_series_named_more_than_once_and_in_any_order_are_themselves(ahead: Outlook) -> None:
    rows = np.array([7, 3, 7])
    some, every = over(ahead, AHEAD, rows), over(ahead, AHEAD)
    chances = np.array([0.1, 0.5, 0.97])
    np.testing.assert_allclose(some.quantiles(chances), every.quantiles(chances)[rows])
    np.testing.assert_allclose(every.only(rows).table, some.table)
    assert len(over(ahead, AHEAD, np.empty(0, dtype=np.int64)).mean) == 0


def test_low_quantiles_hold_what_they_promise_as_the_high_ones_do(ahead: Outlook) -> None:
    told = over(ahead, AHEAD)
    for level in (0.1, 0.3, 0.5, 0.9):
        under = (told.at(np.full(SERIES, level)) > CAME).mean()
        within = (told.at(np.full(SERIES, level)) >= CAME).mean()
        assert under - 0.06 <= level <= within + 0.06, level


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0, 1.4])
def test_as_much_is_lost_as_then_was_beyond_the_stock(ahead: Outlook, share: float) -> None:
    told = over(ahead, AHEAD)
    stock: Floats = np.rint(share * told.mean)
    lost = np.maximum(CAME - stock, 0.0).sum()
    assert float(told.lost(stock).sum()) == pytest.approx(float(lost), rel=0.1, abs=0.02 * CAME.sum())


def test_a_unit_more_loses_less_each_time_and_what_is_not_sold_is_left(ahead: Outlook) -> None:
    told = over(ahead, AHEAD)
    stock = np.linspace(0, 3, 40) * (told.mean[:, None] + 1)
    lost = told.lost(stock)
    fewer = np.diff(lost, axis=1)
    assert (fewer <= 1e-9).all()
    assert (np.diff(fewer, axis=1) >= -1e-9 * (1 + lost[:, :1])).all()
    mean = told.lost(np.zeros(SERIES))
    np.testing.assert_allclose(told.left(stock[:, 20]) - told.lost(stock[:, 20]), stock[:, 20] - mean, atol=1e-9)


def test_what_few_taught_counts_less_beside_the_shape_of_the_own_variance(ahead: Outlook) -> None:
    many, some = (
        over(replace(ahead, lessons=replace(ahead.lessons, series=series)), AHEAD) for series in (10**12, 500)
    )
    np.testing.assert_allclose(some.seen, many.seen / 2)
    shape = gamma_quantile(many.mean, many.variance, np.full(SERIES, 0.98))
    few, much = (np.abs(told.at(np.full(SERIES, 0.98)) - shape) for told in (some, many))
    assert (few <= much + 1e-9).all()
    assert few.sum() < 0.99 * much.sum()
