"""A store of each kind with something in it: two products, seven units of one of them, and an order of two."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from bot.domain.money import Money
from bot.ports import MovableClock, StoreFeed
from bot.sandbox.serving import Serving
from bot.sandbox.world import Faults
from bot.settings import StorePart
from bot.stores.amazon import AmazonFeed
from bot.stores.medusa import MedusaFeed
from bot.stores.shopify.client import Shop
from bot.stores.shopify.feed import ShopifyFeed
from bot.stores.sql import SqlFeed
from bot.stores.tryton import TrytonFeed
from bot.stores.vendure import VendureFeed
from bot.stores.woocommerce import WooFeed
from tests.stores.amazon.account import AmazonAccount
from tests.stores.amazon.server import amazon_app, amazon_part, documents_app
from tests.stores.medusa.server import medusa_app
from tests.stores.medusa.shop import MedusaShop
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore
from tests.stores.tryton.running import Served
from tests.stores.tryton.running import part as tryton_part
from tests.stores.tryton.seed import NAME, PASSWORD, USER
from tests.stores.vendure.real import PASSWORD as VENDURE_PASSWORD
from tests.stores.vendure.real import RealStore
from tests.stores.vendure.shop import VendureShop
from tests.stores.vendure.strict import method_of, vendure_app
from tests.stores.wire import Passed, Wire
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop

LANTERN, MUG = "85123A", "MUG/1 blue"


@dataclass
class Stocked:
    """A store that is read. `connect` gives a feed of another address or secret; it waits no real second.

    `lantern` is what the store asks for the first of its `goods` (SKUs); `lies` is what lies of it where it lies, and
    `sold` the units that one order took, None where the feed tells no orders.
    """

    url: str
    secret: str
    connect: Callable[[str, str], StoreFeed]
    lantern: Money
    lies: int
    sold: int | None
    faults: Faults | None = None  # of its answers; a database that is asked directly has none
    goods: tuple[str, str] = (LANTERN, MUG)
    feeds: list[StoreFeed] = field(default_factory=list)

    def feed(self, url: str = "", secret: str = "") -> StoreFeed:
        """What reads it."""
        self.feeds.append(self.connect(url or self.url, secret or self.secret))
        return self.feeds[-1]


Asked = pytest.FixtureRequest


def nowhere(url: str) -> str:
    """An address like that one, at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return urlsplit(url)._replace(netloc=f"127.0.0.1:{free.getsockname()[1]}").geturl()


async def no_pause(_seconds: float) -> None:
    """Wait no real time."""


async def handed_on(_method: str, _body: bytes, passed: Passed) -> httpx.Response:
    """A call that nobody looks at."""
    return await passed()


@asynccontextmanager
async def served(*apps: Starlette) -> AsyncIterator[list[str]]:
    """The addresses of running applications."""
    servings = [Serving(app) for app in apps]
    urls = [serving.bind() for serving in servings]
    for serving in servings:
        await serving.start()
    yield urls
    for serving in servings:
        await serving.stop()


