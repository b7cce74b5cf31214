"""Prices of a Shopify shop: what the contract of all stores does not say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.stores.shopify import prices as module
from tests.stores.shopify.conftest import Running


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


async def test_a_sku_is_compared_though_a_search_finds_parts_of_it(running: Running) -> None:
    running.store.sell("MUG-BLUE", "Blue mug", "5.00")
    running.store.sell("mug", "Small mug", "3.00")
    running.store.sell("MUG", "Mug", "4.25")
    running.store.sell('5" \\ (NEW):*', "Odd", "1.00")
    prices = running.prices()
    assert (await prices.price("MUG")).price == pounds("4.25")
    assert (await prices.price('5" \\ (NEW):*')).price == pounds("1.00")
    with pytest.raises(Declined, match="sells no MU"):
        await prices.price("MU")
    await prices.close()


async def test_a_sku_that_several_variants_bear_has_no_price(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    running.store.sell("MUG", "Mug again", "4.50")
    prices = running.prices()
    with pytest.raises(Declined, match="several variants"):
        await prices.set_price("MUG", pounds("2.00"), None, "k")
    await prices.close()
    assert not running.store.changes


async def test_a_price_that_the_shop_did_not_keep_is_declined_and_said(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    running.store.kept_price = "4.00"
    prices = running.prices()
    with pytest.raises(Declined, match=r"the shop kept 4\.00 GBP, struck through 4\.25 GBP"):
        await prices.set_price("MUG", pounds("3.00"), pounds("4.25"), "k")
    await prices.close()


async def test_a_price_that_cannot_be_read_back_is_unanswered(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    running.store.faults.add("price_of", "500")
    prices = running.prices()
    with pytest.raises(Unanswered, match="read back"):
        await prices.set_price("MUG", pounds("3.00"), None, "k")
    found = await prices.written("k")
    await prices.close()
    assert found is not None
    assert found.price == pounds("3.00")


async def test_another_currency_than_the_shops_is_declined(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    with pytest.raises(Declined, match="counts in GBP"):
        await prices.set_price("MUG", Money(Decimal("3.00"), "EUR"), None, "k")
    await prices.close()


async def test_what_is_struck_through_is_taken_away_again(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    await prices.set_price("MUG", pounds("3.00"), pounds("4.25"), "start")
    told = await prices.set_price("MUG", pounds("4.25"), None, "stop")
    assert (told.price, told.compare_at) == (pounds("4.25"), None)
    assert (await prices.written("start")) is not None
    await prices.close()


async def test_a_plan_that_was_not_written_changed_nothing_and_may_be_made_again(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    running.store.faults.add("intend", "drop_after_reading")
    with pytest.raises(Unreached):
        await prices.set_price("MUG", pounds("3.00"), None, "k")
    assert await prices.written("k") is None
    assert (await prices.set_price("MUG", pounds("3.00"), None, "k")).price == pounds("3.00")
    await prices.close()
    assert [call[0] for call in running.store.calls].count("intend") == 1


async def test_a_change_older_than_the_variant_remembers_is_in_doubt(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    for number in range(4):
        await prices.set_price("MUG", pounds(f"3.0{number}"), None, f"k{number}")
    assert await prices.written("k1") is not None
    with pytest.raises(Unanswered, match="last 3 changes"):
        await prices.written("k0")
    assert await prices.written("never") is None
    await prices.close()


async def test_a_variant_that_was_deleted_leaves_its_change_in_doubt(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    await prices.set_price("MUG", pounds("3.00"), None, "k")
    running.store.products.clear()
    with pytest.raises(Unanswered, match="deleted"):
        await prices.written("k")
    await prices.close()


async def test_an_empty_bucket_changes_no_price(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    prices = running.prices()
    running.store.points, running.store.rate = 0.0, 1.0
    with pytest.raises(Unreached) as refused:
        await prices.set_price("MUG", pounds("3.00"), None, "k")
    assert refused.value.retry_after > 0
    await prices.close()
    assert not running.store.changes


async def test_a_right_that_is_missing_declines_the_write_and_the_check_names_it(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    running.store.scopes.discard("write_products")
    prices = running.prices()
    with pytest.raises(Declined, match="write_products"):
        await prices.set_price("MUG", pounds("3.00"), None, "k")
    (check,) = await prices.check()
    assert (check.verdict, check.detail) == ("fail", "the app may not write_products")
    await prices.close()


async def test_what_somebody_wrote_where_we_remember_is_no_memory(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.fields[(mug["id"], "stocktide", "prices")] = '{"somebody": "else"}'
    prices = running.prices()
    assert (await prices.set_price("MUG", pounds("3.00"), None, "k")).price == pounds("3.00")
    await prices.close()
