"""The whole catalogue's standing, kept in memory: read anew when facts or decisions changed, and served meanwhile.

A page never waits for a reading but the first one; it says as of when its figures are.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import ageing
from bot.domain.arrays import Floats, Ints
from bot.domain.sourcing import SourcingSettings, without_requests
from bot.domain.standing import KINDS, NEVER, Standing, lower
from bot.domain.watch import Assessment
from bot.ports import Clock
from bot.services import snapshot
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import audit, ledger, rooms
from bot.storage.database import Database

_log = structlog.get_logger(__name__)

Stamp = tuple[object, ...]
LEAST_PAUSE = timedelta(seconds=20)  # between two readings: a busy hour of decisions must not keep the machine busy
_EPOCH = date(1970, 1, 1)
_FAR = 3_650.0  # days


async def stamp(connection: AsyncConnection) -> Stamp:
    """Changes with every sale, count, movement and decision."""
    return (*await ledger.revision(connection), await audit.head(connection))


class Standings:
    """Holds the newest standing of one organisation."""

    def __init__(
        self, *, database: Database, clock: Clock, settings: ServiceSettings, sourcing: SourcingSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._sourcing = sourcing
        self._held: tuple[Stamp, Standing] | None = None
        self._first = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def stamp(self) -> Stamp:
        """What the newest facts and decisions are."""
        async with self._database.reading() as connection:
            return await stamp(connection)

    async def seen(self) -> Stamp:
        """What an open page shows: the newest facts, decisions and notes, and when the standing was read.

        An outdated standing is read anew, so whoever keeps asking learns of the newer one.
        """
        async with self._database.reading() as connection:
            newest = await stamp(connection)
            noted = await rooms.last_note(connection)
        if self._held is None:
            return (*newest, noted)
        self._renew(newest)
        return (*newest, noted, self._held[1].at)

    async def current(self) -> Standing:
        """The standing held; where it is outdated a newer one is read behind it."""
        if self._held is None:
            async with self._first:
                if self._held is None:
                    await self._read()
        assert self._held is not None  # noqa: S101  # set by the reading above
        standing = self._held[1]
        self._renew(await self.stamp())
        return standing

    async def close(self) -> None:
        """Let a reading in hand end."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _renew(self, newest: Stamp) -> None:
        """Begin a reading where the standing held is outdated and none is under way."""
        assert self._held is not None  # noqa: S101  # asked by those who have it
        known, standing = self._held
        at = self._clock.now()
        outdated = at - standing.at >= LEAST_PAUSE and (known != newest or _days_apart(at, standing.at))
        if outdated and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._guarded(), name="standing")

    async def _guarded(self) -> None:
        try:
            await self._read()
        except Exception:  # noqa: BLE001  # the page keeps what it has and says how old that is
            _log.exception("the standing could not be read anew")

    async def _read(self) -> None:
        at = self._clock.now()
        async with self._database.reading() as connection:
            known = await stamp(connection)
            taken = await snapshot.take(connection, self._settings, self._sourcing, at)
        self._held = (known, await asyncio.to_thread(self._made, taken))

    def _made(self, taken: Snapshot) -> Standing:
        return standing_of(taken, taken.assess(self._settings.watch), self._settings)


