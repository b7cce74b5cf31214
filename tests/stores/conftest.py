"""A real local store over HTTP, and a connector of each kind that is registered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import pytest
from starlette.applications import Starlette

from bot.domain.money import Money
from bot.ports import Discounts, MovableClock, StoreConnector
from bot.sandbox.serving import Serving
from bot.sandbox.store import Listing, LocalStore, store_app
from bot.sandbox.store.state import Item
from bot.sandbox.world import Faults
from bot.settings import StorePart
from bot.stores import DISCOUNTS, STORES
from tests.stores.amazon.account import AmazonAccount
from tests.stores.amazon.server import amazon_app, amazon_part
from tests.stores.medusa.server import medusa_app
from tests.stores.medusa.shop import MedusaShop
from tests.stores.offers import LocalOffers, Offers
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore
from tests.stores.vendure.shop import VendureShop
from tests.stores.vendure.strict import vendure_app
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop

LANTERN, MUG = "85123A", "MUG/1 blue"


class Changed(Protocol):
    """A change of a price that was made in a store."""

    @property
    def key(self) -> str:
        """Ours; empty where a person made it."""

    @property
    def before(self) -> Money:
        """What was asked before."""

    @property
    def price(self) -> Money:
        """What is asked since."""


class Shop(Protocol):
    """A store behind its API, as the tests of every kind need it; writes of prices are called `set_price`."""

    token: str
    faults: Faults
    calls: list[tuple[str, str, str]]

    @property
    def changes(self) -> Sequence[Changed]:
        """Every change of a price."""

    def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price in the store itself."""


@dataclass(frozen=True)
class Kind:
    """What serves a kind of store in the tests, and the settings that connect it: of an address and a token.

    `sell` puts a variant of another SKU on sale, at 4.25 pounds, and gives the code by which the store's feed tells it.
    """

    serve: Callable[[MovableClock], tuple[Shop, Starlette]]
    part: Callable[[str, str], StorePart]
    sell: Callable[[Any, str], str]
    keeps_keys: bool = True  # whether the store has a place for our keys, so that any process finds what it wrote


@dataclass
class Counter:
    """A running store, and a connector to it; `connect` gives one with another token or address."""

    store: Shop
    url: str
    connector: StoreConnector
    connect: Callable[[str, str], StoreConnector]
    serving: Serving
    kind: str
    keeps_keys: bool

    def sell(self, sku: str) -> str:
        """Put another variant on sale at 4.25 pounds; its code."""
        return SERVED[self.kind].sell(self.store, sku)


def pounds(amount: str) -> Money:
    """An amount in pounds."""
    return Money(Decimal(amount), "GBP")


def local_store(clock: MovableClock) -> LocalStore:
    """Two products; one has a code that must be quoted in an address."""
    return LocalStore(clock, [Listing(LANTERN, "Lantern", pounds("2.95")), Listing(MUG, "Mug", pounds("4.25"))])


