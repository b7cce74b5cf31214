"""What a shop of Shopify holds: dicts by the schema's own names, and lists for connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from bot.domain.money import Money
from bot.ports import MovableClock
from bot.sandbox.world import Faults
from tests.stores.shopify.deals import Deals

EAST, WEST = "gid://shopify/Location/1001", "gid://shopify/Location/1002"
SCOPES = (
    "read_products", "write_products", "read_inventory", "read_locations", "read_orders", "read_all_orders",
    "read_customers", "read_returns", "read_merchant_managed_fulfillment_orders", "read_inventory_transfers",
    "read_inventory_shipments", "read_discounts", "write_discounts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a price; `key` is empty where a person made it."""

    key: str
    before: Money
    price: Money


def instant(at: datetime) -> str:
    """As Shopify writes instants: in UTC, cut to seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def bag(amount: str, currency: str = "GBP", presented: str = "", presented_currency: str = "") -> dict[str, Any]:
    """An amount in the shop's currency, and the one that the customer saw."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": currency},
        "presentmentMoney": {"amount": presented or amount, "currencyCode": presented_currency or currency},
    }


@dataclass
class ShopifyStore:
    """A shop: fill it by `sell`, `stock`, `order` and `transfer`. `now` is its own second hand, which `pause` moves."""

    clock: MovableClock
    token: str = "shpat_of_the_tests"
    client: str = "client-id"
    secret: str = "client-secret"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    now: float = 0.0
    points: float = 2000.0
    full: float = 2000.0
    rate: float = 100.0
    dearest: float = 1000.0
    deepest: int = 25_000
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[tuple[str, str, str], str] = field(default_factory=dict)  # metafields by owner, namespace and key
    broken: dict[tuple[str, str], str] = field(default_factory=dict)  # by id and field, the code of the error it gives
    kept_price: str = ""  # what the shop keeps in place of the price it is given
    refused: dict[str, str] = field(default_factory=dict)  # topics that it refuses, and why
    version: str = "2026-10"
    number: int = 1  # which shop it is
    tokens: list[tuple[str, float]] = field(default_factory=list)  # that were exchanged, and when each ends
    lives: float = 86399.0
    bulks: dict[str, dict[str, Any]] = field(default_factory=dict)  # operations by id, as Shopify tells them
    files: dict[str, list[str]] = field(default_factory=dict)  # the lines of their files, by id
    looks: int = 2  # at an operation until it is done
    bulk_ends: str = "COMPLETED"  # how operations end, or the code of their error
    bulk_error: str = ""  # why none can be begun, by its code
    moved: bool = False  # files are said to lie elsewhere
    others: int = 0  # operations of somebody else that run
    once: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # by idempotency key, what was asked and answered
    transfer_problem: str = ""  # why no transfer is made, by its code
    address: str = ""  # where the shop was called
    whole: bool = False  # lists are told whole, as inside of an operation

    def __post_init__(self) -> None:
        self.numbers: Iterator[int] = count(5001)
        self.deals = Deals(self)
        self.locations = [self._location(EAST, "East", "DE"), self._location(WEST, "West", "CN")]

    def _location(self, gid: str, name: str, country: str) -> dict[str, Any]:
        return {
            "__typename": "Location", "id": gid, "name": name, "isActive": True,
            "address": {"countryCode": country, "formatted": []},
        }  # fmt: skip

    def gid(self, kind: str) -> str:
        """A new id."""
        return f"gid://shopify/{kind}/{next(self.numbers)}"

    async def pause(self, seconds: float) -> None:
        """Let that time pass, for a client that waits."""
        self.now += seconds

    def sell(
        self, sku: str, title: str, price: str, *, product: dict[str, Any] | None = None, **given: Any
    ) -> dict[str, Any]:
        """A variant of a new product, or of one that is there; the variant."""
        at = instant(self.clock.now())
        owner = product
        if owner is None:
            owner = {
                "__typename": "Product", "id": self.gid("Product"), "title": title, "status": "ACTIVE",
                "isGiftCard": False, "updatedAt": at, "variants": [], "productType": "",
            }  # fmt: skip
            self.products.append(owner)
        item: dict[str, Any] = {
            "__typename": "InventoryItem", "id": self.gid("InventoryItem"), "sku": sku, "tracked": True,
            "inventoryLevels": [],
        }  # fmt: skip
        variant: dict[str, Any] = {
            "__typename": "ProductVariant", "id": self.gid("ProductVariant"), "sku": sku, "price": price,
            "title": title if product is not None else "Default Title", "compareAtPrice": None, "product": owner,
            "inventoryItem": item,
        } | given  # fmt: skip
        item["variants"] = [variant]
        owner["variants"].append(variant)
        self.items.append(item)
        return variant

    def delete(self, *variants: dict[str, Any]) -> None:
        """Take variants out of the shop, their items, and products that have no other; nothing tells of them then."""
        for variant in variants:
            variant["product"]["variants"].remove(variant)
            self.items.remove(variant["inventoryItem"])
        self.products = [product for product in self.products if product["variants"]]

    def stock(self, variant: dict[str, Any], place: str = EAST, **quantities: int | None) -> dict[str, Any]:
        """Count a variant at a place: available, on_hand, committed and so on, None for what is not told; the level."""
        item = variant["inventoryItem"]
        levels = [level for level in item["inventoryLevels"] if level["location"]["id"] == place]
        if not levels:
            tail = f"{next(self.numbers)}?inventory_item_id={item['id'].rsplit('/', 1)[1]}"
            location = next(location for location in self.locations if location["id"] == place)
            levels = [{
                "__typename": "InventoryLevel", "id": f"gid://shopify/InventoryLevel/{tail}", "isActive": True,
                "location": location, "item": item, "counts": {},
            }]  # fmt: skip
            item["inventoryLevels"].append(levels[0])
        level: dict[str, Any] = levels[0]
        level["counts"] |= quantities
        level["updatedAt"] = instant(self.clock.now())
        return level

    def line(self, variant: dict[str, Any] | None, quantity: int, total: str, **given: Any) -> dict[str, Any]:
        """A line of an order that is not placed yet."""
        sku = variant["sku"] if variant else None
        return {
            "__typename": "LineItem", "id": self.gid("LineItem"), "name": f"line of {sku}", "sku": sku,
            "quantity": quantity,
            "currentQuantity": quantity, "isGiftCard": False, "variant": variant, "originalTotalSet": bag(total),
            "discountAllocations": [], "taxLines": [],
        } | given  # fmt: skip

    def order(self, *lines: dict[str, Any], **given: Any) -> dict[str, Any]:
        """An order that is placed now; its customer has a name and an address that nobody should see."""
        at = instant(self.clock.now())
        found = {
            "__typename": "Order", "id": self.gid("Order"), "name": f"#{len(self.orders) + 1001}", "test": False,
            "cancelledAt": None, "processedAt": at, "createdAt": at, "updatedAt": at, "taxesIncluded": False,
            "retailLocation": None, "lineItems": list(lines), "fulfillments": [], "fulfillmentOrders": [],
            "refunds": [], "returns": [], "returnStatus": "NO_RETURN", "email": "ada@example.com",
            "customer": {"__typename": "Customer", "id": self.gid("Customer"), "displayName": "Ada Lovelace"},
        } | given  # fmt: skip
        self.orders.append(found)
        return found

    def touch(self, record: dict[str, Any]) -> None:
        """Say that a record changed now."""
        record["updatedAt"] = instant(self.clock.now())

    def assign(
        self, order: dict[str, Any], place: str, *lines: tuple[dict[str, Any], int], status: str = "OPEN"
    ) -> None:
        """Let lines of an order leave from a place."""
        location = next(location for location in self.locations if location["id"] == place)
        order["fulfillmentOrders"].append({
            "__typename": "FulfillmentOrder", "id": self.gid("FulfillmentOrder"), "status": status,
            "assignedLocation": {"location": location, "name": location["name"], "countryCode": "DE"},
            "lineItems": [{"id": self.gid("FulfillmentOrderLineItem"), "totalQuantity": units, "lineItem": line}
                          for line, units in lines],
        })  # fmt: skip

    def ship(
        self, order: dict[str, Any], place: str, *lines: tuple[dict[str, Any], int], status: str = "SUCCESS"
    ) -> None:
        """Send units of lines away."""
        location = next(location for location in self.locations if location["id"] == place)
        order["fulfillments"].append({
            "__typename": "Fulfillment", "id": self.gid("Fulfillment"), "status": status, "location": location,
            "fulfillmentLineItems": [{"id": self.gid("FulfillmentLineItem"), "quantity": units, "lineItem": line}
                                     for line, units in lines],
        })  # fmt: skip

    def refund(self, order: dict[str, Any], *lines: tuple[dict[str, Any], int, str]) -> None:
        """Give money back for units of lines, each with its kind of restocking; they are current no more."""
        at = instant(self.clock.now())
        order["refunds"].append({
            "__typename": "Refund", "id": self.gid("Refund"), "processedAt": at, "createdAt": at,
            "refundLineItems": [
                {"id": self.gid("RefundLineItem"), "lineItem": line, "quantity": units, "restockType": kind}
                for line, units, kind in lines
            ],
        })  # fmt: skip
        for line, units, _kind in lines:
            line["currentQuantity"] -= units
        self.touch(order)

    def take_back(
        self,
        order: dict[str, Any],
        line: dict[str, Any],
        units: int,
        *,
        processed: int = 0,
        refunded: int = 0,
        **given: Any,
    ) -> None:
        """A return of units of a line, of which some are there and some are paid back."""
        at = instant(self.clock.now())
        entry = {
            "__typename": "ReturnLineItem", "id": self.gid("ReturnLineItem"), "quantity": units,
            "processedQuantity": processed, "refundedQuantity": refunded,
            "fulfillmentLineItem": {"id": self.gid("FulfillmentLineItem"), "lineItem": line, "quantity": units},
        }  # fmt: skip
        order["returnStatus"] = "IN_PROGRESS"
        order["returns"].append({
            "__typename": "Return", "id": self.gid("Return"), "status": "OPEN", "createdAt": at,
            "requestApprovedAt": at, "closedAt": None, "returnLineItems": [entry],
        } | given)  # fmt: skip
        self.touch(order)

    def transfer(self, variant: dict[str, Any], units: int, place: str = WEST, **given: Any) -> dict[str, Any]:
        """A transfer of a variant to a place, written now."""
        location = next(location for location in self.locations if location["id"] == place)
        found = {
            "__typename": "InventoryTransfer", "id": self.gid("InventoryTransfer"),
            "name": f"#T{len(self.transfers) + 1}", "tags": [],
            "status": "IN_PROGRESS", "dateCreated": instant(self.clock.now()), "origin": {"name": "Mill Ltd"},
            "destination": {"location": location, "name": location["name"]}, "shipments": [],
            "lineItems": [{"id": self.gid("InventoryTransferLineItem"), "totalQuantity": units,
                           "inventoryItem": variant["inventoryItem"]}],
        } | given  # fmt: skip
        self.transfers.append(found)
        return found

    def consign(
        self, transfer: dict[str, Any], variant: dict[str, Any], arrives: str | None, *,
        accepted: int = 0, rejected: int = 0, received: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A shipment of a transfer."""
        found = {
            "__typename": "InventoryShipment", "id": self.gid("InventoryShipment"), "status": "IN_TRANSIT",
            "dateReceived": received, "tracking": {"arrivesAt": arrives},
            "lineItems": [{"id": self.gid("InventoryShipmentLineItem"), "acceptedQuantity": accepted,
                           "rejectedQuantity": rejected, "inventoryItem": variant["inventoryItem"]}],
        }  # fmt: skip
        transfer["shipments"].append(found)
        return found

    def variant(self, sku: str) -> dict[str, Any]:
        """The variant with a SKU."""
        return next(each for product in self.products for each in product["variants"] if each["sku"] == sku)

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price by hand."""
        self.price(self.variant(sku), str(price.amount), None, "")

    def price(self, variant: dict[str, Any], price: str, compare_at: str | None, key: str) -> None:
        """Change a price."""
        before = Money.rounded(Decimal(variant["price"]), "GBP")
        variant["price"], variant["compareAtPrice"] = self.kept_price or price, compare_at
        self.changes.append(Change(key, before, Money.rounded(Decimal(variant["price"]), "GBP")))
        self.touch(variant["product"])

    def last_key(self, variant: dict[str, Any]) -> str:
        """The last key that a variant remembers."""
        told = json.loads(self.fields.get((variant["id"], "stocktide", "prices"), "[]"))
        return str(told[-1]["key"]) if told else ""
