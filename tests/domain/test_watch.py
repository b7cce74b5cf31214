"""The whole watch: rows stand alone, figures follow from each other, and evidence replays them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.domain.calendar import Event
from bot.domain.cases import KINDS, step
from bot.domain.classes import ClassRule
from bot.domain.demand import BlendedVelocity, SeriesHistory
from bot.domain.evidence import STEPS_OF_KIND, evidence
from bot.domain.forecasting.lessons import Law, Lessons, teach
from bot.domain.outlook import panel_of
from bot.domain.surge import SurgeSettings
from bot.domain.uplift import lift
from bot.domain.watch import Assessment, Network, Positions, Routes, Taught, WatchSettings, assess
from bot.words import Words
from tests.domain.catalogue import catalogue, chosen
from tests.domain.reference import slow_ageing, slow_demand
from tests.domain.replaying import replayed

RULES = WatchSettings()
FORESEEN = {
    "lead_time_days", "lead_time_median", "lead_time_p80", "lead_time_p95", "lead_time_quantile", "cycle_days",
    "cycle_quantile",
}  # fmt: skip
JOINT = {name for name in STEPS_OF_KIND["stockout_risk"] if name.startswith("joint")} | {"review_point"}
SALE = Event("sale", Words("Sale"), "demand", date(2011, 5, 8), date(2011, 5, 10), frozenset(), 3.0, "test")
COMING = lift({place: date(2011, 5, 1) for place in range(8)}, {place: [SALE] for place in range(0, 8, 2)}, {})
N, DAYS = 240, 200


@cache
def whole() -> Assessment:
    history, routes, positions, network = catalogue(N, DAYS)
    return assess(history, routes, positions, RULES, network)


@cache
def lessons() -> Lessons:
    """What the catalogue itself teaches."""
    history, _routes, _positions, network = catalogue(N, DAYS)
    found = teach(panel_of(history, RULES.demand, network.location), (Law(35.0, 0.15), Law(28.0, 0.0)))
    assert found is not None
    return found


@cache
def foreseen() -> Assessment:
    """The whole judged by what it teaches."""
    history, routes, positions, network = catalogue(N, DAYS)
    return assess(history, routes, positions, RULES, network, Taught(lessons(), COMING, network.location))


@cache
def dated() -> Assessment:
    """The same, with suppliers whose orders go out every 14 days: of every other series today."""
    history, routes, positions, network = catalogue(N, DAYS)
    wait = np.where(np.arange(N) % 2 == 0, 0.0, 3.0)
    routes = replace(routes, review_days=np.full(N, 14.0), review_every=np.full(N, 14.0), review_wait=wait)
    return assess(history, routes, positions, RULES, network, Taught(lessons(), COMING, network.location))


def row_of(value: object, row: int) -> dict[str, NDArray[Any]]:
    """Every array of an assessment's figures at one row, by path."""
    found: dict[str, NDArray[Any]] = {}
    if isinstance(value, np.ndarray):
        return {"": value[row]}
    if is_dataclass(value):
        for field in fields(value):
            for path, array in row_of(getattr(value, field.name), row).items():
                found[f"{field.name}.{path}"] = array
    elif isinstance(value, dict):
        for name, part in value.items():
            found[name] = part[row]
    return found


@settings(max_examples=80, deadline=None)
@given(row=st.integers(0, N - 1), learned=st.booleans())
def test_one_series_alone_gets_the_figures_of_its_row(row: int, *, learned: bool) -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    rows = np.array([row])
    full = foreseen() if learned else whole()
    taught = Taught(lessons(), COMING, network.location[rows]) if learned else None
    given_level = replace(routes, service_level=full.supply.service_level)
    alone = assess(*chosen(history, given_level, positions, rows), RULES, taught=taught, classes=full.stock.abc[rows])
    # The false-alarm budget of surges and the network of transfers need the other rows.
    for name in ("demand", "supply", "stock", "surge", "opens", "holds", "money_minor"):
        expected, got = row_of(getattr(full, name), row), row_of(getattr(alone, name), 0)
        assert expected.keys() == got.keys()
        for path, figure in got.items():
            if (name, path) in {("opens", "surge"), ("holds", "surge")}:
                continue
            np.testing.assert_allclose(figure, expected[path], rtol=1e-9, atol=1e-9, err_msg=f"{name}.{path}")


