"""A running account at Amazon, and what reads it and changes its prices."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from bot.errors import Unreached
from bot.ports import FactKind, Fault, MovableClock, Page
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.amazon import AmazonFeed, AmazonPrices
from tests.stores.amazon.account import AmazonAccount
from tests.stores.amazon.server import amazon_app, amazon_part, documents_app

FactT = TypeVar("FactT")


@dataclass
class Amazon:
    """The account and how it is connected; time passes by the `pauses` that the connector would have made."""

    account: AmazonAccount
    url: str
    pauses: list[float] = field(default_factory=list)
    passed: float = 0.0
    feeds: list[AmazonFeed] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        """Wait, by a clock that nobody has to wait for."""
        self.pauses.append(seconds)
        self.passed += seconds

    def timer(self) -> float:
        """Seconds that passed."""
        return self.passed

    def part(self, marketplaces: str = "DE", **options: str) -> StorePart:
        """The settings of the account."""
        return amazon_part(self.url, self.account.token, marketplaces, **options)

    def feed(self, marketplaces: str = "DE", **options: str) -> AmazonFeed:
        """What reads it; a month of orders the first time."""
        part = self.part(marketplaces, **{"history_days": "30", **options})
        self.feeds.append(AmazonFeed("amz", part, pause=self.pause, timer=self.timer, clock=self.account.clock))
        return self.feeds[-1]

    def prices(self) -> AmazonPrices:
        """What changes its prices."""
        return AmazonPrices("amz", self.part(), pause=self.pause, timer=self.timer)

    async def read(self, kind: FactKind, cursor: str = "", feed: AmazonFeed | None = None) -> list[Page]:
        """A whole reading."""
        return [page async for page in (feed or self.feed()).read(kind, cursor)]

    async def first(self, kind: FactKind, cursor: str = "") -> Page:
        """The first page of a reading that breaks off then."""
        async with contextlib.aclosing(self.feed().read(kind, cursor)) as reading:  # type: ignore[type-var]
            return await anext(reading)

    async def broken(self, kind: FactKind, why: str, cursor: str = "", feed: AmazonFeed | None = None) -> str:
        """The cursor that a reading leaves which Amazon breaks off."""
        reading = (feed or self.feed()).read(kind, cursor)
        with pytest.raises(Unreached, match=why):  # noqa: PT012  # it breaks off somewhere
            while True:
                cursor = (await anext(reading)).cursor
        return cursor

    def called(self, operation: str) -> list[str]:
        """How an operation was answered, each time."""
        return [verdict for name, _, verdict in self.account.calls if name == operation]


def facts(pages: Iterable[Page], kind: type[FactT]) -> list[FactT]:
    """The facts of pages."""
    return [fact for page in pages for fact in page.facts if isinstance(fact, kind)]


def faults(pages: Iterable[Page]) -> dict[str, Fault]:
    """What was wrong, by where."""
    return {fault.where: fault for page in pages for fault in page.faults}


def last(pages: list[Page]) -> str:
    """Where a reading ended; only its last page says until when it speaks."""
    assert [page.until is not None for page in pages] == [False] * (len(pages) - 1) + [True]
    return pages[-1].cursor


@pytest.fixture
async def amazon(clock: MovableClock) -> AsyncIterator[Amazon]:
    """An empty account that sells in Germany; documents lie on another host."""
    account = AmazonAccount(clock)
    servings = [Serving(amazon_app(account)), Serving(documents_app(account))]
    url, account.documents_url = (serving.bind() for serving in servings)
    for serving in servings:
        await serving.start()
    found = Amazon(account, url)
    yield found
    for feed in found.feeds:
        await feed.close()
    for serving in servings:
        await serving.stop()
