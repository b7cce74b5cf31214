"""Rates: crossed through their base, exact, and never older than they say."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import exponent
from bot.services.exchange import Exchange, StatedRate, quotes_of

DAY = date(2011, 11, 21)
AT = datetime(2011, 11, 21, 15, tzinfo=UTC)


def stated(base: str, currency: str, rate: str, day: date = DAY, source: str = "ecb") -> StatedRate:
    at = AT + (day - DAY)
    return StatedRate(source, base, currency, day, Decimal(rate), at)


ECB = [stated("EUR", "GBP", "0.8742"), stated("EUR", "CNY", "8.2166"), stated("EUR", "JPY", "173.42")]


def test_a_rate_is_crossed_through_the_currency_both_are_stated_in() -> None:
    quotes = quotes_of("GBP", ECB)
    assert quotes["CNY"].rate == Decimal("0.106394372368133")  # 0.8742 / 8.2166
    assert (quotes["CNY"].through, quotes["CNY"].source, quotes["CNY"].day) == ("EUR", "ecb", DAY)
    assert quotes["EUR"].rate == Decimal("0.8742")
    assert quotes["EUR"].through == ""
    assert quotes_of("EUR", ECB)["GBP"].rate == Decimal("1.14390299702585")  # 1 / 0.8742


def test_a_pair_stated_as_such_wins_over_one_turned_round_and_that_over_one_crossed() -> None:
    crossed = [*ECB]
    turned = [*ECB, stated("GBP", "CNY", "9.5", source="bank")]
    direct = [*turned, stated("CNY", "GBP", "0.11", source="desk")]
    assert [quotes_of("GBP", rows)["CNY"].source for rows in (crossed, turned, direct)] == ["ecb", "bank", "desk"]


def test_the_newest_day_wins_whatever_its_source() -> None:
    rows = [stated("CNY", "GBP", "0.11", DAY - timedelta(days=1), "desk"), *ECB]
    assert quotes_of("GBP", rows)["CNY"].source == "ecb"


def test_a_crossed_rate_is_as_old_as_the_older_of_its_two() -> None:
    rows = [stated("EUR", "GBP", "0.8742", DAY - timedelta(days=3), "desk"), stated("EUR", "CNY", "8.2166")]
    quote = quotes_of("GBP", rows)["CNY"]
    assert (quote.day, quote.source) == (DAY - timedelta(days=3), "desk+ecb")
    assert Exchange("GBP", {}, quotes_of("GBP", rows)).age("CNY", AT) == timedelta(days=3)


def test_a_rate_is_stale_after_a_day_and_one_s_own_currency_never() -> None:
    exchange = Exchange("GBP", {"USD": Decimal("0.64")}, quotes_of("GBP", ECB))
    day = timedelta(hours=24)
    assert not exchange.stale("CNY", AT + day)
    assert exchange.stale("CNY", AT + day + timedelta(seconds=1))
    assert not exchange.stale("GBP", AT + 1000 * day)
    assert exchange.age("GBP", AT) == timedelta(0)


def test_what_was_typed_by_hand_has_no_age_and_is_stale() -> None:
    exchange = Exchange("GBP", {"USD": Decimal("0.64"), "CNY": Decimal("0.1")}, quotes_of("GBP", ECB))
    assert exchange.age("USD", AT) is None
    assert exchange.stale("USD", AT)
    assert exchange.stale("THB", AT)  # no rate at all
    quote = exchange.quote("USD")
    assert quote is not None
    assert (quote.rate, quote.day, quote.source) == (Decimal("0.64"), None, "settings")
    assert exchange.rate("CNY") == quotes_of("GBP", ECB)["CNY"].rate  # a stated one wins
    assert exchange.quote("THB") is None
    assert exchange.currencies() == ("CNY", "EUR", "JPY", "USD")


def test_minor_units_follow_each_currency_s_own_decimals() -> None:
    exchange = Exchange("GBP", {}, quotes_of("GBP", ECB))
    assert exchange.minor(10_000, "JPY") == 5041  # 10,000 yen are 50.41 pounds
    yen = Exchange("JPY", {}, quotes_of("JPY", ECB))
    assert yen.minor(5041, "GBP") == 10_000


RATE = st.decimals(min_value=Decimal("0.000001"), max_value=Decimal(10**6), places=6).filter(lambda rate: rate > 0)
CODES = st.sampled_from(["GBP", "CNY", "JPY", "KWD", "USD"])


@given(RATE, RATE, CODES, CODES, st.integers(-(10**9), 10**9))
def test_there_and_back_comes_within_one_minor_unit(
    one: Decimal, other: Decimal, here: str, there: str, amount: int
) -> None:
    if here == there:
        return
    rows = [stated("EUR", here, str(one)), stated("EUR", there, str(other))]
    home, abroad = Exchange(here, {}, quotes_of(here, rows)), Exchange(there, {}, quotes_of(there, rows))
    converted = abroad.minor(amount, here)
    back = home.minor(converted, there)
    factor = abroad.factor(here)
    assert converted is not None
    assert back is not None
    assert factor is not None
    lost = abs(back - amount) * min(factor, Decimal(1))  # in the coarser of the two
    assert lost <= 1, (lost, exponent(here), exponent(there))


@given(st.lists(st.builds(
    lambda pair, rate, back, source: stated(pair[0], pair[1], str(rate), DAY - timedelta(days=back), source),
    st.sampled_from(list(itertools.permutations(["EUR", "USD", "GBP", "CNY"], 2))), RATE, st.integers(0, 3),
    st.sampled_from(["ecb", "file"]),
), max_size=12), st.randoms())  # fmt: skip
def test_the_order_of_rows_means_nothing(rows: list[StatedRate], chance: random.Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert quotes_of("GBP", rows) == quotes_of("GBP", shuffled)
    for quote in quotes_of("GBP", rows).values():
        assert quote.rate > 0
