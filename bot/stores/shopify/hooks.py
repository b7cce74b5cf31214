"""What Shopify calls to say: signatures, topics, and the ids that a delivery is about.

Only ids are kept of a delivery, for whoever follows it reads the shop again; so the order of deliveries does not
matter, and no address of a customer is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.errors import Forged
from bot.ports import Delivery, FactKind
from bot.stores.shopify.reading import gid
from bot.stores.signed import require_signed

# By kind of facts, the topics that tell of them, and what is to be sent of each record (nothing: all of it). An instant
# is sent too: Shopify holds back a delivery that looks like the one before.
_SHORT = ("id", "updated_at")
TOPICS: Final[Mapping[FactKind, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "products": {"PRODUCTS_CREATE": _SHORT, "PRODUCTS_UPDATE": _SHORT},
        "stock": dict.fromkeys(
            (
                "INVENTORY_LEVELS_CONNECT",
                "INVENTORY_LEVELS_DISCONNECT",
                "INVENTORY_LEVELS_UPDATE",
                "PRODUCTS_DELETE",
            ),
            (),
        ),
        "orders": {
            "ORDERS_CREATE": _SHORT,
            "ORDERS_UPDATED": _SHORT,
            "REFUNDS_CREATE": ("id", "order_id", "created_at"),
        },
        "inbounds": dict.fromkeys(
            (
                "INVENTORY_SHIPMENTS_MARK_IN_TRANSIT",
                "INVENTORY_SHIPMENTS_RECEIVE_ITEMS",
                "INVENTORY_SHIPMENTS_UPDATE_TRACKING",
                "INVENTORY_TRANSFERS_CANCEL",
                "INVENTORY_TRANSFERS_COMPLETE",
                "INVENTORY_TRANSFERS_READY_TO_SHIP",
                "INVENTORY_TRANSFERS_UPDATE_ITEM_QUANTITIES",
            ),
            (),
        ),
    }
)

# By a topic, or its first word: what it is about, its type, and where its id stands in the body.
_ABOUT: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "orders": ("order", "Order", ("id",)),
    "refunds": ("order", "Order", ("order_id",)),
    "products/delete": ("deleted", "Product", ("id",)),
    "products": ("product", "Product", ("id",)),
    "inventory_levels": ("item", "InventoryItem", ("inventory_item_id",)),
    "inventory_transfers": ("transfer", "InventoryTransfer", ("admin_graphql_api_id", "id")),
    "inventory_shipments": ("transfer", "InventoryTransfer", ("inventory_transfer_id",)),
}


def topic_name(topic: str) -> str:
    """A topic of the API as a delivery's header names it: `ORDERS_CREATE` is `orders/create`."""
    for word in sorted(_ABOUT, key=len, reverse=True):
        if topic.lower().startswith(f"{word}_"):
            return f"{word}/{topic.lower().removeprefix(f'{word}_')}"
    return topic.lower()


def sign(body: bytes, secret: str) -> str:
    """The signature that belongs to a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def read_delivery(headers: Mapping[str, str], body: bytes, shop: str, *secrets: str) -> Delivery | None:
    """A delivery signed with one of the app's secrets for a shop (its host; empty: any); None: it says nothing to us.

    Forged otherwise. The headers are not signed: whoever changes them makes us read the shop again, and no more.
    """
    require_signed(headers.get("x-shopify-hmac-sha256", ""), body, sign, secrets)
    if shop and headers.get("x-shopify-shop-domain", shop).casefold() != shop.casefold():
        raise Forged("the delivery is of another shop")
    topic = headers.get("x-shopify-topic", "")
    said = _said(topic, body)
    if said is None:
        return None
    name = headers.get("x-shopify-webhook-id") or hashlib.sha256(topic.encode() + b"\n" + body).hexdigest()
    return Delivery(name, topic, said)


def _said(topic: str, body: bytes) -> dict[str, object] | None:
    about = _ABOUT.get(topic, _ABOUT.get(topic.partition("/")[0]))
    try:
        told: Any = json.loads(body)
    except ValueError:
        return None
    if about is None or not isinstance(told, dict):
        return None
    subject, kind, fields = about
    number = next((told[field] for field in fields if told.get(field)), None)
    return None if number is None else {subject: gid(kind, number)}
