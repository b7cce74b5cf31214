"""Promotions of a product that a store has under ids of its own: each call names them, also the one that ends it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from bot.domain.money import Money
from bot.ports import Check, StorePrice
from bot.services.variants import Several, Uneven, price_of, the_variant
from bot.storage import tables
from tests.services.promotions.kit import LAMP, PRICE, Yard, pounds
from tests.services.work.kit import add


async def lists(yard: Yard, *codes: str) -> None:
    """A reading of the shop told of the lamp by these ids."""
    async with yard.database.transaction() as connection:
        for code in codes:
            await add(
                connection, tables.StoreCode, store="shop", code=code, sku="Lamp-Blue", name="Lamp", match="confirmed",
                product_id=yard.shop.skus[LAMP], score=100, seen_at=yard.clock.now(),
            )  # fmt: skip


async def payloads(yard: Yard) -> dict[str, Any]:
    """What the calls were given, by their kind."""
    return {row.kind: row.payload for row in await yard.all(tables.Effect)}


async def test_a_price_is_lowered_and_put_back_by_the_id_that_was_read(small: Yard) -> None:
    await lists(small, "v1")
    request_id = await small.runs()
    assert small.price() == (pounds(200), pounds(PRICE))
    async with small.database.transaction() as connection:  # a person says meanwhile that it is another product
        await connection.execute(update(tables.StoreCode).values(match="ignored", product_id=None))
    assert not (await small.presses("Lin Wei", "stop", f"R-{request_id}")).refused
    await small.works()
    assert small.price() == (pounds(PRICE), None)
    assert {kind: told["codes"] for kind, told in (await payloads(small)).items()} == {
        "price.read": ["v1"], "price.set": ["v1"], "price.restore": ["v1"],
    }  # fmt: skip


async def test_several_variants_take_a_discount_and_no_lower_price(small: Yard) -> None:
    await lists(small, "v1", "v2")
    refused = await small.says("Nok", "promo LAMP 20% until Friday")
    assert refused.refused
    assert "I change no price of half a product" in str(refused.message)
    advised = "promo LAMP 20% until Friday store=shop code NAME"
    assert advised in str(refused.message)
    await small.runs(advised.replace("NAME", "summer20"))
    assert [(deal.code, deal.skus) for deal in small.store.deals.standing] == [("SUMMER20", (LAMP,))]
    assert (await payloads(small))["discount.grant"]["discount"]["variants"] == ["v1", "v2"]


async def test_a_variant_that_joined_since_the_question_keeps_the_price_from_being_lowered(small: Yard) -> None:
    await lists(small, "v1")
    request_id = await small.asked()
    await lists(small, "v2")
    await small.approves(request_id)
    await small.works()
    assert small.price() == (pounds(PRICE), None)
    request = await small.request(request_id)
    assert (request.state, request.detail["life"]["trouble"]["kind"]) == ("failed", "not_started")
    error = request.detail["life"]["trouble"]["error"]
    assert "as {count} variants" in error
    assert "ask for a discount (code or basket)" in error
    ((unbegun,), failures) = await small.data("promotion.not_started"), await small.data("effect.failed")
    said = {unbegun["trouble"]["error"], *(failed["error"] for failed in failures)}
    assert [sentence.split(";")[0] for sentence in said] == [
        "the store sells it as 2 variants, and their prices are not changed all at once"
    ]


class _Priced:
    """A store of two variants, whose prices are as they are given."""

    name = "shop"

    def __init__(self, **prices: str) -> None:
        self._prices = prices

    async def price(self, sku: str, code: str = "") -> StorePrice:
        return StorePrice(f"{sku}-{code}", Money(Decimal(self._prices[code]), "GBP"), None, "1")

    async def set_price(self, *_given: object) -> StorePrice:
        raise AssertionError

    async def written(self, _key: str) -> StorePrice | None:
        return None

    async def check(self) -> tuple[Check, ...]:
        return ()


async def test_variants_of_one_product_have_one_price_or_none_that_can_be_promoted() -> None:
    assert (await price_of(_Priced(a="2.50", b="2.5"), LAMP, ("a", "b"))).price == pounds(250)
    with pytest.raises(Uneven, match=r"2\.50 GBP \(LAMP-a\), 2\.60 GBP \(LAMP-b\)"):
        await price_of(_Priced(a="2.50", b="2.60"), LAMP, ("a", "b"))
    assert [the_variant(()), the_variant(("a",))] == ["", "a"]
    with pytest.raises(Several, match="as 2 variants"):
        the_variant(("a", "b"))


async def test_variants_that_differ_in_price_are_refused_before_anybody_approves(
    small: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lists(small, "a", "b")
    outlets = small.app.services.promotions._outlets
    monkeypatch.setattr(outlets._outlets["shop"].connector, "price", _Priced(a="2.50", b="2.60").price)
    refused = await small.says("Nok", "promo LAMP 20% until Friday code summer20")
    assert refused.refused
    assert "Make them the same there first" in str(refused.message)
