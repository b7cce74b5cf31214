"""Keeping forecasts: once a week what the watch expects of the next seven days, series by series, is written down."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from bot.domain.hindsight import DAYS, week_ahead
from bot.domain.localtime import instant_of
from bot.domain.sourcing import SourcingSettings, without_requests
from bot.ports import Clock
from bot.services import snapshot
from bot.services.learning import as_of
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import forecasts as rows
from bot.storage import ledger
from bot.storage.chunks import chunked
from bot.storage.database import Database
from bot.storage.forecasts import Kept

_log = structlog.get_logger(__name__)

REPLAYED_AFTER = timedelta(hours=12)  # a forecast written down later than that counts as made afterwards
_FAR_DAYS = 3_650.0  # a stock-out further off than ten years is none


class Keeping:
    """Writes the forecasts of weeks down, from the facts of each week's beginning."""

    def __init__(
        self, *, database: Database, clock: Clock, settings: ServiceSettings, sourcing: SourcingSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._sourcing = sourcing
        self._turn = asyncio.Lock()
        self._barren: set[tuple[object, ...]] = set()  # weeks in vain, with the revision of the facts

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's."""
        return ZoneInfo(self._settings.default_zone)

    def begins(self, monday: date) -> datetime:
        """The instant whose facts a week's forecasts rest on: the organisation's first scan of its Monday."""
        return instant_of(self.zone, monday, min(self._settings.scan_at, default=time(6)))

    def monday(self, now: datetime) -> date:
        """The Monday of the newest week that has begun."""
        today = now.astimezone(self.zone).date()
        found = today - timedelta(days=today.weekday())
        return found if self.begins(found) <= now else found - timedelta(days=7)

    async def keep(self, monday: date) -> int | None:
        """Write a week's forecasts down; how many series, None where the week is whole already."""
        async with self._turn:
            async with self._database.reading() as connection:
                if monday in await rows.on_record(connection):
                    return None
                facts = monday, await ledger.revision(connection)
            if facts in self._barren:
                return 0
            at, now = self.begins(monday), self._clock.now()
            async with self._database.reading() as connection:
                taken = await snapshot.take(connection, self._settings, self._sourcing, at)
            if taken.lessons is None:  # a week that is made up for is judged by what was to be learned then
                taken = taken.taught_by(await as_of(self._database, self._settings, self._sourcing, at), self._settings)
            foreseen = await asyncio.to_thread(lambda: rows.rows_of(monday, at, self._foreseen(taken), DAYS))
            if not foreseen:
                self._barren.add(facts)  # once more is known, the week is made up for
                return 0
            for part in chunked(foreseen, rows.PART):
                async with self._database.transaction() as connection:
                    await rows.write(connection, part)
            async with self._database.transaction() as connection:
                await rows.close(connection, monday, replayed=now - at > REPLAYED_AFTER)
        _log.info("forecasts kept", week=str(monday), series=len(foreseen))
        return len(foreseen)

    def _foreseen(self, taken: Snapshot) -> Kept:
        """What is expected of each series that sells and whose facts are fresh."""
        assessed = taken.assess(self._settings.watch)
        ahead = week_ahead(assessed, taken.history, taken.taught(slice(None)))
        opens, _holds = without_requests(assessed)
        end = assessed.supply.runout.stockout
        near = np.isfinite(end) & (end < _FAR_DAYS)
        ends = np.where(near, taken.today + np.floor(np.where(near, end, 0.0) + 1e-9).astype(np.int64), -1)
        stale = taken.positions.stale
        chosen = (ahead.mean > 0) & (np.ones_like(near) if stale is None else ~stale)
        figures = np.column_stack([ahead.level, ahead.mean, ahead.quantiles, ahead.at_service, ahead.usual])
        return Kept(
            taken.product_ids[chosen],
            taken.location_ids[chosen],
            taken.today[chosen],
            figures[chosen],
            ahead.abc[chosen],
            opens["stockout_risk"][chosen].astype(np.int64),
            ends[chosen],
        )
