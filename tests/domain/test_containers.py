"""Containers: how many an order takes, what fills the last, and what is left out of one that goes nearly empty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.containers import (
    STANDARD,
    Cargo,
    Container,
    container_of,
    cut_back,
    stowage,
    stowage_of,
    stowed,
    topped_up,
)
from bot.domain.replenishment import pack_up

BOX = Container("BOX", 100_000, 50_000)
FEW = {"seed": st.integers(0, 2**32), "n": st.integers(1, 8)}


def cargo(n: int, seed: int) -> Cargo:
    """Lines of whole packs, at least one of which is ordered."""
    random = np.random.default_rng(seed)
    pack, minimum = random.integers(1, 7, n), random.integers(1, 40, n)
    wanted = random.integers(0, 60, n) * (random.random(n) < 0.6)
    wanted[random.integers(n)] += 1
    return Cargo(
        quantity=pack_up(wanted, minimum, pack),
        minimum=minimum,
        pack=pack,
        volume_cm3=random.integers(50, 3_000, n),
        weight_g=random.integers(0, 1_500, n),
        velocity=random.uniform(0, 6, n) * (random.random(n) < 0.9),
        position=random.integers(-5, 120, n),
        order_up_to=random.uniform(0, 200, n),
        overstock=random.uniform(0, 400, n),
        pressing=random.random(n) < 0.3,
        rank=random.permutation(n) + 1,
    )


def turned(given_: Cargo, order: np.ndarray) -> Cargo:
    """The same lines in another order."""
    return replace(given_, **{name: getattr(given_, name)[order] for name in Cargo.__dataclass_fields__})


def used(given_: Cargo, units: np.ndarray) -> tuple[int, int]:
    return int((units * given_.volume_cm3).sum()), int((units * given_.weight_g).sum())


@given(days=st.floats(0, 90), **FEW)
def test_what_fills_up_begins_no_container_more_and_takes_nothing_away(seed: int, n: int, days: float) -> None:
    given_ = cargo(n, seed)
    before = stowed(BOX, given_, given_.quantity)
    found = topped_up(BOX, given_, days)
    after = stowed(BOX, given_, found)
    assert after.count == before.count
    assert all(total <= after.count * most for total, most in zip(used(given_, found), (100_000, 50_000), strict=True))
    added = found - given_.quantity
    assert (added >= 0).all()
    assert after.share >= before.share
    assert (found % given_.pack == 0).all()
    grown = added > 0
    assert (given_.velocity[grown] > 0).all()
    assert (found[grown] >= given_.minimum[grown]).all()
    above = given_.position + found - given_.order_up_to - given_.velocity * days
    assert (above[grown] <= 1).all()
    assert (given_.position + found <= given_.overstock)[grown].all()


@given(days=st.floats(1, 90), **FEW)
def test_a_pack_more_of_any_line_would_not_fit_or_would_last_too_long(seed: int, n: int, days: float) -> None:
    given_ = cargo(n, seed)
    found = topped_up(BOX, given_, days)
    count = stowed(BOX, given_, found).count
    volume, weight = used(given_, found)
    lot = np.where(found > 0, given_.pack, pack_up(np.ones_like(found), given_.minimum, given_.pack))
    bulky = volume + lot * given_.volume_cm3 > count * BOX.volume_cm3
    heavy = weight + lot * given_.weight_g > count * BOX.weight_g
    long = given_.position + found + lot > given_.order_up_to + given_.velocity * days
    much = given_.position + found + lot > given_.overstock
    assert (bulky | heavy | long | much | (given_.velocity <= 0)).all()


@given(count=st.integers(0, 5), **FEW)
def test_what_is_cut_back_fits_and_presses_are_never_touched(seed: int, n: int, count: int) -> None:
    given_ = cargo(n, seed)
    found = cut_back(BOX, given_, count)
    if found is None:
        volume, weight = used(given_, np.where(given_.pressing, given_.quantity, 0))
        assert volume > count * BOX.volume_cm3 or weight > count * BOX.weight_g
        return
    assert all(total <= count * most for total, most in zip(used(given_, found), (100_000, 50_000), strict=True))
    assert (found <= given_.quantity).all()
    assert (found[given_.pressing] == given_.quantity[given_.pressing]).all()
    assert (found % given_.pack == 0).all()
    assert ((found == 0) | (found >= given_.minimum)).all()


@given(count=st.integers(0, 5), **FEW)
def test_the_order_of_the_lines_changes_nothing(seed: int, n: int, count: int) -> None:
    given_ = cargo(n, seed)
    order = np.random.default_rng(seed + 1).permutation(n)
    other = turned(given_, order)
    assert topped_up(BOX, other, 30.0).tolist() == topped_up(BOX, given_, 30.0)[order].tolist()
    one, two = cut_back(BOX, given_, count), cut_back(BOX, other, count)
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert two.tolist() == one[order].tolist()


@given(volume=st.integers(1, 10**9), weight=st.integers(0, 10**9))
def test_containers_hold_what_they_are_said_to_and_one_fewer_would_not(volume: int, weight: int) -> None:
    found = stowage(BOX, volume, weight)
    assert found.count * BOX.volume_cm3 >= volume
    assert found.count * BOX.weight_g >= weight
    assert (found.count - 1) * BOX.volume_cm3 < volume or (found.count - 1) * BOX.weight_g < weight
    assert 0 < found.share <= 1 + 1e-6
    more = stowage(BOX, volume + 1, weight + 1)
    assert (more.count, more.share) >= (found.count, found.share)


def three(quantity: tuple[int, ...], pressing: tuple[bool, ...] = (False, False, False)) -> Cargo:
    """A sells 1 a day, B 2, C 5; each takes a litre and half a kilogramme, in packs of 10."""
    return Cargo(
        quantity=np.array(quantity),
        minimum=np.array([10, 10, 10]),
        pack=np.array([10, 10, 10]),
        volume_cm3=np.array([1_000, 1_000, 1_000]),
        weight_g=np.array([500, 500, 500]),
        velocity=np.array([1.0, 2.0, 5.0]),
        position=np.array([20, 20, 20]),
        order_up_to=np.array([60.0, 60.0, 60.0]),
        overstock=np.array([200.0, 200.0, 200.0]),
        pressing=np.array(pressing),
        rank=np.array([1, 2, 3]),
    )


def test_the_container_is_filled_with_what_runs_out_next() -> None:
    found = topped_up(Container("BOX", 100_000), three((40, 30, 0)), 30.0)
    assert found.tolist() == [40, 30, 30]  # C lasts 4 days, then 6, 8, 10; A 60 and B 25
    assert stowed(Container("BOX", 100_000), three((40, 30, 0)), found).share == 1.0


def test_weight_ends_the_filling_where_it_is_the_limit() -> None:
    heavy = Container("BOX", 100_000, 40_000)
    found = topped_up(heavy, three((40, 30, 0)), 30.0)
    assert found.sum() == 80
    assert stowed(heavy, three((40, 30, 0)), found).by == "weight"


def test_what_lasts_longest_is_left_to_a_later_order_and_what_presses_stays() -> None:
    box = Container("BOX", 100_000)
    assert cut_back(box, three((40, 40, 40)), 1) is not None
    found = cut_back(box, three((40, 40, 40)), 1)
    assert found is not None
    assert found.tolist() == [20, 40, 40]  # A lasts 60 days, then 50, 40
    kept = cut_back(box, three((40, 40, 40), (True, False, False)), 1)
    assert kept is not None
    assert kept.tolist() == [40, 20, 40]
    assert cut_back(box, three((40, 40, 40), (True, True, True)), 1) is None
    nothing = cut_back(box, three((10, 0, 0)), 0)
    assert nothing is not None
    assert not nothing.any()


def test_what_weighs_nothing_is_not_left_out_for_the_weight() -> None:
    light = replace(three((40, 40, 40)), weight_g=np.array([0, 500, 500]))
    found = cut_back(Container("BOX", 1_000_000, 30_000), light, 1)
    assert found is not None
    assert found.tolist() == [40, 20, 40]


def test_an_order_of_known_goods_says_its_containers_and_one_of_unknown_goods_nothing() -> None:
    detail = {"container": STANDARD["40HQ"].facts()}
    known = {"volume_cm3": 50_000, "weight_g": 4_000}
    assert container_of(detail) == STANDARD["40HQ"]
    assert stowage_of(detail, [(2_000, known), (666, known)]) == stowage(STANDARD["40HQ"], 133_300_000, 10_664_000)
    assert stowage_of(detail, [(2_000, known), (1, {"weight_g": 4_000})]) is None
    assert stowage_of({}, [(2_000, known)]) is None
    lead = stowage_of(detail, [(2_000, {"volume_cm3": 10_000, "weight_g": 40_000})])
    assert lead is not None
    assert (lead.count, lead.by) == (4, "weight")
    unweighed = stowage_of(detail, [(2_000, {"volume_cm3": 10_000, "weight_g": 40_000}), (1, {"volume_cm3": 1})])
    assert unweighed is not None
    assert (unweighed.count, unweighed.by) == (1, "volume")


def test_nothing_takes_no_container() -> None:
    with pytest.raises(ValueError, match="nothing to stow"):
        stowage(BOX, 0, 0)
