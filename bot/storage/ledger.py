"""Stock and demand as they stood at an instant, read column-wise into NumPy arrays.

Closing stock of a day = the latest count + the movements after it - what sales took off the shelf after it. A later
count re-anchors the line; days before the first count are reckoned backwards from it. Nothing after the asked
instant is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import ledgerrows, packs
from bot.storage.ledgermath import Counts, Facts, Places, Window, assemble
from bot.storage.packs import Bundle
from bot.storage.tables import Location, Sale, StockLevel, StockMovement
from bot.storage.types import of_micros

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryArrays:
    """n series over T local days; row i is product `product_ids[i]` at location `location_ids[i]`, sorted by both.

    `units` is demand, `on_hand` the closing stock (never below zero), `receipts` what arrived; all (n, T) int32.
    `counted` (n,) is False where no count of stock is known: `on_hand` is zero there and says nothing. `committed` and
    `counted_at` (microseconds since 1970, 0 where none) come from the latest count.
    """

    first_day: date
    product_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    units: NDArray[np.int32]
    on_hand: NDArray[np.int32]
    receipts: NDArray[np.int32]
    committed: NDArray[np.int32]
    counted: NDArray[np.bool_]
    counted_at: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A history, and what was told of its stock with an instant: counts, and movements as `Facts.moved` has them."""

    history: HistoryArrays
    counts: Counts
    moved: ledgerrows.Ints
    zones: Mapping[int, str]  # of every location, by ascending id


@dataclass(frozen=True, slots=True)
class Stock:
    """Units on the shelf of one product at one location; `counted_at` is the latest count it is reckoned from."""

    product_id: int
    location_id: int
    on_hand: int
    committed: int
    counted_at: datetime


async def on_hand(
    connection: AsyncConnection,
    at: datetime,
    *,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> list[Stock]:
    """Stock at the instant `at` (aware) of every series that was ever counted; all products where none are named."""
    # The day after `at` in UTC is on or after every location's local day; its column carries the stock forward.
    until = at.astimezone(UTC).date() + timedelta(days=1)
    found = await history(connection, until, 1, at=at, product_ids=product_ids, location_ids=location_ids)
    columns = (found.product_ids, found.location_ids, found.on_hand[:, -1], found.committed, found.counted_at)
    return [
        Stock(product, location, units, committed, of_micros(counted))
        for product, location, units, committed, counted in zip(*(c.tolist() for c in columns), strict=True)
        if counted
    ]


_HIGHEST = select(
    *(select(func.coalesce(func.max(table.id), 0)).scalar_subquery() for table in (Sale, StockMovement, StockLevel))
)


async def revision(connection: AsyncConnection) -> tuple[int, int, int]:
    """Changes whenever sales, movements or counts were added: a cheap key for keeping a loaded history."""
    row = (await connection.execute(_HIGHEST)).one()
    return (row[0], row[1], row[2])


async def history(
    connection: AsyncConnection,
    until: date,
    days: int,
    *,
    at: datetime | None = None,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
    zones: Mapping[int, str] | None = None,
) -> HistoryArrays:
    """Demand and closing stock of the `days` local days ending with `until`, for every series that was counted by then
    or has sales or movements within.

    With `at` (aware) the local day that holds it is partial and later days are empty; without, every location has
    lived through `until`. A sale that was cancelled only after `at` is still demand. `zones` are every location's by
    ascending id, where the caller has them. ValueError when `days` is below 1.
    """
    return (
        await past(connection, until, days, at=at, product_ids=product_ids, location_ids=location_ids, zones=zones)
    ).history()


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What `history` is made of: the window, the facts that bear on it, and packs of more of them."""

    window: Window
    places: Places
    facts: Facts
    packs: Bundle | None

    def history(self) -> HistoryArrays:
        """The facts as arrays of series and days."""
        facts = self.facts
        if self.packs is not None:
            facts = replace(facts, packed=self.packs.opened(self.places.today_of))
        return HistoryArrays(_EPOCH + timedelta(days=self.window.first), *assemble(self.window, facts))

    def told(self) -> Told:
        """The history with the instants that it rests on."""
        return Told(self.history(), self.facts.counts, self.facts.moved, self.places.names)

    def columns(self) -> Iterator[NDArray[Any]]:
        """Pasts of one window and one today at each place whose columns are alike are the same history."""
        facts, counts = self.facts, self.facts.counts
        yield from (facts.demand, facts.moved, facts.sold_after)
        yield from (getattr(counts, field.name) for field in fields(counts))
        if self.packs is not None:
            yield from self.packs.columns()


async def past(
    connection: AsyncConnection,
    until: date,
    days: int,
    *,
    at: datetime | None = None,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
    zones: Mapping[int, str] | None = None,
) -> Past:
    """The facts that `history` is made of, as it takes them; putting them together can wait, or be left out."""
    if days < 1:
        raise ValueError("a history has at least one day")
    zones = zones if zones is not None else await _zones(connection)
    places, at = _places(zones, until, at)
    scope = ledgerrows.Scope(connection, at, product_ids, location_ids)
    window = Window((until - _EPOCH).days - days + 1, days)
    counts = Counts.read(await ledgerrows.counts(scope, window.first), places, window)
    since = min(window.first, int(counts.day.min(initial=window.first)))
    rows, bundle = await _demand(scope, since, window.last)
    past = places.over(rows)
    running = places.running(await ledgerrows.partial_day(scope, list(zones)), window.last)
    revived = places.begun(await ledgerrows.cancelled_later(scope, since, window.last))
    facts = Facts(
        demand=np.concatenate([past, running, revived]),
        moved=places.begun(await ledgerrows.movements(scope, since, window.last)),
        counts=counts,
        sold_after=await ledgerrows.sold_after_count(scope, counts.id[~counts.opens]),
    )
    return Past(window, places, facts, bundle)


async def _demand(scope: ledgerrows.Scope, since: int, last: int) -> tuple[ledgerrows.Ints, Bundle | None]:
    """Rows, and of a whole catalogue packs: of what is named the rows are found as quickly."""
    if scope.shape.by_product or scope.shape.by_location:
        return await ledgerrows.demand(scope, since, last), None
    return await packs.demand(scope, since, last)


async def _zones(connection: AsyncConnection) -> dict[int, str]:
    rows = await connection.execute(select(Location.id, Location.zone).order_by(Location.id))
    return {row[0]: row[1] for row in rows}


def _places(names: Mapping[int, str], until: date, at: datetime | None) -> tuple[Places, datetime]:
    zones = tuple(ZoneInfo(name) for name in names.values())
    if at is None:
        morrow = until + timedelta(days=1)
        ends = [datetime.combine(morrow, time(), zone) for zone in zones]
        instant = max(ends, default=datetime.combine(morrow, time(), UTC)) - timedelta(microseconds=1)
        today = [morrow] * len(zones)
    else:
        instant = at
        today = [at.astimezone(zone).date() for zone in zones]
    ids = np.fromiter(names, np.int64, len(names))
    return Places(ids, zones, np.array([(day - _EPOCH).days for day in today], np.int64)), instant
