"""What the local Medusa holds: variants, inventory, orders, reservations, price lists; and how the real one reckons."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from bot.domain.money import Money
from bot.ports import Clock
from bot.sandbox.world import Faults
from tests.stores.medusa.promotions import Promotions

KEY = "sk_of-the-shop"
EMAIL, PASSWORD = "bot@example.com", "of-the-bot"
Row = dict[str, Any]


class Refusal(Exception):
    """An error of Medusa's: its status, type and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True)
class Change:
    """A change of a price; `key` is empty where a person made it."""

    key: str
    before: Money
    price: Money


@dataclass
class MedusaShop:
    """A shop whose rows are dated by its own clock. Ids sort by when their rows were made, as ULIDs do."""

    clock: Clock
    currency: str = "gbp"
    token: str = KEY
    variants: dict[str, Row] = field(default_factory=dict)
    items: dict[str, Row] = field(default_factory=dict)
    locations: dict[str, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    order_changes: dict[str, list[Row]] = field(default_factory=dict)
    reservations: dict[str, Row] = field(default_factory=dict)
    price_lists: dict[str, Row] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)  # of logins, while they are good
    logins: int = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[list[tuple[str, str]]] = field(default_factory=list)  # the parameters of each call
    changes: list[Change] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    after_list: deque[Callable[[], object]] = field(default_factory=deque)  # done once after each list that is answered
    oldest_first: bool = False  # of several lists the oldest holds, as in releases around 2.8
    stuck: bool = False  # lists that are made are drafts, whatever was asked for
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.promotions = Promotions(self)

    def id(self, prefix: str) -> str:
        """The next id of a kind."""
        return f"{prefix}_{next(self._ids):08d}"

    def stamp(self) -> str:
        """The time as Medusa writes it."""
        return self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def location(self, name: str, country: str = "gb") -> str:
        """A stock location."""
        number = self.id("sloc")
        self.locations[number] = {"id": number, "name": name, "address": {"country_code": country, "city": "Leeds"}}
        return number

    def item(self, sku: str, levels: dict[str, int | float] | None = None) -> str:
        """An inventory item, with units stocked at locations."""
        number = self.id("iitem")
        rows = [
            {"id": self.id("ilev"), "location_id": place, "stocked_quantity": units, "reserved_quantity": 0,
             "incoming_quantity": 0}
            for place, units in (levels or {}).items()
        ]  # fmt: skip
        self.items[number] = {"id": number, "sku": sku, "title": sku, "location_levels": rows}
        return number

    def vary(self, sku: str, price: float | None = 10, *parts: tuple[str, int], **given: Any) -> str:
        """A variant of a product of its own; `parts` are inventory items and how many of each it takes."""
        number = self.id("variant")
        links = [
            {"inventory_item_id": item, "required_quantity": units,
             "inventory": {"id": item, "sku": self.items[item]["sku"]}}
            for item, units in parts
        ]  # fmt: skip
        made = {
            "id": number, "sku": sku, "title": "Default variant", "manage_inventory": bool(parts),
            "product": {"id": self.id("prod"), "title": f"Product {sku}", "status": "published"},
            "prices": [] if price is None else [self.price_row(number, price)], "inventory_items": links,
        }  # fmt: skip
        self.variants[number] = made | given
        return number

    def takers(self, item: str) -> list[Row]:
        """The variants that take an inventory item; a link to one that was deleted leads nowhere."""
        found = [
            row for row in self.variants.values() if item in [e["inventory_item_id"] for e in row["inventory_items"]]
        ]
        return [{"id": row["id"]} for row in found]

    def price_row(self, variant: str, amount: float, currency: str = "", **given: Any) -> Row:
        """A price, without rules unless they are given."""
        made = {
            "id": self.id("price"), "amount": amount, "currency_code": currency or self.currency, "min_quantity": None,
            "max_quantity": None, "price_rules": [], "price_set": {"variant": {"id": variant}},
        }  # fmt: skip
        return made | given

    def place(self, *lines: Row, **given: Any) -> str:
        """An order. Medusa reserves each line at the first location that has it all."""
        number = self.id("order")
        made = {
            "id": number, "display_id": int(number[-4:]), "status": "pending", "is_draft_order": False,
            "currency_code": self.currency, "customer_id": "cus_7", "email": "ada@example.com", "canceled_at": None,
            "created_at": self.stamp(), "updated_at": self.stamp(), "fulfillments": [],
            "shipping_address": {"first_name": "Ada", "address_1": "1 Mill Lane"},
            "items": [self._line(line) for line in lines],
        }  # fmt: skip
        self.orders[number] = made | given
        for item in self.orders[number]["items"]:
            self._reserve(item)
        return number

    def _line(self, given: Row) -> Row:
        variant = self.variants.get(given.get("variant", ""), {})
        units = given.get("quantity", 1)
        made = {
            "id": self.id("ordli"), "title": "", "variant_id": variant.get("id"), "variant_sku": variant.get("sku"),
            "product_title": variant.get("product", {}).get("title"), "variant_title": None, "unit_price": 10,
            "quantity": units, "is_tax_inclusive": False, "tax_lines": [], "adjustments": [],
            "detail": {
                "quantity": units, "fulfilled_quantity": 0, "shipped_quantity": 0, "return_requested_quantity": 0,
                "return_received_quantity": 0, "return_dismissed_quantity": 0, "written_off_quantity": 0,
            },
        }  # fmt: skip
        return made | {name: value for name, value in given.items() if name not in ("variant", "detail")}

    def _reserve(self, line: Row) -> None:
        for link in self.variants.get(line["variant_id"], {}).get("inventory_items", ()):
            units = line["quantity"] * link["required_quantity"]
            for level in self.items[link["inventory_item_id"]]["location_levels"]:
                if level["stocked_quantity"] - level["reserved_quantity"] >= units:
                    level["reserved_quantity"] += units
                    number = self.id("resitem")
                    self.reservations[number] = {
                        "id": number, "line_item_id": line["id"], "quantity": units,
                        "location_id": level["location_id"], "inventory_item_id": link["inventory_item_id"],
                    }  # fmt: skip
                    break

    def fulfil(self, order: str, location: str, *lines: tuple[int, int]) -> Row:
        """Send units of lines (by their place in the order) from a location; their reservations end."""
        items = self.orders[order]["items"]
        sent = {
            "id": self.id("ful"), "location_id": location, "canceled_at": None, "delivery_address": {"city": "York"},
            "items": [
                {"id": self.id("fulit"), "line_item_id": items[at]["id"], "quantity": units} for at, units in lines
            ],
        }  # fmt: skip
        for at, units in lines:
            items[at]["detail"]["fulfilled_quantity"] += units
            for number, row in list(self.reservations.items()):
                if row["line_item_id"] == items[at]["id"]:
                    self._release(number)
        self.orders[order]["fulfillments"].append(sent)
        self.touch(order)
        return sent

    def _release(self, number: str) -> None:
        row = self.reservations.pop(number)
        for level in self.items[row["inventory_item_id"]]["location_levels"]:
            if level["location_id"] == row["location_id"]:
                level["reserved_quantity"] -= row["quantity"]

    def receive(self, order: str, action: str, *lines: tuple[int, int], **given: Any) -> Row:
        """Confirm a change: units of lines come back, whole or damaged, or are written off."""
        items = self.orders[order]["items"]
        for at, units in lines:
            detail = items[at]["detail"]
            if action == "RECEIVE_RETURN_ITEM":
                detail["return_received_quantity"] += units
            if action == "RECEIVE_DAMAGED_RETURN_ITEM":
                detail["return_dismissed_quantity"] += units
            if action in ("RECEIVE_DAMAGED_RETURN_ITEM", "WRITE_OFF_ITEM"):
                detail["written_off_quantity"] += units
        actions = [
            {"id": self.id("ordchact"), "action": action,
             "details": {"reference_id": items[at]["id"], "quantity": units}}
            for at, units in lines
        ]  # fmt: skip
        made = {
            "id": self.id("ordch"), "status": "confirmed", "confirmed_at": self.stamp(), "created_at": self.stamp(),
            "actions": actions,
        }  # fmt: skip
        self.order_changes.setdefault(order, []).append(made | given)
        self.touch(order)
        return self.order_changes[order][-1]

    def touch(self, order: str, **given: Any) -> None:
        """Save an order again."""
        self.orders[order] |= {**given, "updated_at": self.stamp()}

    def list_prices(self, *prices: Row, **given: Any) -> str:
        """A price list."""
        number = self.id("plist")
        made = {
            "id": number, "title": "Sale", "description": "", "type": "sale", "status": "active", "starts_at": None,
            "ends_at": None, "price_list_rules": [], "prices": list(prices),
        }  # fmt: skip
        self.price_lists[number] = made | given
        return number

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a variant's own price, and ends every list that asks another."""
        (variant,) = (row for row in self.variants.values() if row["sku"] == sku)
        with self.noting(variant["id"]):
            for row in self.price_lists.values():
                if any(each["price_set"]["variant"]["id"] == variant["id"] for each in row["prices"]):
                    row["status"] = "draft"
            variant["prices"] = [self.price_row(variant["id"], float(price.amount))]

    def asks(self, variant: str) -> Money:
        """What everybody is asked, as the real one reckons it (calculatePrices)."""
        own = [each["amount"] for each in self.variants[variant]["prices"] if self._plain(each)]
        listed = [
            (each["amount"], row["type"])
            for row in self.price_lists.values()
            if row["status"] == "active" and not row["price_list_rules"] and self._now(row)
            for each in row["prices"]
            if each["price_set"]["variant"]["id"] == variant and self._plain(each)
        ]
        first = listed[:1] if self.oldest_first else sorted(listed)[:1]
        amount, kind = first[0] if first else (min(own, default=0), "")
        if kind == "sale":
            amount = min(amount, *own)
        return Money.rounded(Decimal(str(amount)), self.currency.upper())

    def _plain(self, price: Row) -> bool:
        return (
            price["currency_code"] == self.currency and not price["price_rules"] and (price["min_quantity"] or 1) <= 1
        )

    def _now(self, row: Row) -> bool:
        since, until = (row[name] and datetime.fromisoformat(row[name]) for name in ("starts_at", "ends_at"))
        now = self.clock.now()
        return not (since and since > now) and not (until and until < now)

    def noting(self, variant: str, key: str = "") -> _Noting:
        """What changes of a variant's price meanwhile is noted."""
        return _Noting(self, variant, key)


class _Noting:
    def __init__(self, shop: MedusaShop, variant: str, key: str) -> None:
        self._shop, self._variant, self._key = shop, variant, key
        self._before = shop.asks(variant)

    def __enter__(self) -> None:
        """Nothing more."""

    def __exit__(self, *_: object) -> None:
        after = self._shop.asks(self._variant)
        if self._key or after != self._before:
            self._shop.changes.append(Change(self._key, self._before, after))


def key_in(description: str) -> str:
    """The newest key in a description of ours; nothing in others."""
    _, _, told = description.partition("Kept by Stocktide, to find its own changes again: ")
    return str(json.loads(told)[-1]["key"]) if told else ""