def test_the_order_of_the_rows_does_not_matter() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    shuffled = np.random.default_rng(5).permutation(N)
    moved = Network(network.sku[shuffled], network.location[shuffled], network.transfer_days)
    again = assess(*chosen(history, routes, positions, shuffled), RULES, moved)
    for kind in KINDS:
        assert again.opens[kind].tolist() == whole().opens[kind][shuffled].tolist()
        assert again.money_minor[kind].tolist() == whole().money_minor[kind][shuffled].tolist()


def test_the_catalogue_has_cases_of_every_kind_and_severity_counts() -> None:
    for kind in KINDS:
        opens, holds = whole().opens[kind], whole().holds[kind]
        assert (opens > 0).any(), kind
        assert (opens == 0).any(), kind
        assert (holds >= opens).all(), kind
        assert whole().money_minor[kind].dtype == np.int64
        assert (whole().money_minor[kind] >= 0).all()


def test_velocity_and_ageing_equal_the_slow_reference_on_every_row() -> None:
    history, _, positions, _ = catalogue(N, DAYS)
    unmarked = replace(history, marked=None)
    demand = BlendedVelocity().estimate(unmarked, RULES.demand)
    assert history.receipts is not None
    for row in range(N):
        slow = slow_demand(history.units[row].tolist(), history.on_hand[row].tolist(), RULES.demand)
        assert demand.velocity[row] == pytest.approx(slow.velocity)
        assert demand.sd[row] == pytest.approx(slow.sd, abs=1e-6)
        receipts = history.receipts[row].tolist()
        aged = whole().stock.ageing[row].tolist()
        assert sum(aged) == positions.on_hand[row]
        if positions.on_hand[row] == history.on_hand[row, -1]:
            assert aged == slow_ageing(receipts, int(positions.on_hand[row]), RULES.ageing.bucket_edges)


def test_what_came_in_after_the_last_day_is_young() -> None:
    one = single(units=[0] * 100, closing=40, on_hand=100)
    assert one.stock.ageing[0].tolist() == [60, 0, 0, 40, 0]


def test_stale_series_are_not_judged_and_their_cases_are_left_as_they_are() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    stale = replace(positions, stale=np.ones(N, dtype=np.bool_))
    silent = assess(history, routes, stale, RULES, network)
    for kind in KINDS:
        if kind == "data_stale":
            assert (silent.opens[kind] > 0).all()
        else:
            assert (silent.opens[kind] == 0).all()
            assert (silent.holds[kind] == 3).all()
    fresh = assess(history, routes, replace(positions, stale=None), RULES, network)
    assert not fresh.opens["data_stale"].any()


def test_slow_and_overstock_do_not_both_open() -> None:
    both = (whole().opens["slow_mover"] > 0) & (whole().opens["overstock"] > 0)
    assert not both.any()


def test_a_pending_request_stops_the_same_purchase_from_being_proposed_twice() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    first = assess(history, routes, positions, RULES, network)
    asked = replace(positions, pending=positions.pending + first.supply.order_quantity)
    again = assess(history, routes, asked, RULES, network)
    assert first.supply.order_due.any()
    assert not again.supply.order_quantity[first.supply.order_due].any()


