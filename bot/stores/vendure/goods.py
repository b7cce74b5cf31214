"""Variants of Vendure as facts: what is sold, and what lies where. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.domain.money import Money
from bot.ports import Fault, ProductFact, StockFact
from bot.stores.vendure.client import Node, Terms
from bot.stores.vendure.reading import attempt, whole


def product(variant: Node, terms: Terms) -> ProductFact | Fault:
    """A variant with its price in the channel's currency, as staff typed it; prices in other currencies are others'."""
    code = str(variant["id"])

    def read() -> ProductFact:
        active = variant["enabled"] is True and variant["product"]["enabled"] is True
        return ProductFact(code, variant["sku"] or "", variant["name"], price_of(variant, terms), active)

    return attempt(code, variant, read)


def price_of(variant: Node, terms: Terms) -> Money | None:
    """The price in the channel's own currency; None where it has none in that."""
    found = [each["price"] for each in variant["prices"] if each["currencyCode"] == terms.currency]
    return terms.money(found[0], terms.currency) if found else None


def stock(variant: Node, terms: Terms, as_of: datetime) -> Iterator[StockFact | Fault]:
    """Counts of a variant at its places; none where the store does not count it."""
    if variant["trackInventory"] == "FALSE" or (variant["trackInventory"] == "INHERIT" and not terms.counted):
        return
    code = str(variant["id"])
    for level in variant["stockLevels"]:
        place = str(level["stockLocationId"])

        def read(level: Node = level, place: str = place) -> StockFact:
            on_hand, allocated = whole(level["stockOnHand"]), whole(level["stockAllocated"])
            # Below zero nothing lies there and the rest is owed; what is available stays the store's own figure.
            return StockFact(
                code, variant["sku"] or "", place, max(on_hand, 0), as_of, max(allocated, 0) + max(-on_hand, 0)
            )

        yield attempt(f"{code}@{place}", variant, read)
