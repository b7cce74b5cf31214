"""New products: what they borrow from their category, against rates that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.domain.arrays import Ints
from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory
from bot.domain.evidence import evidence
from bot.domain.forecasting.lessons import Law, Lessons, from_plain, plain, teach
from bot.domain.forecasting.newcomers import NEW_DAYS, Newcomers, Rates
from bot.domain.groups import Groups, keyed
from bot.domain.hindsight import pinball
from bot.domain.outlook import Outlook, Question, outlook, panel_of
from bot.domain.watch import Taught, WatchSettings, assess
from tests.domain.catalogue import catalogue
from tests.domain.replaying import replayed

RULES = DemandSettings()
FIRST = date(2024, 1, 1)
DAYS, AHEAD = 200, 28
CALM, MIXED = 1, 2  # categories: of much the same rates, and of all sorts


def rates(category: Ints, law: np.random.Generator) -> NDArray[np.float64]:
    alike, wild = law.gamma(40.0, 6.0 / 40.0, len(category)), law.gamma(0.4, 3.0 / 0.4, len(category))
    return np.where(category == CALM, alike, wild)


def drawn(n: int, seed: int) -> tuple[Groups, NDArray[np.float64], NDArray[np.int64]]:
    """Groups, rates (n,) and units (n, DAYS + AHEAD): at place 9 everything sells half of what it does at place 4."""
    law = np.random.default_rng(seed)
    groups = Groups(law.integers(1, 3, n), np.where(law.random(n) < 0.5, 4, 9))
    rate = rates(groups.category, law) * np.where(groups.region == 9, 0.5, 1.0)
    return groups, rate, law.poisson(rate[:, None], (n, DAYS + AHEAD))


def began(units: NDArray[np.int64], listed: int, out: NDArray[np.bool_] | None = None) -> SeriesHistory:
    """The past of series that were listed so many days ago; some days since then without stock."""
    past, stock = units[:, :DAYS].copy(), np.full((len(units), DAYS), 50)
    past[:, : DAYS - listed], stock[:, : DAYS - listed] = 0, 0
    if out is not None:
        past[out], stock[out] = 0, 0
    return SeriesHistory(FIRST, past, stock)


@cache
def lessons(*, with_categories: bool = True) -> Lessons:
    groups, _rate, units = drawn(600, 1)
    old = SeriesHistory(FIRST, units[:, :DAYS], np.full((600, DAYS), 50))
    chosen = groups if with_categories else Groups.by_place(groups.region)
    found = teach(panel_of(old, RULES, chosen), (Law(float(AHEAD), 0.0),))
    assert found is not None
    return found


def seen(history: SeriesHistory, groups: Groups, told: Lessons) -> Outlook:
    n = history.series
    days, estimate = np.full(n, float(AHEAD)), BlendedVelocity().estimate(history, RULES)
    return outlook(history, estimate, RULES, told, Question(days, days, None, np.zeros(n), np.full(n, 0.98), groups))


def test_rates_spreads_and_places_are_those_that_series_were_drawn_from() -> None:
    found = lessons().newcomers
    assert found is not None
    assert found.phi == pytest.approx(1.0, abs=0.1)
    assert found.categories.keys.tolist() == [CALM, MIXED]
    assert found.scales[0] / found.scales[1] == pytest.approx(2.0, rel=0.25)
    every = np.array([CALM, CALM, MIXED, MIXED])
    prior = found.prior(every, np.array([4, 9, 4, 9]))
    assert prior.near.tolist() == [2] * 4
    assert prior.mean == pytest.approx([6.0, 3.0, 3.0, 1.5], rel=0.3)
    assert prior.days[:2].min() > 10 * prior.days[2:].max()  # what is of all sorts says little
    assert (prior.days <= NEW_DAYS).all()


def test_a_category_not_met_at_a_place_is_taken_from_elsewhere_and_an_unknown_one_from_everything() -> None:
    keys = keyed(np.array([5]), np.array([1]))
    found = Newcomers(
        phi=2.0,
        everything=Rates(np.array([0]), np.array([4.0]), np.array([1.0]), np.array([70])),
        categories=Rates(np.array([5]), np.array([6.0]), np.array([0.5]), np.array([30])),
        here=Rates(keys, np.array([9.0]), np.array([0.1]), np.array([12])),
        places=np.array([1, 2]),
        scales=np.array([1.0, 0.5]),
    )
    prior = found.prior(np.array([5, 5, 5, 7, 0]), np.array([1, 2, 3, 2, 2]))
    assert prior.mean.tolist() == [9.0, 3.0, 6.0, 2.0, 2.0]
    assert prior.days == pytest.approx([2 / 0.9, 2 / 1.5, 2 / 3.0, 1.0, 0.0])
    assert prior.near.tolist() == [2, 1, 1, 0, 0]
    assert prior.series.tolist() == [12, 30, 30, 70, 70]


def test_products_that_came_new_tell_of_a_category_before_those_that_always_were_there() -> None:
    law, n = np.random.default_rng(3), 160
    units = law.poisson(8.0, (n, DAYS))
    came = np.arange(n) >= 120  # forty came after ten weeks, and for eight weeks sold a quarter of what they do now
    units[came, :70], units[came, 70:126] = 0, law.poisson(2.0, (40, 56))
    stock = np.where(units.cumsum(axis=1) > 0, 50, 0)
    groups = Groups(np.where(np.arange(n) % 2 == 0, 1, 2), np.full(n, 4))

    def rate(of: Groups, which: NDArray[np.bool_]) -> float:
        found = teach(panel_of(SeriesHistory(FIRST, units[which], stock[which]), RULES, of), (Law(28.0, 0.0),))
        assert found is not None
        assert found.newcomers is not None
        return float(found.newcomers.prior(np.array([1]), np.array([4])).mean[0])

    every = np.ones(n, dtype=np.bool_)
    few = ~came | (np.arange(n) >= 150)  # five of each category: too few
    assert rate(groups, every) < 3.0
    assert rate(groups.rows(few), few) > 7.0


@pytest.mark.parametrize(("listed", "most"), [(3, 0.7), (10, 0.8), (30, 0.95)])
def test_what_is_new_is_foreseen_better_by_its_category(listed: int, most: float) -> None:
    groups, rate, units = drawn(500, 7)
    sold = np.flatnonzero(began(units, listed).units.any(axis=1))
    groups, rate, units = groups.rows(sold), rate[sold], units[sold]
    history, came = began(units, listed), units[:, DAYS:].sum(axis=1).astype(np.float64)
    alone = seen(history, groups, replace(lessons(), newcomers=None))
    borrowing = seen(history, groups, lessons())
    off = [np.abs(found.velocity - rate) for found in (alone, borrowing)]
    assert off[1].mean() < off[0].mean()
    calm = groups.category == CALM
    assert off[1][calm].mean() < most * off[0][calm].mean()
    for column, level in ((2, 0.8), (3, 0.95), (0, 0.98)):
        loss = [float(pinball(level, found.lead.quantile[:, column], came).mean()) for found in (alone, borrowing)]
        assert loss[1] < loss[0], level
    held = [float((came <= found.lead.quantile[:, 0]).mean()) for found in (alone, borrowing)]
    assert held[1] > max(held[0], 0.93)


def test_the_posterior_is_that_of_gamma_and_poisson_and_its_quantiles_are_wider() -> None:
    groups, _rate, units = drawn(60, 8)
    sold = np.flatnonzero(began(units, 9).units.any(axis=1))
    groups, units = groups.rows(sold), units[sold]
    found, told = seen(began(units, 9), groups, lessons()), lessons().newcomers
    assert told is not None
    prior, lent = told.prior(groups.category, groups.region), found.borrowed
    assert lent.counts == pytest.approx(prior.days * (1 - 9 / NEW_DAYS))
    assert lent.days == pytest.approx(9.0, rel=0.1)  # each by what its weekday sells
    assert lent.share == pytest.approx(lent.counts / (lent.counts + lent.days))
    own = found.levels @ lessons().weights.beta
    mean = lent.share * prior.mean + (1 - lent.share) * own
    assert found.velocity == pytest.approx(lessons().weights.growth * mean)
    assert lent.rate_sd == pytest.approx(np.sqrt(told.phi * found.velocity / (lent.counts + lent.days)))
    usual = found.lead.days * found.daily_sd**2
    assert found.lead.variance == pytest.approx(usual + (found.lead.days * lent.rate_sd) ** 2)


def test_days_without_stock_do_not_pull_a_new_product_down_and_one_without_a_sale_borrows_nothing() -> None:
    groups, rate, units = drawn(300, 9)
    out = np.zeros((300, DAYS), dtype=np.bool_)
    out[:, DAYS - 11 :] = True  # in stock on one of the last twelve days
    found = seen(began(units, 12, out), groups, lessons())
    assert float(found.velocity.sum()) == pytest.approx(float(rate.sum()), rel=0.25)
    alone = seen(began(units, 12, out), Groups.by_place(groups.region), lessons())
    assert alone.velocity.sum() < 0.2 * rate.sum()
    none = seen(began(np.zeros_like(units), 3), groups, lessons())
    assert not none.velocity.any()
    assert not none.borrowed.counts.any()


def test_what_was_there_when_a_places_sales_began_and_what_lies_where_nothing_sold_borrows_nothing() -> None:
    groups, _rate, units = drawn(60, 12)
    history, told = began(units, 12), lessons()
    assert (seen(history, groups, told).borrowed.counts > 0).any()
    for days, lends in ((12, False), (30, False), (41, True)):  # since the first sale at place 9
        opened = replace(told, regions={**told.regions, 9: FIRST + timedelta(days=DAYS - days)})
        counts = seen(history, groups, opened).borrowed.counts
        assert (counts[groups.region == 9] > 0).any() == lends
        assert (counts[groups.region == 4] > 0).any()
    unknown = replace(told, regions={4: told.regions[4]})
    assert not seen(history, groups, unknown).borrowed.counts[groups.region == 9].any()


def test_what_was_never_in_stock_is_old_or_has_no_category_borrows_nothing() -> None:
    groups, _rate, units = drawn(60, 10)
    never = SeriesHistory(FIRST, np.zeros((60, DAYS), dtype=np.int64), np.zeros((60, DAYS), dtype=np.int64))
    assert not seen(never, groups, lessons()).velocity.any()
    dead = units.copy()
    dead[:, DAYS - 100 :] = 0
    assert not seen(SeriesHistory(FIRST, dead[:, :DAYS], np.full((60, DAYS), 5)), groups, lessons()).velocity.any()
    again = SeriesHistory(FIRST, dead[:, :DAYS], np.full((60, DAYS), 5))
    again.on_hand[:, DAYS - 100 : DAYS - 5] = 0  # sold out for long, and back for five days
    assert not seen(again, groups, lessons()).borrowed.counts.any()
    ripe = seen(began(units, NEW_DAYS), groups, lessons())
    assert not ripe.borrowed.counts.any()


def test_without_categories_figures_are_the_same_to_the_last_bit() -> None:
    groups, _rate, units = drawn(80, 11)
    history, none = began(units, 12), Groups.by_place(groups.region)
    plain_ones = lessons(with_categories=False)
    assert plain_ones.newcomers is None
    before, after = seen(history, none, plain_ones), seen(history, none, lessons())
    bare = seen(history, none, replace(lessons(), newcomers=None))
    lent = seen(history, none, replace(plain_ones, newcomers=lessons().newcomers))
    for one, other in ((after, bare), (before, lent)):
        assert not one.borrowed.counts.any()
        assert np.array_equal(one.velocity, other.velocity)
        assert np.array_equal(one.lead.quantile, other.lead.quantile)
        assert np.array_equal(one.lead.variance, other.lead.variance)


def test_lessons_are_kept_as_they_were() -> None:
    again = from_plain(json.loads(json.dumps(plain(lessons()))))
    assert again is not None
    groups, _rate, units = drawn(50, 12)
    before, after = (seen(began(units, 8), groups, told) for told in (lessons(), again))
    assert np.array_equal(before.lead.quantile, after.lead.quantile)
    assert np.array_equal(before.velocity, after.velocity)


def test_each_step_of_a_borrowed_rate_replays() -> None:
    history, routes, positions, network = catalogue(120, 200, seed=5)
    groups, rules = Groups(network.sku % 5 + 1, network.location), WatchSettings()
    told = teach(panel_of(history, rules.demand, groups), (Law(35.0, 0.15), Law(28.0, 0.0)))
    assert told is not None
    new = np.arange(120) % 3 == 0
    history.units[new, :-12], history.on_hand[new, :-12] = 0, 0
    judged = assess(history, routes, positions, rules, network, Taught(told, None, groups))
    assert judged.outlook is not None
    rows = np.flatnonzero(judged.outlook.borrowed.counts > 0)
    assert 10 < len(rows) <= new.sum()
    shares = set()
    for row in rows.tolist():
        steps = {step["name"]: step for step in evidence(judged, row)["steps"]}
        shares.add(steps["category_share"]["result"])
        assert steps["velocity"]["values"]["share"] == steps["category_share"]["result"]
        assert "sd_d" in steps["lead_time_variance"]["values"]
        for step in steps.values():
            assert replayed(step) == pytest.approx(step["result"], rel=1e-6, abs=1e-6), (row, step)
    assert len(shares) > 3
    others = {step["name"] for row in np.flatnonzero(~new).tolist() for step in evidence(judged, row)["steps"]}
    assert "category_share" not in others
