"""A running strict Vendure, a real one where the tests that need it run, and what reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from bot.ports import FactKind, MovableClock, Page
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.vendure import VendureFeed
from tests.stores.vendure.real import HOOK_SECRET, PASSWORD, RealStore
from tests.stores.vendure.shop import VendureShop
from tests.stores.vendure.strict import vendure_app

NOW = datetime(2026, 11, 20, 9, 0, 0, 660_000, tzinfo=UTC)
_Fact = TypeVar("_Fact")


async def read(feed: VendureFeed, kind: FactKind, cursor: str = "") -> list[Page]:
    """All pages of a reading."""
    return [page async for page in feed.read(kind, cursor)]


async def facts(feed: VendureFeed, kind: FactKind, of: type[_Fact], cursor: str = "") -> list[_Fact]:
    """All facts of a reading, none of which is set aside."""
    return sound(await read(feed, kind, cursor), of)


def sound(pages: list[Page], of: type[_Fact]) -> list[_Fact]:
    """The facts of pages, none of which is set aside."""
    assert [fault for page in pages for fault in page.faults] == []
    return [fact for page in pages for fact in page.facts if isinstance(fact, of)]


@dataclass
class Strict:
    """The strict store, its feed, and how long it paused."""

    shop: VendureShop
    url: str
    pauses: list[float] = field(default_factory=list)
    feeds: list[VendureFeed] = field(default_factory=list)

    def part(self, **given: Any) -> StorePart:
        """Settings that connect it."""
        named = {"token": self.shop.token, "hook_secret": HOOK_SECRET} | given
        return StorePart(kind="vendure", url=self.url, private=True, **named)

    def another(self, **given: Any) -> VendureFeed:
        """A feed with other settings."""

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        self.feeds.append(VendureFeed("shop", self.part(**given), pause=pause))
        return self.feeds[-1]

    @property
    def feed(self) -> VendureFeed:
        """The feed."""
        return self.feeds[0] if self.feeds else self.another()


@pytest.fixture
async def strict() -> AsyncIterator[Strict]:
    """A store without goods."""
    shop = VendureShop(MovableClock(NOW, frozen=True))
    serving = Serving(vendure_app(shop))
    found = Strict(shop, serving.bind())
    await serving.start()
    yield found
    for feed in found.feeds:
        await feed.close()
    await serving.stop()


@pytest.fixture
async def real(real_url: str) -> AsyncIterator[RealStore]:
    """The real store, as its staff see it."""
    store = RealStore(real_url)
    yield store
    await store.close()


@pytest.fixture
async def feed(real_url: str) -> AsyncIterator[VendureFeed]:
    """What reads the real store, by a session."""
    found = VendureFeed("shop", superadmin(real_url))
    yield found
    await found.close()


def superadmin(url: str, **given: Any) -> StorePart:
    """Settings that connect the real store by its first user."""
    named = {"user": "superadmin", "secret": PASSWORD, "hook_secret": HOOK_SECRET} | given
    return StorePart(kind="vendure", url=url, private=True, **named)
