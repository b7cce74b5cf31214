"""Prices of a shop: lists of ours ask them, the variant's own stays, and what does not hold is found."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.ports import MovableClock
from bot.stores.medusa import MedusaPrices
from bot.stores.medusa.lists import Entry, described, entries_of
from tests.stores.medusa.conftest import Medusa


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def lamp(medusa: Medusa) -> str:
    """A variant at twelve pounds."""
    return medusa.shop.vary("LAMP", 12)


def lists(medusa: Medusa) -> list[tuple[str, str, list[float]]]:
    """Every list: type, status, amounts."""
    rows = medusa.shop.price_lists.values()
    return [(row["type"], row["status"], [each["amount"] for each in row["prices"]]) for row in rows]


async def test_a_promotion_is_a_sale_list_and_its_end_puts_the_list_away(medusa: Medusa, lamp: str) -> None:
    before = await medusa.prices.price("LAMP")
    await medusa.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "start", before.revision)
    assert lists(medusa) == [("sale", "active", [9.6])]
    told = await medusa.prices.price("LAMP")
    assert (told.price, told.compare_at) == (pounds("9.60"), pounds("12.00"))
    await medusa.prices.set_price("LAMP", pounds("12.00"), None, "stop", told.revision)
    assert lists(medusa) == [("sale", "draft", [9.6])]
    assert [each["amount"] for each in medusa.shop.variants[lamp]["prices"]] == [12]  # never touched
    assert await medusa.prices.written("start") is not None
    assert await medusa.prices.written("stop") == await medusa.prices.price("LAMP")


async def test_a_price_with_nothing_struck_through_is_an_override(medusa: Medusa, lamp: str) -> None:
    await medusa.prices.set_price("LAMP", pounds("14.00"), None, "k1")
    assert lists(medusa) == [("override", "active", [14.0])]
    assert (await medusa.prices.price("LAMP")).price == pounds("14.00") == medusa.shop.asks(lamp)


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_another_price_replaces_ours_whichever_list_would_hold(
    medusa: Medusa, lamp: str, *, oldest_first: bool
) -> None:
    medusa.shop.oldest_first = oldest_first
    await medusa.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "k1")
    told = await medusa.prices.set_price("LAMP", pounds("10.00"), pounds("12.00"), "k2")
    assert lists(medusa) == [("sale", "draft", [8.0]), ("sale", "active", [10.0])]
    assert await medusa.prices.price("LAMP") == told
    assert medusa.shop.asks(lamp) == pounds("10.00")


@pytest.mark.usefixtures("lamp")
async def test_a_price_that_already_is_as_wanted_leaves_the_key_and_no_price(medusa: Medusa) -> None:
    told = await medusa.prices.set_price("LAMP", pounds("12.00"), None, "k1")
    assert lists(medusa) == [("override", "draft", [12.0])]
    assert await medusa.prices.written("k1") == told


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_no_list_of_ours_is_made_beside_somebody_elses(medusa: Medusa, lamp: str, *, oldest_first: bool) -> None:
    medusa.shop.oldest_first = oldest_first
    medusa.shop.list_prices(medusa.shop.price_row(lamp, 9))
    stands = await medusa.prices.price("LAMP")
    assert (stands.price, stands.compare_at) == (pounds("9.00"), pounds("12.00"))
    for price in ("10.00", "7.00"):
        with pytest.raises(Declined, match="another_list"):
            await medusa.prices.set_price("LAMP", pounds(price), pounds("12.00"), "k1")
    assert len(medusa.shop.price_lists) == 1


async def test_ours_is_put_away_although_somebody_made_another_list_meanwhile(medusa: Medusa, lamp: str) -> None:
    await medusa.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "start")
    medusa.shop.list_prices(medusa.shop.price_row(lamp, 9))
    with pytest.raises(Declined, match=r"took 12\.00 GBP and asks 9\.00 GBP instead of 12\.00 GBP"):
        await medusa.prices.set_price("LAMP", pounds("12.00"), None, "stop")
    assert lists(medusa) == [("sale", "draft", [8.0]), ("sale", "active", [9])]


async def test_lists_for_some_customers_or_other_times_are_not_what_everybody_is_asked(
    medusa: Medusa, lamp: str, clock: MovableClock
) -> None:
    row = medusa.shop.price_row
    rules = [{"attribute": "customer.groups.id", "value": ["b2b"]}]
    medusa.shop.list_prices(row(lamp, 1), price_list_rules=rules)
    medusa.shop.list_prices(row(lamp, 2), ends_at=(clock.now() - timedelta(days=1)).isoformat())
    medusa.shop.list_prices(row(lamp, 3), starts_at=(clock.now() + timedelta(days=1)).isoformat())
    medusa.shop.list_prices(row(lamp, 4, min_quantity=10), row(lamp, 5, "eur"))
    medusa.shop.list_prices(row(lamp, 6), status="draft")
    medusa.shop.list_prices(row(lamp, 20))  # a sale above the price is none
    assert (await medusa.prices.price("LAMP")).price == pounds("12.00") == medusa.shop.asks(lamp)
    clock.push(timedelta(days=2))
    assert (await medusa.prices.price("LAMP")).price == pounds("3.00") == medusa.shop.asks(lamp)


async def test_what_is_struck_through_is_the_variants_own_price(medusa: Medusa, lamp: str) -> None:
    for price, compare_at, said in (
        ("9.60", "15.00", "wrong_compare_at"),
        ("9.60", "9.60", "compare_at_too_low"),
        ("0.00", None, "no_price"),
    ):
        with pytest.raises(Declined, match=said):
            await medusa.prices.set_price("LAMP", pounds(price), pounds(compare_at) if compare_at else None, "k1")
    with pytest.raises(Declined, match="wrong_currency"):
        await medusa.prices.set_price("LAMP", Money(Decimal(9), "EUR"), None, "k1")
    assert (medusa.shop.price_lists, lamp in medusa.shop.variants) == ({}, True)


async def test_a_list_that_does_not_come_to_hold_is_found_by_reading_back(medusa: Medusa, lamp: str) -> None:
    medusa.shop.stuck = True
    with pytest.raises(Declined, match=r"took 9\.60 GBP instead of 12\.00 GBP and asks 12\.00 GBP"):
        await medusa.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1")
    assert medusa.shop.asks(lamp) == pounds("12.00")


async def test_a_write_that_cannot_be_read_back_is_unanswered_and_found_by_another_process(
    medusa: Medusa, lamp: str
) -> None:
    medusa.shop.faults.add("variants", "delay:0")  # the look before the write
    medusa.shop.faults.add("variants", "500")
    with pytest.raises(Unanswered, match="read back"):
        await medusa.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "promotion:R-1:start")
    found = await MedusaPrices("shop", medusa.part()).written("promotion:R-1:start")
    assert found is not None
    assert found.price == pounds("9.60")
    assert await medusa.prices.written("promotion:R-1") is None  # a key that is part of another is not it
    assert medusa.shop.asks(lamp) == pounds("9.60")


async def test_a_replacement_that_broke_off_is_made_again_by_the_same_key(medusa: Medusa, lamp: str) -> None:
    await medusa.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "k1")
    medusa.shop.faults.add("set_price", "delay:0")
    medusa.shop.faults.add("set_price", "error:503")
    with pytest.raises(Unreached):
        await medusa.prices.set_price("LAMP", pounds("10.00"), pounds("12.00"), "k2")
    assert await medusa.prices.written("k2") is None
    assert medusa.shop.asks(lamp) == pounds("12.00")  # never both, so for a while neither
    await medusa.prices.set_price("LAMP", pounds("10.00"), pounds("12.00"), "k2")
    assert medusa.shop.asks(lamp) == pounds("10.00")


async def test_which_variant_is_meant_must_be_clear(medusa: Medusa, lamp: str) -> None:
    medusa.shop.vary("LAMP-XL", 20)
    medusa.shop.vary("TWICE", 1)
    medusa.shop.vary("TWICE", 2)
    medusa.shop.vary("FREE", None)
    assert (await medusa.prices.price("lamp")).sku == medusa.shop.variants[lamp]["sku"]
    with pytest.raises(Declined, match="2 variants"):
        await medusa.prices.price("TWICE")
    with pytest.raises(Declined, match="no price in GBP"):
        await medusa.prices.price("FREE")


async def test_a_description_that_somebody_rewrote_is_no_record(medusa: Medusa, lamp: str) -> None:
    await medusa.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1")
    (row,) = medusa.shop.price_lists.values()
    row["description"] = f"Sold off: {row['description']}"
    assert await medusa.prices.written("k1") is None
    assert medusa.shop.asks(lamp) == pounds("9.60")


KEYS = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=40)


@settings(max_examples=25)
@given(st.lists(st.builds(Entry, KEYS, st.integers(1), KEYS, KEYS, KEYS, st.tuples(KEYS, KEYS)), max_size=10))
def test_a_record_is_read_as_it_was_written_and_keeps_the_last(entries: list[Entry]) -> None:
    assert entries_of({"description": described(entries)}) == tuple(entries[-8:])
