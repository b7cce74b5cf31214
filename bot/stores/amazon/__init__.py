"""Amazon by its Selling Partner API: what an account tells, and prices. See docs/stores/amazon.md."""

from bot.stores.amazon.feed import AmazonFeed, feed_amazon
from bot.stores.amazon.prices import AmazonPrices, connect_amazon

__all__ = ["AmazonFeed", "AmazonPrices", "connect_amazon", "feed_amazon"]