def test_transfers_leave_the_donor_its_own_order_up_to() -> None:
    a, (_, _, positions, network) = whole(), catalogue(N, DAYS)
    taken = np.flatnonzero(a.transfers.quantity)
    assert taken.size
    for row in taken:
        donor = a.transfers.donor[row]
        assert network.sku[donor] == network.sku[row]
        given_away = a.transfers.quantity[a.transfers.donor == donor].sum()
        assert positions.available[donor] - given_away >= a.supply.order_up_to[donor]


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
    one, days = np.ones(1, dtype=np.int64), np.ones(1)
    return assess(
        SeriesHistory(date(2011, 1, 1), sold, np.full_like(sold, closing)),
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


def test_a_series_that_hardly_sells_is_not_kept_in_stock_by_force() -> None:
    a = single([0] * 60 + [1] + [0] * 60, on_hand=0)
    assert a.supply.reorder_point[0] < 1
    assert a.opens["stockout_risk"][0] == 0
    assert a.supply.order_quantity[0] == 0


def test_without_a_route_the_lead_time_is_assumed_and_said_to_be() -> None:
    history, routes, positions, _ = catalogue(N, DAYS)
    assumed = np.isnan(routes.lead_time_days)
    assert whole().supply.lead_time_assumed.tolist() == assumed.tolist()
    assert (whole().supply.lead_time[assumed] == RULES.replenishment.assumed_lead_time_days).all()
    assert np.isfinite(whole().supply.reorder_point).all()
    assert history.series == positions.on_hand.size


def test_service_follows_the_abc_class_unless_given() -> None:
    levels = np.array(RULES.replenishment.service_levels)[whole().stock.abc]
    assert whole().supply.service_level.tolist() == levels.tolist()


def test_a_class_with_a_rule_of_its_own_is_planned_by_it_and_no_other_class_is() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    rules = replace(RULES.replenishment, classes=(ClassRule("CZ", 0.8, 21.0), ClassRule("AX", None, 14.0)))
    found = assess(history, routes, positions, replace(RULES, replenishment=rules), network)
    cz, ax = ((found.stock.abc == kind) & (found.stock.xyz == kind) for kind in (2, 0))
    assert cz.any()
    assert ax.any()
    assert set(found.supply.service_level[cz]) == {0.8}
    assert (found.supply.service_level[~cz] == whole().supply.service_level[~cz]).all()
    assert found.routes.review_days.tolist() == np.where(cz, 21.0, np.where(ax, 14.0, 7.0)).tolist()
    same = ~(cz | ax)
    assert (found.supply.order_up_to[same] == whole().supply.order_up_to[same]).all()
    assert (found.supply.cycle_demand.mean[cz] >= whole().supply.cycle_demand.mean[cz]).all()


def test_what_was_taught_takes_the_place_of_the_blend_and_says_so() -> None:
    a, ahead = foreseen(), foreseen().outlook
    assert ahead is not None
    assert a.demand.velocity.tolist() == ahead.velocity.tolist()
    assert a.supply.lead_demand.mean.tolist() == (ahead.velocity * a.supply.lead_days).tolist()
    np.testing.assert_allclose(a.supply.reorder_point, np.maximum(ahead.lead.quantile[:, 0], ahead.lead.mean))
    np.testing.assert_allclose(a.supply.order_up_to, np.maximum(ahead.cycle.quantile[:, 0], ahead.cycle.mean))
    assert evidence(a, 0)["windows"][0]["weight"] is None
    assert a.demand.corrected.tolist() == whole().demand.corrected.tolist()


def test_events_ahead_make_days_count_as_more_with_and_without_lessons() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    blended = assess(history, routes, positions, RULES, network, Taught(None, COMING, network.location))
    at_sale = network.location % 2 == 0
    for a in (blended, foreseen()):
        long = a.supply.lead_time >= 10  # three days that sell three times the usual lie within
        extra = np.where(at_sale & long, 6.0, 0.0)
        some = long | ~at_sale
        np.testing.assert_allclose((a.supply.lead_days - a.supply.lead_time)[some], extra[some])
        np.testing.assert_allclose(a.supply.lead_demand.mean, a.demand.velocity * a.supply.lead_days)
    assert blended.outlook is None
    assert (blended.supply.reorder_point >= whole().supply.reorder_point - 1e-9).all()
    assert (blended.supply.reorder_point > whole().supply.reorder_point + 1).any()
    row = int(np.flatnonzero(at_sale & (blended.supply.lead_time >= 10))[0])
    told = {step["name"]: step for step in evidence(foreseen(), row)["steps"]}
    assert told["lead_time_days"]["values"]["events"] == pytest.approx(6.0)


def test_what_is_ordered_for_events_is_no_excess_and_days_of_events_are_judged_for_surges() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    blended = assess(history, routes, positions, RULES, network, Taught(None, COMING, network.location))
    long = (network.location % 2 == 0) & (blended.supply.lead_time >= 10) & (blended.demand.velocity > 1)
    assert (blended.stock.cycle_stock[long] > whole().stock.cycle_stock[long]).any()
    assert (blended.stock.cycle_stock >= whole().stock.cycle_stock).all()
    in_event = np.zeros((N, DAYS), dtype=np.bool_)
    in_event[:, -24:] = True
    during = assess(replace(history, marked=in_event), routes, positions, RULES, network)
    assert during.surge.judged.tolist() == whole().surge.judged.tolist()
    assert during.surge.judged.any()


def test_arrays_of_another_length_are_refused_by_name() -> None:
    history, routes, positions, network = catalogue(12, 40)
    with pytest.raises(ValueError, match="pending has the shape"):
        assess(history, routes, replace(positions, pending=positions.pending[:5]), RULES)
    with pytest.raises(ValueError, match="incoming has the shape"):
        assess(history, routes, replace(positions, incoming=positions.incoming[:5]), RULES)
    with pytest.raises(ValueError, match="sku has the shape"):
        assess(history, routes, positions, RULES, replace(network, sku=network.sku[:5]))


def test_an_empty_catalogue_and_a_single_day_are_no_errors() -> None:
    history, routes, positions, network = catalogue(0, 40)
    assert assess(history, routes, positions, RULES, network).series == 0
    history, routes, positions, network = catalogue(8, 1)
    assert assess(history, routes, positions, RULES, network).series == 8


def by_shape(distribution: Literal["negative_binomial", "gamma"]) -> Assessment:
    history, routes, positions, network = catalogue(N, DAYS)
    rules = replace(RULES, replenishment=replace(RULES.replenishment, skewed=distribution))
    return assess(history, routes, positions, rules, network)


@pytest.mark.parametrize(
    ("judged", "untold"),
    [
        (lambda: by_shape("negative_binomial"), FORESEEN | JOINT),
        (lambda: by_shape("gamma"), FORESEEN | JOINT),
        (foreseen, JOINT),
        (dated, set()),
    ],
    ids=["negative_binomial", "gamma", "taught", "on a date"],
)
def test_evidence_replays_every_figure_from_what_was_stored(judged: Callable[[], Assessment], untold: set[str]) -> None:
    a = judged()
    seen = set()
    for row in range(0, N, 3):
        stored = json.loads(json.dumps(evidence(a, row), allow_nan=False))
        for taken in stored["steps"]:
            seen.add(taken["name"])
            assert replayed(taken) == pytest.approx(taken["result"], rel=1e-6, abs=1e-6), (row, taken)
    assert {name for names in STEPS_OF_KIND.values() for name in names} - seen == untold


def test_what_goes_with_the_orders_of_a_date_is_told_on_that_date_alone() -> None:
    a = dated()
    events = set()
    for row in range(40):
        told = {step["name"]: step for step in evidence(a, row)["steps"]}
        assert (told.keys() >= JOINT - {"joint_days", "joint_quantile"}) == (row % 2 == 0)
        if row % 2 == 0:
            assert told["review_point"]["result"] == float(a.supply.review_point[row])
            events |= {told["joint_days"]["values"]["events"]} if "joint_days" in told else set()
    assert events == {6.0}


def test_a_festival_ahead_shortens_cover_and_brings_the_stock_out_nearer() -> None:
    history, routes, positions, network = catalogue(N, DAYS)
    calm = assess(history, routes, positions, RULES, network, Taught(lessons(), None, network.location)).supply
    busy, here = foreseen().supply, network.location % 2 == 0
    before = np.isfinite(calm.runout.cover) & (calm.runout.cover <= 7)  # the sale begins after seven days
    same = before | ~here | ~np.isfinite(calm.runout.cover)
    np.testing.assert_array_equal(busy.runout.cover[same], calm.runout.cover[same])
    after = here & np.isfinite(calm.runout.cover) & (calm.runout.cover >= 16)  # three days of thrice the usual
    np.testing.assert_allclose(busy.runout.cover[after], calm.runout.cover[after] - 6.0)
    assert after.any()
    still = ~(busy.runout.landing < calm.runout.landing)
    assert (busy.runout.stockout[still] <= calm.runout.stockout[still]).all()
    assert (busy.runout.landing <= calm.runout.landing).all()
    relieved = (busy.runout.relief == calm.runout.relief) & still
    assert (busy.lost_units[relieved] >= calm.lost_units[relieved] - 1e-9).all()
    assert (busy.lost_units > calm.lost_units + 1)[here].any()
    told = next(
        step for step in evidence(foreseen(), int(np.flatnonzero(after)[0]))["steps"] if step["name"] == "days_of_cover"
    )
    assert (told["formula"], told["values"]["events"]) == ("stock / d - events", pytest.approx(6.0))


def test_evidence_says_what_was_known_and_what_was_shown() -> None:
    a = single([4] * 113 + [4] * 7, on_hand=40, incoming={30: 24})
    told = evidence(a, 0)
    assert told["as_of"] == "2011-04-30"
    assert told["inputs"]["incoming"] == [[30, 24]]
    assert told["windows"][0] == {
        "window": 7, "weight": 0.5, "units": 28.0, "in_stock_days": 7, "base_days": 7, "span_days": 7,
        "left_out_days": 0, "marked_days": 0, "raw": 4.0, "corrected": 4.0,
    }  # fmt: skip
    assert told["lying"] == {
        "idle_days": 0, "days_since_sale": 0, "idle_lines": [30, 60, 90], "cover_line": 180.0,
    }  # fmt: skip
    assert told["classes"] == {"abc": "A", "xyz": "X"}
    assert told["severity"]["stockout_risk"] == 2
    assert told["money_minor"]["stockout_risk"] == 80 * 200  # out after 10 days, relieved after 30
