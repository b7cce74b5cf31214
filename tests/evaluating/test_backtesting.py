"""Backtests: stock is kept as a shopkeeper would count it, and no policy but the clairvoyant sees the future."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.arrays import Ints
from bot.domain.backtesting import clairvoyant
from bot.domain.backtesting.frontier import Curves, at_fill, draws
from bot.domain.backtesting.policies import NAMES, Plan, Policy, cut, policy
from bot.domain.backtesting.running import planned, run, shelf
from bot.domain.backtesting.setting import Setting, lead_time, setting
from bot.domain.backtesting.shared import rises
from bot.domain.backtesting.simulation import Shelf, simulate
from bot.domain.backtesting.smoothing import rate
from bot.domain.backtesting.worth import at_tails, sale_rate, weights
from bot.domain.forecasting import Forecaster, Freq
from bot.services.evaluating.ours import OURS
from tests.evaluating.flat import Flat
from tests.evaluating.kit import of_units, panel


def calendar(periods: int = 60, lead: float = 5.0, sd: float = 2.0, review: float = 4.0) -> Setting:
    return setting("day", periods, lead, sd, review)


def made(name: str, ours: Forecaster, given: Setting, series: int) -> Policy:
    """A policy whose products are sold at two places each."""
    return policy(name, ours, given, np.arange(series) // 2)


def by_hand(tried: Shelf, plans: list[Plan], given: Setting, series: int, knob: int) -> tuple[float, float, int, int]:
    """One series under one knob, a period at a time: (stock, filled, orders, cycles without a loss)."""
    pack, least = tried.pack[series], tried.minimum[series]

    def packed(wanted: float) -> float:
        if wanted <= 1e-6:
            return 0.0
        wanted = max(wanted, least)
        return math.ceil(wanted / pack - 1e-6) * pack if pack else wanted

    arrivals: defaultdict[int, float] = defaultdict(float)
    on_hand = packed(float(plans[0].up_to[series, knob]))
    stock, filled, orders, whole, short = 0.0, 0.0, 0, 0, False
    for column in range(given.start, given.periods):
        if column in given.reviews:
            review = given.reviews.index(column)
            position = on_hand + sum(arrivals.values())
            plan = plans[review]
            if plan.reorder is None or position <= plan.reorder[series, knob] + 1e-6:
                level = float(plan.up_to[series, knob])
                wanted = (
                    level - position if plan.most is None else min(level - position, level * float(plan.most[knob]))
                )
                quantity = packed(wanted)
                arrivals[column + int(tried.leads[review, series])] += quantity
                orders += quantity > 0 and column >= given.measured
        on_hand += arrivals.pop(column, 0.0)
        asked = float(tried.demand[series, column])
        sold = min(asked, on_hand)
        on_hand -= sold
        if column >= given.measured:
            filled += sold
            stock += on_hand + sold / 2
            short |= sold < asked - 1e-6
            if (column - given.measured + 1) % given.review == 0:
                whole += not short
                short = False
    return stock, filled, orders, whole


@given(st.integers(0, 2**32), st.sampled_from(NAMES), st.sampled_from([(0.0, 0.0), (1.0, 0.0), (6.0, 13.0)]))
@settings(max_examples=25)
def test_stock_is_counted_as_by_hand(seed: int, name: str, packing: tuple[float, float]) -> None:
    history, given_calendar = panel(3, 60, seed), calendar()
    packs = (np.full(3, packing[0]), np.full(3, packing[1]))
    tried = shelf(history, given_calendar, *packs, seed)
    plans = planned(history, made(name, Flat("stocktide"), given_calendar, 3), given_calendar, lambda: None)
    flows = simulate(tried, plans, given_calendar)
    for series in range(3):
        for knob in range(0, flows.stock.shape[1], 9):
            stock, filled, orders, whole = by_hand(tried, plans, given_calendar, series, knob)
            assert flows.stock[series, knob] == pytest.approx(stock, abs=1e-6)
            assert flows.filled[series, knob] == pytest.approx(filled, abs=1e-6)
            assert (flows.orders[series, knob], flows.whole[series, knob]) == (orders, whole)


@given(st.integers(0, 2**32), st.integers(0, 59))
@settings(max_examples=15)
def test_no_policy_sees_what_comes_after_its_review(seed: int, spiked: int) -> None:
    history, given_calendar = panel(4, 60, seed), calendar()
    units = history.units.copy()
    units[:, spiked] += 5_000
    later = of_units(units)
    for name in NAMES:
        tried = made(name, Flat("stocktide"), given_calendar, 4)
        calm = planned(history, tried, given_calendar, lambda: None)
        after = planned(later, tried, given_calendar, lambda: None)
        for column, one, other in zip(given_calendar.reviews, calm, after, strict=True):
            if column <= spiked:
                assert np.array_equal(one.up_to, other.up_to), name


def test_nor_does_our_own_forecaster() -> None:
    history, given_calendar = panel(12, 60, 2), calendar()
    units = history.units.copy()
    units[:, 40] += 5_000
    stocked, emptied = np.ones(units.shape), np.ones(units.shape)
    emptied[:, 40:] = 0.25
    tried = made("stocktide", OURS, given_calendar, 12)
    for column in given_calendar.reviews:
        calm = tried.plan(history.before(column)).up_to
        full = tried.plan(of_units(history.units, in_stock=stocked).before(column)).up_to
        short = tried.plan(of_units(history.units, in_stock=emptied).before(column)).up_to
        assert np.array_equal(calm, tried.plan(of_units(units).before(column)).up_to) == (column <= 40)
        assert np.array_equal(full, short) == (column <= 40)


@given(st.integers(0, 2**32), st.sampled_from(["day", "month"]))
@settings(max_examples=10)
def test_a_higher_knob_never_orders_up_to_less(seed: int, freq: Freq) -> None:
    given_calendar = calendar() if freq == "day" else setting("month", 60, 28, 7, 7)
    for name in NAMES:
        up_to = made(name, Flat("stocktide"), given_calendar, 6).plan(panel(6, 40, seed, freq)).up_to
        assert (up_to >= 0.0).all(), name
        assert (np.diff(up_to, axis=1) >= -1e-6).all(), name


def test_no_order_is_more_than_its_share_of_the_level_but_for_whole_packs() -> None:
    given_calendar = setting("day", 60, 4, 0, 4)
    level, most = np.asarray([[2.0], [20.0]]), np.asarray([0.25])
    plans = [Plan(level if review == 0 else level * 10, most=most) for review in range(len(given_calendar.reviews))]
    tried = Shelf(np.zeros((2, 60)), shelf_leads(given_calendar, 2), np.asarray([3.0, 0.0]), np.zeros(2))
    stock = simulate(tried, plans, given_calendar).stock[:, 0]
    held, total = np.asarray([3.0, 20.0]), np.zeros(2)
    for column in range(given_calendar.start, 60):
        if column > given_calendar.start and column - 4 in given_calendar.reviews[1:]:
            room = np.minimum(level[:, 0] * 10 - held, level[:, 0] * 2.5)
            held += np.asarray([np.ceil(max(room[0], 0.0) / 3) * 3, max(room[1], 0.0)])
        total += held if column >= given_calendar.measured else 0.0
    assert stock == pytest.approx(total)


def test_the_dearer_a_lost_sale_the_less_an_order_is_cut() -> None:
    assert cut(np.asarray([1.0, 0.1, 0.001])) == pytest.approx([1.0, 1.5, 2.5])
    given_calendar = calendar()
    tried = made("stocktide", Flat("stocktide"), given_calendar, 6)
    most = tried.plan(panel(6, 40, 3)).most
    assert most is not None
    assert (np.diff(most) > 0).all()
    assert most[0] == pytest.approx(
        cut(1.0 - np.asarray(tried.knobs[:1]))[0] * given_calendar.review / given_calendar.span
    )


def shelf_leads(given: Setting, series: int) -> Ints:
    return np.full((len(given.reviews), series), 4, dtype=np.int64)


def test_what_sells_rarely_is_worth_a_review_of_its_lead_time_and_review_and_what_sells_daily_all_of_it() -> None:
    found = weights(np.asarray([0.0, 1e-7, 0.02, 0.2, 1.0]), 28.0, 7.0)
    assert found[:2] == pytest.approx(0.2, abs=1e-5)
    assert found[2] == pytest.approx((1 - math.exp(-0.14)) / (1 - math.exp(-0.7)))
    assert found[4] == pytest.approx(1.0, abs=1e-2)
    assert (np.diff(found) >= 0.0).all()


def test_the_rate_of_sales_counts_periods_since_the_listing_the_newer_ones_more() -> None:
    found = sale_rate(of_units([[0, 0, 3, 0], [0, 0, 0, 5], [0, 0, 0, 0]]), 1.0)
    assert found == pytest.approx([0.5 / (1.5 + 1.0), 1.0 / (1.0 + 1.0), 0.0])


def test_what_all_places_of_a_product_show_is_a_rise_and_what_one_shows_is_chance() -> None:
    units = np.ones((201, 60))
    units[:100, -14:], units[200, -14:] = 3, 3
    found = rises(of_units(units), np.repeat([0, 1, 2], [100, 100, 1]))
    before = (42 * 1 + 14 * 3) / 56
    assert found[0] == pytest.approx((3 / before) ** (0.5 * 1400 / 1450))
    assert found[150] == 1.0
    assert found[200] == pytest.approx((3 / before) ** (0.5 * 14 / 64))


def test_an_empty_shelf_is_no_fall_and_as_many_sales_from_half_the_stock_are_a_rise() -> None:
    units, in_stock = np.ones((200, 56)), np.ones((200, 56))
    units[:100, -7:], in_stock[:100, -7:] = 0, 0
    in_stock[100:, -14:] = 0.5
    product = np.repeat([0, 1], 100)
    found = rises(of_units(units, in_stock=in_stock), product)
    assert found[0] == 1.0
    assert found[100] == pytest.approx((14 / (56 / 49 * 7)) ** (0.5 * 1400 / 1450))
    plain = rises(of_units(units), product)
    assert plain[0] < 0.8
    assert plain[100] == 1.0


def test_no_rise_is_read_from_a_product_that_stopped_or_never_sold_nor_beyond_its_limit() -> None:
    units = np.zeros((300, 60))
    units[:100, 10], units[100:200, -1] = 1, 100
    found = rises(of_units(units), np.repeat([0, 1, 2], 100))
    assert found[:100].tolist() == found[200:].tolist() == [1.0] * 100
    assert found[150] == pytest.approx(math.exp(0.5 * 100 / 150))


def test_quantiles_between_levels_are_straight_in_the_logarithm_of_the_tail() -> None:
    levels, quantiles = np.asarray([0.9, 0.99]), np.asarray([[10.0, 30.0]])
    tails = np.asarray([[2.0, 1.0, math.sqrt(0.1), 0.1, math.sqrt(0.001), 0.01, 1e-9]])
    assert at_tails(quantiles, levels, tails)[0] == pytest.approx([0.0, 0.0, 5.0, 10.0, 20.0, 30.0, 30.0])


def test_of_two_series_that_sell_as_much_the_rarer_one_gets_the_lower_level() -> None:
    units = np.zeros((2, 60))
    units[0, ::20], units[1, ::2] = 10, 1
    given_calendar = calendar()
    ours = policy("stocktide", Flat("stocktide"), given_calendar, np.arange(2))
    lead = given_calendar.lead
    found = ours.plan(of_units(units))
    plain = Flat().over(of_units(units), lead.periods + 4, lead.chances, ours.knobs)
    kept = (np.asarray(found.up_to, dtype=np.float64) / plain)[:, len(ours.knobs) // 2]
    assert kept[0] < 0.95 < kept[1] < 1.05


def test_a_spike_before_a_review_does_move_it() -> None:
    history, given_calendar = panel(4, 60, 1), calendar()
    units = history.units.copy()
    units[:, given_calendar.start - 1] += 5_000
    for name in ("stocktide", "flat30", "sba", "tsb", "imapa"):
        tried = made(name, Flat("stocktide"), given_calendar, 4)
        calm = planned(history, tried, given_calendar, lambda: None)
        after = planned(of_units(units), tried, given_calendar, lambda: None)
        assert (after[0].up_to[:, -1] > calm[0].up_to[:, -1]).all(), name


@given(st.integers(0, 2**32), st.sampled_from([0.0, 2.0, 5.0]), st.sampled_from([0.0, 1.0, 10.0]))
@example(21872, 0.0, 10.0)
@settings(max_examples=20)
def test_who_knows_the_future_loses_no_sale_and_holds_less_than_anybody_who_loses_none(
    seed: int, sd: float, pack: float
) -> None:
    history, given_calendar = panel(8, 80, seed), calendar(80, sd=sd)
    tried = shelf(history, given_calendar, np.full(8, pack), np.zeros(8), seed)
    bound = simulate(tried, clairvoyant.plans(tried, given_calendar), given_calendar)
    asked = tried.demand[:, given_calendar.measured :].sum(axis=1)
    assert bound.filled[:, 0] == pytest.approx(asked)
    for name in ("tsb", "stocktide"):
        plans = planned(history, made(name, Flat(), given_calendar, 8), given_calendar, lambda: None)
        flows = simulate(tried, plans, given_calendar)
        # Who loses a sale before the measured periods is left with another part of a pack.
        since = simulate(tried, plans, replace(given_calendar, measured=given_calendar.start))
        whole = np.abs(since.filled - tried.demand[:, given_calendar.start :].sum(axis=1)[:, None]) < 1e-6
        assert whole.any()
        assert (np.where(whole, flows.stock, np.inf) >= bound.stock - 1e-6).all(), name


@given(st.integers(0, 2**32), st.sampled_from([0.0, 1.0, 7.0]), st.sampled_from([2.0, 30.0]))
@settings(max_examples=20)
def test_who_knows_the_future_loses_no_sale_to_minimum_orders_either(seed: int, pack: float, minimum: float) -> None:
    history, given_calendar = panel(8, 80, seed), calendar(80, sd=5.0)
    tried = shelf(history, given_calendar, np.full(8, pack), np.full(8, minimum), seed)
    bound = simulate(tried, clairvoyant.plans(tried, given_calendar), given_calendar)
    assert bound.filled[:, 0] == pytest.approx(tried.demand[:, given_calendar.measured :].sum(axis=1))


def test_who_knows_the_future_brings_what_is_asked_with_the_order_that_comes_last_before_it() -> None:
    """An order placed early that arrives late carries what a quick one would have to hold for weeks."""
    found = setting("day", 70, 1, 0, 7)
    leads = np.full((len(found.reviews), 1), 40)
    leads[:3, 0] = (1, 30, 2)
    tried = Shelf(np.ones((1, 70)), leads, np.zeros(1), np.zeros(1))
    flows = simulate(tried, clairvoyant.plans(tried, found), found)
    asked = tried.demand[:, found.measured :].sum()
    assert flows.filled.sum() == pytest.approx(asked)
    quick, slow = found.reviews[2] + 2, found.reviews[1] + 30
    assert flows.stock.sum() / asked < max(slow - quick, 70 - slow, quick - found.measured) / 2 + 1


def test_lead_times_have_the_mean_and_deviation_asked_for_and_are_the_same_for_a_seed() -> None:
    law = lead_time(28.0, 7.0)
    mean = float(law.chances @ law.periods)
    assert law.chances.sum() == pytest.approx(1.0)
    assert mean == pytest.approx(28.0, abs=0.01)
    assert float(law.chances @ (law.periods - mean) ** 2) == pytest.approx(49.0, rel=0.01)
    found = law.drawn((40, 500), 3)
    assert np.array_equal(found, law.drawn((40, 500), 3))
    assert not np.array_equal(found, law.drawn((40, 500), 4))
    assert found.mean() == pytest.approx(28.0, abs=0.3)
    assert lead_time(28.0, 0.0).periods.tolist() == [28]


def test_a_calendar_says_what_it_needs() -> None:
    found = setting("day", 374, 28, 7, 7)
    assert (found.start, found.measured, found.review) == (150, 178, 7)
    assert setting("day", 90, 28, 7, 7).start == 36
    monthly = setting("month", 51, 28, 7, 7)
    assert (monthly.review, monthly.measured - monthly.start) == (1, 1)
    with pytest.raises(ValueError, match="40 periods are too few: with that lead time and review it takes 70"):
        setting("day", 40, 28, 7, 7)
    assert setting("day", 70, 28, 7, 7).periods == 70


def test_days_at_a_fill_rate_are_read_off_the_curve_and_not_beyond_it() -> None:
    found = Curves(np.asarray([[0.5, 0.9, 0.96]]), np.asarray([[10.0, 30.0, 60.0]]))
    assert at_fill(found, 0.9).tolist() == [30.0]
    assert at_fill(found, 0.93).tolist() == [pytest.approx(45.0)]
    assert np.isnan(at_fill(found, 0.98))
    assert at_fill(found, 0.4).tolist() == [10.0]  # its least setting fills more


def test_series_are_drawn_with_return_and_the_first_draw_is_all_of_them() -> None:
    found = draws(50, 1)
    assert (found[0] == 1).all()
    assert (found.sum(axis=1) == 50).all()
    assert found[1:].max() > 1


def test_a_policy_against_itself_is_one_and_ours_is_compared_with_what_shops_use() -> None:
    history, given_calendar = panel(60, 120, 5), calendar(120)
    tried = shelf(history, given_calendar, np.ones(60), np.zeros(60), 1)
    chosen = [made(name, Flat("stocktide"), given_calendar, 60) for name in ("stocktide", "flat30")]
    outcome = run(history, tried, chosen, given_calendar, (0.9,), 1, lambda: None)
    ours, flat = outcome.frontier
    assert (flat.policy, flat.ratio, flat.low, flat.high) == ("flat30", 1.0, 1.0, 1.0)
    assert ours.days is not None
    assert flat.days is not None
    assert ours.ratio == pytest.approx(ours.days / flat.days)
    assert ours.ratio is not None
    assert ours.low is not None
    assert ours.high is not None
    assert ours.low < ours.ratio < ours.high
    assert outcome.bound.fill_rate == 1.0
    assert outcome.bound.days_of_inventory < ours.days
    for one in outcome.runs:
        assert 0.0 <= one.fill_rate <= 1.0
        assert one.cost is None


def test_stock_at_cost_and_lost_margin_are_told_where_the_file_has_them() -> None:
    history, given_calendar = panel(2, 120, 5), calendar(120)
    dear = type(history)(
        history.first, history.freq, history.units, None, history.listed, history.pool, history.region,
        np.asarray([10.0, np.nan]), np.asarray([4.0, np.nan]),
    )  # fmt: skip
    tried = shelf(dear, given_calendar, np.ones(2), np.zeros(2), 1)
    chosen = [made("flat30", Flat(), given_calendar, 2)]
    found = run(dear, tried, chosen, given_calendar, (0.9,), 1, lambda: None).runs
    asked = tried.demand[0, given_calendar.measured :].sum()
    flows = simulate(tried, planned(dear, chosen[0], given_calendar, lambda: None), given_calendar)
    for at, one in enumerate(found):
        carried = flows.stock[0, at] * 4.0 * 0.25 / 365.25
        assert one.cost == round(carried + (asked - flows.filled[0, at]) * 6.0)
        assert one.days_at_cost == pytest.approx(flows.stock[0, at] / asked)


def test_sba_and_tsb_are_what_their_papers_say() -> None:
    # Sizes 2 and 4, intervals 1 and 3, both smoothed by 0.1.
    found = rate(of_units([[2, 0, 0, 4, 0]]), "sba")
    assert found.mean[0] == pytest.approx(0.95 * 2.2 / 1.2)
    chance = 1.0
    for sold in (0, 0, 1, 0):
        chance += 0.1 * (sold - chance)
    assert rate(of_units([[2, 0, 0, 4, 0]]), "tsb").mean[0] == pytest.approx(2.2 * chance)
