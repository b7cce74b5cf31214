"""Vendure by its Admin GraphQL API: what a store tells, and prices. See docs/stores/vendure.md."""

from bot.stores.vendure.feed import VendureFeed, feed_vendure
from bot.stores.vendure.prices import VendurePrices, connect_vendure

__all__ = ["VendureFeed", "VendurePrices", "connect_vendure", "feed_vendure"]
