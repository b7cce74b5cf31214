"""An account at Amazon as it is behind its API: listings, stock, orders, shipments, reports."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.domain.money import Money
from bot.ports import MovableClock
from bot.sandbox.world import Faults
from bot.stores.amazon.markets import MARKETS
from tests.stores.amazon.returned import HEADINGS, within

CLIENT, REFRESH, SELLER = "amzn1.application-oa2-client.x", "Atzr|refresh-hush", "A1SELLER"
Row = dict[str, Any]
_FLAT_STATUS = {
    "PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped",
    "CANCELLED": "Cancelled", "UNFULFILLABLE": "Unfulfillable",
}  # fmt: skip
FLAT = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "ship-service-level", "product-name", "sku", "asin",
    "item-status", "quantity", "currency", "item-price", "item-tax", "shipping-price", "shipping-tax",
    "gift-wrap-price", "gift-wrap-tax", "item-promotion-discount", "ship-promotion-discount", "ship-city",
    "ship-state", "ship-postal-code", "ship-country", "promotion-ids", "is-business-order", "purchase-order-number",
    "price-designation",
)  # fmt: skip
LISTED = ("item-name", "listing-id", "seller-sku", "price", "quantity", "fulfillment-channel", "status")


@dataclass
class Change:
    """A change of a price; Amazon knows no keys."""

    before: Money
    price: Money
    key: str = ""


@dataclass
class Listing:
    """A listing in one marketplace: what was submitted, and what customers are shown."""

    sku: str
    title: str
    submitted: Row
    shown: str | None
    issues: list[Row] = field(default_factory=list)
    others: list[Row] = field(default_factory=list)  # offers to businesses
    later: list[Callable[[], None]] = field(default_factory=list)  # happens one by one, each time it is read


@dataclass
class Report:
    """A report that was asked for; `states` are told one after the other, the last one for ever."""

    kind: str
    states: list[str]
    document: str = ""
    body: Row = field(default_factory=dict)


@dataclass
class Order:
    """An order; items are (SKU, units, price of all of them with tax, tax in it, discount)."""

    number: str
    items: list[tuple[str, int, str, str, str]]
    status: str
    market: str
    placed: datetime
    changed: datetime
    fulfilled: str
    channel: str


class AmazonAccount:
    """The seller sells in Germany unless a test says otherwise."""

    def __init__(self, clock: MovableClock, market: str = "DE") -> None:
        self.clock = clock
        self.market = MARKETS[market]
        self.token = "client-secret-hush"  # what the connector is known by
        self.access: set[str] = set()
        self.granted = 0
        self.lives = 3600
        self.faults = Faults()
        self.calls: list[tuple[str, str, str]] = []
        self.queries: list[Row] = []
        self.patches: list[Row] = []
        self.changes: list[Change] = []
        self.listings: dict[str, Listing] = {}
        self.flat_listings: dict[str, list[Row]] = {}
        self.aged: dict[str, list[Row]] = {}
        self.charged: dict[str, list[Row]] = {}
        self.sent_back: dict[str, list[Row]] = {}  # by kind of report
        self.stock: dict[str, list[Row]] = {}
        self.orders: dict[str, Order] = {}
        self.reports: dict[str, Report] = {}
        self.documents: dict[str, tuple[bytes, str]] = {}
        self.documents_url = ""
        self.charset = "UTF-8"
        self.states: list[str] | None = None
        self.plans: dict[str, Row] = {}
        self.shipments: dict[str, Row] = {}
        self.shipped: dict[str, list[Row]] = {}
        self.limits: dict[str, str] = {}
        self.sells_in = {self.market.id}
        self.page = 100
        self.partial: list[Row] = []
        self.shows_after = 0  # readings of a listing until a change shows
        self._numbers = itertools.count(1)

    # Listings

    def sell(self, sku: str, title: str, price: str) -> Listing:
        """A listing with a price."""
        amount = {"value_with_tax": float(price)}
        offer = {
            "marketplace_id": self.market.id,
            "currency": self.market.currency,
            "audience": "ALL",
            "our_price": [{"schedule": [amount]}],
        }
        self.listings[sku] = Listing(sku, title, offer, price)
        return self.listings[sku]

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price in Seller Central."""
        known = self.listings[sku]
        fresh = {**known.submitted, "our_price": [{"schedule": [{"value_with_tax": float(price.amount)}]}]}
        fresh.pop("discounted_price", None)
        known.later.clear()
        self.show(known, fresh)

    def submit(self, sku: str, offer: Row) -> None:
        """A change that was accepted: it shows once the listing was read some times."""
        known = self.listings[sku]
        known.later = [lambda: None] * self.shows_after
        if self.shows_after:
            known.later.append(lambda: self.show(known, offer))
        else:
            self.show(known, offer)

    def show(self, known: Listing, offer: Row) -> None:
        """Ask customers what an offer says."""
        reduced = offer.get("discounted_price") or offer["our_price"]
        price = str(Decimal(str(reduced[0]["schedule"][0]["value_with_tax"])))
        before = Money(Decimal(known.shown or "0"), self.market.currency)
        self.changes.append(Change(before, Money.rounded(Decimal(price), self.market.currency)))
        known.submitted, known.shown = offer, price

    # Orders

    def place(self, *items: tuple[str, int, str, str, str], number: str = "", **given: Any) -> Order:
        """An order of now."""
        number = number or f"302-{next(self._numbers):07}-0000001"
        now = self.clock.now()
        known = {
            "status": "SHIPPED", "market": "DE", "placed": now, "changed": now, "fulfilled": "AMAZON",
            "channel": "AMAZON",
        }  # fmt: skip
        self.orders[number] = Order(number, list(items or [("LAMP", 2, "24.00", "3.84", "0")]), **{**known, **given})
        return self.orders[number]

    def touch(self, order: Order, status: str) -> None:
        """It changes now."""
        order.status, order.changed = status, self.clock.now()

    def updated(self, since: str, until: str) -> list[Order]:
        """Orders that changed within a time."""
        start, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
        return [order for order in self.orders.values() if start <= order.changed <= end]

    def searched(self, order: Order) -> Row:
        """As the Orders API tells it."""
        market = MARKETS[order.market]
        channel: Row = {"channelName": order.channel}
        if order.channel == "AMAZON":
            channel |= {"marketplaceId": market.id, "marketplaceName": market.channel.title()}
        return {
            "orderId": order.number,
            "createdTime": told(order.placed),
            "lastUpdatedTime": told(order.changed),
            "salesChannel": channel,
            "fulfillment": {"fulfillmentStatus": order.status, "fulfilledBy": order.fulfilled},
            "orderItems": [self._item(order, number, *item) for number, item in enumerate(order.items, 1)],
        }

    def _item(self, order: Order, number: int, sku: str, units: int, price: str, tax: str, off: str) -> Row:
        currency = MARKETS[order.market].currency

        def amount(value: Decimal) -> Row:
            return {"amount": str(value), "currencyCode": currency}

        total = Decimal(price) - Decimal(off)
        breakdowns = [
            {"type": "ITEM", "subtotal": amount(Decimal(price))},
            {
                "type": "TAX",
                "subtotal": amount(Decimal(tax)),
                "detailedBreakdowns": [{"subtype": "ITEM", "value": amount(Decimal(tax))}],
            },
            {"type": "DISCOUNT", "subtotal": amount(-Decimal(off))},
        ]
        item: Row = {
            "orderItemId": f"{number}{order.number[4:11]}",
            "quantityOrdered": units,
            "product": {"asin": "B000TEST01", "title": f"The {sku}", "sellerSku": sku},
        }
        if order.status not in ("PENDING", "CANCELLED"):  # no money is told of those
            item["proceeds"] = {"proceedsTotal": amount(total), "breakdowns": breakdowns}
        return item

    def flat(self, order: Order) -> list[Row]:
        """As a report tells it: where it is sent to is in it too."""
        status = _FLAT_STATUS[order.status]
        market = MARKETS[order.market]
        priced = order.status not in ("PENDING", "CANCELLED")
        return [
            {
                "amazon-order-id": order.number,
                "purchase-date": told(order.placed),
                "last-updated-date": told(order.changed),
                "order-status": status,
                "fulfillment-channel": "Amazon" if order.fulfilled == "AMAZON" else "Merchant",
                "sales-channel": market.channel.title() if order.channel == "AMAZON" else "Non-Amazon",
                "product-name": f"The {sku}",
                "sku": sku,
                "asin": "B000TEST01",
                "item-status": status,
                "quantity": str(units) if order.status != "CANCELLED" else "0",
                "currency": market.currency if priced else "",
                "item-price": price if priced else "",
                "item-tax": tax if priced else "",
                "item-promotion-discount": off if priced and Decimal(off) else "",
                "ship-city": "Musterstadt",
                "ship-postal-code": "12345",
            }
            for sku, units, price, tax, off in order.items
        ]

    # Reports

    def ask(self, body: Row) -> str:
        """A report is asked for."""
        kind, number = body["reportType"], f"R{next(self._numbers)}"
        if kind.startswith("GET_FLAT_FILE_ALL_ORDERS"):
            found = self.updated(body["dataStartTime"], body["dataEndTime"])
            rows, heading = [row for order in found for row in self.flat(order)], tuple[str, ...](FLAT)
        elif kind in HEADINGS:
            rows, heading = within(kind, self.sent_back.get(kind, []), body), HEADINGS[kind]
        else:
            (market,) = body["marketplaceIds"]
            held = {"GET_FBA_INVENTORY_PLANNING_DATA": self.aged, "GET_FBA_STORAGE_FEE_CHARGES_DATA": self.charged}
            assert kind in {*held, "GET_MERCHANT_LISTINGS_ALL_DATA"}
            rows = held.get(kind, self.flat_listings).get(market, [])
            heading = tuple(rows[0]) if rows else LISTED
        states = list(self.states or ["IN_QUEUE", "IN_PROGRESS", "DONE" if rows else "CANCELLED"])
        self.reports[number] = Report(kind, states, f"D-{number}", body)
        table = ["\t".join(heading), *("\t".join(row.get(name, "") for name in heading) for row in rows)]
        self.keep(f"D-{number}", "\r\n".join(table) + "\r\n")
        return number

    def keep(self, document: str, text: str) -> None:
        """What a document holds."""
        codec = "cp932" if self.charset == "Windows-31J" else self.charset
        self.documents[document] = (gzip.compress(text.encode(codec)), self.charset)

    # Stock and shipments

    def count(self, sku: str, fulfillable: int, market: str = "", **given: int) -> Row:
        """Stock of a SKU."""
        reserved = {
            name: given.pop(short, 0)
            for name, short in (
                ("pendingCustomerOrderQuantity", "ordered"),
                ("pendingTransshipmentQuantity", "moving"),
                ("fcProcessingQuantity", "measured"),
            )
        }
        row: Row = {
            "asin": "B000TEST01",
            "fnSku": f"X{sku}",
            "sellerSku": sku,
            "condition": "NewItem",
            "productName": f"The {sku}",
            "inventoryDetails": {
                "fulfillableQuantity": fulfillable,
                "inboundWorkingQuantity": given.get("working", 0),
                "inboundShippedQuantity": given.get("shipped", 0),
                "inboundReceivingQuantity": given.get("receiving", 0),
                "reservedQuantity": {"totalReservedQuantity": sum(reserved.values()), **reserved},
            },
        }
        self.stock.setdefault(MARKETS[market].id if market else self.market.id, []).append(row)
        return row

    def send(self, *items: tuple[str, int, int], status: str = "IN_TRANSIT", arrives: str = "2011-12-01") -> Row:
        """A plan with one shipment; items are (SKU, units sent, units received)."""
        number = f"{next(self._numbers):036}"
        plan, shipment, confirmed = f"wf{number}", f"sh{number}", f"FBA15{number[-7:]}"
        self.shipments[shipment] = {
            "shipmentId": shipment,
            "placementOptionId": f"pl{number}",
            "shipmentConfirmationId": confirmed,
            "source": {"sourceType": "SELLER_FACILITY"},
            "destination": {"destinationType": "AMAZON_WAREHOUSE", "warehouseId": "LEJ1"},
            "status": status,
        }
        if arrives:
            self.shipments[shipment]["selectedDeliveryWindow"] = {
                "availabilityType": "AVAILABLE",
                "deliveryWindowOptionId": f"dw{number}",
                "startDate": f"{arrives}T00:00:00Z",
                "endDate": f"{arrives}T00:00:00Z",
            }
        self.shipped[confirmed] = [
            {"ShipmentId": confirmed, "SellerSKU": sku, "QuantityShipped": sent, "QuantityReceived": came}
            for sku, sent, came in items
        ]
        self.plans[plan] = {
            "inboundPlanId": plan,
            "name": "FBA (Wednesday)",
            "createdAt": told(self.clock.now()),
            "lastUpdatedAt": told(self.clock.now()),
            "marketplaceIds": [self.market.id],
            "sourceAddress": {
                "addressLine1": "Musterweg 1", "city": "Musterstadt", "countryCode": "DE", "name": "Erika Musterfrau",
                "postalCode": "12345",
            },
            "status": "SHIPPED",
            "shipments": [{"shipmentId": shipment, "status": status}],
        }  # fmt: skip
        return self.shipments[shipment]

    def arrive(self, shipment: Row, status: str, *came: int) -> None:
        """What came of a shipment, in the order of its items."""
        shipment["status"] = status
        for plan in self.plans.values():
            for each in plan["shipments"]:
                if each["shipmentId"] == shipment["shipmentId"]:
                    each["status"] = status
        for row, units in zip(self.shipped[shipment["shipmentConfirmationId"]], came, strict=True):
            row["QuantityReceived"] = units


def told(at: datetime) -> str:
    """An instant as Amazon writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
