"""Prices of a shop: what it drops with a 200 is found, and what hung there before comes back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.ports import MovableClock
from bot.stores.woocommerce import WooPrices
from bot.stores.woocommerce.tags import META, Shelf
from tests.stores.woocommerce.conftest import Woo


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def lamp(woo: Woo) -> int:
    """A product at twelve pounds."""
    return woo.shop.put(sku="LAMP", regular_price="12.00")


def tag(woo: Woo, number: int) -> tuple[str, str, str | None, str | None]:
    row = woo.shop.products.get(number) or woo.shop.variations[number]
    return row["regular_price"], row["sale_price"], row["date_on_sale_from"], row["date_on_sale_to"]


async def test_a_lower_price_is_a_sale_price_and_the_regular_one_stays(woo: Woo, lamp: int) -> None:
    await woo.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1")
    assert tag(woo, lamp) == ("12", "9.6", None, None)
    told = await woo.prices.price("LAMP")
    assert (told.price, told.compare_at) == (pounds("9.60"), pounds("12.00"))
    await woo.prices.set_price("LAMP", pounds("12.00"), None, "k2", told.revision)
    assert tag(woo, lamp) == ("12", "", None, None)


async def test_a_sale_price_that_the_shop_drops_is_found_by_reading_back(woo: Woo, lamp: int) -> None:
    woo.shop.products[lamp]["regular_price"] = "8.00"
    woo.shop.stuck_regular = True  # so that the sale price comes to stand above the regular one
    with pytest.raises(Declined, match=r"took 9\.60 GBP instead of 12\.00 GBP and kept 8\.00 GBP"):
        await woo.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1")


async def test_a_sale_price_that_is_none_is_not_sent(woo: Woo, lamp: int) -> None:
    for price, compare_at in (("9.60", "9.60"), ("9.60", "9.00"), ("0.00", None)):
        with pytest.raises(Declined, match=r"no_price|too_low"):
            await woo.prices.set_price("LAMP", pounds(price), pounds(compare_at) if compare_at else None, "k1")
    with pytest.raises(Declined, match="wrong_currency"):
        await woo.prices.set_price("LAMP", Money(Decimal(9), "EUR"), None, "k1")
    assert (woo.shop.changes, tag(woo, lamp)[0]) == ([], "12.00")


async def test_a_write_that_cannot_be_read_back_is_unanswered_and_found_later(woo: Woo, lamp: int) -> None:
    await woo.prices.price("LAMP")
    woo.shop.faults.add("products", "delay:0")  # the look before the write
    woo.shop.faults.add("products", "500")
    with pytest.raises(Unanswered, match="read back"):
        await woo.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1")
    before = len(woo.shop.calls)
    found = await woo.prices.written("k1")
    assert found is not None
    assert found.price == pounds("9.60")
    assert [path.split("/")[-1] for _, path, _ in woo.shop.calls[before:]] == [str(lamp)]  # not the whole shop
    assert tag(woo, lamp)[1] == "9.6"


async def test_a_gateway_that_gave_up_leaves_it_open_whether_the_price_changed(woo: Woo, lamp: int) -> None:
    woo.shop.faults.add("set_price", "error:504")
    with pytest.raises(Unanswered):
        await woo.prices.set_price("LAMP", pounds("9.60"), None, "k1")
    assert await woo.prices.written("k1") is None
    woo.shop.faults.add("set_price", "error:503")
    with pytest.raises(Unreached):
        await woo.prices.set_price("LAMP", pounds("9.60"), None, "k1")
    assert tag(woo, lamp)[0] == "12.00"


async def test_another_process_finds_a_key_in_whichever_product_holds_it(woo: Woo, lamp: int) -> None:
    shirt = woo.shop.put(type="variable", sku="SHIRT")
    woo.shop.vary(shirt, sku="SHIRT-M")
    woo.shop.vary(shirt, sku="SHIRT-L", regular_price="20")
    woo.shop.put(type="grouped", sku="SET", regular_price="")
    told = await woo.prices.set_price("SHIRT-L", pounds("15.00"), pounds("20.00"), "promotion:R-1:start")
    other = WooPrices("shop", woo.part())
    assert await other.written("promotion:R-1:start") == told
    assert await other.written("promotion:R-2:start") is None
    assert tag(woo, lamp)[0] == "12.00"


async def test_a_sale_of_the_sellers_own_comes_back_with_its_days(woo: Woo, lamp: int, clock: MovableClock) -> None:
    row = woo.shop.products[lamp]
    row |= {"sale_price": "10.00", "date_on_sale_from": "2011-11-01T00:00:00", "date_on_sale_to": "2011-12-24T23:59:59"}
    before = await woo.prices.price("LAMP")
    assert (before.price, before.compare_at) == (pounds("10.00"), pounds("12.00"))
    await woo.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "start", before.revision)
    assert tag(woo, lamp) == ("12", "8", None, None)  # its end must not end ours
    await woo.prices.set_price("LAMP", pounds("7.00"), pounds("12.00"), "lower")
    again = await woo.prices.set_price("LAMP", pounds("10.00"), pounds("12.00"), "restore")
    assert tag(woo, lamp) == ("12", "10", "2011-11-01T00:00:00", "2011-12-24T23:59:59")
    assert await woo.prices.price("LAMP") == again
    clock.push(timedelta(days=60))
    assert (await woo.prices.price("LAMP")).price == pounds("12.00")


async def test_a_sale_that_was_planned_comes_back_planned(woo: Woo, lamp: int) -> None:
    row = woo.shop.products[lamp]
    row |= {"sale_price": "10.00", "date_on_sale_from": "2011-12-01T00:00:00"}
    before = await woo.prices.price("LAMP")
    assert (before.price, before.compare_at) == (pounds("12.00"), None)
    await woo.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "start", before.revision)
    await woo.prices.set_price("LAMP", before.price, before.compare_at, "restore")
    assert tag(woo, lamp) == ("12", "10", "2011-12-01T00:00:00", None)


async def test_a_sale_that_ended_meanwhile_is_not_begun_again(woo: Woo, lamp: int, clock: MovableClock) -> None:
    woo.shop.products[lamp] |= {"sale_price": "10.00", "date_on_sale_to": "2011-11-30T23:59:59"}
    before = await woo.prices.price("LAMP")
    await woo.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "start", before.revision)
    clock.push(timedelta(days=20))
    with pytest.raises(Declined, match=r"kept 12\.00 GBP"):
        await woo.prices.set_price("LAMP", pounds("10.00"), pounds("12.00"), "restore")


async def test_what_somebody_set_meanwhile_is_what_comes_back(woo: Woo, lamp: int) -> None:
    await woo.prices.set_price("LAMP", pounds("8.00"), pounds("12.00"), "start")
    woo.shop.change(woo.shop.products[lamp], {"regular_price": "14.00", "sale_price": ""}, "")
    await woo.prices.set_price("LAMP", pounds("11.00"), pounds("14.00"), "again")
    await woo.prices.set_price("LAMP", pounds("14.00"), None, "restore")
    assert tag(woo, lamp) == ("14", "", None, None)


async def test_an_order_that_takes_units_off_is_no_change_of_the_price(woo: Woo, lamp: int) -> None:
    seen = await woo.prices.price("LAMP")
    woo.shop.touch(woo.shop.products[lamp], stock_quantity=3)
    assert (await woo.prices.price("LAMP")).revision == seen.revision
    await woo.prices.set_price("LAMP", pounds("9.60"), pounds("12.00"), "k1", seen.revision)


async def test_which_product_is_meant_must_be_clear(woo: Woo, lamp: int) -> None:
    woo.shop.put(sku="TWICE")
    woo.shop.put(sku="TWICE")
    woo.shop.put(sku="SHIRT", type="variable")
    woo.shop.put(sku="FREE", regular_price="")
    woo.shop.put(sku="A,B", regular_price="3.00")
    woo.shop.put(sku="A")
    with pytest.raises(Declined, match="2 products"):
        await woo.prices.price("TWICE")
    with pytest.raises(Declined, match="variations"):
        await woo.prices.price("SHIRT")
    with pytest.raises(Declined, match="no price"):
        await woo.prices.price("FREE")
    assert (await woo.prices.price("A,B")).price == pounds("3.00")
    assert woo.shop.products[lamp]["sku"] == "LAMP"


async def test_the_record_keeps_the_last_writes_and_nothing_of_others(woo: Woo, lamp: int) -> None:
    row = woo.shop.products[lamp]
    row["meta_data"] = [{"id": 1, "key": "_theirs", "value": "x"}, {"id": 2, "key": META, "value": "not ours"}]
    for number in range(12):
        await woo.prices.set_price("LAMP", pounds(f"{number + 1}.00"), None, f"k{number}")
    metas = {meta["key"]: meta["value"] for meta in row["meta_data"]}
    assert metas["_theirs"] == "x"
    assert [entry["key"] for entry in metas[META]] == [f"k{number}" for number in range(4, 12)]


async def test_a_key_that_may_only_read_is_said_before_a_promotion_is_tried(woo: Woo) -> None:
    woo.shop.put(sku="LAMP", regular_price="12.00")
    woo.shop.may_write = False
    (check,) = await woo.prices.check()
    assert (check.verdict, "write" in check.detail) == ("warn", True)
    with pytest.raises(Declined, match="write permissions"):
        await woo.prices.set_price("LAMP", pounds("9.60"), None, "k1")


@given(st.integers(2, 10**7), st.integers(1, 10**7), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_undoing_our_write_asks_what_was_asked_before(high: int, low: int, currency: str) -> None:
    low = min(low, high - 1)
    regular, sale = Money.of_minor(high, currency), Money.of_minor(low, currency)
    row = {"id": 1, "sku": "A", "regular_price": str(regular.amount), "sale_price": "", "on_sale": False}
    before = Shelf.of(row)
    entry = before.writing("start", sale, regular)
    body = before.body(entry)
    ours = Shelf.of({**row, **body, "on_sale": True})
    assert (ours.price(currency).price, ours.price(currency).compare_at) == (sale, regular)
    assert ours.entry("start") == entry
    assert ours.revision != before.revision
    assert ours.writing("restore", *_asked(before, currency)).tag == before.tag


def _asked(shelf: Shelf, currency: str) -> tuple[Money, Money | None]:
    told = shelf.price(currency)
    return told.price, told.compare_at
