"""Review dates: how long until the next one, and what must be left on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.classes import ClassRule, reviews
from bot.domain.evidence import evidence
from bot.domain.replenishment import span_demand
from bot.domain.reviewdates import days_to_review, next_chance
from bot.domain.watch import Assessment, assess
from tests.domain.catalogue import catalogue
from tests.domain.replaying import replayed
from tests.domain.test_watch import RULES

N, DAYS = 60, 150


@given(first=st.integers(0, 40_000), every=st.integers(1, 90), today=st.integers(0, 40_000))
def test_a_review_date_is_a_whole_number_of_intervals_from_the_first_and_the_next_one(
    first: int, every: int, today: int
) -> None:
    (wait,) = days_to_review(np.array([first]), np.array([every]), np.array([today]))
    assert 0 <= wait < every
    assert (today + wait - first) % every == 0


def test_suppliers_without_dates_have_none_and_the_next_chance_is_after_today() -> None:
    every, days = np.array([0, 14, 14]), np.full(3, 7.0)
    wait = days_to_review(np.array([0, 100, 100]), every, np.full(3, 93))
    assert np.isnan(wait[0])
    assert wait.tolist()[1:] == [7.0, 7.0]
    assert next_chance(days, every.astype(float), np.array([np.nan, 0.0, 5.0])).tolist() == [7.0, 14.0, 5.0]
    assert next_chance(days, None, None) is days


def test_a_class_is_reviewed_on_dates_of_its_supplier_alone() -> None:
    every = np.array([0.0, 14.0, 14.0, 14.0])
    usual = np.where(every > 0, every, 7.0)
    rules = (ClassRule("AX", None, 10.0), ClassRule("CZ", None, 20.0))
    abc, xyz = np.array([0, 0, 2, 1]), np.array([0, 0, 2, 1])
    assert reviews(usual, rules, abc, xyz, every).tolist() == [10.0, 14.0, 28.0, 14.0]


def on(wait: float | None, more: tuple[ClassRule, ...] = ()) -> Assessment:
    """The catalogue, ordered from every 14 days; the next date is so many days away."""
    history, routes, positions, network = catalogue(N, DAYS)
    if wait is not None:
        dates: dict[str, Any] = {"review_every": np.full(N, 14.0), "review_wait": np.full(N, wait)}
        routes = replace(routes, review_days=np.full(N, 14.0), **dates)
    rules = replace(RULES, replenishment=replace(RULES.replenishment, classes=more))
    return assess(history, routes, positions, rules, network)


def test_on_a_date_everything_is_due_that_must_last_until_goods_of_the_next_one_are_here() -> None:
    today, before = on(0.0), on(3.0)
    assert today.supply.review_point.tolist() == today.supply.order_up_to.tolist()
    assert before.supply.review_point.tolist() == before.supply.reorder_point.tolist()
    more = (today.supply.order_quantity > 0) & (before.supply.order_quantity == 0)
    assert more.any()
    level = today.supply.reorder_point[more]
    assert ((today.supply.counted[more] > level) | (level < 1)).all()
    assert (today.supply.order_quantity[~more] == before.supply.order_quantity[~more]).all()
    for kind, severity in before.opens.items():  # the date makes orders due, and no case worse
        assert severity.tolist() == today.opens[kind].tolist()


def test_a_class_that_is_ordered_every_other_date_is_due_only_where_it_would_not_last_to_the_next() -> None:
    rules = tuple(ClassRule(f"{abc}{xyz}", None, 28.0) for abc in "ABC" for xyz in "XYZ")
    seldom, often = on(0.0, rules), on(0.0)
    assert seldom.supply.review_point.tolist() == often.supply.review_point.tolist()
    selling = often.demand.velocity > 0
    assert (seldom.supply.order_up_to >= often.supply.order_up_to).all()
    assert (seldom.supply.order_up_to > often.supply.order_up_to)[selling].mean() > 0.9


def test_why_replays_the_order_of_a_review_date() -> None:
    found = on(0.0)
    rows = np.flatnonzero((found.supply.order_quantity > 0) & ~found.supply.order_due)
    assert len(rows)
    for row in rows[:5].tolist():
        stored = json.loads(json.dumps(evidence(found, row), allow_nan=False))
        assert stored["inputs"]["review_wait"] == 0.0
        (step,) = (one for one in stored["steps"] if one["name"] == "order_quantity")
        units = replayed(step)
        assert units == step["result"] == found.supply.order_quantity[row]


def kept(level: float, *, reviewed: bool) -> float:
    """The share of cycles without a stock-out of a product ordered every 14 days, of a lead time of 21 days."""
    rate, lead, every, cycles = 10.0, 21, 14, 3_000
    one = np.ones(1)
    point, top = (
        float((span.mean + span.safety_stock)[0])
        for span in (
            span_demand(rate * one, rate**0.5 * one, days * one, 0 * one, level * one, one < 0, "gamma")
            for days in (lead + every if reviewed else lead, lead + every)
        )
    )
    random = np.random.default_rng(7)
    demand = random.poisson(rate, cycles * every)
    arriving = np.zeros(len(demand) + lead + 1)
    stock, position, whole = top, top, 0
    for start in range(0, len(demand), every):
        if position <= point:
            arriving[start + lead] += top - position
            position = top
        short = False
        for day in range(start, start + every):
            stock += arriving[day]
            stock, position = stock - demand[day], position - demand[day]
            short |= stock < 0
        whole += not short
    return whole / cycles


@pytest.mark.parametrize("level", [0.9, 0.975])
def test_the_promised_service_needs_the_review_inside_the_reorder_point(level: float) -> None:
    assert kept(level, reviewed=True) > level - 0.02
    assert kept(level, reviewed=False) < level - 0.15
