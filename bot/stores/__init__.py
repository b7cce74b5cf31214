"""Stores and ERPs, one API or family of file formats per module. A new API is a new module and one entry of STORES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.ports import StoreConnector, StoreFeed
from bot.settings import StorePart
from bot.stores.local import connect_local
from bot.stores.shopify import connect_shopify, feed_shopify

STORES: Mapping[str, Callable[[str, StorePart], StoreConnector]] = MappingProxyType(
    {
        "local": connect_local,
        "shopify": connect_shopify,
    }
)

# What reads a store, by the kind of the settings. One that also changes prices stands in STORES too.
FEEDS: Mapping[str, Callable[[str, StorePart], StoreFeed]] = MappingProxyType(
    {
        "shopify": feed_shopify,
    }
)
