"""A running store of each kind that is registered, strict or real, and what connects it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeVar

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
from tests.stores.offers import LocalOffers, Offers, Stands
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore
from tests.stores.stocked import Ordered
from tests.stores.tryton.running import Served, serving
from tests.stores.vendure.market import Market, MarketShop, market_part
from tests.stores.vendure.real import started
from tests.stores.vendure.shop import VendureShop
from tests.stores.vendure.strict import vendure_app
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop

LANTERN, MUG = "85123A", "MUG/1 blue"
REAL_VENDURE = "vendure (real)"
_T = TypeVar("_T")


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

    def edit(self, sku: str, price: Money) -> Awaitable[None] | None:
        """Somebody changes a price in the store itself."""


@dataclass(frozen=True)
class Kind:
    """What serves a kind of store in the tests, and the settings that connect it: of an address and a token.

    `sell` puts a variant of another SKU on sale, at 4.25 pounds, and gives the code by which the store's feed tells it.
    A real store lasts from test to test; what it serves is made of that.
    """

    serve: Callable[[Any], tuple[Shop, Starlette] | Awaitable[tuple[Shop, Starlette]]]
    part: Callable[[str, str], StorePart]
    sell: Callable[[Any, str], str | Awaitable[str]]
    keeps_keys: bool = True  # whether the store has a place for our keys, so that any process finds what it wrote


async def settled(done: _T | Awaitable[_T]) -> _T:
    """What somebody did in a store, of which a real one says only later that it is done."""
    if inspect.isawaitable(done):
        found: _T = await done
        return found
    return done


@dataclass
class Counter:
    """A running store, and a connector to it; `connect` gives one with another token or address."""

    store: Shop
    url: str
    connector: StoreConnector
    connect: Callable[[str, str], StoreConnector]
    kind: str
    served: Kind

    @property
    def keeps_keys(self) -> bool:
        """Whether the store has a place for our keys."""
        return self.served.keeps_keys

    async def sell(self, sku: str) -> str:
        """Put another variant on sale at 4.25 pounds; its code."""
        return await settled(self.served.sell(self.store, sku))

    async def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price in the store itself."""
        await settled(self.store.edit(sku, price))


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


async def serve_market(market: Market) -> tuple[Shop, Starlette]:
    """The same two, in a channel of a real Vendure."""
    shop = await market.opened({LANTERN: 295, MUG: 425})
    return shop, shop.wire.app


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


async def sell_market(shop: MarketShop, sku: str) -> str:
    """By its id."""
    return await shop.sell(sku)


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
    REAL_VENDURE: Kind(serve_market, market_part, sell_market),
}
REAL_TRYTON = pytest.param("tryton", marks=[pytest.mark.real_tryton, pytest.mark.xdist_group("tryton")])
REAL = (pytest.param(REAL_VENDURE, marks=pytest.mark.real_store),)


@pytest.fixture(scope="session")
def real_url() -> Iterator[str]:
    """The address of a real Vendure, one for all tests."""
    with started() as url:
        yield url


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real Tryton, one for all tests."""
    with serving(tmp_path_factory.mktemp("tryton")) as found:
        yield found


@pytest.fixture(scope="session")
def ordered(real_url: str) -> Ordered:
    """A real Vendure with an order in it."""
    return Ordered(real_url)


@pytest.fixture(scope="session")
def market(real_url: str) -> Market:
    """A channel of it."""
    return Market(real_url)


@asynccontextmanager
async def running(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[tuple[Shop, str, str]]:
    """The store of a kind: what is in it, its address, and the kind as it is registered."""
    kind = SERVED[request.param]
    store, app = await settled(
        kind.serve(request.getfixturevalue("market") if request.param == REAL_VENDURE else clock)
    )
    serving = Serving(app)
    url = serving.bind()
    await serving.start()
    yield store, url, request.param.partition(" ")[0]
    await serving.stop()
    if isinstance(store, MarketShop):
        await store.close()


_Made = TypeVar("_Made", StoreConnector, Discounts)


def connects(
    store: Shop, part: Callable[[str, str], StorePart], make: Callable[[str, StorePart], _Made]
) -> Callable[[str, str], _Made]:
    """What connects a store by an address and a token."""

    def connect(address: str, token: str) -> _Made:
        made = make("shop", part(address, token))
        if isinstance(store, MarketShop) and token == store.token:
            store.enter(made)
        return made

    return connect


@pytest.fixture(params=[*sorted(STORES), *REAL])
async def counter(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Counter]:
    """A connector of each registered kind, against its running store."""
    async with running(request, clock) as (store, url, kind):
        served = SERVED[request.param]
        connect = connects(store, served.part, STORES[kind])
        yield Counter(store, url, connect(url, store.token), connect, kind, served)


@dataclass
class Till:
    """A running store, and its discounts; `connect` gives them with another token or address."""

    store: Shop
    offers: Offers
    url: str
    discounts: Discounts
    connect: Callable[[str, str], Discounts]
    kind: str
    served: Kind

    async def sell(self, sku: str) -> str:
        """Put another variant on sale at 4.25 pounds; its code."""
        return await settled(self.served.sell(self.store, sku))

    async def standing(self) -> Sequence[Stands]:
        """The discounts that buyers get, in the order they were made."""
        return await settled(self.offers.standing())

    async def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code in the store itself."""
        await settled(self.offers.offer(code, share, sku))

    async def bend(self, share: str) -> None:
        """Somebody changes the share of the last one that was made."""
        await settled(self.offers.bend(share))


# What shows the discounts of a test store; a new entry of DISCOUNTS needs one here.
OFFERS: Mapping[str, Callable[[Any], Offers]] = {
    "local": LocalOffers,
    "medusa": lambda shop: shop.promotions,
    "shopify": lambda shop: shop.deals,
    "vendure": lambda shop: shop.promotions,
    "woocommerce": lambda shop: shop.coupons,
}


@pytest.fixture(params=[*sorted(DISCOUNTS), *REAL])
async def till(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Till]:
    """The discounts of each registered kind, against its running store."""
    async with running(request, clock) as (store, url, kind):
        served = SERVED[request.param]
        connect = connects(store, served.part, DISCOUNTS[kind])
        yield Till(store, OFFERS[kind](store), url, connect(url, store.token), connect, kind, served)
