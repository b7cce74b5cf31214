"""The board's columns: rows are chosen and ordered rightly, sums agree, and the ladder counts its days down."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bot.domain import ageing
from bot.domain.ageing import NO_STEP, NextStep, next_step
from bot.domain.standing import KINDS, NEVER, Query, Standing, day_of, lower, select, turns
from bot.domain.turnover import ABC

SKUS = ("A-1", "a-2", "B 10", "茶壶", "ß", "İstanbul", "")
PLACES = ("UK", "DE", "FR")
COLUMNS = tuple(field.name for field in fields(Standing) if field.name not in {"at", "currency", "aged", "flags"})
SORTS = sorted({*COLUMNS, "aged_0", "aged_4", "step_days", "step_age"} - {"step", "found"})
INTS = {"on_hand", "available", "incoming", "pending", "value", "lost_margin", "tied_up", "idle", "excess", "fees"}
COSTS = st.integers(0, 900_000).map(lambda hundredths: hundredths / 100)
FLOATS = st.floats(0, 1e6) | st.sampled_from([float("nan"), float("inf")])


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """A few series with everything that a figure may be: unknown, without end, never."""
    n = draw(st.integers(0, 12))

    def column(of: st.SearchStrategy[Any], kind: Any) -> Any:
        return np.array(draw(st.lists(of, min_size=n, max_size=n)), dtype=kind)

    made: dict[str, Any] = {}
    for field in fields(Standing):
        made[field.name] = column(st.integers(-5, 900), np.int64) if field.name in INTS else column(FLOATS, np.float64)
    skus = column(st.sampled_from(SKUS), object)
    days = column(st.integers(15_000, 16_000) | st.just(NEVER), np.int64)
    places = column(st.sampled_from(PLACES), object)
    made |= {
        "at": datetime(2011, 11, 21, tzinfo=UTC), "currency": "GBP", "sku": skus, "name": skus, "place": places,
        "category": np.full(n, "", dtype=object),
        "found": lower(skus.tolist(), skus.tolist()), "stockout": days, "arrival": days[::-1].copy(),
        "abc": column(st.integers(0, 2), np.int64), "xyz": column(st.integers(0, 2), np.int64),
        "sold_at_cost": column(COSTS, np.float64), "stock_at_cost": column(COSTS, np.float64),
        "aged": np.array(draw(st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=n, max_size=n)),
                         dtype=np.int64).reshape(n, 5),
        "flags": np.array(draw(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=n, max_size=n)),
                          dtype=np.bool_).reshape(n, 4),
        "step": NextStep(*(column(st.integers(0, 99), np.int64) for _each in range(3))),
    }  # fmt: skip
    return Standing(**made)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    return Query(
        text=draw(st.sampled_from(("", "a", "A-", "茶", "b 1", "ß", "SS", "nothing"))),
        place=draw(st.sampled_from(("", *PLACES, "nowhere"))),
        flag=draw(st.sampled_from(("", *KINDS, "nonsense"))),
        abc=draw(st.sampled_from(("", *ABC, "Z"))),
        sort=draw(st.sampled_from(("", *SORTS))),
        descending=draw(st.booleans()),
    )


def wanted(standing: Standing, row: int, query: Query) -> bool:
    """Whether a row is one of the query's, one filter at a time."""
    words = query.text.casefold().split()
    return (
        query.place in ("", standing.place[row])
        and (query.flag not in KINDS or bool(standing.flags[row][KINDS.index(query.flag)]))
        and (query.abc not in ABC or ABC[standing.abc[row]] == query.abc)
        and all(word in f"{standing.sku[row]} {standing.name[row]}".casefold() for word in words)
    )


@settings(max_examples=50)
@given(standings(), queries())
def test_a_query_leaves_the_right_rows_each_once(standing: Standing, query: Query) -> None:
    rows = select(standing, query).tolist()
    assert sorted(rows) == [row for row in range(standing.size) if wanted(standing, row, query)]


