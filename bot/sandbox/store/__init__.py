"""A small local store: products with prices, an HTTP API that changes them once per key, and a page to look at."""

from bot.sandbox.store.app import store_app
from bot.sandbox.store.deals import Deal
from bot.sandbox.store.state import Change, Listing, LocalStore, StoreRefusal, Weather

__all__ = ["Change", "Deal", "Listing", "LocalStore", "StoreRefusal", "Weather", "store_app"]
