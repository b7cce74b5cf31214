"""Tryton over its JSON-RPC: what the ERP tells, and purchases written into it. See docs/stores/tryton.md."""

from bot.stores.tryton.feed import TrytonFeed, feed_tryton
from bot.stores.tryton.orders import TrytonOrders, orders_tryton

__all__ = ["TrytonFeed", "TrytonOrders", "feed_tryton", "orders_tryton"]
