"""Products, counts and transfers of Shopify as facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.ports import Fault, InboundFact, ProductFact, StockFact
from bot.stores.shopify.marks import is_ours
from bot.stores.shopify.reading import Node, Unreadable, attempt, instant, money, nodes, tail, whole
from bot.words import _

_SOLD = ("ACTIVE", "UNLISTED")
_ON_ITS_WAY = ("READY_TO_SHIP", "IN_PROGRESS", "OTHER")
_ONLY_VARIANT = "Default Title"  # what Shopify calls the variant of a product that has no options


def product_facts(product: Node, currency: str) -> Iterator[ProductFact | Fault]:
    """A product's variants, in the shop's currency. Gift cards are no goods."""
    if product["isGiftCard"]:
        return
    for variant in nodes(product, "variants"):
        code = tail(variant["id"])

        def read(variant: Node = variant, code: str = code) -> ProductFact:
            title = variant["title"]
            name = product["title"] if title == _ONLY_VARIANT else f"{product['title']} - {title}"
            price = money(variant["price"], currency)
            active = product["status"] in _SOLD
            return ProductFact(code, variant["sku"] or "", name, price, active, product["productType"])

        yield attempt(code, variant, read)


def stock_facts(item: Node, levels: Iterable[Node], as_of: datetime) -> Iterator[StockFact | Fault]:
    """Counts of an item at its places. What Shopify does not track has none, and no longer sold there is nothing."""
    code = variant_code(item)
    if not item["tracked"] or not code:
        return
    for level in levels:
        place = tail(level["location"]["id"])

        def read(level: Node = level, place: str = place) -> StockFact:
            on_hand, committed, incoming = _counted(level)
            return StockFact(code, item["sku"] or "", place, on_hand, as_of, committed, incoming)

        yield attempt(f"{code}@{place}", level, read)


def _counted(level: Node) -> tuple[int, int, int]:
    """(on hand, not free to sell, incoming) at a place.

    On hand is the sum of available, committed, reserved and what is set aside (damaged, quality control, safety stock):
    whatever is on hand and not available cannot be sold. What Shopify says is available holds, whatever the others come
    to; where it does not say, what is committed or reserved is not.
    """
    if not level["isActive"]:
        return 0, 0, 0
    told = {each["name"]: whole(each["quantity"]) for each in level["quantities"]}
    missing = {"on_hand", "committed", "reserved", "incoming"} - set(told)
    if missing:
        raise Unreadable(_("Shopify does not say {missing}", missing=", ".join(sorted(missing))))
    available = told.get("available", told["on_hand"] - told["committed"] - told["reserved"])
    return told["on_hand"], max(told["on_hand"] - available, 0), told["incoming"]


def variant_code(item: Node) -> str:
    """The id of the variant that an inventory item belongs to; empty where nothing sells it."""
    sold = nodes(item, "variants")
    return tail(sold[0]["id"]) if sold else ""


def is_open(transfer: Node) -> bool:
    """Whether a transfer may still change."""
    return transfer["status"] not in {"TRANSFERRED", "CANCELED"}


def items(transfer: Node) -> Sequence[str]:
    """The inventory items (global ids) that a transfer moves; also one of ours, whose units it commits."""
    return list(dict.fromkeys(item["id"] for line in nodes(transfer, "lineItems") if (item := line["inventoryItem"])))


def inbound_facts(transfer: Node, days: int | None) -> Iterator[InboundFact | Fault]:
    """A transfer's lines: what is to come of each, or what came of it once all has.

    Goods are expected when the last shipment arrives; where none says, `days` after the transfer was written. A draft
    is nothing yet; a cancelled transfer ends with no units on the day it began. What we wrote ourselves is awaited
    since it was sent, and would count twice.
    """
    if transfer["status"] == "DRAFT" or is_ours(transfer):
        return
    for line in nodes(transfer, "lineItems"):
        where = f"{tail(transfer['id'])}/{tail(line['id'])}"

        def read(line: Node = line, where: str = where) -> InboundFact:
            return _inbound(transfer, line, where, days)

        yield attempt(where, {**transfer, **line}, read)


def _inbound(transfer: Node, line: Node, where: str, days: int | None) -> InboundFact:
    item, location = line["inventoryItem"], (transfer["destination"] or {}).get("location")
    code = variant_code(item) if item else ""
    if not code or not location:
        raise Unreadable(_("its product or its destination is gone from the shop"))
    ordered_at = instant(transfer["dateCreated"])
    accepted, refused = _came(transfer, item["id"])
    quantity, received_at = whole(line["totalQuantity"]) - accepted - refused, None
    if transfer["status"] == "CANCELED":
        quantity, received_at = 0, ordered_at
    elif transfer["status"] == "TRANSFERRED":
        quantity, received_at = accepted, _last(transfer, "dateReceived")
        if received_at is None:
            raise Unreadable(_("it has arrived, and no shipment says when"))
    elif transfer["status"] not in _ON_ITS_WAY:
        raise Unreadable(_("its status {status} is not known", status=repr(transfer["status"])))
    arrives = _last(transfer, "arrivesAt") or received_at
    if arrives is None:
        if days is None:
            raise Unreadable(_("no shipment says when it arrives; set one, or options.transfer_days of this store"))
        arrives = ordered_at + timedelta(days=days)
    supplier = (transfer["origin"] or {}).get("name") or ""
    return InboundFact(
        where, code, item["sku"] or "", tail(location["id"]), max(quantity, 0), ordered_at, arrives.date(),
        received_at, supplier,
    )  # fmt: skip


def _came(transfer: Node, item: str) -> tuple[int, int]:
    """Units of an item that its shipments brought: accepted, and refused at the door."""
    lines = [line for shipment in nodes(transfer, "shipments") for line in nodes(shipment, "lineItems")]
    own = [line for line in lines if line["inventoryItem"] and line["inventoryItem"]["id"] == item]
    return sum(whole(line["acceptedQuantity"]) for line in own), sum(whole(line["rejectedQuantity"]) for line in own)


def _last(transfer: Node, field: str) -> datetime | None:
    """The latest instant that its shipments name."""
    told = [(shipment["tracking"] or {}).get(field) if field == "arrivesAt" else shipment[field]
            for shipment in nodes(transfer, "shipments")]  # fmt: skip
    return max((instant(each) for each in told if each), default=None)
