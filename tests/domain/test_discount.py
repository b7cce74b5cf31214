"""Discounts: what is a code, what a buyer pays, and what makes one discount another."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.discount import ALWAYS, EVERYTHING, NEVER, Discount, code_of, deepest_share, taken_off

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
GIVEN = Discount(("A", "B"), Decimal("0.2"), "SUMMER20", NOW, NOW + timedelta(days=4), "Lamp -20% (R-1)")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("summer20", "SUMMER20"), (" S-1_x ", "S-1_X"), ("A" * 32, "A" * 32), ("123", "123"),
        ("AB", None), ("A" * 33, None), ("-AB", None), ("SUMMER 20", None), ("SÖMMER", None), ("A%B", None), ("", None),
        ("ſss", "SSS"),
    ],
)  # fmt: skip
def test_a_code_is_three_to_thirty_two_letters_digits_and_dashes(typed: str, code: str | None) -> None:
    assert code_of(typed) == code


def test_what_makes_it_another_discount_is_said() -> None:
    assert GIVEN.differs(dataclasses.replace(GIVEN, skus=("B", "A"), code="summer20", name="other")) is None
    assert GIVEN.differs(dataclasses.replace(GIVEN, ends_at=GIVEN.ends_at - timedelta(seconds=59))) is None
    assert GIVEN.differs(dataclasses.replace(GIVEN, starts_at=ALWAYS)) is None
    for change, words in (
        ({"skus": EVERYTHING}, "it is on everything"),
        ({"skus": ("A",)}, "it is on A"),
        ({"ends_at": NEVER}, "it never ends"),
        ({"starts_at": NOW + timedelta(hours=1)}, "it starts at 2011-11-21T10:00"),
        ({"share": Decimal("0.9")}, "90.0%"),
        ({"code": ""}, "it has no code"),
        ({"ends_at": GIVEN.ends_at + timedelta(hours=1)}, "it ends at 2011-11-25T10:00"),
    ):
        assert words in str(GIVEN.differs(dataclasses.replace(GIVEN, **change)))
    assert (GIVEN.way, dataclasses.replace(GIVEN, code="").way) == ("code", "basket")


@given(st.integers(1, 10**8), st.integers(1, 9999))
def test_a_buyer_pays_no_more_than_the_share_leaves_and_less_than_a_minor_unit_below_it(price: int, ten_k: int) -> None:
    share = Decimal(ten_k) / 10_000
    exact = price * (1 - share)
    assert exact - 1 < taken_off(price, share) <= exact


@given(st.integers(1, 10**8), st.integers(0, 10**8))
def test_the_deepest_share_leaves_at_least_the_least_and_one_step_more_would_not(price: int, least: int) -> None:
    share = deepest_share(price, least)
    if least >= price:
        assert share == 0
        return
    assert taken_off(price, share) >= least
    assert price * (1 - share - Decimal("0.001")) < least
