"""Deliveries of the store's plugin, and telling it where to call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Forged
from bot.ports import Delivery, OrderFact, Page, ProductFact, StockFact
from bot.stores.vendure.hooks import SIGNATURE, SUBJECTS, opened, sign
from tests.stores.vendure.conftest import NOW, Strict, sound
from tests.stores.vendure.real import HOOK_SECRET

ADDRESS = "https://bot.example/hooks/shop"


def open_(strict: Strict, told: Any) -> Delivery | None:
    body = json.dumps(told).encode()
    return strict.feed.open({SIGNATURE: sign(body, HOOK_SECRET)}, body, NOW)


async def followed(strict: Strict, **said: list[str]) -> list[Page]:
    delivery = open_(strict, {"id": "d", "topic": "t", **said})
    assert delivery is not None
    return [page async for page in strict.feed.follow([delivery])]


async def test_a_delivery_is_opened_and_says_what_to_read(strict: Strict) -> None:
    told = {"id": "d1", "topic": "OrderPlacedEvent", "at": "2026-11-20T09:00:00Z", "orders": ["12"], "variants": []}
    assert open_(strict, told) == Delivery("d1", "OrderPlacedEvent", {"orders": ["12"]})


@pytest.mark.parametrize("told", [{"id": "d"}, {"id": "d", "orders": []}, [], {"id": "d", "orders": "12"}, 4, None])
async def test_a_signed_delivery_that_says_nothing_to_us_is_none(strict: Strict, told: Any) -> None:
    assert open_(strict, told) is None


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_a_body_that_was_touched_is_forged(body: bytes, at: int) -> None:
    headers = {SIGNATURE: sign(body, HOOK_SECRET)}
    opened(headers, body, HOOK_SECRET)  # as it was
    at = at % (len(body) + 1)
    with pytest.raises(Forged):
        opened(headers, body[:at] + b"!" + body[at:], HOOK_SECRET)


@pytest.mark.parametrize("signature", ["", "no base64", sign(b"{}", "another secret"), "\N{SNOWMAN}"])
def test_what_is_not_signed_by_the_store_is_forged(signature: str) -> None:
    with pytest.raises(Forged):
        opened({SIGNATURE: signature}, b"{}", HOOK_SECRET)
    with pytest.raises(Forged):
        opened({}, b"{}", HOOK_SECRET)


def test_without_a_secret_of_ours_nothing_is_believed() -> None:
    with pytest.raises(Forged, match="hook_secret"):
        opened({SIGNATURE: sign(b"{}", "")}, b"{}", "")


async def test_what_a_delivery_is_about_is_read_anew(strict: Strict) -> None:
    lamp, other = strict.shop.sell("LAMP", productId="4"), strict.shop.sell("OTHER", productId="5")
    strict.shop.count(lamp, 9, 1)
    strict.shop.count(other, 5)
    order = strict.shop.place(strict.shop.line(lamp, 2))
    strict.shop.place(strict.shop.line(other, 2))
    pages = await followed(strict, orders=[order["id"]])
    assert [(page.kind, page.cursor) for page in pages] == [("orders", "")]
    assert [fact.id for fact in sound(pages, OrderFact)] == [order["id"]]
    for said in ({"variants": [lamp["id"]]}, {"products": ["4"]}):
        pages = await followed(strict, **said)
        assert [(page.kind, page.cursor) for page in pages] == [("products", ""), ("stock", "")]
        assert [fact.code for fact in sound(pages, ProductFact)] == [lamp["id"]]
        assert [(fact.on_hand, fact.committed) for fact in sound(pages, StockFact)] == [(9, 1)]


async def test_what_is_gone_or_was_never_placed_is_not_told(strict: Strict) -> None:
    basket = strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1), orderPlacedAt=None)
    (page,) = await followed(strict, orders=[basket["id"]])
    assert page.facts == ()
    assert await followed(strict, orders=["999"], variants=["999"], products=["999"]) == []


async def test_a_delivery_of_very_many_is_read_in_portions(strict: Strict) -> None:
    ids = [strict.shop.sell(f"S{number}")["id"] for number in range(230)]
    pages = await followed(strict, variants=ids)
    assert [fact.code for fact in sound(pages, ProductFact)] == ids
    asked = [variables["filter"]["id"]["in"] for name, variables in strict.shop.asked if name == "Variants"]
    assert [len(some) for some in asked] == [100, 100, 30]


async def test_what_many_deliveries_name_is_read_together_and_once(strict: Strict) -> None:
    lamp, mug = strict.shop.sell("LAMP"), strict.shop.sell("MUG")
    order = strict.shop.place(strict.shop.line(lamp, 2))
    said = [{"orders": [order["id"]]}, {"variants": [lamp["id"]]}, {"variants": [lamp["id"], mug["id"]]}] * 3
    deliveries = [open_(strict, {"id": f"d{number}", **each}) for number, each in enumerate(said)]
    pages = [page async for page in strict.feed.follow([each for each in deliveries if each])]
    assert [(page.kind, len(page.facts)) for page in pages] == [("orders", 1), ("products", 2), ("stock", 0)]
    assert [name for name, _ in strict.shop.asked] == ["Terms", "Places", "Orders", "Variants"]


async def test_the_plugin_is_told_where_to_call_and_asked_again_each_time(strict: Strict) -> None:
    assert await strict.feed.subscribe(ADDRESS) == SUBJECTS
    assert strict.shop.address == ADDRESS
    assert await strict.feed.subscribe(ADDRESS) == ()
    strict.shop.address = "https://elsewhere.example"
    assert await strict.feed.subscribe(ADDRESS) == SUBJECTS


async def test_a_store_without_the_plugin_says_where_to_read_on(strict: Strict) -> None:
    strict.shop.plugged = False
    with pytest.raises(Declined, match="docs/stores/vendure"):
        await strict.feed.subscribe(ADDRESS)
    assert strict.pauses == []


async def test_calls_need_a_secret_and_an_address_that_the_store_takes(strict: Strict) -> None:
    with pytest.raises(Declined, match="write an address"):
        await strict.feed.subscribe("nowhere")
    with pytest.raises(Declined, match="hook_secret"):
        await strict.another(hook_secret="").subscribe(ADDRESS)
