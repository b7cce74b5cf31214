"""Stores and ERPs, one API or family of file formats per module; a new one is a new module and its entries here.

A store's module is loaded when the settings connect one of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.ports import Discounts, StoreConnector, StoreFeed, SupplierChannel
from bot.settings import StorePart
from bot.words import Words, _


def _amazon_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.amazon import connect_amazon

    return connect_amazon(name, part)


def _local_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.local import connect_local

    return connect_local(name, part)


def _medusa_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.medusa import connect_medusa

    return connect_medusa(name, part)


def _shopify_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.shopify import connect_shopify

    return connect_shopify(name, part)


def _vendure_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.vendure import connect_vendure

    return connect_vendure(name, part)


def _woocommerce_prices(name: str, part: StorePart) -> StoreConnector:
    from bot.stores.woocommerce import connect_woocommerce

    return connect_woocommerce(name, part)


def _local_discounts(name: str, part: StorePart) -> Discounts:
    from bot.stores.local import discounts_local

    return discounts_local(name, part)


def _medusa_discounts(name: str, part: StorePart) -> Discounts:
    from bot.stores.medusa import discounts_medusa

    return discounts_medusa(name, part)


def _shopify_discounts(name: str, part: StorePart) -> Discounts:
    from bot.stores.shopify import discounts_shopify

    return discounts_shopify(name, part)


def _vendure_discounts(name: str, part: StorePart) -> Discounts:
    from bot.stores.vendure import discounts_vendure

    return discounts_vendure(name, part)


def _woocommerce_discounts(name: str, part: StorePart) -> Discounts:
    from bot.stores.woocommerce import discounts_woocommerce

    return discounts_woocommerce(name, part)


def _amazon_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.amazon import feed_amazon

    return feed_amazon(name, part)


def _medusa_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.medusa import feed_medusa

    return feed_medusa(name, part)


def _shopify_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.shopify import feed_shopify

    return feed_shopify(name, part)


def _sql_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.sql import feed_sql

    return feed_sql(name, part)


def _tryton_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.tryton import feed_tryton

    return feed_tryton(name, part)


def _vendure_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.vendure import feed_vendure

    return feed_vendure(name, part)


def _woocommerce_feed(name: str, part: StorePart) -> StoreFeed:
    from bot.stores.woocommerce import feed_woocommerce

    return feed_woocommerce(name, part)


def _tryton_books(name: str, part: StorePart) -> SupplierChannel | None:
    from bot.stores.tryton import orders_tryton

    return orders_tryton(name, part)


def _shopify_transfers(name: str, part: StorePart) -> SupplierChannel | None:
    from bot.stores.shopify import transfers_shopify

    return transfers_shopify(name, part)


# What changes prices in a store, by the kind of the settings.
STORES: Mapping[str, Callable[[str, StorePart], StoreConnector]] = MappingProxyType(
    {
        "amazon": _amazon_prices,
        "local": _local_prices,
        "medusa": _medusa_prices,
        "shopify": _shopify_prices,
        "vendure": _vendure_prices,
        "woocommerce": _woocommerce_prices,
    }
)

# What makes discounts beside the price; Amazon has none that a program may make.
DISCOUNTS: Mapping[str, Callable[[str, StorePart], Discounts]] = MappingProxyType(
    {
        "local": _local_discounts,
        "medusa": _medusa_discounts,
        "shopify": _shopify_discounts,
        "vendure": _vendure_discounts,
        "woocommerce": _woocommerce_discounts,
    }
)

# What reads a store.
FEEDS: Mapping[str, Callable[[str, StorePart], StoreFeed]] = MappingProxyType(
    {
        "amazon": _amazon_feed,
        "medusa": _medusa_feed,
        "shopify": _shopify_feed,
        "sql": _sql_feed,
        "tryton": _tryton_feed,
        "vendure": _vendure_feed,
        "woocommerce": _woocommerce_feed,
    }
)

# What keeps the books of purchases, where its settings ask for that.
BOOKS: Mapping[str, Callable[[str, StorePart], SupplierChannel | None]] = MappingProxyType({"tryton": _tryton_books})

# What transfers between its own places are written into, where its settings ask for that.
TRANSFERS: Mapping[str, Callable[[str, StorePart], SupplierChannel | None]] = MappingProxyType(
    {"shopify": _shopify_transfers}
)

# The secrets that a kind takes, by their names in the settings, and what each is called there.
SECRETS: Mapping[str, Mapping[str, Words]] = MappingProxyType(
    {
        "amazon": {"token": _("Refresh token (Atzr|...)"), "secret": _("Client secret (amzn1.oa2-cs....)")},
        "files": {
            "token": _("Bearer token, of an HTTPS address (a key for SFTP has many lines: write it into the file)"),
            "secret": _("Password, of an SFTP server or an HTTPS address"),
        },
        "local": {"token": _("Token")},
        "medusa": {
            "token": _("Secret API key (sk_...)"),
            "secret": _("Password, of a user in place of a key"),
            "hook_secret": _(
                "Secret of webhooks, made up: letters and digits, thirty or more, of the subscriber (STOCKTIDE_SECRET)"
            ),
        },
        "shopify": {
            "token": _("Access token (shpat_...), of an app made in the shop's admin"),
            "secret": _("Client secret, of an app of the Dev Dashboard"),
            "hook_secret": _("Key that the shop's calls are signed with, where it is not the client secret"),
        },
        "sql": {"secret": _("Password of the database's user")},
        "tryton": {"secret": _("Password of Tryton's user")},
        "vendure": {
            "token": _("API key"),
            "secret": _("Password, of an administrator in place of a key"),
            "hook_secret": _("Secret of webhooks, made up: letters and digits, thirty or more, of the plugin"),
        },
        "woocommerce": {
            "secret": _("Consumer secret (cs_...)"),
            "hook_secret": _("Secret of webhooks, made up: letters and digits, thirty or more"),
        },
    }
)
