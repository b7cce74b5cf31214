"""What the board's pages show, gathered for one member at one instant."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location, Sku
from bot.domain import standing as standings
from bot.domain.boardviews import (
    ArrivalDay,
    FeedLine,
    Overview,
    PastCaseLine,
    RiskLine,
    SkuPage,
    SupplierLine,
    Waiting,
)
from bot.domain.money import Money
from bot.domain.views import CaseKind
from bot.ports import Clock
from bot.services.catalogue import Catalogue
from bot.services.decisions import Decisions
from bot.services.settings import ServiceSettings
from bot.services.standings import Standings
from bot.storage import authority
from bot.storage import board as rows
from bot.storage import cases as case_rows
from bot.storage import catalogue as facts
from bot.storage import requests as request_rows
from bot.storage.board import Delivery
from bot.storage.database import Database

BANDS = (1, 3, 7, 30)  # days: edges of the ages of cases
SHOWN = 8  # rows of a list on the overview
AHEAD = timedelta(days=56)  # of the arrivals
HISTORY = 30  # cases and requests of a product
DELIVERIES = timedelta(days=730)  # that tell of a supplier
KEPT = timedelta(minutes=1)  # a page gathered before, at most
MOST_KEPT = 256

T = TypeVar("T")


class Boards:
    """Gathers pages; the tables of the whole catalogue come from `Standings`."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: ServiceSettings,
        catalogue: Catalogue,
        decisions: Decisions,
        standings: Standings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._catalogue = catalogue
        self._decisions = decisions
        self._kept: OrderedDict[tuple[object, ...], tuple[datetime, Any]] = OrderedDict()
        self.standings = standings

    async def overview(self, member_id: int) -> Overview:
        """Everything at a glance; requests that this member may approve stand first."""
        return await self._once(("overview", member_id), lambda: self._overview(member_id))

    async def sku(self, sku: Sku, place: Location | None) -> SkuPage:
        """One product; the chart and the reckoning are those of `place`, or of the one that needs a look most."""
        return await self._once(("sku", sku.id, place and place.id), lambda: self._sku(sku, place))

    async def suppliers(self) -> tuple[SupplierLine, ...]:
        """Every supplier's lead times, as stated and as they were, by place and mode."""
        return await self._once(("suppliers",), self._suppliers)

    async def _once(self, key: tuple[object, ...], make: Callable[[], Awaitable[T]]) -> T:
        """What was gathered before, while neither facts nor decisions have changed; for a minute at most."""
        now = self._clock.now()
        key = (*key, await self.standings.seen())
        if key in self._kept and now - self._kept[key][0] < KEPT:
            self._kept.move_to_end(key)
            found: T = self._kept[key][1]
            return found
        made = await make()
        self._kept[key] = (now, made)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return made

    async def _overview(self, member_id: int) -> Overview:
        at = self._clock.now()
        standing = await self.standings.current()
        waiting, total = await self._waiting(member_id)
        period = self._settings.watch.turnover.period_days
        async with self._database.reading() as connection:
            risks = await self._risks(connection, at)
            _total, ids = await case_rows.page(connection, tuple(_KINDS), None, 0, SHOWN)
            largest = await case_rows.views(connection, ids)
            coming = await self._arrivals(connection, at)
            feeds = await facts.feeds(connection)
        return Overview(
            as_of=at,
            today=at.astimezone(ZoneInfo(self._settings.default_zone)).date(),
            standing_at=standing.at,
            target_days=self._settings.target_days,
            period_days=period,
            turns=standings.turns(standing, period),
            currency=self._settings.organisation_currency,
            risks=risks,
            bands=BANDS,
            largest=tuple(largest[case_id] for case_id in ids),
            waiting=waiting,
            waiting_total=total,
            arrivals=coming,
            feeds=tuple(
                FeedLine(
                    feed.source,
                    feed.kind,
                    feed.fresh_until,
                    feed.limit_hours,
                    stale=feed.fresh_until + timedelta(hours=feed.limit_hours) < at,
                )
                for feed in feeds
            ),
        )

    async def _sku(self, sku: Sku, place: Location | None) -> SkuPage:
        at = self._clock.now()
        async with self._database.reading() as connection:
            report, reckoning = await self._catalogue.reckoned(connection, sku, place, at)
            past = await rows.cases_of(connection, sku.id, HISTORY)
            ids = await rows.requests_of(connection, sku.id, HISTORY)
            requests = await request_rows.views(connection, ids)
        return SkuPage(
            report=report,
            place="" if report.chart is None else report.chart.code,
            reckoning=reckoning,
            currency=self._settings.organisation_currency,
            cases=tuple(
                PastCaseLine(
                    one.id,
                    cast("CaseKind", one.kind),
                    one.state,
                    one.place,
                    Money.of_minor(one.money_minor, one.currency),
                    one.opened_at,
                    one.resolved_at,
                )
                for one in past
            ),
            requests=tuple(requests[request_id] for request_id in ids),
        )

    async def _suppliers(self) -> tuple[SupplierLine, ...]:
        at = self._clock.now()
        async with self._database.reading() as connection:
            stated = await rows.stated(connection)
            arrived = await rows.deliveries(connection, at - DELIVERIES, at)
            places = await facts.places(connection)
        zones = {place.code: ZoneInfo(place.zone) for place in places.values()}
        by_way: dict[tuple[str, str, str], list[Delivery]] = defaultdict(list)
        for one in arrived:
            by_way[one.supplier, one.place, one.mode].append(one)
        return tuple(
            _supplier(
                SupplierLine(
                    way.supplier, way.supplier_name, way.place, way.mode, way.least, way.most, 0, *(None,) * 6
                ),
                by_way[way.supplier, way.place, way.mode],
                zones[way.place],
            )
            for way in stated
        )

    async def _waiting(self, member_id: int) -> tuple[tuple[Waiting, ...], int]:
        mine = await self._decisions.waiting(member_id, 1, SHOWN)
        everyone = await self._decisions.waiting(None, 1, SHOWN)
        known = {request.id for request in mine.items}
        shown = [*mine.items, *(request for request in everyone.items if request.id not in known)][:SHOWN]
        async with self._database.reading() as connection:
            able = await self._decisions.able(connection, [request.id for request in shown])
            people = await authority.people(connection, {one for found in able.values() for one in found})
        names = {person.id: person.name for person in people}
        return tuple(
            Waiting(request, tuple(names[one] for one in able.get(request.id, ()))) for request in shown
        ), everyone.total

    async def _risks(self, connection: AsyncConnection, at: datetime) -> tuple[RiskLine, ...]:
        counted = await rows.cases_by_age(connection, [at - timedelta(days=days) for days in BANDS])
        found = []
        for kind in _KINDS:
            of_kind = [row for row in counted if row.kind == kind]
            bands = [0] * (len(BANDS) + 1)
            for row in of_kind:
                bands[row.band] += row.count
            money = sum(row.money_minor for row in of_kind)
            if of_kind:
                total = Money.of_minor(money, self._settings.organisation_currency)
                found.append(RiskLine(kind, sum(bands), total, tuple(bands)))
        return tuple(found)

    async def _arrivals(self, connection: AsyncConnection, at: datetime) -> tuple[ArrivalDay, ...]:
        today = at.astimezone(ZoneInfo(self._settings.default_zone)).date()
        coming = await rows.arrivals(connection, at, today + AHEAD)
        return tuple(ArrivalDay(row.on, row.place, row.products, row.units, row.on < today) for row in coming)


_KINDS: tuple[CaseKind, ...] = (
    "stockout_risk", "surge", "slump", "late_inbound", "slow_mover", "overstock", "data_stale",
)  # fmt: skip


def _supplier(line: SupplierLine, arrived: list[Delivery], zone: ZoneInfo) -> SupplierLine:
    """The line with what the deliveries tell."""
    if not arrived:
        return line
    took = np.array([(one.arrived_at - one.ordered_at).total_seconds() / 86_400 for one in arrived])
    late = np.array(
        [(one.arrived_at.astimezone(zone).date() - one.promised).days for one in arrived if one.promised is not None]
    )
    return SupplierLine(
        line.supplier,
        line.name,
        line.place,
        line.mode,
        line.stated_least,
        line.stated_most,
        deliveries=len(arrived),
        mean=float(took.mean()),
        p10=float(np.quantile(took, 0.1)),
        p90=float(np.quantile(took, 0.9)),
        on_time=float((late <= 0).mean()) if len(late) else None,
        days_late=float(late[late > 0].mean()) if (late > 0).any() else None,
        last=max(one.arrived_at for one in arrived),
    )
