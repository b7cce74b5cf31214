"""The discounts of the stores of these tests, as the tests of every kind see them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from bot.sandbox.store import Deal, LocalStore

FAR = datetime(2012, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stands:
    """A discount as a buyer gets it: `code` empty where it comes off by itself, `ends_at` None where it never ends."""

    code: str
    share: Decimal
    skus: tuple[str, ...]
    ends_at: datetime | None


class Offers(Protocol):
    """The discounts of a running store."""

    def standing(self) -> Sequence[Stands] | Awaitable[Sequence[Stands]]:
        """Those that buyers get, in the order they were made."""

    def offer(self, code: str, share: str, sku: str) -> Awaitable[None] | None:
        """Somebody makes a code in the store itself."""

    def bend(self, share: str) -> Awaitable[None] | None:
        """Somebody changes the share of the last one that was made."""


class LocalOffers:
    """Those of the sandbox's store."""

    def __init__(self, store: LocalStore) -> None:
        self._deals = store.deals

    def standing(self) -> Sequence[Stands]:
        """Those that buyers get."""
        return [Stands(each.code, each.share, each.skus, each.ends_at) for each in self._deals.standing]

    def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code."""
        now = datetime(2011, 1, 1, tzinfo=UTC)
        self._deals.make(Deal("", (sku,), Decimal(share), code, now, FAR, "theirs"))

    def bend(self, share: str) -> None:
        """Somebody changes a share."""
        self._deals.standing[-1].share = Decimal(share)
