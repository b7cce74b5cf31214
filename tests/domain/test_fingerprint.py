"""Fingerprints: no figure of a series can change and leave its number as it was, and no other series' number moves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.domain.arrays import Ints
from bot.domain.fingerprint import Fingerprints
from bot.domain.forecasting.lessons import Law, teach
from bot.domain.groups import Groups
from bot.domain.outlook import panel_of
from bot.domain.watch import Assessment, Taught, assess
from tests.domain.catalogue import catalogue
from tests.domain.test_watch import COMING, RULES

SERIES = 61  # no other length in an assessment


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    history, routes, positions, network = catalogue(SERIES, 200, seed=5)
    routes = replace(routes, review_wait=np.where(np.arange(SERIES) % 2, 0.0, np.nan))
    groups = Groups(network.sku % 4, network.location)
    told = teach(panel_of(history, RULES.demand, groups), (Law(35.0, 0.15), Law(28.0, 0.0)))
    assert told is not None
    assert told.newcomers is not None
    history.units[::3, :-20], history.on_hand[::3, :-20] = 0, 0
    found = assess(history, routes, positions, RULES, network, Taught(told, COMING, groups))
    assert found.outlook is not None
    assert found.outlook.borrowed.counts.any()
    return found


def numbers(of: object) -> Ints:
    marks = Fingerprints(SERIES)
    marks.figures(of)
    return marks.numbers


def arrays(value: Any, path: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Every array within a value, with the way to it."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from arrays(item, f"{path}[{key}]")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from arrays(item, f"{path}[{number}]")


def another(value: Any) -> Any:
    """A value of the same type that differs by as little as it may."""
    if value.dtype.kind == "b":
        return ~value
    if value.dtype.kind == "f":
        return np.nextafter(value, np.inf) if np.isfinite(value) else value.dtype.type(1)
    return value + 1


def test_each_figure_of_a_series_moves_its_own_number_alone(assessed: Assessment) -> None:
    before = numbers(assessed)
    assert len(np.unique(before)) > SERIES // 2
    own = [(path, array) for path, array in arrays(assessed) if array.shape[:1] == (SERIES,)]
    assert len(own) > 100
    for count, (path, array) in enumerate(own):
        place = (count % SERIES, *(0,) * (array.ndim - 1))
        kept = array[place]
        array.flags.writeable = True
        array[place] = another(kept)
        moved = np.flatnonzero(numbers(assessed) != before)
        array[place] = kept
        assert moved.tolist() == [count % SERIES], path
    assert np.array_equal(numbers(assessed), before)


def test_what_all_series_share_moves_every_number(assessed: Assessment) -> None:
    before = numbers(assessed)
    shared = [(path, array) for path, array in arrays(assessed) if array.shape[:1] != (SERIES,) and array.size]
    assert shared
    for path, array in shared:
        place = (0,) * array.ndim
        kept = array[place]
        array.flags.writeable = True
        array[place] = another(kept)
        moved = numbers(assessed) != before
        array[place] = kept
        assert moved.all(), path
    assert (numbers(replace(assessed, as_of=assessed.as_of.replace(year=2000))) != before).all()
    assert assessed.outlook is not None
    told = replace(assessed.outlook, lessons=replace(assessed.outlook.lessons, series=9))
    assert (numbers(replace(assessed, outlook=told)) != before).all()


def test_columns_are_told_apart_by_their_order() -> None:
    one, other = Fingerprints(3), Fingerprints(3)
    low, high = np.array([1, 2, 3]), np.array([2, 1, 3])
    for marks, columns in ((one, (low, high)), (other, (high, low))):
        for column in columns:
            marks.column(column)
    assert (one.numbers != other.numbers).tolist() == [True, True, False]


def test_every_process_finds_the_same_number_and_what_has_none_is_refused() -> None:
    asked = (
        "from bot.domain.fingerprint import Fingerprints as F; from datetime import date\n"
        "m = F(1); m.shared((frozenset({'DE', 'GB', 'FR', 'TH', 'US'}), date(2026, 11, 27), None, 1.5))\n"
        "print(m.numbers.tolist())"
    )
    found = {
        subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", asked], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(found) == 1
    with pytest.raises(TypeError, match="object has no fingerprint"):
        Fingerprints(1).shared(object())


def test_an_order_that_lands_later_than_all_others_moves_the_number_of_its_own_series_alone() -> None:
    _history, _routes, positions, _network = catalogue(SERIES, 200, seed=5)
    more = np.pad(np.asarray(positions.incoming), ((0, 0), (0, 9)))
    assert (numbers(replace(positions, incoming=more)) == numbers(positions)).all()
    more[7, -1] = 1
    assert np.flatnonzero(numbers(replace(positions, incoming=more)) != numbers(positions)).tolist() == [7]


def test_no_series_at_all_have_no_numbers() -> None:
    marks = Fingerprints(0)
    marks.column(np.empty(0))
    marks.column(np.empty((0, 3)))
    assert marks.numbers.shape == (0,)
