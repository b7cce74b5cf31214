"""The watch on one series whose figures can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from bot.domain.cases import step
from bot.domain.demand import SeriesHistory
from bot.domain.evidence import evidence
from bot.domain.parts import Parts
from bot.domain.surge import SurgeSettings
from bot.domain.watch import Assessment, Positions, Routes, WatchSettings, assess
from tests.domain.replaying import replayed

RULES = WatchSettings()


def single(
    units: list[int],
    closing: int = 50,
    on_hand: int = 50,
    incoming: dict[int, int] | None = None,
    **more: Any,
) -> Assessment:
    """One series with a lead time of 20 +- 0 days, weekly review, cost 3.00 and price 5.00."""
    arriving = np.zeros((1, 60), dtype=np.int64)
    for day, quantity in (incoming or {}).items():
        arriving[0, day] = quantity
    sold = np.array([units], dtype=np.int32)
    marked = np.zeros(sold.shape, dtype=np.bool_)
    marked[:, sold.shape[1] - more.get("marked", 0) :] = True
    one, days = np.ones(1, dtype=np.int64), np.ones(1)
    shares = more.get("parts", {})
    parts = Parts.of(1, np.zeros(len(shares), np.int64), np.array([*shares], np.int64), np.array([*shares.values()]))
    past = SeriesHistory(date(2011, 1, 1), sold, np.full_like(sold, closing), marked if marked.any() else None)
    return assess(
        replace(past, parts=parts),
        Routes(20 * days, 0 * days, 7 * days, one, 12 * one, 300 * one, 500 * one, service_level=0.95 * days),
        Positions(
            on_hand * one, on_hand * one, arriving, more.get("overdue", 0) * one, more.get("pending", 0) * one, 0 * one
        ),
        more.get("settings", RULES),
    )


def test_a_steady_series_worked_out_by_hand() -> None:
    a = single([4] * 120, on_hand=40)
    assert a.supply.safety_stock[0] == 0
    assert a.supply.reorder_point[0] == pytest.approx(80)
    assert a.supply.order_up_to[0] == pytest.approx(108)
    assert a.supply.runout.cover[0] == pytest.approx(10)
    assert a.supply.runout.gap[0] == pytest.approx(10)
    assert a.supply.order_quantity[0] == 72  # 108 - 40 = 68, in packs of 12
    assert a.supply.order_cost_minor[0] == 72 * 300
    assert a.money_minor["stockout_risk"][0] == 40 * 200  # 10 days x 4 units x 2.00
    assert a.opens["stockout_risk"][0] == 2
    assert a.stock.period.units[0] == 360
    assert a.stock.inventory_turnover[0] == pytest.approx(360 / 50)
    assert a.stock.days_of_inventory[0] == pytest.approx(90 / 7.2)


@pytest.mark.parametrize(("lands", "counted", "ordered"), [(27, 240, 0), (28, 40, 72)])
def test_inbound_that_lands_after_goods_of_the_next_review_spares_no_order(
    lands: int, counted: int, ordered: int
) -> None:
    a = single([4] * 120, on_hand=40, incoming={lands: 200})
    assert (a.supply.position[0], a.supply.counted[0], a.supply.order_quantity[0]) == (240, counted, ordered)
    assert a.opens["stockout_risk"][0] == 2  # the shelf is empty before it in either case
    (step_,) = (one for one in evidence(a, 0)["steps"] if one["name"] == "order_quantity")
    assert replayed(step_) == ordered


@pytest.mark.parametrize(("on_hand", "opens", "holds"), [(81, 0, 1), (80, 1, 1), (88, 0, 1), (89, 0, 0), (20, 3, 3)])
def test_a_stock_out_risk_opens_at_the_reorder_point_and_resolves_a_tenth_above(
    on_hand: int, opens: int, holds: int
) -> None:
    rules = replace(RULES, cases=replace(RULES.cases, gap_release_days=0.0))
    a = single([4] * 120, on_hand=on_hand, settings=rules)
    assert a.opens["stockout_risk"][0] == opens
    assert a.holds["stockout_risk"][0] == holds


def test_an_arrival_in_time_closes_the_gap_and_an_overdue_one_does_not() -> None:
    in_time = single([4] * 120, on_hand=40, incoming={9: 100})
    assert in_time.supply.runout.gap[0] == 0
    assert in_time.opens["stockout_risk"][0] == 0
    assert in_time.opens["late_inbound"][0] == 0
    overdue = single([4] * 120, on_hand=40, overdue=100)
    assert overdue.supply.position[0] == 140
    assert overdue.supply.runout.gap[0] == pytest.approx(10)
    assert not overdue.supply.order_due[0]
    assert overdue.opens["late_inbound"][0] == 2
    assert overdue.opens["stockout_risk"][0] == 2


@pytest.mark.parametrize(("arrives", "opens", "holds"), [(11, 2, 2), (10, 0, 2), (9, 0, 2), (8, 0, 0)])
def test_a_gap_opens_with_the_first_empty_day_and_closes_with_two_days_to_spare(
    arrives: int, opens: int, holds: int
) -> None:
    a = single([4] * 120, on_hand=40, incoming={arrives: 130})  # 40 units last ten days
    assert a.supply.position[0] > a.supply.reorder_point[0] * RULES.cases.position_release
    assert a.opens["stockout_risk"][0] == opens
    assert a.holds["stockout_risk"][0] == holds


def test_a_stock_that_wavers_around_an_arrival_opens_one_case_and_keeps_it() -> None:
    severity, seen = 0, []
    for on_hand in (44, 43) * 4:  # with 44 the arrival is just in time, with 43 it is not
        a = single([4] * 120, on_hand=on_hand, incoming={11: 130})
        severity = int(step(severity, int(a.opens["stockout_risk"][0]), int(a.holds["stockout_risk"][0])))
        seen.append(severity)
    assert seen == [0] + [2] * 7


def test_overdue_goods_are_worse_with_empty_days_ahead_and_worst_when_the_stock_is_out() -> None:
    severities = [single([4] * 120, on_hand=on_hand, overdue=9).opens["late_inbound"][0] for on_hand in (99, 40, 0)]
    assert severities == [1, 2, 3]


@pytest.mark.parametrize(("idle", "severity"), [(29, 0), (30, 1), (60, 2), (90, 3)])
def test_slow_lines_are_thirty_sixty_and_ninety_days_without_a_sale(idle: int, severity: int) -> None:
    a = single([1] * (150 - idle) + [0] * idle, on_hand=5)
    assert a.opens["slow_mover"][0] == severity
    assert bool(a.stock.dead[0]) == (idle >= 90)
    assert a.money_minor["slow_mover"][0] == 1500 + round(1500 * 0.25 * 90 / 365)


def test_cover_beyond_half_a_year_is_slow_and_a_little_less_only_holds() -> None:
    assert single([1] * 120, on_hand=181).opens["slow_mover"][0] == 1
    less = single([1] * 120, on_hand=170)
    assert (less.opens["slow_mover"][0], less.holds["slow_mover"][0]) == (0, 1)
    assert single([1] * 120, on_hand=160).holds["slow_mover"][0] == 0


def test_a_new_series_is_neither_slow_nor_overstocked() -> None:
    new = single([0] * 99 + [1], closing=0, on_hand=500)
    assert new.demand.listed_days[0] == 1
    assert new.opens["slow_mover"][0] == 0
    assert new.opens["overstock"][0] == 0


def test_overstock_is_above_two_packed_cycles_and_the_safety_stock() -> None:
    line = 2 * 108  # one cycle is 27 days x 4 units = 108, nine packs
    assert single([4] * 120, on_hand=line).opens["overstock"][0] == 0
    above = single([4] * 120, on_hand=line + 20)
    assert above.opens["overstock"][0] == 1
    assert above.stock.excess_units[0] == 20
    assert above.money_minor["overstock"][0] == 6000 + round(6000 * 0.25 * 90 / 365)
    assert single([4] * 120, on_hand=2 * line + 1).opens["overstock"][0] == 2


def test_a_surge_is_told_and_worse_when_it_empties_the_shelf() -> None:
    a = single([4] * 100 + [30], on_hand=900)
    assert a.surging[0]
    assert a.opens["surge"][0] == 2
    assert a.money_minor["surge"][0] == 0
    short = single([4] * 100 + [30], on_hand=200)
    assert short.opens["surge"][0] == 3
    rate = (28 * 4 + 0.5) / 29
    wanted = rate * 20 + (30 - rate) * 7  # a lead time of 20 days, a week of it at today's pace
    assert short.money_minor["surge"][0] == round((wanted - 200) * 200)
    quiet = replace(RULES, surge=SurgeSettings(least_units=31))
    assert single([4] * 100 + [30], settings=quiet).opens["surge"][0] == 0


def test_a_slump_is_told_by_how_deep_it_is_and_by_the_margin_of_a_week() -> None:
    for sold, severity in ((3, 0), (2, 1), (1, 2), (0, 3)):
        a = single([6] * 100 + [sold] * 7, on_hand=900)
        assert a.slump.judged[0]
        assert a.opens["slump"][0] == severity, sold
        rate = (28 * 6 + 0.5) / 29
        assert a.money_minor["slump"][0] == round((rate - sold) * 7 * 200)
        assert a.opens["surge"][0] == 0
    steady = single([6] * 107, on_hand=900)
    assert (steady.opens["slump"][0], steady.holds["slump"][0]) == (0, 0)


def test_a_slump_holds_while_so_few_are_rare_and_while_an_event_hides_it() -> None:
    easing = single([6] * 100 + [4] * 7, on_hand=900)
    assert (easing.opens["slump"][0], easing.holds["slump"][0]) == (0, 3)
    over = single([6] * 100 + [5] * 7, on_hand=900)
    assert over.holds["slump"][0] == 0
    hidden = single([6] * 107, on_hand=900, marked=7)
    assert (hidden.opens["slump"][0], hidden.holds["slump"][0]) == (0, 3)
    out = single([6] * 100 + [0] * 7, closing=0, on_hand=0)
    assert (out.opens["slump"][0], out.holds["slump"][0]) == (0, 0)


def test_the_steps_of_a_slump_replay() -> None:
    for sold in (6, 1, 0):
        steps = {each["name"]: each for each in evidence(single([6] * 100 + [sold] * 7, pending=24), 0)["steps"]}
        for name in ("slump_rate", "slump_p_value", "slump_lost_margin"):
            assert replayed(steps[name]) == pytest.approx(steps[name]["result"], rel=1e-6), name


def test_a_series_that_hardly_sells_is_not_kept_in_stock_by_force() -> None:
    a = single([0] * 60 + [1] + [0] * 60, on_hand=0)
    assert a.supply.reorder_point[0] < 1
    assert a.opens["stockout_risk"][0] == 0
    assert a.supply.order_quantity[0] == 0


def test_what_came_in_after_the_last_day_is_young() -> None:
    one = single(units=[0] * 100, closing=40, on_hand=100)
    assert one.stock.ageing[0].tolist() == [60, 0, 0, 40, 0]


def test_evidence_says_what_was_known_and_what_was_shown() -> None:
    a = single([4] * 113 + [4] * 7, on_hand=40, incoming={30: 24})
    told = evidence(a, 0)
    assert told["as_of"] == "2011-04-30"
    assert told["inputs"]["incoming"] == [[30, 24]]
    assert told["windows"][0] == {
        "window": 7, "weight": 0.5, "units": 28.0, "in_stock_days": 7, "base_days": 7, "span_days": 7,
        "left_out_days": 0, "part_days": 0, "part_out_days": 0.0, "marked_days": 0, "raw": 4.0, "corrected": 4.0,
    }  # fmt: skip
    assert told["lying"] == {
        "idle_days": 0, "days_since_sale": 0, "idle_lines": [30, 60, 90], "cover_line": 180.0,
    }  # fmt: skip
    assert told["classes"] == {"abc": "A", "xyz": "X"}
    assert told["severity"]["stockout_risk"] == 2
    assert told["money_minor"]["stockout_risk"] == 80 * 200  # out after 10 days, relieved after 30
