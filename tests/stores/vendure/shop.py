"""What lies behind the strict Vendure: records as its Admin API tells them, and ways to change them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.money import Money
from bot.ports import MovableClock
from bot.sandbox.world import Faults
from tests.stores.vendure.promotions import Promotions

CHANNEL = "channel-token"


@dataclass(frozen=True)
class Change:
    """A price that changed; `key` is empty where a person changed it."""

    key: str
    before: Money
    price: Money


def stamp(at: datetime) -> str:
    """An instant as the API writes one."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class VendureShop:
    """One channel. Instants are the clock's; `plugged` says whether the store has our plugin."""

    clock: MovableClock
    token: str = "of an API key"
    user: str = "stocktide"
    password: str = "of the user"
    currency: str = "GBP"
    precision: int = 2
    counted: bool = True
    plugged: bool = True
    kept_price: int | None = None  # whatever is written
    stuck_promotions: bool = False  # a plugin lets nobody delete any
    address: str = ""
    permissions: set[str] = field(
        default_factory=lambda: {
            "ReadCatalog", "ReadOrder", "UpdateCatalog", "ReadPromotion", "CreatePromotion", "DeletePromotion",
        }
    )  # fmt: skip
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)  # that are valid; every other one is not
    begun: int = 0  # sessions, ever
    variants: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    locations: list[dict[str, Any]] = field(default_factory=lambda: [{"id": "1", "name": "Default"}])
    after_list: list[Any] = field(default_factory=list)  # what happens once a page was told
    changes: list[Change] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self.promotions = Promotions(self)

    def new(self) -> str:
        """The next id."""
        self._number += 1
        return str(self._number)

    def sell(self, sku: str, price: int | None = 295, **given: Any) -> dict[str, Any]:
        """A variant, its price in minor units of the channel's currency."""
        prices = [] if price is None else [{"currencyCode": self.currency, "price": price}]
        found = {
            "id": self.new(), "sku": sku, "name": sku, "enabled": True, "trackInventory": "INHERIT",
            "product": {"enabled": True}, "productId": "1", "prices": prices, "stockLevels": [],
            "customFields": {"stocktideCompareAt": None, "stocktidePrices": None},
        } | given  # fmt: skip
        self.variants.append(found)
        return found

    def count(self, variant: dict[str, Any], on_hand: int, allocated: int = 0, place: str = "1") -> None:
        """What lies at a place."""
        level = {"stockLocationId": place, "stockOnHand": on_hand, "stockAllocated": allocated}
        variant["stockLevels"] = [each for each in variant["stockLevels"] if each["stockLocationId"] != place] + [level]

    def line(self, variant: dict[str, Any], units: int, **given: Any) -> dict[str, Any]:
        """A line of an order, at ten a piece."""
        return {
            "id": self.new(), "quantity": units, "orderPlacedQuantity": units, "proratedUnitPrice": 1000,
            "proratedLinePrice": 1000 * given.get("quantity", units), "productVariant": variant, "fulfillmentLines": [],
        } | given  # fmt: skip

    def place(self, *lines: dict[str, Any], **given: Any) -> dict[str, Any]:
        """An order that was placed now; Vendure cuts the date of its last change to the second."""
        now = self.clock.now()
        found = {
            "id": self.new(), "code": f"CODE{self._number}", "type": "Regular", "state": "PaymentSettled",
            "updatedAt": stamp(now.replace(microsecond=0)), "orderPlacedAt": stamp(now), "currencyCode": self.currency,
            "customer": {"id": "7"}, "lines": list(lines), "payments": [], "history": {"items": []},
        } | given  # fmt: skip
        self.orders.append(found)
        return found

    def send(self, line: dict[str, Any], units: int, state: str = "Shipped") -> None:
        """A fulfilment. It leaves the date of the order's last change alone."""
        line["fulfillmentLines"].append({"quantity": units, "fulfillment": {"state": state}})

    def cancel(self, order: dict[str, Any], line: dict[str, Any], units: int) -> None:
        """Units are taken off a line."""
        line["quantity"] -= units
        line["proratedLinePrice"] = line["proratedUnitPrice"] * line["quantity"]
        at, data = stamp(self.clock.now()), {"lines": [{"orderLineId": int(line["id"]), "quantity": units}]}
        order["history"]["items"].append({"id": self.new(), "createdAt": at, "data": data})
        order["updatedAt"] = stamp(self.clock.now().replace(microsecond=0))

    def refund(self, order: dict[str, Any], line: dict[str, Any], units: int, state: str = "Settled") -> None:
        """Money is paid back for units. It leaves the date of the order's last change alone."""
        entry = {"orderLineId": line["id"], "quantity": units}
        refund = {"id": self.new(), "state": state, "createdAt": stamp(self.clock.now()), "lines": [entry]}
        order["payments"].append({"refunds": [refund]})

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price by hand."""
        self.write(
            next(each for each in self.variants if each["sku"] == sku), int(price.amount * 10**self.precision), ""
        )

    def write(self, variant: dict[str, Any], price: int, key: str) -> None:
        """A price changes."""
        entry = next(each for each in variant["prices"] if each["currencyCode"] == self.currency)
        before, entry["price"] = entry["price"], price if self.kept_price is None else self.kept_price
        self.changes.append(Change(key, self._money(before), self._money(entry["price"])))

    def last_key(self, record: str | None) -> str:
        """The last key of a variant's record."""
        told = json.loads(record or "[]")
        return str(told[-1]["key"]) if told else ""

    def _money(self, units: int) -> Money:
        return Money.rounded(Decimal(units).scaleb(-self.precision), self.currency)
