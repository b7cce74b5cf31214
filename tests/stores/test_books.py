"""What every store that keeps the books of purchases, or transfers, promises of the orders that are written into it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from sqlite3 import connect
from typing import Any

import pytest

from bot.domain.money import Money
from bot.errors import Declined, Unreached
from bot.ports import MovableClock, Order, OrderLine, SupplierChannel
from bot.settings import StorePart
from bot.stores import BOOKS, TRANSFERS
from tests.stores.conftest import REAL_TRYTON
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore
from tests.stores.stocked import nowhere, served
from tests.stores.tryton.running import Served
from tests.stores.tryton.running import part as tryton_part
from tests.stores.tryton.seed import PASSWORD

KEY = "order:R-12:v3:folder"


def an_order(**given: Any) -> Order:
    """Thirty lanterns."""
    dollar = Money.of_minor(710, "USD")
    told: dict[str, Any] = {
        "kind": "purchase_order", "number": "R-12", "version": 3, "ordered_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "buyer": "Acme", "supplier": "Shenzhen Lights", "supplier_code": "shenzhen", "email": "", "language": "en",
        "deliver_to": "The east\nEAST", "mode": "sea", "expected_on": date(2031, 12, 30), "note": "",
        "lines": (OrderLine("85123A", "Lantern", 30, dollar),), "total": Money.of_minor(21300, "USD"),
    }  # fmt: skip
    return Order(**told | given)


@dataclass
class Books:
    """A store that orders are written into: `connect` of an address and a secret, and how many stand there."""

    url: str
    secret: str
    connect: Callable[[str, str], SupplierChannel]
    standing: Callable[[], int]
    order: Order

    @property
    def channel(self) -> SupplierChannel:
        """The way in."""
        return self.connect(self.url, self.secret)


@asynccontextmanager
async def shopify(_request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Books]:
    """Transfers between its two locations."""
    store = ShopifyStore(clock)
    store.scopes.add("write_inventory_transfers")
    store.sell("85123A", "Lantern", "2.95")
    async with served(shopify_app(store)) as (url,):

        def opened(address: str, secret: str) -> SupplierChannel:
            options = {"transfers": "ready"}
            part = StorePart(kind="shopify", url=address, token=secret, private=True, options=options)
            made = TRANSFERS["shopify"]("shop", part)
            assert made is not None
            return made

        told = an_order(kind="transfer", supplier="East", supplier_code="E1", deliver_to="The west\nWEST", mode="road")
        yield Books(url, store.token, opened, lambda: len(store.transfers), told)


@asynccontextmanager
async def tryton(request: pytest.FixtureRequest, _clock: MovableClock) -> AsyncIterator[Books]:
    """Purchases in the real one."""
    running: Served = request.getfixturevalue("served")
    running.restore()
    running.written = True

    def opened(address: str, secret: str) -> SupplierChannel:
        made = BOOKS["tryton"]("erp", tryton_part(address, secret=secret, options={"orders": "draft"}))
        assert made is not None
        return made

    def standing() -> int:
        with closing(connect(running.database)) as database:
            statement = "SELECT COUNT(*) FROM purchase_purchase WHERE description LIKE 'Stocktide %'"
            (found,) = database.execute(statement).fetchone()
            return int(found)

    yield Books(running.url, PASSWORD, opened, standing, an_order())


# A new entry of BOOKS or TRANSFERS needs one here.
MADE: dict[str, Callable[[pytest.FixtureRequest, MovableClock], AbstractAsyncContextManager[Books]]] = {
    "shopify": shopify,
    "tryton": tryton,
}


@pytest.fixture(params=[REAL_TRYTON if kind == "tryton" else kind for kind in sorted({*BOOKS, *TRANSFERS})])
def kind(request: pytest.FixtureRequest) -> str:
    """Each registered kind; a real store is started outside of any loop."""
    if request.param == "tryton":
        request.getfixturevalue("served")
    name: str = request.param
    return name


@pytest.fixture
async def books(kind: str, request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Books]:
    """A store of the kind that knows the lantern and where it goes."""
    async with MADE[kind](request, clock) as found:
        yield found


@pytest.mark.parametrize("kind", sorted({*BOOKS, *TRANSFERS}))
def test_a_store_whose_settings_ask_for_none_takes_no_orders(kind: str) -> None:
    part = StorePart(kind=kind, url="https://shop.example.com/erp", user="u", token="t", secret="s")
    assert {**BOOKS, **TRANSFERS}[kind]("shop", part) is None


async def test_an_order_is_written_once_and_found_by_another_process(books: Books) -> None:
    assert await books.channel.find(books.order, KEY) is None
    receipt = await books.channel.send(books.order, KEY)
    assert receipt["channel"] == books.channel.name
    assert await books.channel.find(books.order, KEY) == receipt
    assert await books.channel.send(books.order, KEY) == receipt
    assert books.standing() == 1


async def test_another_key_is_another_order(books: Books) -> None:
    first = await books.channel.send(books.order, KEY)
    assert await books.channel.find(books.order, "order:R-13:v1:folder") is None
    assert await books.channel.send(books.order, "order:R-13:v1:folder") != first
    assert books.standing() == 2


async def test_a_check_writes_nothing(books: Books) -> None:
    assert {check.verdict for check in await books.channel.check()} == {"ok"}
    assert books.standing() == 0


async def test_what_the_store_does_not_know_is_declined_and_nothing_is_written(books: Books) -> None:
    (line,) = books.order.lines
    with pytest.raises(Declined, match="NOPE"):
        await books.channel.send(dataclasses.replace(books.order, lines=(dataclasses.replace(line, sku="NOPE"),)), KEY)
    assert await books.channel.find(books.order, KEY) is None
    assert books.standing() == 0


async def test_a_store_that_is_not_there_was_not_reached(books: Books) -> None:
    away = books.connect(nowhere(books.url), "x")
    with pytest.raises(Unreached):
        await away.send(books.order, KEY)
    with pytest.raises(Unreached):
        await away.find(books.order, KEY)
    assert (await away.check())[0].verdict == "fail"


async def test_with_a_wrong_secret_nothing_is_written_and_the_check_says_so_without_telling_it(books: Books) -> None:
    wrong = books.connect(books.url, "wrong-secret")
    with pytest.raises((Declined, Unreached), match="401"):  # Tryton's waits for another one
        await wrong.send(books.order, KEY)
    failed = await wrong.check()
    assert failed[0].verdict == "fail"
    assert "wrong-secret" not in str(failed)
    assert books.standing() == 0
