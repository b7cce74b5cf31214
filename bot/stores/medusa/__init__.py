"""Medusa v2 over its Admin API: what a shop tells, and its prices. See docs/stores/medusa.md."""

from bot.stores.medusa.feed import MedusaFeed, feed_medusa
from bot.stores.medusa.prices import MedusaPrices, connect_medusa

__all__ = ["MedusaFeed", "MedusaPrices", "connect_medusa", "feed_medusa"]
