"""WooCommerce over its REST API v3: what a shop tells, its prices, its coupons. See docs/stores/woocommerce.md."""

from bot.stores.woocommerce.coupons import WooCoupons, discounts_woocommerce
from bot.stores.woocommerce.feed import WooFeed, feed_woocommerce
from bot.stores.woocommerce.prices import WooPrices, connect_woocommerce

__all__ = [
    "WooCoupons",
    "WooFeed",
    "WooPrices",
    "connect_woocommerce",
    "discounts_woocommerce",
    "feed_woocommerce",
]
