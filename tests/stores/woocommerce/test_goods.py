"""Products and stock of a shop, as facts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import Fault, ProductFact, StockFact, StorePlace
from bot.stores.woocommerce.goods import Good, product, stock
from tests.stores.woocommerce.conftest import Woo, facts, faults


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


async def test_simple_products_and_variations_are_told_by_their_own_codes(woo: Woo) -> None:
    mug = woo.shop.put(sku="MUG", name="Tom &amp; Jerry", regular_price="4.5", sale_price="3.99")
    shirt = woo.shop.put(type="variable", name="Shirt", sku="SHIRT", regular_price="")
    options = [{"id": 1, "name": "Size", "option": "L"}, {"id": 2, "name": "Colour", "option": "red"}]
    large = woo.shop.vary(shirt, sku="SHIRT-L", attributes=options, status="private", regular_price="12")
    woo.shop.put(type="grouped", sku="SET")
    woo.shop.put(type="external", sku="ELSEWHERE")
    draft = woo.shop.put(sku="SOON", status="draft", regular_price="")
    pages = await woo.read("products")
    assert facts(pages, ProductFact) == [
        ProductFact(str(mug), "MUG", "Tom & Jerry", pounds("4.50")),  # of the sale nothing is kept
        ProductFact(str(large), "SHIRT-L", "Shirt - L, red", pounds("12.00"), active=False),
        ProductFact(str(draft), "SOON", f"Product {draft}", None, active=False),
    ]
    assert faults(pages) == {}


async def test_a_good_is_of_the_first_category_that_somebody_chose(woo: Woo) -> None:
    none = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}
    lamps, home = ({"id": n, "name": name, "slug": name.lower()} for n, name in ((16, "Lamps &amp; Co"), (17, "Home")))
    woo.shop.put(sku="LAMP", categories=[none, lamps, home])
    woo.shop.put(sku="BARE", categories=[none])
    shirt = woo.shop.put(type="variable", sku="SHIRT", categories=[home])
    woo.shop.vary(shirt, sku="SHIRT-L")
    told = {fact.sku: fact.category for fact in facts(await woo.read("products"), ProductFact)}
    assert told == {"LAMP": "Lamps & Co", "BARE": "", "SHIRT-L": "Home"}


async def test_stock_is_read_where_the_shop_counts_it(woo: Woo) -> None:
    counted = woo.shop.put(sku="A", manage_stock=True, stock_quantity=7)
    woo.shop.put(sku="B", manage_stock=False, stock_status="instock")
    parent = woo.shop.put(type="variable", sku="SHIRT", manage_stock=True, stock_quantity=30)
    own = woo.shop.vary(parent, sku="SHIRT-L", manage_stock=True, stock_quantity=4)
    shared = woo.shop.vary(parent, sku="SHIRT-M")
    told = {fact.code: fact for fact in facts(await woo.read("stock"), StockFact)}
    assert {code: fact.on_hand for code, fact in told.items()} == {str(counted): 7, str(parent): 30, str(own): 4}
    assert str(shared) not in told  # thirty shirts are thirty, not sixty
    assert {fact.place for fact in told.values()} == {"store"}
    assert {fact.as_of for fact in told.values()} == {woo.shop.clock.now()}
    assert await woo.feed.places() == (StorePlace("store", "shop"),)
    sold = {fact.code for fact in facts(await woo.read("products"), ProductFact)}
    assert {str(parent), str(own), str(shared)} <= sold


async def test_what_was_ordered_ahead_is_owed_and_no_shelf_holds_less_than_nothing(woo: Woo) -> None:
    woo.shop.put(sku="A", manage_stock=True, stock_quantity=-3, backorders="notify")
    (fact,) = facts(await woo.read("stock"), StockFact)
    assert (fact.on_hand, fact.committed) == (0, 3)


@given(st.integers(-10_000, 10_000))
def test_what_is_available_is_what_the_shop_may_still_sell(units: int) -> None:
    row = {"id": 1, "sku": "A", "manage_stock": True, "stock_quantity": units}
    fact = stock(Good(row), datetime(2026, 1, 1, tzinfo=UTC))
    assert isinstance(fact, StockFact)
    assert fact.on_hand - fact.committed == units
    assert min(fact.on_hand, fact.committed) == 0


@given(st.decimals(0, 100_000, places=4), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_a_price_is_money_of_the_shop_whatever_its_decimals(amount: Decimal, currency: str) -> None:
    row = {"id": 1, "sku": "A", "name": "A", "status": "publish", "regular_price": str(amount), "price": "1"}
    fact = product(Good(row), currency)
    assert isinstance(fact, ProductFact)
    assert fact.price is not None
    assert abs(fact.price.amount - amount) <= Decimal("0.5")


async def test_a_record_that_cannot_be_read_keeps_no_other_from_being_told(woo: Woo) -> None:
    bad = woo.shop.put(sku="BAD", regular_price="1.299,00", manage_stock=True, stock_quantity="2.5")
    good = woo.shop.put(sku="GOOD", manage_stock=True, stock_quantity=2)
    products, counts = await woo.read("products"), await woo.read("stock")
    assert [fact.code for fact in facts(products, ProductFact)] == [str(good)]
    assert [fact.code for fact in facts(counts, StockFact)] == [str(good)]
    assert "1.299,00" in faults(products)[str(bad)]
    assert faults(counts) == {f"{bad}@store": "stock_quantity is 2.5, not a whole number"}
    assert '"sku": "BAD"' in products[0].faults[0].record


def test_a_price_that_is_missing_is_no_fault() -> None:
    row = {"id": 1, "sku": "A", "name": "A", "status": "publish", "regular_price": "", "price": ""}
    assert product(Good(row), "GBP") == ProductFact("1", "A", "A", None)
    assert isinstance(product(Good({**row, "price": "free"}), "GBP"), Fault)


async def test_a_key_that_may_not_read_is_declined_and_told_without_its_secret(woo: Woo) -> None:
    assert [check.verdict for check in await woo.feed.check()] == ["ok"]
    woo.shop.token = "cs_another"
    with pytest.raises(Declined, match="401") as refused:
        await woo.read("products")
    (check,) = await woo.feed.check()
    assert check.verdict == "fail"
    assert "cs_of-the-shop" not in f"{refused.value!r} {refused.value.detail} {check}"
