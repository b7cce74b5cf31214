"""What Shopify calls to say: signed, about ids, followed by reading, and subscribed to again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Forged
from bot.ports import Delivery, InboundFact, OrderFact, Page, ProductFact, StockFact
from bot.stores.shopify.hooks import TOPICS, read_delivery, topic_name
from bot.stores.shopify.marks import tag
from bot.stores.shopify.reading import tail
from tests.stores.shopify.conftest import HOOKS, NOW, Running
from tests.stores.shopify.store import EAST

SECRET = "of the hooks"


def signed(body: bytes, topic: str = "orders/create", secret: str = SECRET, **more: str) -> dict[str, str]:
    """The headers of a delivery."""
    signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    return {
        "x-shopify-hmac-sha256": signature, "x-shopify-topic": topic, "x-shopify-webhook-id": "w-1",
        "x-shopify-shop-domain": "a.myshopify.com",
    } | more  # fmt: skip


def told(feed: Any, topic: str, **said: object) -> Delivery:
    """A delivery that is accepted."""
    body = json.dumps(said).encode()
    delivery = feed.open(signed(body, topic), body, NOW)
    assert isinstance(delivery, Delivery)
    return delivery


async def followed(running: Running, delivery: Delivery) -> list[Page]:
    return [page async for page in running.feed.follow([delivery])]


async def test_a_delivery_is_known_by_its_webhook_id_and_keeps_ids_alone(running: Running) -> None:
    delivery = told(running.feed, "orders/create", id=7, email="ada@example.com", customer={"first_name": "Ada"})
    assert delivery == Delivery("w-1", "orders/create", {"order": "gid://shopify/Order/7"})


@pytest.mark.parametrize(
    "change",
    [
        {"x-shopify-hmac-sha256": ""},
        {"x-shopify-hmac-sha256": "AAAA"},
        {"x-shopify-hmac-sha256": "ümlaut"},
    ],
)
async def test_a_delivery_that_is_not_signed_is_forged(running: Running, change: dict[str, str]) -> None:
    body = b'{"id": 7}'
    with pytest.raises(Forged):
        running.feed.open(signed(body) | change, body, NOW)
    with pytest.raises(Forged):
        running.feed.open({}, body, NOW)
    with pytest.raises(Forged):
        running.feed.open(signed(body, secret="another"), body, NOW)


def test_without_a_secret_nothing_is_taken() -> None:
    with pytest.raises(Forged):
        read_delivery(signed(b'{"id": 7}', secret=""), b'{"id": 7}', "", "")


def test_a_delivery_of_another_shop_with_the_same_app_is_forged() -> None:
    body = b'{"id": 7}'
    assert read_delivery(signed(body), body, "A.myshopify.com", SECRET) is not None
    with pytest.raises(Forged):
        read_delivery(signed(body), body, "b.myshopify.com", SECRET)


@given(body=st.binary(max_size=200), place=st.integers(0, 199), bit=st.integers(0, 7))
def test_no_bit_of_a_body_may_change(body: bytes, place: int, bit: int) -> None:
    headers = signed(body)
    read_delivery(headers, body, "", SECRET)
    if body:
        changed = bytearray(body)
        changed[place % len(body)] ^= 1 << bit
        with pytest.raises(Forged):
            read_delivery(headers, bytes(changed), "", SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'"id"', b'{"id": null}'])
async def test_a_signed_body_that_names_nothing_says_nothing(running: Running, body: bytes) -> None:
    assert running.feed.open(signed(body), body, NOW) is None


async def test_topics_that_we_do_not_follow_say_nothing(running: Running) -> None:
    body = b'{"id": 7, "customer": {"email": "ada@example.com"}}'
    for topic in ("customers/data_request", "app/uninstalled", "shop/redact", ""):
        assert running.feed.open(signed(body, topic), body, NOW) is None


async def test_an_order_is_read_as_it_is_now_with_the_counts_of_its_goods(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=6, on_hand=9, committed=3)
    order = running.store.order(running.store.line(mug, 3, "12.75"))
    for topic, said in (("orders/updated", {"id": 5}), ("refunds/create", {"id": 5})):
        named = (
            {**said, "id": int(tail(order["id"]))}
            if topic == "orders/updated"
            else {**said, "order_id": tail(order["id"])}
        )
        orders, stock = await followed(running, told(running.feed, topic, **named))
        assert [fact.id for fact in orders.facts if isinstance(fact, OrderFact)] == [tail(order["id"])]
        (count,) = stock.facts
        assert isinstance(count, StockFact)
        assert (count.on_hand, count.committed) == (9, 3)
        assert {orders.cursor, stock.cursor} == {""}


@pytest.mark.parametrize("points", [2000.0, 0.0])
async def test_each_record_of_many_calls_is_read_once_together_with_others(running: Running, points: float) -> None:
    """Of a shop whose bucket holds less than all of them cost, and of one whose bucket is empty."""
    store, calls, sold = running.store, [], set()
    for number in range(30):
        goods = store.sell(f"S{number}", f"S{number}", "4.25")
        store.stock(goods, EAST, available=5, on_hand=5)
        order = store.order(store.line(goods, 1, "4.25"))
        sold.add(tail(order["id"]))
        topics = ("orders/create", "orders/updated", "refunds/create")
        calls += [Delivery(f"{topic} {number}", topic, {"order": order["id"]}) for topic in topics]
        calls.append(Delivery(f"p {number}", "products/update", {"product": goods["product"]["id"]}))
    store.points = points
    pages = [page async for page in running.feed.follow(calls)]
    told = {kind: [fact for page in pages if page.kind == kind for fact in page.facts] for kind in TOPICS}
    assert {fact.id for fact in told["orders"] if isinstance(fact, OrderFact)} == sold
    assert [len(told[kind]) for kind in ("orders", "products", "stock")] == [30, 30, 30]
    named = [given["ids"] for name, given in store.asked if name == "OrdersNamed"]
    answered = Counter(how for _, _, how in store.calls)
    assert len(named) < 30
    assert answered["errors"] <= 3 + (not points)  # too many orders at once; that the bucket is empty


@pytest.mark.parametrize(("points", "refused"), [(300.0, 0), (0.0, 1)])
async def test_calls_beside_each_other_wait_for_the_bucket_and_none_is_refused(
    running: Running, points: float, refused: int
) -> None:
    """That it is empty at the beginning the shop says once."""
    goods = [running.store.sell(f"S{n}", f"S{n}", "4.25")["product"]["id"] for n in range(40)]
    shop, running.store.points = running.shop(), points
    answers = await asyncio.gather(*[shop.ask("Product", id=each) for each in goods])
    assert len([answer.whole()["product"] for answer in answers]) == 40
    assert Counter(how for _, _, how in running.store.calls)["errors"] == refused
    await shop.close()


async def test_a_count_a_product_and_a_transfer_are_read_as_they_are_now(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=6, on_hand=9)
    transfer = running.store.transfer(mug, 30)
    running.store.consign(transfer, mug, "2026-12-01T10:00:00Z")
    item = tail(mug["inventoryItem"]["id"])
    level = {"inventory_item_id": int(item), "location_id": 1001, "available": 99}
    both: list[type] = [InboundFact, StockFact]
    for topic, said, kinds in (
        ("inventory_levels/update", level, [StockFact]),
        ("products/update", {"id": int(tail(mug["product"]["id"]))}, [ProductFact]),
        ("inventory_transfers/ready_to_ship", {"admin_graphql_api_id": transfer["id"]}, both),
        ("inventory_shipments/receive_items", {"inventory_transfer_id": tail(transfer["id"])}, both),
    ):
        pages = await followed(running, told(running.feed, topic, **said))
        assert [type(fact) for page in pages for fact in page.facts] == kinds


async def test_a_transfer_of_ours_is_no_fact_and_the_counts_that_it_commits_are(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=6, on_hand=9)
    transfer = running.store.transfer(mug, 3)
    transfer["tags"] = [tag("order:R-1:v1:folder")]
    inbounds, stock = await followed(
        running, told(running.feed, "inventory_transfers/ready_to_ship", id=int(tail(transfer["id"])))
    )
    assert inbounds.facts == ()
    (count,) = stock.facts
    assert isinstance(count, StockFact)
    assert (count.on_hand, count.committed) == (9, 3)
    running.feed.kinds = ("inbounds",)
    (inbounds,) = await followed(
        running, told(running.feed, "inventory_transfers/ready_to_ship", id=int(tail(transfer["id"])))
    )
    assert inbounds.kind == "inbounds"


async def test_what_is_gone_by_now_is_no_fact(running: Running) -> None:
    for topic, said in (
        ("orders/updated", {"id": 999}),
        ("products/update", {"id": 999}),
        ("products/delete", {"id": 999}),
        ("inventory_levels/disconnect", {"inventory_item_id": 999}),
        ("inventory_transfers/cancel", {"id": 999}),
    ):
        assert not any(page.facts for page in await followed(running, told(running.feed, topic, **said)))


async def test_missing_subscriptions_are_restored_and_no_more(running: Running) -> None:
    restored = await running.feed.subscribe(HOOKS)
    wanted = {topic for topics in TOPICS.values() for topic in topics}
    assert set(restored) == {topic_name(topic) for topic in wanted}
    assert await running.feed.subscribe(HOOKS) == ()
    running.store.subscriptions = [each for each in running.store.subscriptions if each["topic"] != "ORDERS_UPDATED"]
    assert await running.feed.subscribe(HOOKS) == ("orders/updated",)
    assert len(await running.feed.subscribe("https://elsewhere.example.com/hooks/shop")) == len(wanted)
    orders = next(each for each in running.store.subscriptions if each["topic"] == "ORDERS_CREATE")
    assert orders["includeFields"] == ["id", "updated_at"]  # no person leaves the shop


async def test_only_topics_of_what_is_read_are_subscribed_to(running: Running) -> None:
    feed = running.another(options={"read": "stock"})
    assert set(await feed.subscribe(HOOKS)) == {
        "inventory_levels/connect", "inventory_levels/disconnect", "inventory_levels/update", "products/delete",
    }  # fmt: skip
    await feed.close()


async def test_a_topic_that_shopify_refuses_is_named_and_the_others_are_made(running: Running) -> None:
    running.store.refused = {"ORDERS_CREATE": "Topic is invalid", "REFUNDS_CREATE": "Address has already been taken"}
    with pytest.raises(Declined, match="orders/create: Topic is invalid"):
        await running.feed.subscribe(HOOKS)
    assert "ORDERS_UPDATED" in {each["topic"] for each in running.store.subscriptions}
    del running.store.refused["ORDERS_CREATE"]
    assert await running.feed.subscribe(HOOKS) == ("orders/create", "refunds/create")


def test_topics_are_named_as_deliveries_name_them() -> None:
    assert topic_name("INVENTORY_LEVELS_UPDATE") == "inventory_levels/update"
    assert topic_name("INVENTORY_TRANSFERS_READY_TO_SHIP") == "inventory_transfers/ready_to_ship"
