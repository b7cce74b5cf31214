"""Vendure by its Admin GraphQL API: what a store tells, prices, and discounts. See docs/stores/vendure.md."""

from bot.stores.vendure.discounts import VendureDiscounts, discounts_vendure
from bot.stores.vendure.feed import VendureFeed, feed_vendure
from bot.stores.vendure.prices import VendurePrices, connect_vendure

__all__ = [
    "VendureDiscounts",
    "VendureFeed",
    "VendurePrices",
    "connect_vendure",
    "discounts_vendure",
    "feed_vendure",
]
