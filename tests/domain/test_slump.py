"""Slump: a week in stock far below the usual, with a false-alarm budget; what is no slump, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats

from bot.domain.demand import DemandSettings, SeriesHistory
from bot.domain.slump import SlumpSettings, SlumpSigns, slump_signs
from bot.domain.surge import discoveries

RULES = SlumpSettings()
USUAL = [4, 6, 5, 3, 7, 5, 5] * 6


def past(units: list[list[int]], stock: list[list[int]] | None = None) -> SeriesHistory:
    sold = np.array(units, dtype=np.int32)
    on_hand = np.full_like(sold, 90) if stock is None else np.array(stock, dtype=np.int32)
    return SeriesHistory(date(2026, 9, 1), sold, on_hand)


def signs(history: SeriesHistory, place: list[int] | None = None, untold: list[int] | None = None) -> SlumpSigns:
    places, silent = (None if given is None else np.array(given) for given in (place, untold))
    return slump_signs(history, DemandSettings(), RULES, places, silent)


def test_a_week_is_judged_by_the_lower_tail_of_what_the_four_weeks_before_it_foretell() -> None:
    found = signs(past([[*USUAL, 1, 0, 2, 0, 1, 1, 0]]))
    rate, variance = (28 * 5 + 0.5) / 29, 5.0  # these days vary less than Poisson: the rate stands in
    variance = max(float(np.var(USUAL[-28:], ddof=1)), rate)
    mean, spread = 7 * rate, 7 * variance * (1 + 7 / 28)
    assert (found.count[0], found.recent[0], found.days[0]) == (5, 7, 28)
    assert found.usual[0] == pytest.approx(mean)
    assert found.p_value[0] == pytest.approx(stats.nbinom.cdf(5, mean**2 / (spread - mean), mean / spread))
    assert found.p_value[0] < 1e-4


def test_a_restless_series_is_judged_by_its_own_variance() -> None:
    calm, wild = signs(past([[10] * 28 + [3] * 7, ([0] * 3 + [40]) * 7 + [3] * 7])).p_value
    assert calm < 1e-6
    assert wild > 1e-3


def test_what_sells_so_little_that_a_week_of_nothing_happens_is_not_judged() -> None:
    found = signs(past([[1, 0] * 21 + [0] * 7, [2] * 42 + [0] * 7]))
    assert found.judged.tolist() == [False, True]
    assert found.p_value[0] == 1


def test_a_stock_out_is_no_slump_and_the_days_before_it_still_tell() -> None:
    out = [[*USUAL, 0, 0, 0, 0, 0, 0, 0], [*USUAL, 4, 6, 5, 0, 0, 5, 5]]
    stock = [[90] * 42 + [0] * 7, [90] * 45 + [0, 0] + [90, 90]]
    found = signs(past(out, stock))
    assert found.judged.tolist() == [False, False]
    assert found.waiting.tolist() == [False, False]
    assert found.recent.tolist() == [0, 4]  # the day on which goods came in was not one in stock throughout
    days = [[*USUAL, 0, 0, 0, 0, 0, 0, 0]]
    half = signs(past(days, [[90] * 42 + [90] * 5 + [0, 0]]))
    assert (half.recent[0], half.count[0], bool(half.judged[0])) == (5, 0, True)


def test_a_day_that_closed_empty_does_not_count_though_it_sold() -> None:
    found = signs(past([[*USUAL, 5, 5, 5, 5, 5, 5, 3]], [[90] * 48 + [0]]))
    assert (found.recent[0], found.count[0]) == (6, 30)


def test_stock_that_nobody_counts_is_in_stock() -> None:
    found = signs(past([[*USUAL, 0, 0, 0, 0, 0, 0, 0]], [[-1] * 49]))
    assert found.judged[0]
    assert found.count[0] == 0


def test_days_of_events_and_the_week_after_them_are_no_slump_and_leave_what_was_known_as_it_is() -> None:
    for ended, judged in ((45, False), (37, False), (36, True), (34, True)):  # the event's last column
        found = after_an_event(ended)
        assert (bool(found.judged[0]), bool(found.waiting[0])) == (judged, not judged), ended
    assert after_an_event(34).days[0] == 28 - 2 - 7
    assert after_an_event(34).recent[0] == 7


def after_an_event(ended: int) -> SlumpSigns:
    """A week of nothing, and two days of an event until then."""
    marked = np.zeros((1, 49), dtype=np.bool_)
    marked[0, ended - 1 : ended + 1] = True
    return signs(replace(past([[*USUAL, 0, 0, 0, 0, 0, 0, 0]]), marked=marked))


def test_an_event_does_not_make_the_usual_more() -> None:
    marked = np.zeros((1, 49), dtype=np.bool_)
    marked[0, 20:22] = True
    sold = [[*USUAL[:20], 90, 90, *USUAL[22:], 4, 6, 5, 3, 7, 5, 5]]
    found = signs(replace(past(sold), marked=marked))
    assert found.rate[0] == pytest.approx(5, rel=0.1)
    assert found.p_value[0] > 0.3


def test_days_that_no_feed_has_told_are_no_slump() -> None:
    told = signs(past([[*USUAL, 5, 4, 6, 5, 5, 0, 0]] * 2), untold=[0, 2])
    assert told.count.tolist() == [25, sum(USUAL[-2:]) + 25]  # the week that ends before what is not told
    assert told.recent.tolist() == [7, 7]
    silent = signs(past([[*USUAL, 0, 0, 0, 0, 0, 0, 0]]), untold=[RULES.late_days + 1])
    assert (bool(silent.judged[0]), bool(silent.waiting[0])) == (False, True)


def test_events_and_stock_of_the_week_before_go_with_its_sales() -> None:
    sold, stock = [[*USUAL, 9, 9, 9, 9, 9, 0, 0]], [[90] * 47 + [0, 0]]
    marked = np.zeros((1, 49), dtype=np.bool_)
    assert signs(past(sold, stock), untold=[2]).recent.tolist() == [7]
    assert signs(past(sold, stock)).recent.tolist() == [5]
    marked[0, -2:] = True
    assert signs(replace(past(sold), marked=marked), untold=[2]).recent.tolist() == [7]
    assert signs(replace(past(sold), marked=marked)).recent.tolist() == [5]


@pytest.mark.parametrize("today", range(7))
def test_a_place_that_opens_monday_to_friday_and_is_told_of_by_files_is_judged_on_every_weekday(today: int) -> None:
    days = np.arange(60) + today
    open_ = days % 7 < 5
    units = np.where(open_, np.random.default_rng(today).poisson(10, (20, 60)), 0)
    units[0, -14:] = 0
    untold = 60 - int(np.flatnonzero(open_)[-1])  # a file's newest sale is no end of its day
    found = signs(past(units.tolist()), [1] * 20, [untold] * 20)
    assert found.judged.all()
    assert not found.waiting.any()
    assert found.p_value[0] < 1e-4
    assert found.p_value[1:].min() > 1e-4


def test_a_history_shorter_than_what_follows_an_event_is_judged_by_what_there_is() -> None:
    short = replace(past([[5, 5, 5]]), marked=np.array([[True, False, False]]))
    assert not signs(short).judged.any()
    assert not signs(short, untold=[1]).judged.any()


def test_days_on_which_a_whole_place_sold_nothing_are_those_of_a_closed_place() -> None:
    shut, open_ = [*USUAL, 5, 5, 5, 5, 0, 0, 0], [*USUAL, 5, 5, 5, 5, 0, 0, 1]
    many = RULES.closed_series
    found = signs(
        past([shut] * many + [shut] * (many - 1) + [shut] * many + [open_]),
        [1] * many + [2] * (many - 1) + [3] * (many + 1),
    )
    assert found.recent[:many].tolist() == [4] * many
    assert found.waiting[:many].all()
    assert found.recent[many : 2 * many - 1].tolist() == [7] * (many - 1)  # too few goods to tell a closed place by
    assert found.recent[2 * many - 1 :].tolist() == [5] * (many + 1)  # one sale: open on that day


def test_ten_thousand_quiet_series_make_no_noise_and_real_slumps_are_found() -> None:
    rng = np.random.default_rng(3)
    rate = rng.gamma(0.6, 3.0, (10_000, 1))
    week = np.array([0.4, 1.0, 1.0, 1.0, 1.2, 1.4, 1.0])[np.arange(43) % 7]
    rate[:40] = np.maximum(rate[:40], 6.0)
    units = rng.poisson(rate * week, (10_000, 43)).astype(np.int32)
    units[:20, -7:] = rng.poisson(0.15 * rate[:20], (20, 7))
    found = signs(SeriesHistory(date(2026, 9, 1), units, np.full_like(units, 500)))
    assert found.judged.sum() > 3_000
    slumping = discoveries(found.p_value, found.judged, RULES.false_discoveries)
    assert slumping[:20].sum() >= 19
    assert slumping[20:].sum() <= 2
