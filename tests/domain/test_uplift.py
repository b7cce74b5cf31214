"""Events: what they sold is learned from their days in stock, and what they add to days ahead."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.domain.calendar import CalendarSettings, Event, Written, events
from bot.domain.demand import DemandSettings, SeriesHistory
from bot.domain.groups import Groups
from bot.domain.uplift import AHEAD_DAYS, WEIGHT, Peaks, leaning, learned_sizes, lift, marked
from bot.words import Words

RULES = DemandSettings()
by_place = Groups.by_place
FIRST = date(2025, 1, 1)
DAYS = 120


def event(start: int, end: int, key: str = "sale", uplift: float = 1.5) -> Event:
    """An event from the `start`-th to the `end`-th day after the first, both included."""
    days = FIRST + timedelta(days=start), FIRST + timedelta(days=end)
    return Event(key, Words(key), "demand", *days, frozenset(), uplift, "test")


def sold(units: NDArray[np.int64], its: list[Event], on_hand: NDArray[np.int64] | None = None) -> SeriesHistory:
    """A history of one region whose event days are marked."""
    region = np.zeros(len(units), dtype=np.int64)
    days = marked(region, {0: its}, {0: FIRST}, units.shape[1])
    return SeriesHistory(FIRST, units, np.full(units.shape, 50) if on_hand is None else on_hand, days)


def sizes(units: NDArray[np.int64], its: list[Event], on_hand: NDArray[np.int64] | None = None) -> float:
    region = np.zeros(len(units), dtype=np.int64)
    found = learned_sizes(sold(units, its, on_hand), RULES, by_place(region), {0: its}, {0: FIRST})
    return found.get(("sale", 0, 0), np.nan)


def test_a_size_is_what_was_sold_over_what_usually_is_shrunk_to_what_was_assumed() -> None:
    units = np.full((40, DAYS), 5)
    units[:, 80:84] = 15
    once = (WEIGHT * 1.5 + 40 * 4 * 15) / (WEIGHT + 40 * 4 * 5)
    assert sizes(units, [event(80, 83)]) == pytest.approx((WEIGHT * once + 2400) / (WEIGHT + 800))


def test_days_without_stock_say_nothing_of_an_event() -> None:
    units = np.full((40, DAYS), 5)
    units[:, 80:84] = 15
    stock = np.full(units.shape, 50)
    stock[:, 82:84] = 0
    units[:, 82:84] = 0
    half = sizes(units, [event(80, 83)], stock)
    once = (WEIGHT * 1.5 + 1200) / (WEIGHT + 400)
    assert half == pytest.approx((WEIGHT * once + 1200) / (WEIGHT + 400))


def test_one_event_is_no_usual_time_for_the_next() -> None:
    units = np.full((200, DAYS), 5)
    units[:, 62:82] = units[:, 90:94] = 15
    both = [event(62, 81, key="feast"), event(90, 93)]
    assert sizes(units, both) > 2.5


def test_an_event_without_eight_weeks_before_it_teaches_nothing() -> None:
    assert np.isnan(sizes(np.full((40, DAYS), 5), [event(50, 53)]))
    assert np.isnan(sizes(np.full((40, DAYS), 5), [event(DAYS, DAYS + 3)]))
    assert np.isnan(sizes(np.zeros((40, DAYS), dtype=np.int64), [event(80, 83)]))


def test_regions_lean_on_each_other_and_one_that_never_had_it_has_no_size() -> None:
    units = np.full((60, DAYS), 5)
    units[:20, 80:84] = 20
    region = np.repeat([3, 7, 9], 20)
    its = {3: [event(80, 83)], 7: [event(80, 83)], 9: []}
    firsts = dict.fromkeys(its, FIRST)
    days = marked(region, its, firsts, DAYS)
    found = learned_sizes(
        SeriesHistory(FIRST, units, np.full(units.shape, 50), days), RULES, by_place(region), its, firsts
    )
    pooled = (WEIGHT * 1.5 + 20 * 4 * 25) / (WEIGHT + 20 * 4 * 10)
    assert found["sale", 3, 0] == pytest.approx((WEIGHT * pooled + 1600) / (WEIGHT + 400))
    assert found["sale", 7, 0] == pytest.approx((WEIGHT * pooled + 400) / (WEIGHT + 400))
    assert set(found) == {("sale", 3, 0), ("sale", 7, 0)}


@given(st.floats(0, 5_000), st.floats(0.1, 2_000), st.floats(0.5, 3))
def test_a_size_lies_between_what_was_assumed_and_what_was_seen(units: float, usual: float, prior: float) -> None:
    found, seen = leaning(np.array([units, usual]), prior), units / usual
    assert min(prior, seen) - 1e-9 <= found <= max(prior, seen) + 1e-9


def test_days_are_marked_in_the_region_that_has_the_event_by_its_own_calendar() -> None:
    region = np.array([4, 2, 4])
    found = marked(region, {2: [], 4: [event(3, 4)]}, {2: FIRST, 4: FIRST - timedelta(days=1)}, 8)
    assert found is not None
    assert np.flatnonzero(found[0]).tolist() == np.flatnonzero(found[2]).tolist() == [4, 5]
    assert not found[1].any()
    assert marked(region, {2: [], 4: []}, {2: FIRST, 4: FIRST}, 8) is None
    assert marked(region[:0], {4: [event(3, 4)]}, {4: FIRST}, 8) is None


def test_each_day_of_an_event_ahead_adds_what_it_sells_beyond_the_usual() -> None:
    ahead = lift({5: FIRST}, {5: [event(2, 4), event(4, 5, "feast", 3.0)]}, {("sale", 5, 0): 2.0})
    region = by_place(np.full(8, 5))
    days = np.array([0.0, 1, 2, 3, 4, 4.9, 5, AHEAD_DAYS + 50])
    assert ahead.of(region, days).tolist() == [0, 0, 0, 1, 2, 2, 4, 6]  # of two on one day the larger counts
    assert ahead.of(by_place(np.array([1, 6])), np.array([10.0, 10.0])).tolist() == [0, 0]
    assert [(each.event.key, each.size, each.source) for each in ahead.within(0, 5, FIRST, 4)] == [
        ("sale", 2.0, "place")
    ]
    assert [(each.event.key, each.source) for each in ahead.within(0, 5, FIRST, 5)] == [
        ("sale", "place"),
        ("feast", "assumed"),
    ]
    assert [each.event.key for each in ahead.within(0, 5, FIRST + timedelta(days=5), 5)] == ["feast"]
    assert ahead.within(0, 9, FIRST, 400) == ()


def test_an_event_on_which_less_is_sold_takes_days_away() -> None:
    ahead = lift({5: FIRST}, {5: [event(1, 2, uplift=0.5)]}, {})
    assert ahead.of(by_place(np.array([5])), np.array([10.0])).tolist() == [-1.0]


def test_an_event_of_today_counts() -> None:
    ahead = lift({5: FIRST}, {5: [event(0, 0, uplift=4.0)]}, {})
    assert ahead.of(by_place(np.array([5, 5])), np.array([1.0, 7.0])).tolist() == [3.0, 3.0]


def test_a_size_that_somebody_wrote_of_this_very_event_counts_before_what_was_learned() -> None:
    day = date(2026, 6, 23)
    stated = events(day, day, CalendarSettings(written=(Written("prime_day", day, day, uplift=4),)))
    moved = events(day, day, CalendarSettings(written=(Written("prime_day", day, day),)))
    for chosen, size, source in ((stated, 4.0, "assumed"), (moved, 2.2, "place")):
        prime = [one for one in chosen if one.key == "prime_day"]
        (coming,) = lift({5: day}, {5: prime}, {("prime_day", 5, 0): 2.2}).within(0, 5, day, 10)
        assert (coming.size, coming.source) == (size, source)


def test_columns_are_those_of_each_regions_own_calendar() -> None:
    units = np.full((60, DAYS), 5)
    units[:, 80] = 15
    region = np.full(60, 4)
    its, firsts = {4: [event(79, 79)]}, {4: FIRST - timedelta(days=1)}  # its columns begin a day earlier
    days = marked(region, its, firsts, DAYS)
    found = learned_sizes(
        SeriesHistory(FIRST, units, np.full(units.shape, 50), days), RULES, by_place(region), its, firsts
    )
    assert found["sale", 4, 0] > 1.9


def test_no_region_and_no_event_add_nothing() -> None:
    assert lift({}, {}, {}).of(by_place(np.array([3])), np.array([30.0])).tolist() == [0]


def test_peaks_are_a_countrys_events_of_demand_with_what_is_written_over_them() -> None:
    written = Written("stream", date(2026, 9, 9), date(2026, 9, 9), "Our stream", countries=frozenset({"TH"}), uplift=4)
    peaks = Peaks(CalendarSettings(written=(written,)))
    year = date(2026, 1, 1), date(2026, 12, 31)
    assert {one.key for one in peaks.of("TH", *year)} == {"songkran", "singles_day", "stream"}
    assert "lunar_new_year_closed" not in {one.key for one in peaks.of("CN", *year)}
    assert peaks.of("DE", date(2026, 11, 28), date(2026, 11, 28))[0].key == "black_friday"
    assert peaks.of("DE", date(2026, 11, 1), date(2026, 11, 20)) == []


@given(
    spans=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 9), st.floats(0.3, 4)), min_size=1, max_size=3),
    days=st.lists(st.floats(0, 500), min_size=1, max_size=20),
)
def test_days_of_usual_demand_last_as_long_as_they_are_sold_in(
    spans: list[tuple[int, int, float]], days: list[float]
) -> None:
    its = [event(start, start + more, f"sale {at}", size) for at, (start, more, size) in enumerate(spans)]
    ahead = lift({5: FIRST, 9: FIRST}, {5: its}, {})
    asked, n = np.array(days), len(days)
    lasts = ahead.lasting(by_place(np.full(n, 5)), asked)
    assert np.diagonal(ahead.until(by_place(np.full(n, 5)), lasts)) + lasts == pytest.approx(asked)
    calm = asked <= min(start for start, _more, _size in spans)
    assert lasts[calm].tolist() == asked[calm].tolist()
    for other in (9, 7):  # a place without events, and one that is not known
        assert ahead.lasting(by_place(np.full(n, other)), asked).tolist() == days
        assert not ahead.until(by_place(np.full(n, other)), asked).any()
    assert np.isinf(ahead.lasting(by_place(np.array([5])), np.array([np.inf]))).all()


def test_categories_lean_on_their_place_and_those_that_saw_nothing_are_the_place() -> None:
    units = np.full((90, DAYS), 10)
    units[:30, 60:64], units[30:60, 60:64] = 40, 20
    units[60:] = 0  # of the third category nothing sells
    groups = Groups(np.repeat([1, 2, 3], 30), np.full(90, 4))
    its, firsts = {4: [event(60, 63)]}, {4: FIRST}
    history = SeriesHistory(FIRST, units, np.full(units.shape, 50), marked(groups.region, its, firsts, DAYS))
    found = learned_sizes(history, RULES, groups, its, firsts)
    assert set(found) == {("sale", 4, 0), ("sale", 4, 1), ("sale", 4, 2)}
    alone = learned_sizes(history, RULES, by_place(groups.region), its, firsts)
    assert alone == {("sale", 4, 0): found["sale", 4, 0]}
    place = found["sale", 4, 0]
    assert found["sale", 4, 1] == pytest.approx((WEIGHT * place + 4_800) / (WEIGHT + 1_200))
    assert found["sale", 4, 2] == pytest.approx((WEIGHT * place + 2_400) / (WEIGHT + 1_200))

    ahead = lift({4: FIRST}, {4: [event(2, 4)]}, found, (1, 3))
    asked, days = Groups(np.array([0, 1, 2, 3]), np.full(4, 4)), np.full(4, 9.0)
    sold = np.array([place, found["sale", 4, 1], place, place])  # only of what was asked for there are rows
    assert ahead.of(asked, days) == pytest.approx(3 * (sold - 1))
    assert ahead.until(asked, np.array([9.0]))[:, 0] == pytest.approx(3 * (sold - 1))
    assert ahead.lasting(asked, 9 + 3 * (sold - 1)) == pytest.approx(days)
    assert [ahead.within(each, 4, FIRST, 9)[0].source for each in (0, 1, 3)] == ["place", "category", "place"]


def test_many_categories_at_many_places_cost_little() -> None:
    law = np.random.default_rng(7)
    places = range(1, 31)
    sizes = {("sale", place, kind): 1 + law.random() for place in places for kind in range(200)}
    ahead = lift(dict.fromkeys(places, FIRST), {place: [event(2, 4)] for place in places}, sizes, range(200))
    groups, days = Groups(law.integers(0, 400, 20_000), law.integers(1, 40, 20_000)), law.uniform(0, 60, 20_000)
    added = ahead.of(groups, np.floor(days))
    assert ahead.lasting(groups, np.floor(days) + added) == pytest.approx(np.floor(days))
    assert not added[groups.region > 30].any()
    one = int(np.flatnonzero((groups.category < 200) & (groups.region <= 30) & (days > 6))[0])
    size = sizes["sale", int(groups.region[one]), int(groups.category[one])]
    assert added[one] == pytest.approx(3 * (size - 1))
