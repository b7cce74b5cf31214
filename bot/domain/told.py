"""What stores say of the age of their stock, beside what is reckoned first in, first out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.money import Money

FRESH = timedelta(days=7)  # a store that says nothing for longer is not believed any more
Band = tuple[int, int | None, int]  # the first and the last day of an age, None for no end, and units


@dataclass(frozen=True, slots=True)
class ToldAge:
    """How old a product's units at a place are, as `store` measured it at `as_of`; `bands` begin with age 0.

    `storage` is what the store expects for the next month, `surcharge` the extra for aged units that it expects next,
    `charged` what storage of the last whole month came to; None where it does not say.
    """

    store: str
    as_of: datetime
    bands: tuple[Band, ...]
    storage: Money | None = None
    surcharge: Money | None = None
    charged: Money | None = None

    def over(self, days: int) -> int:
        """Units older than so many days, as far as the bands tell them apart."""
        return sum(units for first, _, units in self.bands if first > days)

    @property
    def expected(self) -> Money | None:
        """The fees that the store expects next, storage and surcharge together; None where it says neither."""
        if self.storage is None or self.surcharge is None:
            return self.storage or self.surcharge
        return self.storage + self.surcharge

    def buckets(self, edges: Sequence[int]) -> tuple[int, ...] | None:
        """Units by buckets that end with the edges, the last one open; None where a band lies in two of them."""
        found = [0] * (len(edges) + 1)
        for first, last, units in self.bands:
            place = sum(first > edge for edge in edges)
            if place < len(edges) and (last is None or last > edges[place]):
                return None
            found[place] += units
        return tuple(found)
