"""A store that tells what a test writes down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import OutsideError
from bot.ports import Check, FactKind, Page, StorePlace
from bot.words import verbatim
from tests.services.feeds.kit import SHOP


@dataclass
class Script:
    """A store that tells what is written here: pages by kind; where an error stands among them it breaks off, and what
    can be called happens between two pages.
    """

    told: dict[FactKind, list[Page | OutsideError | Callable[[], Awaitable[None]]]] = field(default_factory=dict)
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    known: tuple[StorePlace, ...] = ()
    asked: list[tuple[FactKind, str]] = field(default_factory=list)
    away: OutsideError | None = None

    async def places(self) -> tuple[StorePlace, ...]:
        if self.away is not None:
            raise self.away
        return self.known

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        self.asked.append((kind, cursor))
        for page in self.told.get(kind, []):
            if isinstance(page, OutsideError):
                raise page
            if isinstance(page, Page):
                yield page
            else:
                await page()

    async def check(self) -> tuple[Check, ...]:
        return (Check(verbatim("store shop"), "ok", verbatim("answers")),)

    async def close(self) -> None:
        self.asked.clear()
