"""The lists of the strict Shopify: searched, put in order, and paged; and the fields of its two roots."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.stores.shopify import bulk
from tests.stores.shopify.deals import DealRoot
from tests.stores.shopify.refused import Refused
from tests.stores.shopify.store import ShopifyStore, instant

_TERM = re.compile(r"""(\w+):(>=|<=|>|<)?(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|(\w+))""")


def paged(
    store: ShopifyStore, entries: list[Any], given: Mapping[str, Any], key: Callable[[Any], str]
) -> dict[str, Any]:
    """A page of a list; a cursor is the place of the last entry in its order."""
    if store.whole:
        return {"edges": [{"node": entry} for entry in entries]}
    first, after = given.get("first"), given.get("after")
    if first is None or not 1 <= first <= 250:
        raise Refused("you must provide one of first or last, from 1 to 250", "BAD_USER_INPUT")
    begin = 0
    if after:
        last = base64.b64decode(after).decode()
        begin = sum(key(entry) <= last for entry in entries)
    if begin + first > store.deepest:
        raise Refused("Cannot paginate beyond 25,000 records", "BAD_USER_INPUT")
    page = entries[begin : begin + first]
    end = base64.b64encode(key(page[-1]).encode()).decode() if page else None
    return {"nodes": page, "pageInfo": {"hasNextPage": begin + first < len(entries), "endCursor": end}}


def search(entries: list[Any], query: str | None, fields: Mapping[str, str]) -> list[Any]:
    """The entries that a search finds, by the fields that it may name."""
    if not query:
        return entries
    match = _TERM.fullmatch(query)
    if match is None or match[1] not in fields:
        raise Refused(f"this search is not understood: {query}", "BAD_USER_INPUT")
    name, sign = fields[match[1]], match[2] or "="
    wanted = match[3] if match[3] is not None else match[4] if match[4] is not None else match[5]
    return [entry for entry in entries if _fits(name, sign, str(entry[name] or ""), re.sub(r"\\(.)", r"\1", wanted))]


def _fits(name: str, sign: str, value: str, wanted: str) -> bool:
    if name in {"sku", "tags"}:  # finds parts, in any case
        return wanted.casefold() in value.casefold()
    one: Any
    other: Any
    if name == "id":
        one, other = int(value.rsplit("/", 1)[1]), int(wanted)
    else:
        one, other = datetime.fromisoformat(value), datetime.fromisoformat(wanted)
    return bool({">=": one >= other, "<=": one <= other, ">": one > other, "<": one < other, "=": one == other}[sign])


class Root(DealRoot):
    """The fields of QueryRoot and Mutation, by their own names."""

    def __init__(self, store: ShopifyStore) -> None:
        self.store = store

    def shop(self) -> Any:
        return {
            "__typename": "Shop",
            "id": f"gid://shopify/Shop/{self.store.number}",
            "currencyCode": "GBP",
            "myshopifyDomain": "a.myshopify.com",
        }

    def currentAppInstallation(self) -> Any:  # noqa: N802  # the schema's own name
        scopes = [{"handle": scope, "description": scope} for scope in sorted(self.store.scopes)]
        return {"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}

    def location(self, **given: Any) -> Any:
        return next((each for each in self.store.locations if given.get("id") in (None, each["id"])), None)

    def locations(self, **_given: Any) -> Any:
        return self.store.locations

    def products(self, query: str | None = None, sortKey: str = "ID", **given: Any) -> Any:  # noqa: N803
        return self._changed(self.store.products, query, sortKey, given)

    def orders(self, query: str | None = None, sortKey: str = "PROCESSED_AT", **given: Any) -> Any:  # noqa: N803
        return self._changed(self.store.orders, query, sortKey, given)

    def _changed(self, entries: list[Any], query: str | None, sort: str, given: Mapping[str, Any]) -> Any:
        assert self.store.whole or sort == "UPDATED_AT", "what changes while it is read is read in the order of changes"
        found = search(entries, query, {"updated_at": "updatedAt"})

        def key(entry: dict[str, Any]) -> str:
            return f"{entry['updatedAt']} {entry['id']}"

        return paged(self.store, sorted(found, key=key), given, key)

    def inventoryItems(self, query: str | None = None, **given: Any) -> Any:  # noqa: N802
        found = search(self.store.items, query, {"id": "id", "sku": "sku"})
        return paged(self.store, found, given, lambda entry: entry["id"].rsplit("/", 1)[1].zfill(20))

    def inventoryTransfers(self, query: str | None = None, sortKey: str = "ID", **given: Any) -> Any:  # noqa: N802, N803
        assert sortKey == "CREATED_AT" or query
        found = search(self.store.transfers, query, {"created_at": "dateCreated", "tag": "tags"})

        def key(entry: dict[str, Any]) -> str:
            return f"{entry['dateCreated']} {entry['id']}"

        return paged(self.store, sorted(found, key=key), given, key)

    def inventoryTransferCreate(self, input: dict[str, Any]) -> Any:  # noqa: A002, N802  # the schema's own names
        return self._transferred(input, "DRAFT")

    def inventoryTransferCreateAsReadyToShip(self, input: dict[str, Any]) -> Any:  # noqa: A002, N802  # as above
        return self._transferred(input, "READY_TO_SHIP")

    def _transferred(self, given: dict[str, Any], status: str) -> Any:
        ends = [given["originLocationId"], given["destinationLocationId"]]
        places = [next(each for each in self.store.locations if each["id"] == end) for end in ends]
        items = {item["id"]: item for item in self.store.items}
        listed = [line["inventoryItemId"] for line in given["lineItems"]]
        if problem := self.store.transfer_problem or ("DUPLICATE_ITEM" if len(set(listed)) < len(listed) else ""):
            errors = [{"field": ["input"], "message": f"{problem} of the tests", "code": problem}]
            return {"inventoryTransfer": None, "userErrors": errors}
        found = {
            "__typename": "InventoryTransfer", "id": self.store.gid("InventoryTransfer"), "status": status,
            "name": f"#T{len(self.store.transfers) + 1}", "dateCreated": instant(self.store.clock.now()),
            "origin": {"location": places[0], "name": places[0]["name"]}, "shipments": [],
            "destination": {"location": places[1], "name": places[1]["name"]}, "tags": given["tags"],
            "referenceName": given["referenceName"], "note": given["note"],
            "lineItems": [{"id": self.store.gid("InventoryTransferLineItem"), "totalQuantity": line["quantity"],
                           "inventoryItem": items[line["inventoryItemId"]]} for line in given["lineItems"]],
        }  # fmt: skip
        self.store.transfers.append(found)
        return {"inventoryTransfer": found, "userErrors": []}

    def productVariants(self, query: str | None = None, **given: Any) -> Any:  # noqa: N802
        variants = [variant for product in self.store.products for variant in product["variants"]]
        return paged(
            self.store, search(variants, query, {"id": "id", "sku": "sku"}), given, lambda entry: str(entry["id"])
        )

    def ordersCount(self, **_given: Any) -> Any:  # noqa: N802
        return {"count": len(self.store.orders)}

    def productVariantsCount(self, **_given: Any) -> Any:  # noqa: N802
        return {"count": len(self.store.items)}

    def bulkOperationRunQuery(self, query: str, groupObjects: bool) -> Any:  # noqa: N802, N803, FBT001
        assert not groupObjects, "grouping makes operations fail more often"
        return bulk.begun(self.store, query)

    def bulkOperation(self, **given: Any) -> Any:  # noqa: N802
        return bulk.looked_at(self.store, given["id"])

    def node(self, **given: Any) -> Any:
        return next((each for each in self._all() if each["id"] == given["id"]), None)

    def nodes(self, ids: list[str]) -> Any:
        return [self.node(id=each) for each in ids]

    def product(self, **given: Any) -> Any:
        return self.node(**given)

    def productVariant(self, **given: Any) -> Any:  # noqa: N802
        return self.node(**given)

    def order(self, **given: Any) -> Any:
        return self.node(**given)

    def inventoryTransfer(self, **given: Any) -> Any:  # noqa: N802
        return self.node(**given)

    def _all(self) -> list[Any]:
        store = self.store
        found = [*store.products, *store.items, *store.orders, *store.transfers]
        found += [variant for product in store.products for variant in product["variants"]]
        for order in store.orders:
            found += [*order["fulfillments"], *order["fulfillmentOrders"], *order["refunds"], *order["returns"]]
        return found + [shipment for transfer in store.transfers for shipment in transfer["shipments"]]

    def webhookSubscriptions(self, uri: str | None = None, **_given: Any) -> Any:  # noqa: N802
        return [each for each in self.store.subscriptions if uri in (None, each["uri"])]

    def webhookSubscriptionCreate(self, topic: str, webhookSubscription: dict[str, Any]) -> Any:  # noqa: N802, N803
        uri = webhookSubscription["uri"]
        problem = self.store.refused.get(topic, "")
        if any((each["topic"], each["uri"]) == (topic, uri) for each in self.store.subscriptions):
            problem = "Address for this topic has already been taken"
        if problem:
            return {"userErrors": [{"field": ["webhookSubscription"], "message": problem}]}
        found = {
            "__typename": "WebhookSubscription", "id": self.store.gid("WebhookSubscription"), "topic": topic,
        } | webhookSubscription  # fmt: skip
        self.store.subscriptions.append(found)
        return {"webhookSubscription": found, "userErrors": []}

    def metafieldsSet(self, metafields: list[dict[str, Any]]) -> Any:  # noqa: N802
        for each in metafields:
            self._keep(each["ownerId"], each)
        return {"metafields": [], "userErrors": []}

    def _keep(self, owner: str, given: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{2,64}", given["key"]) or not re.fullmatch(
            r"[A-Za-z0-9_-]{3,255}", given["namespace"]
        ):
            raise Refused("this is no key of a metafield", "BAD_USER_INPUT")
        json.loads(given["value"])
        assert given["type"] == "json"
        self.store.fields[(owner, given["namespace"], given["key"])] = given["value"]

    def productVariantsBulkUpdate(self, productId: str, variants: list[dict[str, Any]], **_given: Any) -> Any:  # noqa: N802, N803
        changed = []
        for given in variants:
            variant = self.node(id=given["id"])
            if variant is None or variant["product"]["id"] != productId:
                error = {"field": ["variants", "0", "id"], "message": "Product variant does not exist", "code": None}
                return {"productVariants": None, "userErrors": [error]}
            for each in given.get("metafields", ()):
                self._keep(variant["id"], each)
            self.store.price(variant, given["price"], given["compareAtPrice"], self.store.last_key(variant))
            changed.append(variant)
        return {"productVariants": changed, "userErrors": []}
