"""A running Medusa shop, and what reads it and changes its prices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bot.ports import FactKind, MovableClock, OrderFact, Page
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.medusa import MedusaFeed, MedusaPrices
from tests.stores.medusa.server import medusa_app
from tests.stores.medusa.shop import MedusaShop

HOOK_SECRET = "of-the-hooks"
FactT = TypeVar("FactT")


@dataclass
class Medusa:
    """The shop and how it is connected; `pauses` are the seconds that the feed would have waited."""

    shop: MedusaShop
    url: str
    feed: MedusaFeed
    prices: MedusaPrices
    pauses: list[float] = field(default_factory=list)

    def part(self, **given: Any) -> StorePart:
        """The settings of the shop."""
        return StorePart(
            **{"kind": "medusa", "private": True, "url": self.url, "token": self.shop.token, **given}
        )  # fmt: skip

    async def read(self, kind: FactKind, cursor: str = "", **given: Any) -> list[Page]:
        """A whole reading, with other settings where they are given."""
        if not given:
            return [page async for page in self.feed.read(kind, cursor)]
        feed = MedusaFeed("shop", self.part(**given))
        try:
            return [page async for page in feed.read(kind, cursor)]
        finally:
            await feed.close()

    async def order(self, number: str, **given: Any) -> OrderFact:
        """The one order that is read, by its id."""
        (found,) = (fact for fact in facts(await self.read("orders", **given), OrderFact) if fact.id == number)
        return found


def facts(pages: Iterable[Page], kind: type[FactT]) -> list[FactT]:
    """The facts of pages."""
    return [fact for page in pages for fact in page.facts if isinstance(fact, kind)]


def faults(pages: Iterable[Page]) -> dict[str, str]:
    """What was wrong, by where."""
    return {fault.where: fault.problem for page in pages for fault in page.faults}


@pytest.fixture
async def medusa(clock: MovableClock) -> AsyncIterator[Medusa]:
    """An empty shop."""
    shop = MedusaShop(clock)
    serving = Serving(medusa_app(shop))
    url = serving.bind()
    await serving.start()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    part = StorePart(kind="medusa", url=url, token=shop.token, hook_secret=HOOK_SECRET, private=True)
    found = Medusa(shop, url, MedusaFeed("shop", part, pause=pause), MedusaPrices("shop", part), pauses)
    yield found
    await found.feed.close()
    await serving.stop()