def serve_local(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The sandbox's own."""
    store = local_store(clock)
    return store, store_app(store)


def serve_medusa(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The same two, and one whose code begins like the first's."""
    shop = MedusaShop(clock)
    shop.vary(LANTERN, 2.95)
    shop.vary(MUG, 4.25)
    shop.vary(f"{LANTERN}B", 9)
    return shop, medusa_app(shop)


def serve_shopify(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The same two, by GraphQL."""
    store = ShopifyStore(clock)
    store.sell(LANTERN, "Lantern", "2.95")
    store.sell(MUG, "Mug", "4.25")
    return store, shopify_app(store)


def serve_vendure(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The same two, by another GraphQL."""
    shop = VendureShop(clock)
    shop.sell(LANTERN, 295)
    shop.sell(MUG, 425)
    return shop, vendure_app(shop)


def serve_woocommerce(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The same two; the mug is a variation."""
    shop = WooShop(clock)
    shop.put(sku=LANTERN, regular_price="2.95")
    shop.vary(shop.put(type="variable"), sku=MUG, regular_price="4.25")
    return shop, shop_app(shop)


def serve_amazon(clock: MovableClock) -> tuple[Shop, Starlette]:
    """The same two, in the British marketplace."""
    account = AmazonAccount(clock, "GB")
    account.sell(LANTERN, "Lantern", "2.95")
    account.sell(MUG, "Mug", "4.25")
    return account, amazon_app(account)


def sell_local(store: LocalStore, sku: str) -> str:
    """It tells no facts, so that it has no codes."""
    store.items[sku] = Item(sku, sku, pounds("4.25"))
    return ""


def sell_medusa(shop: MedusaShop, sku: str) -> str:
    """By its id."""
    return shop.vary(sku, 4.25)


def sell_shopify(store: ShopifyStore, sku: str) -> str:
    """By the number in its id."""
    return str(store.sell(sku, sku, "4.25")["id"]).rsplit("/", 1)[1]


def sell_vendure(shop: VendureShop, sku: str) -> str:
    """By its id."""
    return str(shop.sell(sku, 425)["id"])


def sell_woocommerce(shop: WooShop, sku: str) -> str:
    """By its number; it is a variation."""
    return str(shop.vary(shop.put(type="variable"), sku=sku, regular_price="4.25"))


def sell_amazon(account: AmazonAccount, sku: str) -> str:
    """By the seller's own SKU."""
    account.sell(sku, sku, "4.25")
    return sku


# A new entry of STORES needs one here.
SERVED: Mapping[str, Kind] = {
    "amazon": Kind(serve_amazon, lambda url, token: amazon_part(url, token, "GB"), sell_amazon, keeps_keys=False),
    "local": Kind(serve_local, lambda url, token: StorePart(kind="local", url=url, token=token), sell_local),
    "medusa": Kind(
        serve_medusa, lambda url, token: StorePart(kind="medusa", url=url, token=token, private=True), sell_medusa
    ),
    "shopify": Kind(
        serve_shopify, lambda url, token: StorePart(kind="shopify", url=url, token=token, private=True), sell_shopify
    ),
    "vendure": Kind(
        serve_vendure, lambda url, token: StorePart(kind="vendure", url=url, token=token, private=True), sell_vendure
    ),
    "woocommerce": Kind(
        serve_woocommerce,
        lambda url, token: StorePart(kind="woocommerce", url=url, user=KEY, secret=token, private=True),
        sell_woocommerce,
    ),
}


@pytest.fixture(params=sorted(STORES))
async def counter(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Counter]:
    """A connector of each registered kind, against its running store."""
    kind = SERVED[request.param]
    store, app = kind.serve(clock)
    serving = Serving(app)
    url = serving.bind()
    await serving.start()

    def connect(address: str, token: str) -> StoreConnector:
        return STORES[request.param]("shop", kind.part(address, token))

    yield Counter(store, url, connect(url, store.token), connect, serving, request.param, kind.keeps_keys)
    await serving.stop()


@dataclass
class Till:
    """A running store, and its discounts; `connect` gives them with another token or address."""

    store: Shop
    offers: Offers
    url: str
    discounts: Discounts
    connect: Callable[[str, str], Discounts]
    kind: str

    def sell(self, sku: str) -> str:
        """Put another variant on sale at 4.25 pounds; its code."""
        return SERVED[self.kind].sell(self.store, sku)


# What shows the discounts of a test store; a new entry of DISCOUNTS needs one here.
OFFERS: Mapping[str, Callable[[Any], Offers]] = {
    "local": LocalOffers,
    "medusa": lambda shop: shop.promotions,
    "shopify": lambda shop: shop.deals,
    "vendure": lambda shop: shop.promotions,
    "woocommerce": lambda shop: shop.coupons,
}


@pytest.fixture(params=sorted(DISCOUNTS))
async def till(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Till]:
    """The discounts of each registered kind, against its running store."""
    kind = SERVED[request.param]
    store, app = kind.serve(clock)
    serving = Serving(app)
    url = serving.bind()
    await serving.start()

    def connect(address: str, token: str) -> Discounts:
        return DISCOUNTS[request.param]("shop", kind.part(address, token))

    yield Till(store, OFFERS[request.param](store), url, connect(url, store.token), connect, request.param)
    await serving.stop()
