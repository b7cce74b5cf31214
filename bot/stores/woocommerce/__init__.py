"""WooCommerce over its REST API v3: what a shop tells, and its prices. See docs/stores/woocommerce.md."""

from bot.stores.woocommerce.feed import WooFeed, feed_woocommerce
from bot.stores.woocommerce.prices import WooPrices, connect_woocommerce

__all__ = ["WooFeed", "WooPrices", "connect_woocommerce", "feed_woocommerce"]
