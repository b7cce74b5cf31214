"""The promotions of the strict Vendure, which like the real one lets two have the same code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.stores.offers import FAR, Stands

if TYPE_CHECKING:  # the shop holds these
    from tests.stores.vendure.shop import VendureShop

Node = dict[str, Any]


@dataclass
class Promotions:
    """Those of a channel. `kept` is what the store keeps in place of what it is given."""

    shop: VendureShop
    nodes: list[Node] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    def make(self, given: Mapping[str, Any]) -> Node:
        """Make one of what was sent, or say that it has neither a code nor a condition."""
        if not given["conditions"] and not given.get("couponCode"):
            wrong = {"errorCode": "MISSING_CONDITIONS_ERROR", "message": "A Promotion must have a condition or a code"}
            return {"__typename": "MissingConditionsError", **wrong}
        now = self.shop.clock.now()
        node = {
            "__typename": "Promotion", "id": self.shop.new(), "enabled": given["enabled"],
            "createdAt": now.replace(microsecond=0).isoformat(),  # the real one cuts it, too
            "startsAt": given.get("startsAt"), "endsAt": given.get("endsAt"), "couponCode": given.get("couponCode"),
            "perCustomerUsageLimit": given.get("perCustomerUsageLimit"), "usageLimit": given.get("usageLimit"),
            "name": given["translations"][0]["name"],
            "conditions": [{"code": each["code"], "args": each["arguments"]} for each in given["conditions"]],
            "actions": [{"code": each["code"], "args": each["arguments"]} for each in given["actions"]],
            "customFields": dict(given.get("customFields") or {"stocktideKey": None}),
        } | self.kept  # fmt: skip
        self.nodes.append(node)
        return node

    def copy(self) -> Node:
        """Somebody copies the last one: with its fields, ours among them, under another name, and switched off."""
        last = self.nodes[-1]
        copied = {**last, "id": self.shop.new(), "name": f"{last['name']} (copy)", "enabled": False}
        self.nodes.append(copied)
        return copied

    def standing(self) -> Sequence[Stands]:
        """Those that buyers get."""
        names = {each["id"]: each["sku"] for each in self.shop.variants}
        found = []
        for node in (each for each in self.nodes if each["enabled"]):
            args = {each["name"]: each["value"] for each in node["actions"][0]["args"]}
            skus = tuple(names[number] for number in json.loads(args["productVariantIds"]))
            end = None if node["endsAt"] is None else datetime.fromisoformat(node["endsAt"])
            found.append(Stands(node["couponCode"] or "", Decimal(args["discount"]) / 100, skus, end))
        return found

    def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code."""
        number = next(each["id"] for each in self.shop.variants if each["sku"] == sku)
        arguments = [
            {"name": "discount", "value": str(Decimal(share) * 100)},
            {"name": "productVariantIds", "value": json.dumps([number])},
        ]
        self.make({
            "enabled": True, "couponCode": code, "conditions": [], "endsAt": FAR.isoformat(),
            "actions": [{"code": "products_percentage_discount", "arguments": arguments}],
            "translations": [{"languageCode": "en", "name": code}],
        })  # fmt: skip

    def bend(self, share: str) -> None:
        """Somebody changes the share of the last one."""
        self.nodes[-1]["actions"][0]["args"][0]["value"] = str(Decimal(share) * 100)
