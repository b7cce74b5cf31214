"""Deliveries of the shop's webhooks, and seeing to it that they come."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Forged
from bot.ports import Delivery, OrderFact, Page, ProductFact, StockFact
from bot.stores.woocommerce import WooFeed
from bot.stores.woocommerce.api import Api
from bot.stores.woocommerce.hooks import TOPICS, opened, sign
from tests.stores.woocommerce.conftest import HOOK_SECRET, Woo, facts

ADDRESS = "https://bot.example/hooks/shop"


def delivered(told: Any, topic: str = "order.updated", number: str = "d1", **more: str) -> tuple[dict[str, str], bytes]:
    """What the shop calls with: headers in lower case, and the body."""
    body = json.dumps(told).encode()
    signed = base64.b64encode(hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).digest()).decode()
    about, _, event = topic.partition(".")
    headers = {
        "x-wc-webhook-topic": topic, "x-wc-webhook-resource": about, "x-wc-webhook-event": event,
        "x-wc-webhook-signature": signed, "x-wc-webhook-delivery-id": number, "x-wc-webhook-id": "3",
    }  # fmt: skip
    return headers | more, body


async def followed(woo: Woo, delivery: Delivery | None) -> list[Page]:
    assert delivery is not None
    return [page async for page in woo.feed.follow([delivery])]


def open_(woo: Woo, told: Any, topic: str = "order.updated", number: str = "d1") -> Delivery | None:
    headers, body = delivered(told, topic, number)
    return woo.feed.open(headers, body, woo.shop.clock.now())


async def test_a_delivery_is_opened_and_says_what_to_read(woo: Woo) -> None:
    found = open_(woo, {"id": 12, "billing": {"first_name": "Ada"}})
    assert found is not None
    assert (found.topic, found.said) == ("order.updated", {"about": "order", "event": "updated", "id": 12})
    assert found.id.startswith("d1.")
    assert found == open_(woo, {"id": 12, "billing": {"first_name": "Ada"}})


async def test_two_deliveries_of_one_second_share_an_id_in_the_shop_and_none_with_us(woo: Woo) -> None:
    one, two = open_(woo, {"id": 12}), open_(woo, {"id": 13})
    assert one is not None
    assert two is not None
    assert one.id != two.id


async def test_the_unsigned_ping_is_a_greeting(woo: Woo) -> None:
    assert woo.feed.open({}, b"webhook_id=17", woo.shop.clock.now()) is None
    for body in (b"webhook_id=17&x=1", b"webhook_id=", b"", b"{}"):
        with pytest.raises(Forged):
            woo.feed.open({}, body, woo.shop.clock.now())


@pytest.mark.parametrize(
    "signature", ["", "no base64", sign(b"something else", HOOK_SECRET), sign(b'{"id": 1}', "x"), "\N{SNOWMAN}"]
)
async def test_what_is_not_signed_by_the_shop_is_forged(woo: Woo, signature: str) -> None:
    headers, body = delivered({"id": 1})
    with pytest.raises(Forged):
        woo.feed.open({**headers, "x-wc-webhook-signature": signature}, body, woo.shop.clock.now())


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_a_body_that_was_touched_is_forged(body: bytes, at: int) -> None:
    headers = {"x-wc-webhook-signature": sign(body, HOOK_SECRET), "x-wc-webhook-topic": "order.updated"}
    opened(headers, body, HOOK_SECRET)  # as it was
    at = at % (len(body) + 1)
    with pytest.raises(Forged):
        opened(headers, body[:at] + b"!" + body[at:], HOOK_SECRET)


def test_without_a_secret_of_ours_nothing_is_believed() -> None:
    headers, body = delivered({"id": 1})
    with pytest.raises(Forged, match="hook_secret"):
        opened({**headers, "x-wc-webhook-signature": sign(body, "")}, body, "")


@pytest.mark.parametrize(
    ("told", "topic"),
    [
        # Whoever owns the webhook lost his rights: an error is delivered in place of the order.
        ({"code": "woocommerce_rest_cannot_view", "data": {"status": 401}}, "order.updated"),
        ({"id": 4}, "coupon.created"),
        ([], "order.updated"),
        ({"id": "12"}, "order.updated"),
    ],
)  # fmt: skip
async def test_a_signed_delivery_that_says_nothing_to_us_is_none(woo: Woo, told: Any, topic: str) -> None:
    assert open_(woo, told, topic) is None


async def test_many_deliveries_are_followed_by_few_calls_and_none_is_left_out(woo: Woo) -> None:
    lamp = woo.shop.put(sku="LAMP", manage_stock=True, stock_quantity=3)
    mugs = [woo.shop.put(sku=f"MUG-{number}") for number in range(130)]
    kept = [woo.shop.place({"product": lamp}) for _ in range(120)]
    thrown = woo.shop.place({"product": lamp})
    woo.shop.touch(woo.shop.orders[thrown], status="trash")
    told = [("order.updated", number) for number in (*kept, thrown, 99_999)]
    told += [("product.updated", number) for number in (lamp, *mugs)]
    deliveries = [found for topic, number in told if (found := open_(woo, {"id": number}, topic)) is not None]
    woo.shop.calls.clear()
    pages = [page async for page in woo.feed.follow(deliveries)]
    assert {fact.id for fact in facts(pages, OrderFact)} == {str(number) for number in (*kept, thrown)}
    assert len(facts(pages, ProductFact)) == 131
    assert [(fact.code, fact.on_hand) for fact in facts(pages, StockFact)] == [(str(lamp), 3)]
    assert len(woo.shop.calls) == 2 + 2 + 2 + 1  # two pages of each list, two orders that no list tells, the currency


async def test_an_order_is_read_anew_for_what_was_delivered_may_be_late(woo: Woo) -> None:
    lamp = woo.shop.put(sku="LAMP")
    number = woo.shop.place({"product": lamp, "quantity": 2})
    late = open_(woo, woo.shop.orders[number])
    woo.shop.touch(woo.shop.orders[number], status="cancelled")
    (page,) = await followed(woo, late)
    (order,) = facts([page], OrderFact)
    assert ([line.quantity for line in order.lines], page.cursor) == ([0], "")
    woo.shop.touch(woo.shop.orders[number], status="trash")
    (page,) = await followed(woo, open_(woo, {"id": number}, "order.deleted"))
    assert facts([page], OrderFact)[0].lines[0].quantity == 0
    del woo.shop.orders[number]
    assert await followed(woo, late) == []


async def test_a_product_or_its_variation_is_read_with_its_count(woo: Woo) -> None:
    shirt = woo.shop.put(type="variable", name="Shirt")
    options = [{"id": 1, "name": "Size", "option": "L"}]
    large = woo.shop.vary(shirt, sku="SHIRT-L", attributes=options, manage_stock=True, stock_quantity=4)
    lamp = woo.shop.put(sku="LAMP", manage_stock=True, stock_quantity=9)
    pages = await followed(woo, open_(woo, {"id": large}, "product.updated"))
    assert [page.kind for page in pages] == ["products", "stock"]
    assert [fact.name for fact in facts(pages, ProductFact)] == ["Shirt - L"]
    assert [(fact.code, fact.on_hand) for fact in facts(pages, StockFact)] == [(str(large), 4)]
    pages = await followed(woo, open_(woo, {"id": lamp}, "product.updated"))
    assert [(fact.code, fact.on_hand) for fact in facts(pages, StockFact)] == [(str(lamp), 9)]
    woo.shop.bin(lamp)
    pages = await followed(woo, open_(woo, {"id": lamp}, "product.deleted"))
    assert [fact.active for fact in facts(pages, ProductFact)] == [False]
    assert [(fact.code, fact.on_hand) for fact in facts(pages, StockFact)] == [(str(lamp), 0)]
    del woo.shop.products[lamp]
    assert await followed(woo, open_(woo, {"id": lamp}, "product.deleted")) == []


async def test_webhooks_are_made_once_with_our_secret(woo: Woo) -> None:
    assert await woo.feed.subscribe(ADDRESS) == TOPICS
    assert await woo.feed.subscribe(ADDRESS) == ()
    hooks = woo.shop.webhooks.values()
    assert {(hook["topic"], hook["status"], hook["secret"]) for hook in hooks} == {
        (topic, "active", HOOK_SECRET) for topic in TOPICS
    }
    assert not any(HOOK_SECRET in hook["name"] for hook in hooks)
    assert [woo.feed.open({}, ping, woo.shop.clock.now()) for ping in woo.shop.pings] == [None] * len(TOPICS)


async def test_webhooks_that_the_shop_disabled_or_somebody_deleted_are_restored(woo: Woo) -> None:
    await woo.feed.subscribe(ADDRESS)
    woo.shop.webhooks[1]["status"] = "disabled"
    del woo.shop.webhooks[2]
    woo.shop.webhooks[3]["status"] = "paused"  # by a person
    assert await woo.feed.subscribe(ADDRESS) == (TOPICS[0], TOPICS[1])
    assert len(woo.shop.webhooks) == len(TOPICS)
    assert [woo.shop.webhooks[at]["status"] for at in (1, 3)] == ["active", "paused"]


async def test_webhooks_of_other_addresses_are_nobody_elses_business(woo: Woo) -> None:
    for number in range(1, 131):
        woo.shop.webhooks[number] = {
            "id": number, "topic": "order.updated", "status": "active", "name": "theirs", "delivery_url": "https://x.example",
        }  # fmt: skip
    assert await woo.feed.subscribe(ADDRESS) == TOPICS
    assert await woo.feed.subscribe(ADDRESS) == ()
    assert sum(hook["name"] == "theirs" for hook in woo.shop.webhooks.values()) == 130


async def test_another_secret_is_given_to_the_webhooks(woo: Woo) -> None:
    await woo.feed.subscribe(ADDRESS)
    other = WooFeed("shop", woo.part(hook_secret="another"))
    assert await other.subscribe(ADDRESS) == TOPICS
    await other.close()
    assert {hook["secret"] for hook in woo.shop.webhooks.values()} == {"another"}
    assert len(woo.shop.webhooks) == len(TOPICS)


async def test_an_error_inside_a_batchs_200_is_found(woo: Woo) -> None:
    woo.shop.refused_topics = {"order.restored"}
    with pytest.raises(Declined, match=r"order\.restored: .*invalid_topic"):
        await woo.feed.subscribe(ADDRESS)
    assert len(woo.shop.webhooks) == len(TOPICS) - 1


async def test_webhooks_that_stay_off_are_found_when_they_are_read_back(woo: Woo) -> None:
    woo.shop.stuck_webhooks = True
    with pytest.raises(Declined, match="keeps them off"):
        await woo.feed.subscribe(ADDRESS)


async def test_webhooks_need_a_secret(woo: Woo) -> None:
    feed = WooFeed("shop", woo.part(hook_secret=""))
    with pytest.raises(Declined, match="hook_secret"):
        await feed.subscribe(ADDRESS)
    await feed.close()
    assert not woo.shop.webhooks


async def test_a_batch_of_more_than_a_hundred_goes_in_parts(woo: Woo) -> None:
    api = Api(woo.part())
    rows = [{"topic": "order.updated", "delivery_url": ADDRESS, "status": "active"} for _ in range(230)]
    with pytest.raises(Declined, match="413"):
        await api.write("POST", "/webhooks/batch", {"create": rows})
    wrong = {"topic": "nonsense"}
    refused = await api.batch("/webhooks", create=[*rows, wrong], update=[{"id": 999}])
    await api.close()
    assert len(woo.shop.webhooks) == 230
    assert [text.split(":")[0] for text in refused] == ["new", "999"]
