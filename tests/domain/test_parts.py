"""Parts of days: what they count for, and that they count as in the files that evaluations read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory, day_masks, day_shares, without_spikes
from bot.domain.evidence import evidence
from bot.domain.fingerprint import Fingerprints
from bot.domain.forecasting.lessons import Law, Lessons, teach
from bot.domain.groups import Groups
from bot.domain.outlook import Question, outlook, panel_of
from bot.domain.parts import Parts
from tests.domain.reference import slow_demand
from tests.domain.test_watch_by_hand import single

FIRST = date(2024, 1, 1)
RULES = DemandSettings()


def history(units: object, on_hand: object, parts: dict[tuple[int, int], float] | None = None) -> SeriesHistory:
    """A history; `parts`: (row, column) -> share."""
    sold, stock = np.asarray(units, dtype=np.int64), np.asarray(on_hand, dtype=np.int64)
    places = np.array(list(parts or {}), dtype=np.int64).reshape(-1, 2)
    shares = np.array(list((parts or {}).values()), dtype=np.float64)
    return SeriesHistory(FIRST, sold, stock, parts=Parts.of(len(sold), places[:, 0], places[:, 1], shares))


def test_a_day_sold_out_at_noon_counts_as_half_a_day() -> None:
    """Ten a day were asked for; the day that ended at noon sold five, and the one after it nothing."""
    units, stock = [10] * 118 + [5, 0], [50] * 118 + [0, 0]
    whole = BlendedVelocity().estimate(history([units], [stock]), RULES)
    parts = BlendedVelocity().estimate(history([units], [stock], {(0, 118): 0.5}), RULES)
    assert whole.corrected[0, 0] == pytest.approx(65 / 7)
    assert parts.corrected[0] == pytest.approx([10, 10, 10])
    assert parts.in_stock_days[0].tolist() == [7.5, 30.5, 90.5]  # back by whole days until enough are in it
    assert (parts.left_out_days[0].tolist(), parts.part_days[0].tolist()) == ([1, 1, 1], [1, 1, 1])
    assert parts.part_out_days[0].tolist() == [0.5, 0.5, 0.5]
    assert parts.sd[0] == pytest.approx(np.std([10] * 90 + [5], ddof=1))  # the day that sold out is one of them


def test_a_part_of_a_day_with_few_sales_is_not_left_out_as_a_whole() -> None:
    units, stock = [10] * 29 + [1], [50] * 29 + [0]
    assert day_masks(history([units], [stock]), RULES).stocked_out[0, -1]
    found = day_shares(history([units], [stock], {(0, 29): 0.125}), RULES)
    assert not found.masks.stocked_out[0, -1]
    assert found.share[0, -2:].tolist() == [1, 0.125]
    assert day_masks(history([units], [stock], {(0, 29): 0.125}), RULES).stocked_out[0, -1]  # surges see whole days


def test_a_part_of_a_marked_day_does_not_count_and_one_before_the_listing_neither() -> None:
    days = history([[0, 10, 10, 5]], [[0, 50, 50, 0]], {(0, 0): 0.5, (0, 3): 0.5})
    marked = replace(days, marked=np.array([[False, False, False, True]]))
    assert day_shares(days, RULES).share.tolist() == [[0, 1, 1, 0.5]]
    found = day_shares(marked, RULES)
    assert found.share.tolist() == [[0, 1, 1, 0]]
    assert found.parts is not None
    assert not len(found.parts.row)
    assert BlendedVelocity().estimate(marked, RULES).marked_days[0].tolist() == [1, 1, 1]


def test_forecasters_see_the_share_that_a_file_would_tell() -> None:
    units, stock = [[4, 3, 0, 2]], [[9, 0, 0, 8]]
    told = history(units, stock, {(0, 1): 0.75, (0, 3): 0.25})
    panel = panel_of(told, RULES, Groups.by_place(np.zeros(1, dtype=np.int64)))
    assert panel.in_stock is not None
    assert panel.in_stock.tolist() == [[1, 0.75, 0, 0.25]]
    assert panel.in_stock.dtype == np.float32


@cache
def lessons() -> Lessons:
    rng = np.random.default_rng(3)
    units = rng.poisson(rng.gamma(2.0, 2.0, (300, 1)), (300, 200))
    found = teach(panel_of(history(units, np.full(units.shape, 9)), RULES, by_place(300)), (Law(14.0, 0.0),))
    assert found is not None
    return found


def by_place(n: int) -> Groups:
    return Groups.by_place(np.zeros(n, dtype=np.int64))


def test_velocities_by_what_was_taught_are_those_of_hours_in_stock() -> None:
    """Every third day ends at a time drawn for it: what is sold by then tells the same rate as whole days do."""
    rng = np.random.default_rng(4)
    rate, share = rng.gamma(2.0, 2.0, (400, 1)), np.ones((400, 180))
    share[:, ::3] = rng.uniform(0.1, 0.9, (400, 60)).astype(np.float32)
    units, stock = rng.poisson(rate * share), np.where(share < 1, 0, 50)
    cells = {(row, column): float(share[row, column]) for row, column in zip(*np.nonzero(share < 1), strict=True)}
    n = np.full(400, 14.0)
    question = Question(n, n + 7, None, n * 0, np.full(400, 0.9), by_place(400))
    velocity = {}
    for name, days in (("whole", history(units, stock)), ("parts", history(units, stock, cells))):
        found = outlook(days, BlendedVelocity().estimate(days, RULES), RULES, lessons(), question)
        velocity[name] = float(found.velocity.sum())
    assert velocity["parts"] == pytest.approx(float(rate.sum()), rel=0.04)
    assert velocity["whole"] < 0.95 * float(rate.sum())


def test_what_was_in_stock_on_no_whole_day_scatters_as_poisson_sales_do() -> None:
    share = {(0, day): 0.5 for day in range(100)}
    days = history(np.full((1, 100), 5), np.zeros((1, 100)), share)
    one = np.ones(1)
    question = Question(14 * one, 21 * one, None, 0 * one, 0.9 * one, by_place(1))
    found = outlook(days, BlendedVelocity().estimate(days, RULES), RULES, lessons(), question)
    assert found.velocity[0] == pytest.approx(10, rel=0.1)
    assert found.daily_sd[0] == pytest.approx(np.sqrt(found.velocity[0]))


@st.composite
def told(draw: st.DrawFn) -> tuple[SeriesHistory, dict[tuple[int, int], float]]:
    n, days = draw(st.integers(1, 4)), draw(st.integers(1, 130))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = rng.poisson(rng.choice([0.05, 0.7, 5.0], (n, 1)), (n, days))
    units[rng.random((n, days)) < 0.02] = 90
    stock = np.where(rng.random((n, days)) < draw(st.sampled_from([0.0, 0.2, 0.9])), 0, 30)
    cells = np.argwhere(rng.random((n, days)) < draw(st.sampled_from([0.0, 0.1, 0.6])))
    shares = rng.uniform(0.001, 0.999, len(cells)).astype(np.float32).tolist()
    parts = {(row, column): share for (row, column), share in zip(cells.tolist(), shares, strict=True)}
    return history(units, stock, parts), parts


@settings(max_examples=40, deadline=None)
@given(told(), st.sampled_from(["and", "or"]), st.sampled_from([90, 120]))
def test_the_vectorised_estimate_of_parts_equals_the_slow_one(
    data: tuple[SeriesHistory, dict[tuple[int, int], float]], join: str, reach: int
) -> None:
    rules = DemandSettings(stockout_join="or" if join == "or" else "and", reach_days=reach)
    days, parts = data
    fast = BlendedVelocity().estimate(days, rules)
    for row in range(days.series):
        mine = {column: share for (of, column), share in parts.items() if of == row}
        slow = slow_demand(days.units[row].tolist(), days.on_hand[row].tolist(), rules, mine)
        assert fast.in_stock_days[row] == pytest.approx(slow.in_stock_days)
        assert fast.span_days[row].tolist() == slow.span_days
        assert fast.left_out_days[row].tolist() == slow.left_out_days
        assert fast.part_days[row].tolist() == slow.part_days
        assert fast.part_out_days[row] == pytest.approx(slow.part_out_days)
        assert fast.corrected[row] == pytest.approx(slow.corrected)
        assert fast.velocity[row] == pytest.approx(slow.velocity)
        assert fast.sd[row] == pytest.approx(slow.sd, abs=1e-6)
        assert fast.adi[row] == pytest.approx(slow.adi)
        assert fast.cv2[row] == pytest.approx(slow.cv2, abs=1e-6)
        assert fast.spike_limit[row] == pytest.approx(slow.spike_limit)
        # Units over days is what `Why?` replays, from what it keeps.
        assert np.allclose(fast.units[row] / np.maximum(fast.base_days[row], 1e-9), fast.corrected[row])


def test_evidence_tells_the_part_and_another_part_has_another_fingerprint() -> None:
    def told_of(share: float) -> tuple[dict[str, float], int]:
        a = single([10] * 119 + [5], on_hand=0, parts={119: share})
        marks = Fingerprints(1)
        marks.figures(a)
        return evidence(a, 0)["windows"][0], int(marks.numbers[0])

    (half, one), (more, other) = told_of(0.5), told_of(0.625)
    assert (half["part_days"], half["part_out_days"], half["left_out_days"]) == (1, 0.5, 0)
    assert half["corrected"] == pytest.approx(half["units"] / half["base_days"])
    assert more["part_out_days"] == 0.375
    assert one != other
    assert told_of(0.5)[1] == one


def test_parts_are_of_the_rows_and_days_that_are_chosen() -> None:
    parts = Parts.of(4, np.array([3, 0, 1, 1]), np.array([2, 1, 4, 0]), np.array([0.5, 0.25, 0.75, 0.125]))
    assert parts.row.tolist() == [0, 1, 1, 3]
    some = parts.rows(np.array([3, 1, 1, 2]))
    assert list(zip(some.row.tolist(), some.column.tolist(), some.share.tolist(), strict=True)) == [
        (0, 2, 0.5), (1, 0, 0.125), (1, 4, 0.75), (2, 0, 0.125), (2, 4, 0.75),
    ]  # fmt: skip
    assert parts.rows(np.array([True, False, False, True])).row.tolist() == [0, 1]
    assert parts.rows(slice(1, 3)).row.tolist() == [0, 0]
    late = parts.tail(2)
    assert (late.row.tolist(), late.column.tolist(), late.series) == ([1, 3], [2, 0], 4)
    days = history(np.ones((4, 5)), np.ones((4, 5)), {(3, 2): 0.5, (1, 0): 0.25})
    capped = without_spikes(days, RULES)
    assert capped.parts is days.parts
    assert days.rows(np.array([3])).tail(3).parts is not None
    assert day_shares(days.rows(np.array([3])).tail(3), RULES).share.tolist() == [[0.5, 1, 1]]


def test_what_is_no_part_of_a_day_is_refused() -> None:
    one, two = np.array([0]), np.array([0, 0])
    assert len(Parts.of(1, two, np.array([0, 1]), np.array([0.0, 1.0])).row) == 0
    with pytest.raises(ValueError, match="each day once"):
        Parts.of(1, two, two, np.array([0.5, 0.25]))
    with pytest.raises(ValueError, match="by series and day"):
        Parts.of(1, np.array([1]), one, np.array([0.5]))
    with pytest.raises(ValueError, match="above 0 and below 1"):
        Parts(1, one, one, np.array([1.5], np.float32))
    with pytest.raises(ValueError, match="2 series, not 1"):
        SeriesHistory(FIRST, np.ones((1, 3)), np.ones((1, 3)), parts=Parts.of(2, one, one, np.array([0.5])))
