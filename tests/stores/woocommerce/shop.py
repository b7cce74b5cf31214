"""What the local WooCommerce holds: products, variations, orders, refunds, webhooks; and the traps of the real one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.money import Money
from bot.ports import Clock
from bot.sandbox.world import Faults
from tests.stores.woocommerce.coupons import Coupons

KEY, SECRET = "ck_1f2e3d", "cs_of-the-shop"
TOPICS = {
    f"{about}.{event}"
    for about in ("coupon", "customer", "order", "product")
    for event in ("created", "updated", "deleted", "restored")
}
Row = dict[str, Any]


class Refusal(Exception):
    """A WP_Error: its code, message and status."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code

    def told(self) -> Row:
        return {"code": self.code, "message": str(self), "data": {"status": self.status}}


@dataclass(frozen=True)
class Change:
    """A change of a price; `key` is empty where a person made it."""

    key: str
    before: Money
    price: Money


@dataclass
class WooShop:
    """A shop in a zone of its own, whose rows are dated by its own clock and cut to seconds."""

    clock: Clock
    currency: str = "GBP"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    token: str = SECRET
    may_write: bool = True
    products: dict[int, Row] = field(default_factory=dict)
    variations: dict[int, Row] = field(default_factory=dict)
    orders: dict[int, Row] = field(default_factory=dict)
    refunds: dict[int, list[Row]] = field(default_factory=dict)
    webhooks: dict[int, Row] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[Mapping[str, str]] = field(default_factory=list)  # the parameters of each call
    changes: list[Change] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    nonces: set[str] = field(default_factory=set)
    unreadable: set[int] = field(default_factory=set)  # rows that the key's owner may not see
    after_list: deque[Callable[[], object]] = field(default_factory=deque)  # done once after each list that is answered
    stuck_regular: bool = False  # a plugin keeps every regular price
    stuck_webhooks: bool = False  # a plugin keeps webhooks off
    refused_topics: set[str] = field(default_factory=set)
    _ids: Iterator[int] = field(default_factory=lambda: count(11))

    def __post_init__(self) -> None:
        self.coupons = Coupons(self)

    def stamp(self) -> str:
        """The time in GMT, as the API writes it."""
        return self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def put(self, **given: Any) -> int:
        """A product on the shelf."""
        number = next(self._ids)
        made = {
            "id": number, "type": "simple", "status": "publish", "sku": "", "name": f"Product {number}", "parent_id": 0,
            "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
            "regular_price": "10", "sale_price": "", "manage_stock": False, "stock_quantity": None,
            "date_on_sale_from": None, "date_on_sale_to": None, "meta_data": [], "date_modified_gmt": self.stamp(),
        }  # fmt: skip
        self.products[number] = made | given
        return number

    def vary(self, parent: int, **given: Any) -> int:
        """A variation of a product."""
        number = next(self._ids)
        made = {
            "id": number, "type": "variation", "status": "publish", "sku": "", "parent_id": parent,
            "regular_price": "10", "sale_price": "", "manage_stock": False, "stock_quantity": None, "attributes": [],
            "date_on_sale_from": None, "date_on_sale_to": None, "meta_data": [], "date_modified_gmt": self.stamp(),
        }  # fmt: skip
        self.variations[number] = made | given
        return number

    def place(self, *lines: Row, **given: Any) -> int:
        """An order: each line has a product (and a variation), a quantity and a total."""
        number = next(self._ids)
        made = {
            "id": number, "number": str(number), "status": "processing", "currency": self.currency, "customer_id": 7,
            "date_created_gmt": self.stamp(), "date_modified_gmt": self.stamp(), "refunds": [],
            "billing": {"first_name": "Ada", "email": "ada@example.com"}, "customer_note": "ring Ada",
            "line_items": [self._line(line) for line in lines],
        }  # fmt: skip
        self.orders[number] = made | given
        return number

    def refund(self, order: int, *lines: tuple[int, int], **given: Any) -> int:
        """Pay back units of lines, by their place in the order; the order's own lines stay as they are."""
        number = next(self._ids)
        of = self.orders[order]["line_items"]
        parts = [
            {**of[at], "id": next(self._ids), "quantity": -units, "total": "-1.00",
             "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(of[at]["id"])}]}
            for at, units in lines
        ]  # fmt: skip
        made = {"id": number, "date_created_gmt": self.stamp(), "line_items": parts}
        self.refunds.setdefault(order, []).append(made | given)
        self.orders[order]["refunds"].append({"id": number, "reason": "", "total": "-1.00"})
        self.touch(self.orders[order])
        return number

    def touch(self, row: Row, **given: Any) -> None:
        """Save a row again."""
        row |= given
        row["date_modified_gmt"] = self.stamp()

    def bin(self, number: int) -> None:
        """Put a product into the bin, and its variations with it."""
        for row in (self.products[number], *self.variations.values()):
            if number in (row["id"], row["parent_id"]):
                self.touch(row, status="trash")

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a regular price, and ends a sale."""
        (row,) = (row for row in (*self.products.values(), *self.variations.values()) if row["sku"] == sku)
        self.change(row, {"regular_price": str(price.amount), "sale_price": ""}, "")

    def change(self, row: Row, given: Mapping[str, Any], key: str) -> None:
        """Write prices: a sale price that is not below the regular one is dropped without a word."""
        before = self.price(row)
        for name, value in given.items():
            if name == "meta_data":
                for meta in value:
                    kept = [each for each in row["meta_data"] if each["key"] != meta["key"]]
                    row["meta_data"] = [*kept, {"id": next(self._ids), **meta}]
            elif name.startswith("date_"):
                row[name] = value or None
            elif name != "regular_price" or not self.stuck_regular:
                row[name] = value
        if row["sale_price"] and Decimal(row["sale_price"]) >= Decimal(row["regular_price"]):
            row["sale_price"] = ""
        self.touch(row)
        self.changes.append(Change(key, before, self.price(row)))

    def price(self, row: Row) -> Money:
        """What customers are asked."""
        name = "sale_price" if self.on_sale(row) else "regular_price"
        return Money.rounded(Decimal(row[name] or 0), self.currency)

    def on_sale(self, row: Row) -> bool:
        """Whether the sale price is the one that is asked, by the days of the shop's own zone."""
        now = self.clock.now().astimezone(self.zone).replace(tzinfo=None)
        since, until = (
            row[name] and datetime.fromisoformat(row[name]) for name in ("date_on_sale_from", "date_on_sale_to")
        )
        return bool(row["sale_price"]) and not (since and now < since) and not (until and now > until)

    def told(self, row: Row) -> Row:
        """A product or variation as the API tells it."""
        parent = self.products.get(row["parent_id"])
        known = row | {
            "on_sale": self.on_sale(row),
            "price": row["sale_price"] if self.on_sale(row) else row["regular_price"],
        }
        if parent:
            known["sku"] = row["sku"] or parent["sku"]
            if not row["manage_stock"] and parent["manage_stock"]:
                known |= {"manage_stock": "parent", "stock_quantity": parent["stock_quantity"]}
        return known

    def _line(self, given: Row) -> Row:
        product, variation = given.get("product", 0), given.get("variation", 0)
        row = self.variations.get(variation) or self.products.get(product) or {}
        made = {
            "id": next(self._ids), "product_id": product, "variation_id": variation, "sku": row.get("sku"),
            "name": row.get("name", ""), "quantity": 1, "subtotal": "99.00", "total": "10.00", "meta_data": [],
        }  # fmt: skip
        return made | {name: value for name, value in given.items() if name not in ("product", "variation")}
