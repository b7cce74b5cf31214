"""A store that calls, and a shop that is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import Forged
from bot.ports import Check, Delivery, FactKind, HookedFeed, OrderFact, Page, StorePlace
from bot.services.feeds.following import Following
from bot.services.feeds.reception import Reception
from bot.services.pacing import Backoff
from bot.services.wakes import Wakes
from tests.services.feeds.kit import SHOP, Shop


def delivered(number: int, order: str = "") -> Delivery:
    """A call about an order."""
    return Delivery(f"d{number}", "orders/updated", {"order": order or str(number)})


@dataclass
class Caller:
    """A store that calls: what it says is the body, a signature is the word 'signed'; `orders` are as they are now."""

    orders: dict[str, OrderFact | Exception] = field(default_factory=dict)
    followed: list[str] = field(default_factory=list)
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("orders",)
    called: tuple[FactKind, ...] = ("orders",)
    subscribed: list[str] = field(default_factory=list)
    missing: tuple[str, ...] | Exception | None = ()
    told: list[Page] = field(default_factory=list)

    async def places(self) -> tuple[StorePlace, ...]:
        return ()

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        assert not cursor
        for page in self.told:
            assert page.kind == kind
            yield page

    async def check(self) -> tuple[Check, ...]:
        return ()

    async def close(self) -> None:
        self.followed.clear()

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:
        assert now.tzinfo is not None
        if headers.get("signature") != "signed":
            raise Forged
        number, _, subject = body.decode().partition(" ")
        return delivered(int(number), subject) if number != "0" else None

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        for delivery in deliveries:
            subject = str(delivery.said["order"])
            self.followed.append(subject)
            fact = self.orders[subject]
            if isinstance(fact, Exception):
                raise fact
            yield Page("orders", (fact,), "")

    async def subscribe(self, address: str) -> tuple[str, ...] | None:
        self.subscribed.append(address)
        if isinstance(self.missing, Exception):
            raise self.missing
        return self.missing


@dataclass
class Counter:
    """A shop that is called."""

    shop: Shop
    caller: Caller
    reception: Reception
    following: Following

    async def call(self, number: int, subject: str = "", signature: str = "signed") -> bool:
        return await self.reception.take(SHOP, {"signature": signature}, f"{number} {subject or number}".encode())

    async def states(self) -> dict[str, str]:
        return dict(await self.shop.rows("SELECT delivery_id, state FROM store_deliveries ORDER BY id"))


async def no_rush() -> None:
    """Calls come one by one."""


def following_of(shop: Shop, caller: HookedFeed, wakes: Wakes) -> Following:
    return Following(
        database=shop.database, clock=shop.clock, wakes=wakes, taking=shop.taking, feeds={SHOP: caller},
        pages={SHOP: asyncio.Lock()}, lull=no_rush,
        backoff=Backoff(timedelta(seconds=1), timedelta(minutes=10), jitter=lambda: 0.0),
    )  # fmt: skip
