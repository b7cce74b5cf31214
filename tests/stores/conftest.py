"""A real local store over HTTP, and a connector of each kind that is registered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.ports import MovableClock, StoreConnector
from bot.sandbox.serving import Serving
from bot.sandbox.store import Listing, LocalStore, store_app
from bot.settings import StorePart
from bot.stores import STORES

LANTERN, MUG = "85123A", "MUG/1 blue"


@dataclass
class Counter:
    """A running store, and a connector to it; `moved` gives one with another token or address."""

    store: LocalStore
    url: str
    connector: StoreConnector
    connect: Callable[[str, str], StoreConnector]
    serving: Serving


def pounds(amount: str) -> Money:
    """An amount in pounds."""
    return Money(Decimal(amount), "GBP")


def local_store(clock: MovableClock) -> LocalStore:
    """Two products; one has a code that must be quoted in an address."""
    return LocalStore(clock, [Listing(LANTERN, "Lantern", pounds("2.95")), Listing(MUG, "Mug", pounds("4.25"))])


# What serves each kind of store in the tests; a new entry of STORES needs one here.
SERVED: Mapping[str, Callable[[MovableClock], LocalStore]] = {"local": local_store}


@pytest.fixture(params=sorted(STORES))
async def counter(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Counter]:
    """A connector of each registered kind, against its running store."""
    store = SERVED[request.param](clock)
    serving = Serving(store_app(store))
    url = serving.bind()
    await serving.start()

    def connect(address: str, token: str) -> StoreConnector:
        return STORES[request.param]("shop", StorePart(kind=request.param, url=address, token=token))

    yield Counter(store, url, connect(url, store.token), connect, serving)
    await serving.stop()