def standing_of(taken: Snapshot, assessed: Assessment, settings: ServiceSettings) -> Standing:
    """The columns of a snapshot and its judgement."""
    supply, stock, positions = assessed.supply, assessed.stock, assessed.positions
    opens, _holds = without_requests(assessed)
    products = [taken.product(row) for row in range(assessed.series)]
    skus, names = [row.sku for row in products], [row.name for row in products]
    cost = assessed.routes.unit_cost_minor
    known = supply.reorder_point >= 0
    return Standing(
        at=taken.at,
        currency=taken.exchange.currency,
        sku=np.array(skus, dtype=object),
        name=np.array(names, dtype=object),
        place=np.array([taken.place(row).code for row in range(assessed.series)], dtype=object),
        category=np.array([taken.category_of(row) for row in range(assessed.series)], dtype=object),
        found=lower(skus, names),
        on_hand=positions.on_hand.astype(np.int64),
        available=positions.available.astype(np.int64),
        incoming=(positions.incoming.sum(axis=1) + positions.overdue).astype(np.int64),
        pending=positions.pending.astype(np.int64),
        per_day=assessed.demand.velocity,
        cover=supply.runout.cover,
        stockout=_ahead(taken.today, supply.runout.stockout),
        arrival=_ahead(taken.today, supply.runout.next_arrival - 1),
        reorder_point=np.where(known, np.floor(supply.reorder_point + 1e-9), np.nan),
        order_up_to=np.where(known, np.ceil(supply.order_up_to - 1e-9), np.nan),
        value=(positions.on_hand * cost).astype(np.int64),
        lost_margin=np.where(opens["stockout_risk"] > 0, supply.lost_margin_minor, 0),
        tied_up=np.where(
            opens["slow_mover"] > 0,
            stock.capital_minor,
            np.where(opens["overstock"] > 0, stock.excess_capital_minor, 0),
        ),
        turn_days=stock.days_of_inventory,
        sold_at_cost=(stock.period.units * cost).astype(np.float64),
        stock_at_cost=stock.period.average_on_hand * cost,
        abc=stock.abc,
        xyz=stock.xyz,
        idle=stock.idle_days,
        excess=stock.excess_units,
        aged=_aged(taken, assessed),
        flags=np.stack([opens[kind] > 0 for kind in KINDS], axis=1),
        step=_next_step(taken, positions.on_hand, settings),
        fees=_fees(taken, assessed.series),
    )


def _aged(taken: Snapshot, assessed: Assessment) -> Ints:
    """Units by age: first in, first out, and where the place's store says so, what it says."""
    aged = assessed.stock.ageing.copy()
    for row, told in taken.told_ages.items():
        buckets = told.buckets(assessed.settings.ageing.bucket_edges)
        if buckets is not None:
            aged[row] = buckets
    return aged


def _fees(taken: Snapshot, series: int) -> Ints:
    fees = np.full(series, NEVER, dtype=np.int64)
    for row, told in taken.told_ages.items():
        expected = told.expected
        minor = None if expected is None else taken.exchange.minor(expected.minor, expected.currency)
        fees[row] = NEVER if minor is None else minor
    return fees


def _ahead(today: Ints, days: Floats) -> Ints:
    """The day so many days after each row's own today."""
    near = np.isfinite(days) & (days < _FAR)
    return np.where(near, today + np.floor(np.where(near, days, 0.0) + 1e-9).astype(np.int64), NEVER)


def _next_step(taken: Snapshot, on_hand: NDArray[np.integer], settings: ServiceSettings) -> ageing.NextStep:
    """The next age line of each row: its place's fees as of today, otherwise the edges of the ageing buckets."""
    on = taken.at.astimezone(ZoneInfo(settings.default_zone)).date()
    usual = [edge + 1 for edge in settings.watch.ageing.bucket_edges]
    by_place = {place: age_lines(settings, taken.places[place].code, on) or usual for place in taken.places}
    most = max((len(lines) for lines in by_place.values()), default=0)
    lines = np.array(
        [(found := by_place[place]) + [0] * (most - len(found)) for place in taken.location_ids.tolist()],
        dtype=np.int64,
    ).reshape(len(taken.location_ids), most)
    days, units, age = (np.zeros(len(on_hand), dtype=np.int64) for _each in range(3))
    for rows in taken.history.blocks():
        receipts = ageing.receipts_of(taken.history.rows(rows))
        step = ageing.next_step(receipts, on_hand[rows].astype(np.int64), lines[rows])
        days[rows], units[rows], age[rows] = step.days, step.units, step.age
    return ageing.NextStep(days, units, age)


def age_lines(settings: ServiceSettings, place: str, on: date) -> list[int]:
    """The ages at which a place asks a fee on a day, ascending."""
    return sorted({fee.age_days for fee in settings.fees if fee.location == place and fee.since <= on})


def _days_apart(now: datetime, then: datetime) -> bool:
    """Whether some zone's date may have changed between two instants: zones differ by quarters of an hour."""
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0) > then
