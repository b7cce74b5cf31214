"""The rules of clearance prices: hand-computed examples, and properties over all of their inputs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain import promotion as p
from bot.domain.policy import Policy, default_policy, floor_price
from bot.domain.sourcing import SourcingSettings, clearance

POLICY = default_policy("GBP")
SETTINGS = p.PromotionSettings()
NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)

prices = st.integers(1, 10**7)
depths = st.decimals("0.01", "0.99", places=2)
rates = st.floats(0, 500)


def policy(margin: str = "0.05", deepest: str = "0.5") -> Policy:
    return dataclasses.replace(POLICY, least_margin=Decimal(margin), deepest_discount=Decimal(deepest))


def terms(**more: object) -> p.Terms:
    given_: dict[str, object] = {
        "units": 100, "price_minor": 250, "promo_minor": 200, "unit_cost_minor": 100, "per_day": 2.0, "days": 10.0,
        **more,
    }  # fmt: skip
    return p.Terms(**given_)  # type: ignore[arg-type]


def test_a_reduced_price_is_rounded_up_to_a_minor_unit() -> None:
    assert p.reduced(295, Decimal("0.2")) == 236
    assert p.reduced(295, Decimal("0.15")) == 251  # 250.75
    assert p.reduced(295, Decimal("0.5")) == 148  # 147.5
    assert p.depth_of(295, 236) == Decimal("0.2")
    assert p.depth_of(295, 199) == Decimal("0.3255")  # 0.32542


@given(prices, depths)
def test_a_discount_is_never_deeper_than_asked_nor_a_minor_unit_shallower(price: int, depth: Decimal) -> None:
    after = p.reduced(price, depth)
    assert price * (1 - depth) <= after < price * (1 - depth) + 1
    assert 0 < after <= price


@given(
    prices, st.integers(0, 10**7), st.sampled_from(["-0.2", "0", "0.05", "0.3"]), st.sampled_from(["0.1", "0.5", "0.9"])
)
def test_the_lowest_price_is_allowed_and_a_minor_unit_less_is_not(
    price: int, cost: int, margin: str, deepest: str
) -> None:
    rules = policy(margin, deepest)
    lowest = p.lowest_price(price, cost, rules)
    assume(0 < lowest < price)
    assert p.too_low(price, lowest, cost, rules) in {"", "depth"}  # the depth is rounded up to four decimals
    if p.depth_of(price, lowest) <= rules.deepest_discount:
        assert p.too_low(price, lowest, cost, rules) == ""
    if lowest > 1:
        assert (
            p.too_low(price, lowest - 1, cost, rules) != "" or p.depth_of(price, lowest - 1) <= rules.deepest_discount
        )
    assert lowest >= floor_price(rules, cost)


def test_what_is_wrong_with_a_price_is_named() -> None:
    assert p.too_low(250, 250, 100, POLICY) == "not_lower"
    assert p.too_low(250, 104, 100, POLICY) == "floor"
    assert p.too_low(250, 120, 100, POLICY) == "depth"
    assert p.too_low(250, 125, 100, POLICY) == ""
    assert p.too_low(250, 90, 100, policy("-0.2", "0.7")) == ""  # a stated loss, where the policy allows one


def test_a_forecast_by_hand() -> None:
    found = p.forecast(terms(), SETTINGS)
    assert found.uplift == pytest.approx(1.52)  # 1 + 2.6 x 0.2
    assert found.sold == 30  # 2 x 1.52 x 10 days
    assert found.days_without == 50
    assert found.days_with == pytest.approx(10 + (100 - 30.4) / 2)
    assert found.given_away_minor == 30 * 50
    assert found.held_minor == int(100 * 100 * 0.25 * (50 - 44.8) / 2 / 365)


def test_stock_that_does_not_sell_gets_no_date() -> None:
    found = p.forecast(terms(per_day=0.0), SETTINGS)
    assert (found.days_with, found.days_without, found.sold, found.given_away_minor) == (None, None, 0, 0)


@given(st.integers(1, 10_000), prices, st.integers(1, 99), rates, st.floats(0.01, 90), st.floats(0, 6))
def test_a_promotion_never_sells_out_later_nor_more_than_there_is(
    units: int, price: int, percent: int, rate: float, days: float, elasticity: float
) -> None:
    promo = p.reduced(price, Decimal(percent) / 100)
    assume(promo < price)
    settings = p.PromotionSettings(elasticity=elasticity)
    found = p.forecast(terms(units=units, price_minor=price, promo_minor=promo, per_day=rate, days=days), settings)
    assert found.uplift >= 1
    assert 0 <= found.sold <= units
    assert found.held_minor >= 0
    if found.days_without is not None:
        assert found.days_with is not None
        assert found.days_with <= found.days_without * (1 + 1e-9)
    assert found.given_away_minor == (price - promo) * found.sold


@given(prices, st.integers(1, 10**6), st.integers(0, 1000), st.integers(1, 1000), rates)
def test_the_break_even_is_the_one_of_the_proposals(
    price: int, cost: int, before: int, units: int, rate: float
) -> None:
    proposed = clearance(units, before, rate, price, cost, SETTINGS.carrying_rate, SourcingSettings())
    wait = p.wait_days(before + units / 2, rate, SETTINGS.longest_wait_days)
    if proposed is not None:
        assert proposed.break_even_minor == p.break_even(cost, wait, SETTINGS)
        assert proposed.wait_days == wait


def elsewhere(**more: object) -> p.Elsewhere:
    given_: dict[str, object] = {
        "location": "DE", "position": 10, "reorder_point": 25.0, "lead_time_days": 30.0, "transfer_days": 10.0, **more
    }  # fmt: skip
    return p.Elsewhere(**given_)  # type: ignore[arg-type]


def test_another_place_needs_what_it_lacks_to_last_its_lead_time_and_could_have_sooner() -> None:
    assert p.needed_elsewhere([elsewhere()]) == (p.Needed("DE", 15),)
    assert p.needed_elsewhere([elsewhere(position=25)]) == ()
    assert p.needed_elsewhere([elsewhere(transfer_days=40.0)]) == ()
    assert p.needed_elsewhere([elsewhere(reorder_point=-1.0)]) == ()
    two = p.needed_elsewhere([elsewhere(), elsewhere(location="FR", position=0)])
    assert [need.location for need in two] == ["FR", "DE"]


@given(st.integers(0, 10_000), st.floats(0, 10_000), st.integers(0, 10_000))
def test_what_is_cleared_never_touches_what_another_place_needs(available: int, level: float, needed: int) -> None:
    units = p.to_clear(available, level, needed)
    assert 0 <= units <= max(0, available - needed)
    if needed == 0 and available:
        assert units > 0
    if available > level + 1 and needed == 0:
        assert available - units >= level - 1e-6  # what lies above the level, and no more


@given(
    st.integers(-5, 5), st.integers(0, 100), st.one_of(st.none(), st.integers(1, 100)), st.sampled_from(["needed", ""])
)
def test_it_stops_exactly_when_a_rule_says_so(hours: int, sold: int, target: int | None, word: str) -> None:
    ends_at = NOW + timedelta(hours=hours)
    reason = p.stop_reason(NOW, ends_at, sold, target, needed=bool(word))
    over = hours <= 0
    enough = target is not None and sold >= target
    assert (reason is not None) == (bool(word) or enough or over)
    assert reason == ("needed" if word else "sold" if enough else "end" if over else None)


def test_a_lift_by_hand() -> None:
    found = p.lift(p.Spell(20, 10), p.Spell(40, 8), 250, 200, 100)
    assert found.factor == Decimal("2.5")
    assert found.extra == 24  # 40 - 2 x 8
    assert found.given_away_minor == 40 * 50
    assert found.margin_minor == 40 * 100
    assert found.margin_without_minor == 16 * 150
    assert found.freed_minor == 24 * 100


def test_days_without_stock_are_left_out_and_the_time_before_reaches_further_back() -> None:
    units = [9, 5, 0, 3, 4, 6, 0, 8]
    usable = [True, True, False, True, True, True, False, True]
    before, during = p.spells(units, usable, 4)  # ran on 4, 6, (0), 8
    assert during == p.Spell(18, 3, 1)
    assert before == p.Spell(3 + 5 + 9, 3, 1)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=60), st.data())
def test_spells_count_each_day_once_and_compare_equal_times(days: list[tuple[int, bool]], data: st.DataObject) -> None:
    ran = data.draw(st.integers(1, len(days)))
    before, during = p.spells([units for units, _ in days], [good for _, good in days], ran)
    assert during.days + during.left_out == ran
    assert before.days <= max(during.days, 1)
    assert before.days + before.left_out <= len(days) - ran
    assert during.units == sum(units for units, good in days[-ran:] if good)


@given(st.integers(0, 1000), st.integers(0, 90), st.integers(0, 1000), st.integers(0, 90), prices, depths)
def test_a_lift_adds_up(sold: int, days: int, before: int, days_before: int, price: int, depth: Decimal) -> None:
    promo = p.reduced(price, depth)
    found = p.lift(p.Spell(before, days_before), p.Spell(sold, days), price, promo, 10)
    assert found.margin_minor + found.given_away_minor == (price - 10) * sold
    assert found.freed_minor == max(0, found.extra) * 10
    assert (found.factor is None) == (before == 0 or days_before == 0 or days == 0)
