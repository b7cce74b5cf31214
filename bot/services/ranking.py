"""ABC numbers of the whole catalogue, for whoever judges a few of its series: they rank each among all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import turnover
from bot.domain.arrays import Ints
from bot.domain.sourcing import row_numbers
from bot.services import snapshot
from bot.services.days import days_before
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import catalogue as facts
from bot.storage import ledger

RECENT = timedelta(hours=1)  # ranks are taken over weeks of sales: an hour's moves none by much


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """ABC numbers of the whole catalogue as of an instant, and what they were computed from."""

    at: datetime
    days: tuple[object, ...]  # the local day of each place
    revision: tuple[object, ...]
    product_ids: Ints
    location_ids: Ints
    numbers: Ints

    def of(self, taken: Snapshot) -> Ints:
        """The numbers of a few series; C for what sold nothing then."""
        rows = row_numbers(self.product_ids, self.location_ids, taken.product_ids, taken.location_ids)
        found = self.numbers[np.maximum(rows, 0)] if len(self.numbers) else np.zeros(len(rows), dtype=np.int64)
        return np.where(rows >= 0, found, len(turnover.ABC) - 1)

    def others(self, taken: Snapshot) -> int:
        """How many series of the catalogue are not among those taken."""
        return max(0, len(self.numbers) - len(taken.product_ids))


class Ranking:
    """Keeps the newest classes."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._held: Classes | None = None

    async def exact(self, connection: AsyncConnection, taken: Snapshot) -> Classes:
        """Computed anew when sales came in or a local day ended."""
        days, revision = _days(taken), await ledger.revision(connection)
        if self._held is None or (self._held.days, self._held.revision) != (days, revision):
            self._held = await self._rank(connection, taken, days, revision)
        return self._held

    async def recent(self, connection: AsyncConnection, taken: Snapshot) -> Classes:
        """Computed anew each hour, and when a local day ended."""
        days = _days(taken)
        if self._held is None or self._held.days != days or abs(taken.at - self._held.at) > RECENT:
            self._held = await self._rank(connection, taken, days, await ledger.revision(connection))
        return self._held

    async def _rank(
        self, connection: AsyncConnection, taken: Snapshot, days: tuple[object, ...], revision: tuple[object, ...]
    ) -> Classes:
        places = await facts.places(connection)
        products = await facts.products(connection)
        book = await days_before(connection, places, taken.at, self._settings.watch.turnover.period_days)
        book = book.only(np.isin(book.product_ids, np.fromiter(products, dtype=np.int64, count=len(products))))
        numbers = snapshot.classes_of(book, products, taken.exchange, self._settings.watch)
        return Classes(taken.at, days, revision, book.product_ids, book.location_ids, numbers)


def _days(taken: Snapshot) -> tuple[object, ...]:
    return tuple(taken.at.astimezone(ZoneInfo(place.zone)).date() for place in taken.places.values())
