"""Discounts of the strict Shopify: codes and automatic ones, by the schema's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.stores.offers import FAR, Stands

if TYPE_CHECKING:  # the shop holds these
    from tests.stores.shopify.store import ShopifyStore

Node = dict[str, Any]
_NEEDED = {"title", "startsAt", "endsAt", "context", "combinesWith", "customerGets"}


@dataclass
class Deals:
    """The discounts of a shop, in the order they were made. `kept` is what it keeps in place of what it is given."""

    store: ShopifyStore
    nodes: list[Node] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    unlisted: bool = False  # whether the newest ones are not listed yet

    def make(self, kind: str, given: Mapping[str, Any], variants: Sequence[Node]) -> Node:
        """Make one of what was sent."""
        now = self.store.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        discount: Node = {
            "__typename": kind, "title": given["title"], "startsAt": given["startsAt"], "endsAt": given["endsAt"],
            "createdAt": now, "updatedAt": now, "tags": given.get("tags", []), "asyncUsageCount": 0, "status": "ACTIVE",
            "combinesWith": {"__typename": "DiscountCombinesWith", **given["combinesWith"]},
            "customerGets": {
                "__typename": "DiscountCustomerGets",
                "value": {
                    "__typename": "DiscountPercentage", "percentage": given["customerGets"]["value"]["percentage"],
                },
                "items": {"__typename": "DiscountProducts", "products": [], "productVariants": list(variants)},
            },
        }  # fmt: skip
        if kind == "DiscountCodeBasic":
            code = {
                "__typename": "DiscountRedeemCode",
                "id": self.store.gid("DiscountRedeemCode"),
                "code": given["code"],
            }
            discount["codes"] = [code]
        discount |= self.kept
        general = {"DiscountCodeBasic": "DiscountCodeNode", "DiscountAutomaticBasic": "DiscountAutomaticNode"}
        node = {"__typename": "DiscountNode", "id": self.store.gid(general[kind]), "discount": discount}
        self.nodes.append(node)
        return node

    def wrong(self, given: Mapping[str, Any], variants: Sequence[Node | None]) -> list[Node]:
        """What Shopify says of an input: automatic titles and codes are unique, an end is after its start."""
        titles = {node["discount"]["title"] for node in self.nodes if "codes" not in node["discount"]}
        found = [("BLANK", "is missing", name) for name in sorted(_NEEDED - set(given))]
        if "code" in given and self.bearing(given["code"]) is not None:
            found.append(("TAKEN", "Code must be unique. Please try a different code.", "code"))
        if "code" not in given and given.get("title") in titles:
            found.append(("TAKEN", "Title must be unique for automatic discount", "title"))
        if None in variants or not variants:
            found.append(("INVALID", "Product variant does not exist", "customerGets"))
        if not 0 < given["customerGets"]["value"]["percentage"] <= 1:
            found.append(("VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0", "customerGets"))
        if datetime.fromisoformat(given["endsAt"]) <= datetime.fromisoformat(given["startsAt"]):
            found.append(("END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at", "endsAt"))
        return [
            {"__typename": "DiscountUserError", "code": code, "message": said, "field": [name]}
            for code, said, name in found
        ]

    def bearing(self, code: str) -> Node | None:
        """The one with a code, in any case."""
        for node in self.nodes:
            if any(each["code"].casefold() == code.casefold() for each in node["discount"].get("codes", ())):
                return node
        return None

    def standing(self) -> Sequence[Stands]:
        """Those that buyers get."""
        return [_stands(node["discount"]) for node in self.nodes]

    def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code in the shop's admin."""
        given = {
            "title": code, "code": code, "startsAt": "2011-01-01T00:00:00Z", "endsAt": FAR.isoformat(),
            "combinesWith": {"orderDiscounts": True, "productDiscounts": True, "shippingDiscounts": True},
            "customerGets": {"value": {"percentage": float(share)}},
        }  # fmt: skip
        self.make("DiscountCodeBasic", given, [self.store.variant(sku)])

    def bend(self, share: str) -> None:
        """Somebody changes the share of the last one."""
        self.nodes[-1]["discount"]["customerGets"]["value"]["percentage"] = float(share)


class DealRoot:
    """The fields of QueryRoot and Mutation that are about discounts."""

    store: ShopifyStore

    def node(self, **given: Any) -> Any:
        raise NotImplementedError

    def discountNode(self, **given: Any) -> Any:  # noqa: N802  # the schema's own name
        return next((node for node in self.store.deals.nodes if node["id"] == given["id"]), None)

    def discountNodes(self, sortKey: str, reverse: bool, **_given: Any) -> Any:  # noqa: N802, N803, FBT001
        assert (sortKey, reverse) == ("CREATED_AT", True)
        nodes = self.store.deals.nodes[:-1] if self.store.deals.unlisted else self.store.deals.nodes
        return nodes[::-1]

    def codeDiscountNodeByCode(self, code: str) -> Any:  # noqa: N802
        found = self.store.deals.bearing(code)
        if found is None:
            return None
        return {"__typename": "DiscountCodeNode", "id": found["id"], "codeDiscount": found["discount"]}

    def discountCodeBasicCreate(self, basicCodeDiscount: Node) -> Any:  # noqa: N802, N803
        node, wrong = self._made("DiscountCodeBasic", basicCodeDiscount)
        made = node and {"__typename": "DiscountCodeNode", "id": node["id"], "codeDiscount": node["discount"]}
        return {"codeDiscountNode": made, "userErrors": wrong}

    def discountAutomaticBasicCreate(self, automaticBasicDiscount: Node) -> Any:  # noqa: N802, N803
        node, wrong = self._made("DiscountAutomaticBasic", automaticBasicDiscount)
        made = node and {"__typename": "DiscountAutomaticNode", "id": node["id"], "automaticDiscount": node["discount"]}
        return {"automaticDiscountNode": made, "userErrors": wrong}

    def discountCodeDelete(self, **given: Any) -> Any:  # noqa: N802
        return self._deleted(given["id"], "DiscountCodeNode", "deletedCodeDiscountId")

    def discountAutomaticDelete(self, **given: Any) -> Any:  # noqa: N802
        return self._deleted(given["id"], "DiscountAutomaticNode", "deletedAutomaticDiscountId")

    def _made(self, kind: str, given: Node) -> tuple[Node | None, list[Node]]:
        deals = self.store.deals
        variants = [self.node(id=each) for each in given["customerGets"]["items"]["products"]["productVariantsToAdd"]]
        wrong = deals.wrong(given, variants)
        return (None if wrong else deals.make(kind, given, variants)), wrong

    def _deleted(self, number: str, kind: str, told: str) -> Any:
        node = self.discountNode(id=number)
        if node is None or f"/{kind}/" not in number:
            error = {
                "__typename": "DiscountUserError", "code": "INVALID", "message": "Discount does not exist",
                "field": ["id"],
            }  # fmt: skip
            return {told: None, "userErrors": [error]}
        self.store.deals.nodes.remove(node)
        return {told: number, "userErrors": []}


def _stands(discount: Node) -> Stands:
    codes = [each["code"] for each in discount.get("codes", ())]
    items = discount["customerGets"]["items"]
    end = discount["endsAt"]
    return Stands(
        ",".join(codes),
        Decimal(str(discount["customerGets"]["value"]["percentage"])),
        tuple(variant["sku"] for variant in items.get("productVariants", ())),
        None if end is None else datetime.fromisoformat(end),
    )
