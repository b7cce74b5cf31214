"""Calls while their secret is being changed: signed by the new one or the one before, and by no other."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bot.errors import Forged
from bot.ports import HookedFeed, SystemClock
from bot.settings import StorePart
from bot.stores import FEEDS
from bot.stores.medusa.hooks import sign as medusa_sign
from bot.stores.shopify.hooks import sign as shopify_sign
from bot.stores.vendure.hooks import sign as vendure_sign
from bot.stores.woocommerce.hooks import sign as woo_sign

BODY = json.dumps({"id": 7, "orders": ["7"]}).encode()
SIGNED: dict[str, tuple[Callable[[bytes, str], str], str, dict[str, str]]] = {
    "medusa": (medusa_sign, "x-stocktide-signature", {}),
    "shopify": (shopify_sign, "x-shopify-hmac-sha256", {"x-shopify-topic": "orders/create"}),
    "vendure": (vendure_sign, "x-stocktide-signature", {}),
    "woocommerce": (woo_sign, "x-wc-webhook-signature", {"x-wc-webhook-topic": "order.created"}),
}


def takes(feed: HookedFeed, kind: str, secret: str) -> bool:
    """Whether the feed believes a call signed by a secret."""
    sign, header, more = SIGNED[kind]
    try:
        feed.open({header: sign(BODY, secret), **more}, BODY, SystemClock().now())
    except Forged:
        return False
    return True


@pytest.mark.parametrize("kind", SIGNED)
async def test_a_call_is_believed_by_the_new_secret_and_by_the_one_before(kind: str) -> None:
    part = {"kind": kind, "url": "https://shop.example.com", "token": "t", "user": "u", "hook_secret": "new"}
    both = FEEDS[kind]("shop", StorePart(**part, hook_secret_before="old"))
    alone = FEEDS[kind]("shop", StorePart(**part))
    assert isinstance(both, HookedFeed)
    assert isinstance(alone, HookedFeed)
    assert [takes(both, kind, secret) for secret in ("new", "old", "other", "")] == [True, True, False, False]
    assert [takes(alone, kind, secret) for secret in ("new", "old", "")] == [True, False, False]
    for feed in (both, alone):
        await feed.close()


async def test_a_client_secret_of_shopify_is_changed_as_a_hook_secret_is() -> None:
    given = {"kind": "shopify", "url": "https://a.myshopify.com", "user": "client", "secret": "new"}
    feed = FEEDS["shopify"]("shop", StorePart(**given, hook_secret_before="old"))
    assert isinstance(feed, HookedFeed)
    assert [takes(feed, "shopify", secret) for secret in ("new", "old", "other")] == [True, True, False]
    await feed.close()
