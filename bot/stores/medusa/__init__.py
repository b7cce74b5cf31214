"""Medusa over its Admin API: what a shop tells, its prices, its promotions. See docs/stores/medusa.md."""

from bot.stores.medusa.discounts import MedusaDiscounts, discounts_medusa
from bot.stores.medusa.feed import MedusaFeed, feed_medusa
from bot.stores.medusa.prices import MedusaPrices, connect_medusa

__all__ = [
    "MedusaDiscounts",
    "MedusaFeed",
    "MedusaPrices",
    "connect_medusa",
    "discounts_medusa",
    "feed_medusa",
]
