"""The weekly scorecard: gathered, judged, and posted where it is wanted; what it proposes is never done by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import scorecard_card
from bot.domain.arrays import Ints
from bot.domain.hindsight import DAYS, Waits, waits
from bot.domain.localtime import instant_of
from bot.domain.scorecard import AlertsView, Latency, Scorecard, advise, worst
from bot.domain.sourcing import SourcingSettings
from bot.domain.views import Topic
from bot.ports import Clock
from bot.services.days import Days, days_before
from bot.services.exchange import Exchange
from bot.services.members import zone_of
from bot.services.outbox import Outbox
from bot.services.rates import exchange_at
from bot.services.scorecards.judging import (
    Shelf,
    alerts_view,
    forecast_week,
    hours,
    lead_times,
    shelf_of,
    told_by_replay,
    told_of_cases,
    turn_points,
)
from bot.services.scorecards.keeping import Keeping
from bot.services.settings import ServiceSettings
from bot.storage import board, forecasts, hindsight
from bot.storage import catalogue as facts
from bot.storage.board import Delivery, StatedRow
from bot.storage.catalogue import PlaceRow, ProductRow
from bot.storage.database import Database
from bot.storage.forecasts import Kept
from bot.storage.hindsight import AlertRow

_log = structlog.get_logger(__name__)

TOPIC: Topic = "scorecard"
WEEKS = 8  # that coverage and alerts are judged over
REPLAYED_WEEKS = 4  # that are made up for where no forecast was on record
HISTORY_DAYS = 210  # a quarter and thirteen weeks before it, and alerts that stood long
DELIVERIES = timedelta(days=730)
FIRST_ACTION = timedelta(days=35)  # a case untouched for longer has no first action that is timed
PATIENCE = timedelta(days=2)  # a card later than that waits for the next Monday
SOON = 2.0  # seconds that somebody in a chat waits without a word
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class _Gathered:
    """Everything that is read for one card."""

    days: Days
    places: Mapping[int, PlaceRow]
    products: Mapping[int, ProductRow]
    exchange: Exchange
    silent: frozenset[int]
    kept: Sequence[tuple[date, Kept, bool]]  # newest first; whether replayed
    alerts: Sequence[AlertRow]
    ordered: Sequence[tuple[int, int, datetime]]
    watching_since: datetime | None
    stated: Sequence[StatedRow]
    arrived: Sequence[Delivery]
    decided: Sequence[tuple[datetime, datetime]]
    acted: Sequence[tuple[datetime, datetime]]


@dataclass
class CardTick:
    """What one tick did: series whose forecasts were written down, and cards posted."""

    kept: int = 0
    posted: int = 0


class Scorecards:
    """Keeps each week's forecasts, and tells how the last ones, the alerts and the decisions did."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        outbox: Outbox,
        settings: ServiceSettings,
        sourcing: SourcingSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._settings = settings
        self.keeping = Keeping(database=database, clock=clock, settings=settings, sourcing=sourcing)
        self._making_up: asyncio.Task[None] | None = None

    async def tick(self, now: datetime) -> CardTick:
        """Write this week's forecasts down once, and post the card wherever its Monday morning has come."""
        done = CardTick()
        done.kept = await self.keeping.keep(self.keeping.monday(now)) or 0
        async with self._database.reading() as connection:
            due = self._due(await hindsight.readers(connection, TOPIC), now)
            told = await hindsight.posted(connection, list(due.values()))
        due = {place: key for place, key in due.items() if key not in told}
        if due:
            card = scorecard_card(await self.view(now))
            async with self._database.transaction() as connection:
                for place, key in due.items():
                    subject = key.rpartition(":")[0]
                    await self._outbox.put(connection, place, card, "post", subject, dedupe_key=key)
            done.posted = len(due)
            _log.info("scorecard", week=str(self.keeping.monday(now)), conversations=len(due))
        return done

    def _due(self, readers: Sequence[hindsight.Reader], now: datetime) -> dict[int, str]:
        """The conversations whose Monday morning has come, each with the key that makes its card the only one.

        No card goes out before the week is over for the organisation, and none for a Monday before the subscription.
        """
        monday, found = self.keeping.monday(now), {}
        for reader in readers:
            zone = zone_of(reader.zone, self._settings.default_zone)
            at = max(instant_of(zone, monday, self._settings.scorecard_at), self.keeping.begins(monday))
            if reader.since <= at <= now < at + PATIENCE:
                found[reader.conversation_id] = f"scorecard:{monday.isoformat()}:{reader.conversation_id}"
        return found

    async def soon(self, now: datetime) -> Scorecard | None:
        """The card, for somebody who waits for it; None where weeks are still being made up for, which goes on."""
        if self._making_up is None or self._making_up.done():
            self._making_up = asyncio.create_task(self._guarded(now), name="scorecard")
        done, _late = await asyncio.wait([self._making_up], timeout=SOON)
        return await self._seen(now) if done else None

    async def view(self, now: datetime) -> Scorecard:
        """The card of the last whole week; forecasts of weeks before the first one on record are made up for."""
        await self._make_up(now)
        return await self._seen(now)

    async def close(self) -> None:
        """Leave the weeks that are being made up for to the next who asks."""
        if self._making_up is not None:
            self._making_up.cancel()
            await asyncio.gather(self._making_up, return_exceptions=True)

    async def _guarded(self, now: datetime) -> None:
        try:
            await self._make_up(now)
        except Exception:  # noqa: BLE001  # the card is shown without them, and the next who asks tries again
            _log.exception("weeks cannot be made up for")

    async def _make_up(self, now: datetime) -> None:
        monday = self.keeping.monday(now)
        for back in range(1, REPLAYED_WEEKS + 1):
            await self.keeping.keep(monday - back * _WEEK)

    async def _seen(self, now: datetime) -> Scorecard:
        monday = self.keeping.monday(now)
        async with self._database.reading() as connection:
            gathered = await self._gather(connection, monday, now)
        return await asyncio.to_thread(self._card, gathered, monday, now)

    async def _gather(self, connection: AsyncConnection, monday: date, now: datetime) -> _Gathered:
        places = await facts.places(connection)
        products = await facts.products(connection)
        book = await days_before(connection, places, now, HISTORY_DAYS)
        book = book.only(np.isin(book.product_ids, np.fromiter(products, dtype=np.int64, count=len(products))))
        silent: set[int] = set()
        for feed in await facts.feeds(connection):
            if feed.fresh_until + timedelta(hours=feed.limit_hours) < now:
                silent |= await facts.fed_places(connection, feed)
        on_record = await forecasts.on_record(connection)
        weeks = [week for week in (monday - back * _WEEK for back in range(1, WEEKS + 1)) if week in on_record]
        since, until = now - timedelta(days=HISTORY_DAYS - 1), self._midnight(monday)
        return _Gathered(
            days=book,
            places=places,
            products=products,
            exchange=await exchange_at(connection, self._settings, now),
            silent=frozenset(silent),
            kept=[(week, await forecasts.of_week(connection, week), on_record[week]) for week in weeks],
            alerts=await hindsight.alerts(connection, since, now),
            ordered=await hindsight.ordered(connection, since),
            watching_since=await hindsight.watching_since(connection),
            stated=await board.stated(connection),
            arrived=await board.deliveries(connection, now - DELIVERIES, now),
            decided=await hindsight.decided(connection, self._midnight(monday - 2 * _WEEK), until),
            acted=await hindsight.acted(connection, self._midnight(monday - 2 * _WEEK) - FIRST_ACTION, until),
        )

    def _midnight(self, on: date) -> datetime:
        """The beginning of a day in the organisation's zone."""
        return instant_of(self.keeping.zone, on, time.min)

    def _card(self, read: _Gathered, monday: date, now: datetime) -> Scorecard:
        """The arithmetic; it runs in a thread, so that chats are answered meanwhile."""
        zones = {place.id: ZoneInfo(place.zone) for place in read.places.values()}
        shelf = shelf_of(read.days, zones, read.silent, self._settings.watch.demand)
        weeks = tuple(forecast_week(shelf, week, kept, DAYS, replayed=replayed) for week, kept, replayed in read.kept)
        alerts = self._alerts(shelf, read, now)
        ways = lead_times(read.stated, read.arrived)
        latency = self._latency(read, monday)
        proposals, lacking = advise(weeks, alerts, ways, latency.decisions)
        period = self._settings.watch.turnover.period_days
        return Scorecard(
            week=monday - _WEEK,
            as_of=now,
            forecasts=weeks,
            alerts=alerts,
            worst=worst(ways),
            ways=len(ways),
            latency=latency,
            turnover_days=period,
            turnover=turn_points(read.days, _costs(read), period),
            proposals=proposals,
            lacking=lacking,
        )

    def _alerts(self, shelf: Shelf, read: _Gathered, now: datetime) -> AlertsView | None:
        """By the cases, once the watch has run for a week; before that as weekly scans would have told."""
        abc = np.full(len(shelf.start), 2, dtype=np.int64)
        for _week, kept, _replayed in reversed(read.kept):
            rows = shelf.rows(kept.product_ids, kept.location_ids)
            abc[rows[rows >= 0]] = kept.abc[rows >= 0]
        earliest = max(shelf.length - 7 * WEEKS, 1)
        if read.watching_since is not None and read.watching_since <= now - _WEEK:
            watched = shelf.length - (now - read.watching_since).days
            told = told_of_cases(shelf, read.alerts, read.ordered)
            return alerts_view(shelf, told, abc, max(earliest, watched), replayed=False)
        replays = [(week, kept) for week, kept, _replayed in reversed(read.kept) if len(kept.product_ids)]
        if not replays:
            return None
        back = shelf.length - 7 * len(replays)
        return alerts_view(shelf, told_by_replay(shelf, replays), abc, max(earliest, back), replayed=True)

    def _latency(self, read: _Gathered, monday: date) -> Latency:
        edges = [self._midnight(monday - back * _WEEK) for back in (2, 1, 0)]

        def of(pairs: Sequence[tuple[datetime, datetime]], week: int) -> Waits:
            return waits(hours(pairs, edges[week], edges[week + 1]))

        return Latency(of(read.decided, 1), of(read.decided, 0), of(read.acted, 1), of(read.acted, 0))


def _costs(read: _Gathered) -> Ints:
    """Each series' unit cost in the organisation's minor units, 0 where unknown."""
    ids, where = np.unique(read.days.product_ids, return_inverse=True)
    rows = [read.products[product] for product in ids.tolist()]
    costs = [read.exchange.minor(row.unit_cost_minor, row.currency) or 0 for row in rows]
    return np.array(costs, dtype=np.int64)[where]
