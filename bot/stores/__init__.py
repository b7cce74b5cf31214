"""Stores and ERPs, one API or family of file formats per module; a new one is a new module and its entries here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.ports import StoreConnector, StoreFeed
from bot.settings import StorePart
from bot.stores.local import connect_local
from bot.stores.shopify import connect_shopify, feed_shopify
from bot.stores.woocommerce import connect_woocommerce, feed_woocommerce

# What changes prices in a store, by the kind of the settings.
STORES: Mapping[str, Callable[[str, StorePart], StoreConnector]] = MappingProxyType(
    {"local": connect_local, "shopify": connect_shopify, "woocommerce": connect_woocommerce}
)

# What reads a store.
FEEDS: Mapping[str, Callable[[str, StorePart], StoreFeed]] = MappingProxyType(
    {"shopify": feed_shopify, "woocommerce": feed_woocommerce}
)
