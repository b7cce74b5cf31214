"""Prices of a channel, besides what every store promises."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.stores.vendure import VendurePrices
from tests.stores.vendure.conftest import Strict


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
async def prices(strict: Strict) -> AsyncIterator[VendurePrices]:
    """What changes the prices of a store that sells a lamp."""
    strict.shop.sell("LAMP", 1200)
    found = VendurePrices("shop", strict.part())
    yield found
    await found.close()


async def test_a_price_that_the_store_makes_something_else_of_is_declined(
    strict: Strict, prices: VendurePrices
) -> None:
    strict.shop.kept_price = 1100
    with pytest.raises(Declined, match=r"kept 11\.00 GBP, struck through 12\.00 GBP"):
        await prices.set_price("LAMP", pounds("9.00"), pounds("12.00"), "k")


async def test_a_price_that_cannot_be_read_back_is_unanswered(strict: Strict, prices: VendurePrices) -> None:
    strict.shop.faults.add("price_of", "500")
    with pytest.raises(Unanswered, match="cannot be read back"):
        await prices.set_price("LAMP", pounds("9.00"), pounds("12.00"), "k")
    found = await prices.written("k")
    assert found is not None
    assert (found.price, found.compare_at) == (pounds("9.00"), pounds("12.00"))


async def test_the_same_price_once_more_is_another_revision(prices: VendurePrices) -> None:
    one = await prices.set_price("LAMP", pounds("9.00"), None, "k1")
    two = await prices.set_price("LAMP", pounds("9.00"), None, "k2")
    assert one.revision != two.revision
    assert await prices.written("k1") == one


async def test_a_key_is_of_one_variant(strict: Strict, prices: VendurePrices) -> None:
    strict.shop.sell("MUG", 1200)
    await prices.set_price("LAMP", pounds("9.00"), None, "k")
    with pytest.raises(Declined, match="key_reused"):
        await prices.set_price("MUG", pounds("9.00"), None, "k")


async def test_a_sku_that_several_variants_bear_is_declined(strict: Strict, prices: VendurePrices) -> None:
    strict.shop.sell("LAMP")
    with pytest.raises(Declined, match="2 variants"):
        await prices.price("LAMP")


@pytest.mark.parametrize(
    ("price", "compare_at"),
    [("0.00", None), ("9.00", "9.00"), ("9.00", "8.00"), ("-1.00", None)],
)
async def test_what_makes_no_sense_is_not_sent(
    strict: Strict, prices: VendurePrices, price: str, compare_at: str | None
) -> None:
    with pytest.raises(Declined):
        await prices.set_price("LAMP", pounds(price), pounds(compare_at) if compare_at else None, "k")
    assert strict.shop.changes == []


async def test_another_currency_or_finer_amounts_than_the_store_keeps_are_declined(
    strict: Strict, prices: VendurePrices
) -> None:
    with pytest.raises(Declined, match="wrong_currency"):
        await prices.set_price("LAMP", Money(Decimal("9.00"), "EUR"), None, "k")
    strict.shop.precision = 0
    with pytest.raises(Declined, match="0 decimals"):
        await prices.set_price("LAMP", pounds("9.50"), None, "k")
    assert strict.shop.changes == []


async def test_yen_have_the_stores_decimals(strict: Strict, prices: VendurePrices) -> None:
    strict.shop.currency = "JPY"
    lamp = strict.shop.sell("TEA", 39800)
    assert (await prices.price("TEA")).price == Money(Decimal(398), "JPY")
    await prices.set_price("TEA", Money(Decimal(300), "JPY"), None, "k")
    assert lamp["prices"] == [{"currencyCode": "JPY", "price": 30000}]


async def test_a_variant_without_a_price_in_the_currency_is_declined(strict: Strict, prices: VendurePrices) -> None:
    strict.shop.sell("FREE", None)
    with pytest.raises(Declined, match="no_price"):
        await prices.price("FREE")


async def test_a_record_that_somebody_else_wrote_over_is_none(strict: Strict, prices: VendurePrices) -> None:
    for record in ("no JSON", "[1]", '{"a": 1}', '[{"key": "k"}]'):
        strict.shop.variants[0]["customFields"]["stocktidePrices"] = record
        assert (await prices.price("LAMP")).price == pounds("12.00")
    await prices.set_price("LAMP", pounds("9.00"), None, "k")
    assert len(json.loads(strict.shop.variants[0]["customFields"]["stocktidePrices"])) == 1


async def test_a_variant_remembers_its_last_writes_alone(strict: Strict, prices: VendurePrices) -> None:
    for number in range(22):
        await prices.set_price("LAMP", pounds(f"{number + 1}.00"), None, f"k{number}")
    assert await prices.written("k1") is None
    assert await prices.written("k2") is not None
    assert len(json.loads(strict.shop.variants[0]["customFields"]["stocktidePrices"])) == 20


async def test_a_store_without_the_plugin_is_read_and_its_prices_are_left_alone(
    strict: Strict, prices: VendurePrices
) -> None:
    strict.shop.plugged = False
    for call in (prices.price("LAMP"), prices.set_price("LAMP", pounds("9.00"), None, "k"), prices.written("k")):
        with pytest.raises(Declined, match="docs/stores/vendure"):
            await call
    (check,) = await prices.check()
    assert (check.verdict, "stocktide.js" in (check.remedy or "")) == ("warn", True)
    assert [check.verdict for check in await strict.feed.check()] == ["ok"]


async def test_the_check_says_when_the_role_may_not_change_prices(strict: Strict, prices: VendurePrices) -> None:
    assert [check.verdict for check in await prices.check()] == ["ok"]
    strict.shop.permissions.discard("UpdateCatalog")
    (check,) = await prices.check()
    assert (check.verdict, check.detail) == ("fail", "its role may not UpdateCatalog")
    assert strict.shop.changes == []


async def test_a_session_that_ended_before_a_write_is_begun_again_for_it(strict: Strict) -> None:
    strict.shop.sell("LAMP", 1200)
    part = strict.part(token="", user=strict.shop.user, secret=strict.shop.password)
    prices = VendurePrices("shop", part)
    seen = await prices.price("LAMP")
    strict.shop.sessions.clear()
    await prices.set_price("LAMP", pounds("9.00"), None, "k", seen.revision)
    assert len(strict.shop.changes) == 1
    strict.shop.sessions.clear()
    strict.shop.faults.add("login", "500")
    with pytest.raises(Unreached):  # nobody asked the store for anything yet
        await prices.set_price("LAMP", pounds("8.00"), None, "k2")
    assert len(strict.shop.changes) == 1
    await prices.close()
