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
from bot.domain.cases import KINDS
from bot.domain.classes import ClassRule
from bot.domain.demand import BlendedVelocity
from bot.domain.evidence import STEPS_OF_KIND, evidence
from bot.domain.forecasting.lessons import Law, Lessons, teach
from bot.domain.groups import Groups
from bot.domain.outlook import panel_of
from bot.domain.uplift import lift
from bot.domain.watch import Assessment, Network, Taught, WatchSettings, assess
from bot.words import Words
from tests.domain.catalogue import catalogue, chosen
from tests.domain.reference import slow_ageing, slow_demand
from tests.domain.replaying import replayed

by_place = Groups.by_place
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
    found = teach(panel_of(history, RULES.demand, by_place(network.location)), (Law(35.0, 0.15), Law(28.0, 0.0)))
    assert found is not None
    return found


@cache
def foreseen() -> Assessment:
    """The whole judged by what it teaches."""
    history, routes, positions, network = catalogue(N, DAYS)
    return assess(history, routes, positions, RULES, network, Taught(lessons(), COMING, by_place(network.location)))


@cache
def dated() -> Assessment:
    """The same, with suppliers whose orders go out every 14 days: of every other series today."""
    history, routes, positions, network = catalogue(N, DAYS)
    wait = np.where(np.arange(N) % 2 == 0, 0.0, 3.0)
    routes = replace(routes, review_days=np.full(N, 14.0), review_every=np.full(N, 14.0), review_wait=wait)
    return assess(history, routes, positions, RULES, network, Taught(lessons(), COMING, by_place(network.location)))


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
    taught = Taught(lessons(), COMING, by_place(network.location[rows])) if learned else None
    given_level = replace(routes, service_level=full.supply.service_level)
    alone = assess(*chosen(history, given_level, positions, rows), RULES, taught=taught, classes=full.stock.abc[rows])
    # False-alarm budgets, days on which a place was closed and the network of transfers need the other rows.
    for name in ("demand", "supply", "stock", "surge", "opens", "holds", "money_minor"):
        expected, got = row_of(getattr(full, name), row), row_of(getattr(alone, name), 0)
        assert expected.keys() == got.keys()
        for path, figure in got.items():
            if name in {"opens", "holds"} and path in {"surge", "slump"}:
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
    blended = assess(history, routes, positions, RULES, network, Taught(None, COMING, by_place(network.location)))
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
    blended = assess(history, routes, positions, RULES, network, Taught(None, COMING, by_place(network.location)))
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
    names = {name for names in STEPS_OF_KIND.values() for name in names}
    assert names - seen == untold | {"category_share"}  # that one: see test_newcomers


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
    calm = assess(
        history, routes, positions, RULES, network, Taught(lessons(), None, by_place(network.location))
    ).supply
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