@asynccontextmanager
async def amazon(_request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """In Germany."""
    account = AmazonAccount(clock)
    listed = [
        {"seller-sku": sku, "item-name": sku, "price": price, "status": "Active"}
        for sku, price in ((LANTERN, "2.95"), (MUG, "4.25"))
    ]
    account.flat_listings = {account.market.id: listed}
    account.count(LANTERN, 7)
    account.place((LANTERN, 2, "5.90", "0", "0"))
    clock.push(timedelta(minutes=10))  # Amazon tells of no order that is younger than two
    async with served(amazon_app(account), documents_app(account)) as (url, account.documents_url):

        def connect(address: str, secret: str) -> AmazonFeed:
            part = amazon_part(address, secret, history_days="30")
            return AmazonFeed("amz", part, pause=no_pause, timer=lambda: 0.0, clock=clock)

        yield Stocked(url, account.token, connect, Money.of_minor(295, "EUR"), 7, 2, account.faults)


@asynccontextmanager
async def medusa(_request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """With what is reserved for the order."""
    shop = MedusaShop(clock)
    item = shop.item(LANTERN, {shop.location("Leeds"): 7})
    lantern = shop.vary(LANTERN, 2.95, (item, 1))
    shop.vary(MUG, 4.25)
    shop.place({"variant": lantern, "quantity": 2})
    async with served(medusa_app(shop)) as (url,):

        def connect(address: str, secret: str) -> MedusaFeed:
            part = StorePart(kind="medusa", private=True, url=address, token=secret)
            return MedusaFeed("shop", part, pause=no_pause)

        asks = Money.of_minor(295, shop.currency.upper())
        yield Stocked(url, shop.token, connect, asks, 7, 2, shop.faults)


@asynccontextmanager
async def shopify(_request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """By its own second hand."""
    store = ShopifyStore(clock)
    lantern = store.sell(LANTERN, "Lantern", "2.95")
    store.sell(MUG, "Mug", "4.25")
    store.stock(lantern, available=5, committed=2, on_hand=7)
    store.order(store.line(lantern, 2, "5.90"))
    async with served(shopify_app(store)) as (url,):

        def connect(address: str, secret: str) -> ShopifyFeed:
            shop = Shop(address, token=secret, private=True, pause=store.pause, timer=lambda: store.now, clock=clock)
            return ShopifyFeed("shop", shop, StorePart(kind="shopify", url=address))

        yield Stocked(url, store.token, connect, Money.of_minor(295, "GBP"), 7, 2, store.faults)


@asynccontextmanager
async def sql(request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """A file of SQLite."""
    folder: Path = request.getfixturevalue("tmp_path")
    path = folder / "shop.db"
    with connect(path) as database:
        database.executescript(
            "CREATE TABLE items (code TEXT, name TEXT, price NUMERIC(12, 2), place TEXT, on_hand INTEGER);"
            "INSERT INTO items VALUES ('85123A', 'Lantern', 2.95, 'UK', 7), ('MUG/1 blue', 'Mug', 4.25, 'UK', 0);"
            "CREATE TABLE sold (order_id TEXT, line_id TEXT, code TEXT, sold_at TEXT, quantity INT, amount TEXT);"
            "INSERT INTO sold VALUES ('1', '1-1', '85123A', '2011-11-20 10:00:00', 2, '5.90')"
        )
    database.close()
    options = {
        "products": "SELECT code, name, price FROM items", "stock": "SELECT code, place, on_hand FROM items",
        "sales": "SELECT * FROM sold", "currency": "GBP", "zone": "Europe/London",
    }  # fmt: skip

    def opened(address: str, _secret: str) -> SqlFeed:
        return SqlFeed("erp", StorePart(kind="sql", url=address, private=True, options=options), now=clock.now)

    yield Stocked(f"sqlite:///{path}", "", opened, Money.of_minor(295, "GBP"), 7, 2)


@asynccontextmanager
async def tryton(request: Asked, _clock: MovableClock) -> AsyncIterator[Stocked]:
    """The real one, as it was packed; behind a wire that fails as it is told."""
    running: Served = request.getfixturevalue("served")
    running.restore()
    running.written = True  # whoever comes with a wrong password is written down
    wire = Wire(running.url.removesuffix(f"/{NAME}"), lambda body: str(json.loads(body)["method"]), handed_on)
    async with served(wire.app) as (url,):

        def connect(address: str, secret: str) -> TrytonFeed:
            feed = TrytonFeed("erp", tryton_part(address, secret=secret), pause=no_pause)
            if secret == PASSWORD:
                running.enter(feed._api, USER)
            return feed

        address = f"{url}/{NAME}"
        yield Stocked(address, PASSWORD, connect, Money.of_minor(2000, "USD"), 160, None, wire.faults)
    await wire.close()


@asynccontextmanager
async def vendure(_request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """The strict one."""
    shop = VendureShop(clock)
    lantern = shop.sell(LANTERN, 295)
    shop.sell(MUG, 425)
    shop.count(lantern, 7, 2)
    shop.place(shop.line(lantern, 2))
    async with served(vendure_app(shop)) as (url,):

        def connect(address: str, secret: str) -> VendureFeed:
            part = StorePart(kind="vendure", url=address, token=secret, private=True)
            return VendureFeed("shop", part, pause=no_pause)

        yield Stocked(url, shop.token, connect, Money.of_minor(295, "GBP"), 7, 2, shop.faults)


_READ = ("READ-85123A", "READ-MUG/1 blue")  # another channel's goods are told in the first one, too


@dataclass
class Ordered:
    """The real Vendure once the goods are in it and the order is placed; `session` spares a login."""

    url: str
    session: str = ""

    async def opened(self) -> str:
        """The session."""
        if not self.session:
            store = RealStore(self.url)
            lantern = await store.sell(_READ[0], 295, on_hand=7)
            await store.sell(_READ[1], 425)
            await store.place((lantern, 2))
            self.session = await store.session()
            await store.close()
        return self.session


@asynccontextmanager
async def real_vendure(request: Asked, _clock: MovableClock) -> AsyncIterator[Stocked]:
    """Its first channel, among its sample goods; behind a wire that fails as it is told."""
    ordered: Ordered = request.getfixturevalue("ordered")
    session = await ordered.opened()
    wire = Wire(ordered.url, method_of, handed_on)
    async with served(wire.app) as (url,):

        def connect(address: str, secret: str) -> VendureFeed:
            part = StorePart(kind="vendure", url=address, user="superadmin", secret=secret, private=True)
            feed = VendureFeed("shop", part, pause=no_pause)
            feed._admin._session = session if secret == VENDURE_PASSWORD else ""
            return feed

        yield Stocked(url, VENDURE_PASSWORD, connect, Money.of_minor(295, "USD"), 7, 2, wire.faults, goods=_READ)
    await wire.close()


@asynccontextmanager
async def woocommerce(_request: Asked, clock: MovableClock) -> AsyncIterator[Stocked]:
    """The mug is a variation."""
    shop = WooShop(clock)
    lantern = shop.put(sku=LANTERN, name="Lantern", regular_price="2.95", manage_stock=True, stock_quantity=7)
    shop.vary(shop.put(type="variable"), sku=MUG, regular_price="4.25")
    shop.place({"product": lantern, "quantity": 2})
    async with served(shop_app(shop)) as (url,):

        def connect(address: str, secret: str) -> WooFeed:
            part = StorePart(kind="woocommerce", url=address, user=KEY, secret=secret, private=True)
            return WooFeed("shop", part, pause=no_pause)

        yield Stocked(url, shop.token, connect, Money.of_minor(295, shop.currency), 7, 2, shop.faults)


# A new entry of FEEDS needs one here.
STOCKED: Mapping[str, Callable[[Asked, MovableClock], AbstractAsyncContextManager[Stocked]]] = {
    "amazon": amazon,
    "medusa": medusa,
    "shopify": shopify,
    "sql": sql,
    "tryton": tryton,
    "vendure": vendure,
    "vendure (real)": real_vendure,
    "woocommerce": woocommerce,
}
