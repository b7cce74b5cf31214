"""A running WooCommerce shop, and what reads it and changes its prices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bot.ports import FactKind, MovableClock, OrderFact, Page
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.woocommerce import WooFeed, WooPrices
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop

HOOK_SECRET = "of-the-hooks"
FactT = TypeVar("FactT")


@dataclass
class Woo:
    """The shop and how it is connected; `pauses` are the seconds that the feed would have waited."""

    shop: WooShop
    url: str
    feed: WooFeed
    prices: WooPrices
    pauses: list[float] = field(default_factory=list)

    def part(self, **given: Any) -> StorePart:
        """The settings of the shop."""
        known = {"url": self.url, "user": KEY, "secret": self.shop.token, "hook_secret": HOOK_SECRET}
        return StorePart(**{"kind": "woocommerce", "private": True, **known, **given})

    async def read(self, kind: FactKind, cursor: str = "") -> list[Page]:
        """A whole reading."""
        return [page async for page in self.feed.read(kind, cursor)]

    async def order(self, number: int) -> OrderFact:
        """The one order that is read, by its id."""
        (found,) = (fact for fact in facts(await self.read("orders"), OrderFact) if fact.id == str(number))
        return found


def facts(pages: Iterable[Page], kind: type[FactT]) -> list[FactT]:
    """The facts of pages."""
    return [fact for page in pages for fact in page.facts if isinstance(fact, kind)]


def faults(pages: Iterable[Page]) -> dict[str, str]:
    """What was wrong, by where."""
    return {fault.where: fault.problem for page in pages for fault in page.faults}


@pytest.fixture
async def woo(clock: MovableClock) -> AsyncIterator[Woo]:
    """An empty shop."""
    shop = WooShop(clock)
    serving = Serving(shop_app(shop))
    url = serving.bind()
    await serving.start()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    part = StorePart(
        kind="woocommerce", url=url, user=KEY, secret=shop.token, hook_secret=HOOK_SECRET, private=True
    )  # fmt: skip
    found = Woo(shop, url, WooFeed("shop", part, pause=pause), WooPrices("shop", part), pauses)
    yield found
    await found.feed.close()
    await serving.stop()
