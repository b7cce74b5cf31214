from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.leadtime import Deliveries, LeadTimeSettings, Stated, learn, quantiles

Row = tuple[int, int, int, int, int, int, float]  # order, supplier, location, mode, product, units, days


def deliveries(*rows: Row) -> Deliveries:
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    order, supplier, location, mode, product, units = table[:, :6].astype(np.int64).T
    return Deliveries(order, supplier, location, mode, product, units, table[:, 5] * table[:, 6])


def stated(*rows: tuple[int, int, int, int, float, float]) -> Stated:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    supplier, location, mode, product = table[:, :4].astype(np.int64).T
    return Stated(supplier, location, mode, product, table[:, 4], table[:, 5])


def test_without_deliveries_the_stated_lead_time_stands() -> None:
    found = learn(stated((1, 1, 0, 0, 35, 7)), deliveries())
    assert (found.days.tolist(), found.sd.tolist(), found.observations.tolist()) == ([35], [7], [0])


def test_one_order_moves_the_plan_by_a_quarter_of_the_way() -> None:
    found = learn(stated((1, 1, 0, 0, 35, 7)), deliveries((1, 1, 1, 0, 5, 240, 43)))
    assert found.days.tolist() == [37]  # (3 x 35 + 43) / 4
    assert found.observations.tolist() == [1]
    assert found.sd[0] == pytest.approx(((3 * 49 + 0.75 * 64) / 4) ** 0.5)


def test_an_order_that_came_in_parts_counts_once_by_its_units() -> None:
    parts = deliveries((1, 1, 1, 0, 5, 30, 30), (1, 1, 1, 0, 6, 10, 50))
    assert learn(stated((1, 1, 0, 0, 35, 7)), parts).observations.tolist() == [1]
    assert learn(stated((1, 1, 0, 0, 35, 7)), parts).days.tolist() == [35]  # 30 units at 30 and 10 at 50: 35


def test_a_route_of_a_product_learns_from_that_product_alone() -> None:
    seen = deliveries((1, 1, 1, 0, 5, 10, 45), (2, 1, 1, 0, 6, 10, 25))
    found = learn(stated((1, 1, 0, 5, 35, 7), (1, 1, 0, 6, 35, 7), (1, 1, 0, 0, 35, 7), (1, 1, 0, 7, 35, 7)), seen)
    assert found.days.tolist() == [37.5, 32.5, 35, 35]
    assert found.observations.tolist() == [1, 1, 2, 0]


def test_suppliers_places_and_modes_do_not_mix() -> None:
    seen = deliveries((1, 1, 1, 0, 5, 10, 45))
    others = stated((2, 1, 0, 0, 35, 7), (1, 2, 0, 0, 35, 7), (1, 1, 1, 0, 35, 7))
    assert learn(others, seen).observations.tolist() == [0, 0, 0]


def test_many_orders_settle_it() -> None:
    seen = deliveries(*((number, 1, 1, 0, 5, 10, 41 + number % 2) for number in range(300)))
    found = learn(stated((1, 1, 0, 0, 35, 7)), seen)
    assert found.days[0] == pytest.approx(41.5, abs=0.1)
    assert found.sd[0] < 1.2


def test_a_delivery_is_never_before_its_order() -> None:
    found = learn(stated((1, 1, 0, 0, 4, 1)), deliveries((1, 1, 1, 0, 5, 10, -50)), LeadTimeSettings(prior=1))
    assert found.days[0] > 0


def test_one_absurd_delivery_moves_the_plan_no_further_than_one_of_three_times_the_usual() -> None:
    route = stated((1, 1, 0, 0, 35, 7))
    usual = [(number, 1, 1, 0, 5, 10, 35.0) for number in range(2, 8)]
    calm = learn(route, deliveries(*usual))
    for absurd in (400.0, 100_000.0):
        found = learn(route, deliveries((1, 1, 1, 0, 5, 10, absurd), *usual))
        assert found.days[0] - calm.days[0] <= 2.25 * 35 / 10 + 1e-9
        assert found.sd[0] < 35
    alone = learn(route, deliveries((1, 1, 1, 0, 5, 10, 400.0)))
    assert alone.days[0] == (3 * 35 + 3.25 * 35) / 4


def test_a_supplier_who_is_truly_slower_is_believed_after_a_few_orders() -> None:
    seen = deliveries(*((number, 1, 1, 0, 5, 10, 90.0 + number % 3) for number in range(9)))
    found = learn(stated((1, 1, 0, 0, 35, 7)), seen)
    assert found.days[0] == pytest.approx((3 * 35 + 9 * 91) / 12)


@given(
    days=st.lists(st.floats(0.5, 200), min_size=1, max_size=30),
    mean=st.floats(0.5, 200),
    sd=st.floats(0, 50),
)
def test_what_is_learned_is_the_textbook_s_of_what_was_drawn_in(days: list[float], mean: float, sd: float) -> None:
    seen = deliveries(*((number, 1, 1, 0, 5, 10, each) for number, each in enumerate(days)))
    found = learn(stated((1, 1, 0, 0, mean, sd)), seen)
    drawn = drawn_in(days, mean, sd)
    average = float(np.mean(drawn))
    assert min(mean, average) - 1e-9 <= found.days[0] <= max(mean, average) + 1e-9
    n, k = len(days), 3.0
    square = sum((each - average) ** 2 for each in drawn)
    wanted = (k * sd**2 + square + k * n / (k + n) * (average - mean) ** 2) / (k + n)
    assert found.sd[0] ** 2 == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def drawn_in(days: list[float], mean: float, sd: float) -> list[float]:
    """The observations winsorised one by one, in plain Python."""
    centre = median([*days, mean, mean, mean])
    spread = 1.4826 * median([*(abs(each - centre) for each in days), *[sd / 1.4826] * 3])
    limit = 3 * max(spread, sd, 0.75 * centre)
    return [min(max(each, centre - limit), centre + limit) for each in days]


def median(values: list[float]) -> float:
    return sorted(values)[(len(values) + 1) // 2 - 1]


@given(days=st.floats(1, 200), cv=st.floats(0, 1.5))
def test_quantiles_ascend_and_have_the_mean_and_deviation(days: float, cv: float) -> None:
    levels = (np.arange(2_000) + 0.5) / 2_000
    (found,) = quantiles(np.array([days]), np.array([cv * days]), levels)
    assert (np.diff(found) >= 0).all()
    assert found.mean() == pytest.approx(days, rel=0.01)
    assert found.std() == pytest.approx(cv * days, rel=0.08, abs=1e-6)


@pytest.mark.parametrize("sd", [0.0, 3.0])
def test_goods_that_are_here_at_once_have_finite_quantiles(sd: float) -> None:
    assert np.isfinite(quantiles(np.array([0.0]), np.array([sd]), np.array([0.05, 0.5, 0.95]))).all()
