"""Shopify by its Admin GraphQL API: what a shop tells, prices, and discounts."""

from __future__ import annotations

from collections.abc import Mapping

from bot.ports import Discounts, HookedFeed, StoreConnector, SupplierChannel
from bot.settings import StorePart
from bot.stores.calling import TURNS
from bot.stores.shopify.client import Shop
from bot.stores.shopify.discounts import ShopifyDiscounts
from bot.stores.shopify.feed import ShopifyFeed
from bot.stores.shopify.prices import ShopifyPrices
from bot.stores.shopify.transfers import ShopifyTransfers


def feed_shopify(name: str, part: StorePart) -> HookedFeed:
    """The shop of the settings' part as a feed, under its name there."""
    return ShopifyFeed(name, _shop(part, TURNS, {}), part)


def connect_shopify(name: str, part: StorePart) -> StoreConnector:
    """The shop of the settings' part as a place of prices; whoever calls it decides what is tried again."""
    # A new connection per call leaves none to be cut off between two of them.
    return ShopifyPrices(name, _shop(part, 1, {"Connection": "close"}))


def transfers_shopify(name: str, part: StorePart) -> SupplierChannel | None:
    """The way of transfers into the shop; None where `options.transfers` asks for none."""
    if not part.options.get("transfers"):
        return None
    return ShopifyTransfers(name, _shop(part, 1, {"Connection": "close"}), part)


def discounts_shopify(name: str, part: StorePart) -> Discounts:
    """The shop of the settings' part as a place of discounts, as `connect_shopify`."""
    return ShopifyDiscounts(name, _shop(part, 1, {"Connection": "close"}))


def _shop(part: StorePart, turns: int, headers: Mapping[str, str]) -> Shop:
    return Shop(
        part.url,
        token=part.token.get_secret_value(),
        client=part.user,
        secret=part.secret.get_secret_value(),
        private=part.private,
        turns=turns,
        headers=headers,
    )