@settings(max_examples=50)
@given(standings(), st.sampled_from(SORTS), st.booleans())
def test_rows_come_in_order_and_the_unknown_last_in_either_direction(
    standing: Standing, sort: str, down: object
) -> None:
    rows = select(standing, Query(sort=sort, descending=bool(down)))
    values = standing.column(sort)[rows].tolist()
    if standing.column(sort).dtype == object:
        assert values == sorted(values, reverse=bool(down))
        return
    known = [value for value in values if np.isfinite(value) and value < NEVER]
    assert known == sorted(known, reverse=bool(down))
    assert known == values[: len(known)]


@settings(max_examples=50)
@given(standings())
def test_turns_add_up_to_everything_and_each_is_its_own_groups(standing: Standing) -> None:
    found = {(turn.place, turn.abc): turn for turn in turns(standing, 90)}
    counted = (standing.stock_at_cost > 0) | (standing.sold_at_cost > 0)
    places = sorted(set(standing.place.tolist()))
    if counted.any():
        assert found["", ""].series == int(counted.sum())
        assert next(iter(found)) == ("", "")
    for group in [("", "")] + [(place, "") for place in places]:
        parts = [found[key] for key in found if key[0] == group[0] and key[1]]
        if group in found:
            assert found[group].series == sum(part.series for part in parts)
            assert found[group].stock_minor == pytest.approx(sum(part.stock_minor for part in parts), abs=2)
    for (place, abc), turn in found.items():
        rows = [
            row
            for row in np.flatnonzero(counted).tolist()
            if place in ("", standing.place[row]) and abc in ("", ABC[standing.abc[row]])
        ]
        sold, stock = sum(standing.sold_at_cost[rows]), sum(standing.stock_at_cost[rows])
        assert turn.series == len(rows) > 0
        assert turn.days == (None if sold == 0 else pytest.approx(stock * 90 / sold))


@given(st.integers(-10_000, 100_000))
def test_a_day_of_a_column_is_that_day(number: int) -> None:
    on = day_of(number)
    assert on is not None
    assert (on - datetime(1970, 1, 1, tzinfo=UTC).date()).days == number
    assert day_of(NEVER) is None


def slow_step(receipts: list[float], on_hand: int, lines: list[int]) -> tuple[int, int, int]:
    """The next line, unit by unit: the newest receipts are what is left."""
    ages: list[int] = []
    for age, got in enumerate(reversed(receipts)):
        ages += [age] * round(got)
    left = ages[: max(on_hand, 0)]
    best = (NO_STEP, 0, 0)
    for line in lines:
        younger = [age for age in left if age < line]
        if younger and line - max(younger) < best[0]:
            best = (line - max(younger), younger.count(max(younger)), line)
    return best


LINES = st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True).map(sorted)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 35)), elements=st.integers(0, 6).map(float)),
    st.data(),
)
def test_the_next_age_line_is_the_one_that_units_reach_first(receipts: np.ndarray, data: st.DataObject) -> None:
    rows = len(receipts)
    on_hand = np.array(data.draw(st.lists(st.integers(-3, 60), min_size=rows, max_size=rows)), dtype=np.int64)
    lines = [data.draw(LINES) for _row in range(rows)]
    table = np.zeros((rows, max(map(len, lines))), dtype=np.int64)
    for row, ages in enumerate(lines):
        table[row, : len(ages)] = ages
    found = next_step(receipts, on_hand, table)
    for row in range(rows):
        told = (int(found.days[row]), int(found.units[row]), int(found.age[row]))
        assert told == slow_step(receipts[row].tolist(), int(on_hand[row]), lines[row])


def test_stock_older_than_all_that_is_known_reaches_no_line() -> None:
    found = next_step(np.zeros((1, 30)), np.array([50]), np.array([[31, 61]]))
    assert (found.days[0], found.units[0]) == (ageing.NO_STEP, 0)


def test_without_lines_there_is_no_next_one() -> None:
    found = next_step(np.ones((2, 3)), np.array([2, 2]), np.zeros((2, 0), dtype=np.int64))
    assert found.days.tolist() == [NO_STEP, NO_STEP]
