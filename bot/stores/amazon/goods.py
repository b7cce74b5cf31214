"""Listings and FBA stock as facts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.ports import Fault, ProductFact, StockFact
from bot.stores.amazon.markets import Market
from bot.stores.amazon.reading import Row, Unreadable, decimal, excerpt, money, need, part, text, whole
from bot.stores.amazon.reports import FlatRow
from bot.words import Words, _

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
_SHOWN = ("seller-sku", "price", "quantity", "status", "fulfillment-channel")
# In Japan the report's heading is in Japanese.
_JAPANESE = {"出品者SKU": "seller-sku", "商品名": "item-name", "価格": "price", "ステータス": "status"}
_COUNTS = ("fulfillableQuantity", "inboundShippedQuantity", "inboundReceivingQuantity", "reservedQuantity")


def product(row: FlatRow, currency: str) -> ProductFact:
    """A listing: Amazon knows a seller's variants by the seller's own SKU. Without a currency its price is not told."""
    told = {_JAPANESE.get(name, name): value for name, value in row.items()}
    sku, price = need(told, "seller-sku"), text(told, "price")
    asked = money(decimal(price, "price"), currency) if price and currency else None
    return ProductFact(sku, sku, text(told, "item-name"), asked, text(told, "status").casefold() != "inactive")


def product_fault(row: FlatRow, problem: Words) -> Fault:
    """A listing that cannot be read."""
    told = {_JAPANESE.get(name, name): value for name, value in row.items()}
    return Fault(text(told, "seller-sku") or "?", problem, excerpt(told, _SHOWN))


def stock(summaries: list[Row], market: Market, at: datetime) -> Iterator[StockFact | Fault]:
    """Counts of one stock at Amazon.

    On hand is what can be sent and what is reserved. Of that a customer's units and those being measured or weighed
    are committed; those that only move from one of Amazon's warehouses to another are not. Damaged and lost ones do
    not count. What is merely planned to be sent in is on its way nowhere.
    """
    for summary in summaries:
        sku = text(summary, "sellerSku")
        try:
            yield _count(need(summary, "sellerSku"), part(summary, "inventoryDetails"), market, at)
        except Unreadable as problem:
            record = summary.get("inventoryDetails")
            shown = excerpt(record, _COUNTS) if isinstance(record, dict) else ""
            yield Fault(f"{sku or '?'}@{market.place}", problem.said, shown)


def _count(sku: str, details: Row, market: Market, at: datetime) -> StockFact:
    if "fulfillableQuantity" not in details:
        raise Unreadable(_("Amazon does not say how many can be sent"))
    reserved = part(details, "reservedQuantity")
    total = whole(reserved, "totalReservedQuantity")
    moving = whole(reserved, "pendingTransshipmentQuantity")
    return StockFact(
        code=sku,
        sku=sku,
        place=market.place,
        on_hand=whole(details, "fulfillableQuantity") + total,
        as_of=at,
        committed=max(total - moving, 0),
        incoming=whole(details, "inboundShippedQuantity") + whole(details, "inboundReceivingQuantity"),
    )
