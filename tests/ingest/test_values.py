from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.ingest import values
from bot.services.ingest.values import Bad


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,234", "1234"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("12,5", "12.5"),
        ("£3.75", "3.75"),
        ("¥1,000", "1000"),
        ("-$2", "-2"),
        ("(12)", "-12"),
        ("１２３", "123"),
        ("1 000", "1000"),
        (2.55, "2.55"),
        (0.1 + 0.2, "0.30000000000000004"),
        (7, "7"),
        (Decimal("1.10"), "1.10"),
        ("+5", "5"),
    ],
)
def test_a_number_is_read_exactly_as_it_is_meant(cell: object, number: str) -> None:
    assert values.decimal(cell) == Decimal(number)


@pytest.mark.parametrize(
    "cell", ["", None, "nan", float("nan"), "N/A", "1.2.3", "--1", "1,23,4", "abc", "NaN", "Infinity"]
)
def test_what_is_no_number_is_bad_and_never_raises(cell: object) -> None:
    assert isinstance(values.decimal(cell), Bad)


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.dates(), st.datetimes()))
def test_no_cell_whatever_makes_a_reader_fail(cell: object) -> None:
    known = frozenset({"GBP"})
    for found in (
        values.sku(cell),
        values.whole(cell, 1000),
        values.micros(cell, 1000),
        values.currency(cell, known),
        values.moment(cell, "dmy"),
    ):
        assert found is not None
    values.text(cell)
    values.day_order(cell)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_any_price_with_six_decimals_survives_exactly(price: Decimal) -> None:
    assert values.micros(str(price), 10**9) == int(price * 10**6)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("2011-11-21 09:05", datetime(2011, 11, 21, 9, 5, tzinfo=None)),  # noqa: DTZ001  # local, as files write it
        ("2011/11/21", date(2011, 11, 21)),
        ("20111121", date(2011, 11, 21)),
        ("2011年11月21日 09:05", datetime(2011, 11, 21, 9, 5, tzinfo=None)),  # noqa: DTZ001  # as above
        ("2011-11-21T09:05:06Z", datetime(2011, 11, 21, 9, 5, 6, tzinfo=UTC)),
        ("21/11/2011 9:05 PM", datetime(2011, 11, 21, 21, 5, tzinfo=None)),  # noqa: DTZ001  # as above
        ("21.11.2011", date(2011, 11, 21)),
        ("21/11/11", Bad("a date without a four-digit year")),
        ("2011-13-01", Bad("an impossible date")),
        ("2011-02-29", Bad("an impossible date")),
        ("2011-01-01 25:00", Bad("an impossible date")),
        ("tomorrow", Bad("not a date")),
    ],
)
def test_a_date_is_read_in_the_ways_people_write_it(cell: str, found: object) -> None:
    assert values.moment(cell, "dmy") == found


def test_an_offset_in_the_file_beats_every_zone() -> None:
    found = values.moment("2011-11-21T09:00+08:00", "")
    assert isinstance(found, datetime)
    assert values.instant(found, ZoneInfo("Europe/Berlin")) == datetime(2011, 11, 21, 1, tzinfo=UTC)
