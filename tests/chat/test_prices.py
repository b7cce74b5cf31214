"""Discounts, prices and request codes as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.arguments import Percent, Price, RequestCode
from bot.chat.values import read_percent, read_price, read_request_code
from bot.errors import BadArgument


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("20%", "0.2"), ("20 %", "0.2"), ("20% off", "0.2"), ("-20%", "0.2"), ("12.5%", "0.125"), ("12,5%", "0.125"),
        ("8折", "0.2"), ("打8折", "0.2"), ("75折", "0.25"), ("7.5折", "0.25"), ("9折", "0.1"), ("99%", "0.99"),
    ],
)  # fmt: skip
def test_a_discount_is_a_share(text: str, share: str) -> None:
    assert read_percent(text) == Percent(Decimal(share))


@pytest.mark.parametrize("text", ["0%", "100%", "150%", "20", "%", "abc", "0折", "8 折 9", "1.999%"])
def test_what_is_no_discount_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        read_percent(text)


@pytest.mark.parametrize(
    ("text", "amount", "currencies"),
    [
        ("£1.99", "1.99", ("GBP",)),
        ("1.99 GBP", "1.99", ("GBP",)),
        ("gbp 1.99", "1.99", ("GBP",)),
        ("1.99", "1.99", ()),
        ("1,99 €", "1.99", ("EUR",)),
        ("£2", "2", ("GBP",)),
        ("¥1200", "1200", ("CNY", "JPY")),
        ("12元", "12", ("CNY",)),
    ],
)
def test_a_price_says_what_currencies_it_may_be_in(text: str, amount: str, currencies: tuple[str, ...]) -> None:
    assert read_price(text) == Price(Decimal(amount), currencies)


@pytest.mark.parametrize("text", ["20", "0.00", "£0", "£1.99 GBP", "1.2.3", "abc", "-1.99", "1.99 POUNDS"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        read_price(text)


def test_a_request_code_needs_its_letter() -> None:
    assert read_request_code("R-12@3") == RequestCode(12, 3)
    assert read_request_code("r12") == RequestCode(12)
    with pytest.raises(BadArgument):
        read_request_code("22423")


@given(st.text(alphabet="0123456789.,%折£$ GBP-打", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_percent, read_price):
        try:
            found = read(text)
        except BadArgument:
            continue
        assert (found.share if isinstance(found, Percent) else found.amount) > 0
