"""A budget: what is ordered first, held to every other choice there is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.budget import Wanted, saved_units, spend
from bot.domain.losses import expected_lost
from bot.domain.spans import Demand


@st.composite
def wishes(draw: st.DrawFn, lines: int = 4, packs: int = 5) -> Wanted:
    n = draw(st.integers(1, lines))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pack = rng.integers(1, 9, n)
    velocity = rng.choice([0.0, 0.05, 0.6, 4.0], n)
    sd = velocity * rng.uniform(0.2, 3, n)
    skewed = rng.random(n) < 0.5
    return Wanted(
        quantity=pack * rng.integers(0, packs + 1, n),
        minimum=rng.integers(1, 20, n),
        pack=pack,
        unit_cost_minor=rng.integers(1, 900, n),
        margin_minor=rng.integers(0, 2_000, n),
        stock=rng.integers(-3, 60, n),
        before=Demand.over(velocity, sd, np.full(n, 12.0), np.full(n, 3.0), skewed),
        after=Demand.over(velocity, sd, np.full(n, 9.0), np.zeros(n), skewed),
    )


def one(quantity: int, minimum: int, pack: int, cost: int, margin: int, stock: int, span: Demand) -> Wanted:
    return Wanted(
        quantity=np.array([quantity]),
        minimum=np.array([minimum]),
        pack=np.array([pack]),
        unit_cost_minor=np.array([cost]),
        margin_minor=np.array([margin]),
        stock=np.array([stock]),
        before=span,
        after=span,
    )


def worth(wanted: Wanted, quantity: tuple[int, ...]) -> float:
    rows = np.arange(len(quantity))
    return float((saved_units(wanted, rows, np.array(quantity)) * wanted.margin_minor).sum())


def allowed(wanted: Wanted, line: int) -> list[int]:
    """Nothing, or the minimum in whole packs and every pack more."""
    most, pack = int(wanted.quantity[line]), int(wanted.pack[line])
    least = min(-(-int(wanted.minimum[line]) // pack) * pack, most)
    return sorted({0, *range(least, most + 1, pack), most}) if most else [0]


@given(wanted=wishes(), share=st.floats(0, 1.2))
def test_the_budget_is_never_passed_and_nothing_beyond_the_wish_is_ordered(wanted: Wanted, share: float) -> None:
    whole = int((wanted.quantity * wanted.unit_cost_minor).sum())
    budget = int(whole * share)
    found = spend(wanted, budget)
    assert found.spent_minor == int((found.quantity * wanted.unit_cost_minor).sum()) <= budget
    assert (found.quantity <= wanted.quantity).all()
    assert all(int(units) in allowed(wanted, line) for line, units in enumerate(found.quantity))
    assert ((found.place >= 0) == (found.quantity > 0)).all()
    if budget >= whole:
        assert (found.quantity == wanted.quantity).all()
        assert found.forgone_minor.sum() == 0


@given(wanted=wishes(lines=3, packs=4), share=st.floats(0, 1))
def test_no_choice_at_all_saves_more_than_the_bound_allows(wanted: Wanted, share: float) -> None:
    budget = int((wanted.quantity * wanted.unit_cost_minor).sum() * share)
    found = spend(wanted, budget)
    choices = itertools.product(*(allowed(wanted, line) for line in range(len(wanted.quantity))))
    best = max(
        worth(wanted, each)
        for each in choices
        if sum(units * int(cost) for units, cost in zip(each, wanted.unit_cost_minor, strict=True)) <= budget
    )
    mine = worth(wanted, tuple(found.quantity.tolist()))
    assert mine <= best + 1e-6
    assert best <= mine + found.at_most_minor + 1e-6
    assert found.saved_minor.sum() == pytest.approx(mine, abs=len(wanted.quantity))


@given(wanted=wishes(), more=st.floats(0, 1), share=st.floats(0, 1))
def test_what_is_saved_and_what_is_forgone_are_the_whole(wanted: Wanted, more: float, share: float) -> None:
    budget = int((wanted.quantity * wanted.unit_cost_minor).sum() * share * more)
    found = spend(wanted, budget)
    whole = worth(wanted, tuple(wanted.quantity.tolist()))
    assert (found.saved_minor + found.forgone_minor).sum() == pytest.approx(whole, abs=2 * len(wanted.quantity))


def test_the_line_that_saves_most_for_its_money_comes_first() -> None:
    n = 3
    span = Demand.over(np.full(n, 2.0), np.full(n, 1.0), np.full(n, 10.0), np.zeros(n), np.zeros(n, dtype=np.bool_))
    wanted = Wanted(
        quantity=np.array([20, 20, 20]),
        minimum=np.array([1, 1, 1]),
        pack=np.array([5, 5, 5]),
        unit_cost_minor=np.array([100, 100, 400]),
        margin_minor=np.array([100, 300, 800]),
        stock=np.array([0, 0, 0]),
        before=span,
        after=span,
    )
    found = spend(wanted, 2_500)
    assert found.quantity.tolist() == [5, 20, 0]  # 500 are left: no pack of 2,000, but one of the first line
    assert found.place.tolist() == [1, 0, -1]
    assert found.forgone_minor[2] > 0


def test_a_unit_that_lies_there_anyway_saves_nothing_more() -> None:
    span = Demand(np.array([20.0]), np.array([25.0]), np.array([False]))
    wanted = one(10, 1, 10, 100, 100, 500, span)
    assert spend(wanted, 10_000).saved_minor.sum() == 0
    assert spend(replace(wanted, stock=np.array([0])), 10_000).saved_minor.sum() == pytest.approx(1_000, abs=40)


def test_a_line_without_a_price_is_refused() -> None:
    span = Demand(np.array([20.0]), np.array([25.0]), np.array([False]))
    wanted = one(10, 1, 10, 0, 100, 5, span)
    with pytest.raises(ValueError, match="without a price"):
        spend(wanted, 10_000)


def test_a_long_order_goes_up_in_lots_and_is_whole_in_the_end() -> None:
    span = Demand(np.array([9_000.0]), np.array([9e5]), np.array([True]))
    wanted = one(9_001, 3, 1, 7, 5, 0, span)
    assert spend(wanted, 9_001 * 7).quantity.tolist() == [9_001]
    assert 4_000 < spend(wanted, 4_500 * 7).quantity[0] <= 4_500


@given(
    mean=st.floats(0.01, 60),
    spread=st.floats(1.0, 8),
    stock=st.integers(-4, 120),
    part=st.floats(0, 0.999),
)
def test_lost_units_of_a_count_are_their_sum_over_all_demands(
    mean: float, spread: float, stock: int, part: float
) -> None:
    variance = mean * spread
    each = np.arange(6_000)
    import scipy.stats  # noqa: PLC0415  # half a second that the other tests do without

    chance = (
        scipy.stats.nbinom.pmf(each, mean**2 / (variance - mean), mean / variance)
        if variance > mean * (1 + 1e-6)
        else scipy.stats.poisson.pmf(each, mean)
    )
    wanted = float((np.maximum(each - (stock + part), 0) * chance).sum())
    got = expected_lost(np.array([stock + part]), np.array([mean]), np.array([variance]), np.array([True]))
    assert got[0] == pytest.approx(wanted, rel=1e-6, abs=1e-7)
