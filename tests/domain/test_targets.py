"""Targets: what levels cost in days, held to a simulation of the very policy, and the level that a target allows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.replenishment import span_demand
from bot.domain.spans import Demand
from bot.domain.targets import FARTHEST, Sold, days, expected, groups, shift_for, shifted


def shop(n: int, seed: int, spread: float = 1.5, more: float = 0.0) -> Sold:
    rng = np.random.default_rng(seed)
    velocity = rng.choice([0.0, 0.05, 0.4, 3.0, 20.0], n)
    lead = rng.integers(3, 60, n).astype(np.float64)
    abc = rng.integers(0, 3, n)
    sd = np.sqrt(velocity * rng.uniform(1.0, 1 + spread, n))
    velocity = velocity + more
    lead_sd, skewed = lead * rng.uniform(0, 0.3, n), rng.random(n) < 0.7
    return Sold(
        velocity=velocity,
        sd=sd,
        lead=Demand.over(velocity, sd, lead, lead_sd, skewed),
        cycle=Demand.over(velocity, sd, lead + 7, lead_sd, skewed),
        review=np.full(n, 7.0),
        lot=rng.choice([1, 12, 60], n).astype(np.int64),
        unit_cost_minor=rng.integers(1, 3_000, n),
        margin_minor=rng.integers(0, 3_000, n),
        level=np.array([0.975, 0.95, 0.9])[abc],
        abc=abc,
    )


def simulated(
    row: Sold, reorder: float, up_to: float, lead: int, seed: int, every: int = 1, horizon: int = 60_000
) -> tuple[float, float]:
    """Mean stock and share sold of the (s, S) policy with lost sales, day by day, ordered on each of `every` days."""
    rng = np.random.default_rng(seed)
    mean, variance = float(row.velocity[0]), float(row.sd[0] ** 2)
    wanted = (
        rng.negative_binomial(mean**2 / (variance - mean), mean / variance, horizon)
        if variance > mean * 1.001
        else rng.poisson(mean, horizon)
    )
    coming: dict[int, float] = {}
    stock, due, seen, sold = up_to, 0.0, 0.0, 0
    for day in range(horizon):
        arrived = coming.pop(day, 0.0)
        stock, due = stock + arrived, due - arrived
        out = min(stock, int(wanted[day]))
        seen += stock - out / 2
        stock, sold = stock - out, sold + int(out)
        if day % every == 0 and stock + due <= reorder:
            order = max(math.ceil(up_to) - stock - due, float(row.lot[0]))
            coming[day + lead + 1] = coming.get(day + lead + 1, 0.0) + order  # placed at the close of a day
            due += order
    return seen / horizon, sold / max(int(wanted.sum()), 1)


@pytest.mark.parametrize(
    ("velocity", "variance", "lead", "lot", "level"),
    [
        (4.0, 4.0, 20, 1, 0.95),
        (4.0, 4.0, 20, 120, 0.90),
        (0.4, 0.9, 30, 1, 0.90),
        (0.4, 0.9, 30, 24, 0.975),
        (3.0, 20.0, 14, 1, 0.95),
    ],
)
def test_the_expected_stock_and_service_are_what_a_simulation_finds(
    velocity: float, variance: float, lead: int, lot: int, level: float
) -> None:
    one, skewed = np.ones(1), np.array([variance > velocity])
    row = Sold(
        velocity=np.array([velocity]),
        sd=np.array([variance**0.5]),
        lead=Demand.over(velocity * one, variance**0.5 * one, lead * one, 0 * one, skewed),
        cycle=Demand.over(velocity * one, variance**0.5 * one, (lead + 7) * one, 0 * one, skewed),
        review=np.array([7.0]),
        lot=np.array([lot]),
        unit_cost_minor=np.array([100]),
        margin_minor=np.array([100]),
        level=np.array([level]),
        abc=np.array([0]),
    )
    found = expected(row, 0.0)
    reorder, up_to = (
        float((demand.mean + demand.safety_stock)[0])
        for demand in (
            span_demand(row.velocity, row.sd, span * one, 0 * one, row.level, skewed, "negative_binomial")
            for span in (lead, lead + 7)
        )
    )
    stock, fill = simulated(row, reorder, up_to, lead, seed=5)
    assert float(found.stock[0]) == pytest.approx(stock, rel=0.12)
    assert fill - 0.05 < float(found.fill[0]) < fill + 0.005  # of slow sellers rather too little than too much


@pytest.mark.parametrize(("velocity", "variance", "review"), [(4.0, 4.0, 14), (4.0, 12.0, 28), (1.0, 2.0, 14)])
def test_so_they_are_where_orders_go_out_on_dates_alone(velocity: float, variance: float, review: int) -> None:
    every, lead, one = 14, 21, np.ones(1)
    skewed = np.array([variance > velocity])
    until, cycle = (
        Demand.over(velocity * one, variance**0.5 * one, days * one, 0 * one, skewed)
        for days in (lead + every, lead + review)
    )
    row = Sold(
        velocity * one, variance**0.5 * one, until, cycle, review * one, np.array([1]), np.array([100]),
        np.array([100]), 0.95 * one, np.array([0]), every * one,
    )  # fmt: skip
    reorder, up_to = (
        float((demand.mean + demand.safety_stock)[0])
        for demand in (
            span_demand(row.velocity, row.sd, span * one, 0 * one, row.level, skewed, "negative_binomial")
            for span in (lead + every, lead + review)
        )
    )
    found = expected(row, 0.0)
    stock, fill = simulated(row, reorder, up_to, lead, seed=5, every=every)
    assert float(found.stock[0]) == pytest.approx(stock, rel=0.05)
    assert float(found.fill[0]) == pytest.approx(fill, abs=0.02)


@given(seed=st.integers(0, 2**32), n=st.integers(1, 30), shift=st.floats(-3, 2.5), more=st.floats(0.01, 2))
def test_a_higher_level_never_holds_less_nor_sells_less(seed: int, n: int, shift: float, more: float) -> None:
    sold = shop(n, seed)
    low, high = expected(sold, shift), expected(sold, shift + more)
    assert (high.level >= low.level).all()
    assert (high.stock >= low.stock - 1.5).all()  # the quantile of an order grows in whole units
    assert ((high.fill >= 0) & (high.fill <= 1)).all()
    assert groups(sold, high)[-1].stock_minor >= 0.98 * groups(sold, low)[-1].stock_minor - 2_000


@given(seed=st.integers(0, 2**32), n=st.integers(1, 30), shift=st.floats(-3, 3))
def test_the_classes_add_up_to_the_whole(seed: int, n: int, shift: float) -> None:
    sold = shop(n, seed)
    *parts, whole = groups(sold, expected(sold, shift))
    assert whole.series == sum(part.series for part in parts) == n
    assert whole.stock_minor == pytest.approx(sum(part.stock_minor for part in parts), abs=3)
    assert whole.lost_minor == pytest.approx(sum(part.lost_minor for part in parts), abs=3)


@given(seed=st.integers(0, 2**32), n=st.integers(5, 40), target=st.floats(1, 120))
def test_the_level_found_is_the_highest_that_keeps_the_target(seed: int, n: int, target: float) -> None:
    sold = shop(n, seed, more=0.05)
    shift = shift_for(sold, target)
    if shift is None:
        assert days(sold, expected(sold, -FARTHEST)) > target
    else:
        assert days(sold, expected(sold, shift)) <= target
        more = days(sold, expected(sold, shift + 2e-3))
        assert shift == FARTHEST or more > 0.999 * target  # days fall by a step of a whole unit here and there


def test_a_third_of_the_days_costs_service() -> None:
    sold = shop(60, 4)
    slow, quick = (shift_for(sold, target) for target in (60.0, 40.0))
    assert slow is not None
    assert quick is not None
    patient, lean = (groups(sold, expected(sold, shift))[-1] for shift in (slow, quick))
    assert lean.stock_minor < patient.stock_minor
    assert lean.fill < patient.fill
    assert lean.lost_minor > patient.lost_minor
    assert 40 * 0.95 <= lean.days <= 40


def test_a_shift_of_nothing_is_the_level_that_is_set() -> None:
    levels = np.array([0.9, 0.975, 0.5])
    assert shifted(levels, 0.0) == pytest.approx(levels, abs=1e-12)


def test_where_nothing_sells_there_are_no_days_and_no_level() -> None:
    none = Demand(np.zeros(4), np.zeros(4), np.zeros(4, dtype=np.bool_))
    sold = replace(shop(4, 1), velocity=np.zeros(4), sd=np.zeros(4), lead=none, cycle=none)
    assert math.isnan(days(sold, expected(sold, 0.0)))
    assert shift_for(sold, 30.0) is None
    assert groups(sold, expected(sold, 0.0))[-1].stock_minor == 0
