"""The past of series, its columns brought to each location's own calendar."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.demand import SeriesHistory
from bot.domain.parts import Parts
from bot.storage import catalogue as facts
from bot.storage import ledger, partdays
from bot.storage.catalogue import PlaceRow
from bot.storage.database import FEW
from bot.storage.ledger import HistoryArrays
from bot.storage.partmath import Cells

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """The ledger's history with its columns brought to each location's own calendar."""

    product_ids: Ints
    location_ids: Ints
    today: Ints
    history: SeriesHistory
    on_hand: Ints  # at the instant
    sold_today: Ints
    committed: Ints
    counted: Bools

    def only(self, chosen: Bools) -> Days:
        """Some of the series."""
        if chosen.all():
            return self
        rest = {
            field.name: getattr(self, field.name)[chosen]
            for field in dataclasses.fields(self)
            if field.name != "history"
        }
        return Days(history=self.history.rows(chosen), **rest)


async def with_new(connection: AsyncConnection, book: Days, at: datetime, days: int, ids: Sequence[int] | None) -> Days:
    """The history with the day, of the `days` before `at`, on which each new product was first told of."""
    known = await facts.new_products(connection, at - timedelta(days=days), ids)
    return since_told(book, {product: (at - told).days for product, told in known.items()})


def since_told(book: Days, known: Mapping[int, int]) -> Days:
    """The history with the day on which each new product was first told of, so many whole days ago."""
    if not known:
        return book
    rows = np.flatnonzero(np.isin(book.product_ids, np.fromiter(known, dtype=np.int64)))
    back = [known[product] + 1 for product in book.product_ids[rows].tolist()]
    since = np.zeros(len(book.product_ids), dtype=np.int64)
    since[rows] = np.clip(book.history.days - np.array(back, dtype=np.int64), 0, book.history.days - 1)
    return dataclasses.replace(book, history=dataclasses.replace(book.history, since=since))


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """A history, and for which share of their hours some of its days had stock."""

    history: HistoryArrays
    cells: Cells
    share: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What `Days` are made of: the ledger's facts, and each location's own today (days since 1970)."""

    ledger: ledger.Past
    today: Mapping[int, int]
    days: int
    hours: Hours | None = None  # where they were asked for

    def brought(self) -> Days:
        """The facts as arrays, each location's by its own calendar."""
        latest, days = max(self.today.values(), default=0), self.days
        found = self.ledger.history() if self.hours is None else self.hours.history
        today = np.array([self.today[place] for place in found.location_ids.tolist()], dtype=np.int64)
        behind = latest - today  # columns after a location's own today
        units, closing, receipts = (
            _aligned(matrix, behind, days) for matrix in (found.units, found.on_hand, found.receipts)
        )
        here = found.units.shape[1] - 1 - behind
        last = _EPOCH + timedelta(days=latest - days)
        parts = None if self.hours is None else self._parts(self.hours, today)
        return Days(
            product_ids=found.product_ids,
            location_ids=found.location_ids,
            today=today,
            history=SeriesHistory(last, units, _known(closing, found), receipts=receipts, behind=behind, parts=parts),
            on_hand=found.on_hand[:, -1].astype(np.int64),
            sold_today=found.units[np.arange(len(here)), here].astype(np.int64),
            committed=found.committed.astype(np.int64),
            counted=found.counted,
        )

    def _parts(self, hours: Hours, today: Ints) -> Parts:
        """The shares of the `days` before each location's own today."""
        cells = hours.cells
        column = cells.column + (hours.history.first_day - _EPOCH).days - today[cells.row] + self.days
        within = (column >= 0) & (column < self.days)
        return Parts.of(len(today), cells.row[within], column[within], hours.share[within])


async def past_before(
    connection: AsyncConnection,
    places: Mapping[int, PlaceRow],
    at: datetime,
    days: int,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> Past:
    """What `days_before` is made of."""
    local = {place.id: (at.astimezone(ZoneInfo(place.zone)).date() - _EPOCH).days for place in places.values()}
    latest, earliest = (max(local.values()), min(local.values())) if local else (0, 0)
    found = await ledger.past(
        connection,
        _EPOCH + timedelta(days=latest),
        days + 1 + latest - earliest,
        at=at,
        product_ids=product_ids,
        location_ids=location_ids,
        zones={place.id: place.zone for place in places.values()},
    )
    return Past(found, local, days)


async def days_before(
    connection: AsyncConnection,
    places: Mapping[int, PlaceRow],
    at: datetime,
    days: int,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> Days:
    """The last `days` whole local days before `at` of every series with any fact, and what has been sold since."""
    return (await past_before(connection, places, at, days, product_ids, location_ids)).brought()


async def days_by_hours(
    connection: AsyncConnection,
    places: Mapping[int, PlaceRow],
    at: datetime,
    days: int,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> Days:
    """The same with those days marked of which it is known for how much of their hours there was stock."""
    past = await past_before(connection, places, at, days, product_ids, location_ids)
    return (await by_hours(connection, past, at)).brought()


async def by_hours(connection: AsyncConnection, past: Past, at: datetime) -> Past:
    """A past with what its sales tell of the hours of days that sold out; the rest of it is put together for that."""
    few = past.ledger.packs is None and len(np.unique(past.ledger.facts.counts.product)) <= FEW
    told = past.ledger.told() if few else await asyncio.to_thread(past.ledger.told)
    cells, share = await partdays.parts(connection, told, at)
    return dataclasses.replace(past, hours=Hours(told.history, cells, share))


def _aligned(matrix: NDArray[np.int32], behind: Ints, days: int) -> NDArray[np.int32]:
    """The `days` columns before each row's own today."""
    end = matrix.shape[1] - 1
    if not behind.any():
        return matrix[:, end - days : end]
    out = np.empty((len(matrix), days), dtype=matrix.dtype)
    for shift in np.unique(behind):
        rows = behind == shift
        out[rows] = matrix[rows, end - shift - days : end - shift]
    return out


def _known(closing: NDArray[np.int32], found: HistoryArrays) -> NDArray[np.int32]:
    """Closing stock with -1 where no count is known at all."""
    return closing if found.counted.all() else np.where(found.counted[:, None], closing, np.int32(-1))
