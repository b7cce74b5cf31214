"""A running strict Shopify, and what reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from bot.ports import FactKind, MovableClock, Page
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.shopify.client import Shop
from bot.stores.shopify.feed import ShopifyFeed
from bot.stores.shopify.prices import ShopifyPrices
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOOKS = "https://bot.example.com/hooks/shop"
_Fact = TypeVar("_Fact")


@dataclass
class Running:
    """A shop that runs, and its feed."""

    store: ShopifyStore
    url: str
    feed: ShopifyFeed

    def shop(self, **given: Any) -> Shop:
        """A client that waits by the shop's own second hand."""
        named: dict[str, Any] = {"token": self.store.token, "private": True, **given}
        return Shop(self.url, pause=self.store.pause, timer=lambda: self.store.now, clock=self.store.clock, **named)

    def another(self, **given: Any) -> ShopifyFeed:
        """A feed with other settings."""
        return ShopifyFeed("shop", self.shop(), StorePart(kind="shopify", url=self.url, **given))

    def prices(self, **given: Any) -> ShopifyPrices:
        """What changes prices."""
        return ShopifyPrices("shop", self.shop(turns=1, **given))

    async def read(self, kind: FactKind, cursor: str = "") -> list[Page]:
        """All pages of a reading."""
        return [page async for page in self.feed.read(kind, cursor)]

    async def facts(self, kind: FactKind, of: type[_Fact], cursor: str = "") -> list[_Fact]:
        """All facts of a reading, none of which is set aside."""
        pages = await self.read(kind, cursor)
        assert [fault for page in pages for fault in page.faults] == []
        return [fact for page in pages for fact in page.facts if isinstance(fact, of)]

    def later(self, **by: float) -> None:
        """Let time pass in the shop."""
        self.store.clock.push(timedelta(**by))


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """A shop without goods."""
    store = ShopifyStore(MovableClock(NOW, frozen=True))
    serving = Serving(shopify_app(store))
    url = serving.bind()
    await serving.start()
    shop = Shop(
        url, token=store.token, private=True, pause=store.pause, timer=lambda: store.now, clock=store.clock
    )  # fmt: skip
    part = StorePart(kind="shopify", url=url, hook_secret="of the hooks")
    found = Running(store, url, ShopifyFeed("shop", shop, part))
    yield found
    await found.feed.close()
    await serving.stop()
