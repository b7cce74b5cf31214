"""Orders filled up to their supplier's minimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ordering import Shelf, fill_up, joining, kept_from
from bot.domain.replenishment import pack_up


def shelf(n: int, seed: int) -> Shelf:
    rng = np.random.default_rng(seed)
    pack, minimum = rng.integers(1, 12, n), rng.integers(1, 30, n)
    velocity = rng.choice([0.0, 0.2, 2.0, 9.0], n)
    due = rng.random(n) < 0.5
    return Shelf(
        quantity=np.where(due, pack_up(rng.integers(1, 60, n), minimum, pack), 0),
        minimum=minimum,
        pack=pack,
        unit_cost_minor=rng.integers(0, 900, n),
        velocity=velocity,
        position=rng.integers(-5, 120, n),
        order_up_to=velocity * 40,
        overstock=velocity * rng.choice([20.0, 45.0, 200.0], n),
    )


@given(seed=st.integers(0, 2**32), n=st.integers(1, 8), more=st.floats(0.2, 4), days=st.floats(0, 90))
def test_the_least_is_reached_with_whole_packs_or_not_at_all(seed: int, n: int, more: float, days: float) -> None:
    given_ = shelf(n, seed)
    cost = given_.unit_cost_minor
    least = int((given_.quantity * cost).sum() * more)
    found = fill_up(given_, least, days)
    if found is None:
        return
    added = found - given_.quantity
    assert int((found * cost).sum()) >= least
    assert (added >= 0).all()
    assert (added[given_.velocity == 0] == 0).all()
    grown = added > 0
    assert (found[grown] % given_.pack[grown] == given_.quantity[grown] % given_.pack[grown]).all()
    assert (found[grown] >= np.minimum(given_.minimum, found)[grown]).all()
    above = given_.position + found - given_.order_up_to - given_.velocity * days
    assert (above[grown] <= 1).all()
    assert (given_.position + found <= given_.overstock)[grown].all()
    if grown.any():  # it stops as soon as it may
        lot = pack_up(np.ones_like(found), given_.minimum, given_.pack)
        assert int((found * cost).sum()) - least < int((lot * cost)[grown].max())


def test_what_runs_out_next_is_taken_first() -> None:
    given_ = Shelf(
        quantity=np.array([10, 0, 0]),
        minimum=np.array([1, 5, 1]),
        pack=np.array([10, 5, 10]),
        unit_cost_minor=np.array([100, 100, 100]),
        velocity=np.array([1.0, 1.0, 1.0]),
        position=np.array([20, 22, 90]),
        order_up_to=np.array([30.0, 30.0, 90.0]),
        overstock=np.array([100.0, 100.0, 100.0]),
    )
    early, late = fill_up(given_, 2_000, 30.0), fill_up(given_, 2_500, 30.0)
    assert early is not None
    assert late is not None
    assert early.tolist() == [10, 10, 0]  # the second lasts 22 days, then 27, then 32
    assert late.tolist() == [20, 10, 0]  # and the first 30


def test_nothing_is_filled_up_to_an_overstock_and_what_would_be_is_named() -> None:
    free = Shelf(
        quantity=np.array([10, 0]),
        minimum=np.array([1, 1]),
        pack=np.array([10, 10]),
        unit_cost_minor=np.array([100, 100]),
        velocity=np.array([1.0, 1.0]),
        position=np.array([20, 50]),
        order_up_to=np.array([30.0, 60.0]),
        overstock=np.array([1000.0, 1000.0]),
    )
    most = fill_up(free, 3_000, 30.0)
    assert most is not None
    assert most.tolist() == [30, 0]
    assert kept_from(free, most, 3_000, 30.0).tolist() == [False, False]

    near = replace(free, overstock=np.array([39.9, 1000.0]))  # one pack more and 40 lie there
    other = fill_up(near, 3_000, 30.0)
    assert other is not None
    assert other.tolist() == [10, 20]
    assert kept_from(near, other, 3_000, 30.0).tolist() == [True, False]

    full = replace(free, overstock=np.array([39.9, 59.9]))
    assert fill_up(full, 3_000, 30.0) is None
    assert kept_from(full, None, 3_000, 30.0).tolist() == [True, False]
    assert kept_from(full, None, 10**9, 30.0).tolist() == [False, False]  # it could not be reached anyhow


@given(seed=st.integers(0, 2**32), n=st.integers(1, 8), days=st.floats(0, 60))
def test_what_joins_would_be_due_within_the_days_and_lifts_its_position_to_its_level(
    seed: int, n: int, days: float
) -> None:
    given_ = shelf(n, seed)
    reorder = given_.velocity * 30
    found = joining(given_, reorder, days)
    due = given_.quantity > 0
    assert (found[due] == given_.quantity[due]).all()
    joins = ~due & (found > 0)
    assert (given_.position - given_.velocity * days <= reorder)[joins].all()
    assert (given_.position + found >= given_.order_up_to)[joins].all()
    assert (found[joins] % given_.pack[joins] == 0).all()
    later = ~due & (given_.position - given_.velocity * days > reorder)
    assert (found[later] == 0).all()


def test_nobody_fills_a_year_to_please_a_supplier() -> None:
    given_ = shelf(4, 3)
    assert fill_up(given_, 10**9, 30.0) is None


def test_an_order_that_is_large_enough_stays_as_it_is() -> None:
    given_ = shelf(6, 5)
    found = fill_up(given_, int((given_.quantity * given_.unit_cost_minor).sum()), 30.0)
    assert found is not None
    assert found.tolist() == given_.quantity.tolist()
