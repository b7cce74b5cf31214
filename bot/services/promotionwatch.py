"""What is due for promotions by itself: stops, word of a price that is not back, and the report of what one brought."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.lifts import lift_card
from bot.chat.cards.promotions import late_card
from bot.domain import promotion as rules
from bot.domain.demand import DemandSettings, day_masks
from bot.domain.localtime import instant_of
from bot.domain.promotion import Lift, StopReason
from bot.errors import StocktideError
from bot.services.audit import Audit
from bot.services.days import days_before
from bot.services.promoting import Promoting
from bot.services.promotionforms import view_of
from bot.services.requests import Requests
from bot.storage import catalogue as facts
from bot.storage import promotions as rows
from bot.storage import requests as request_rows
from bot.storage.database import Database
from bot.storage.promotions import PromotionRow

_log = structlog.get_logger(__name__)

LATE = timedelta(minutes=15)  # a price that is not back by then is told
REPORT_AT = time(9)  # at the location, the day after
_REACH = 3  # the days before are looked for within so many times the promotion's length, and a month
_MONTH = 30


@dataclass(frozen=True, slots=True)
class PromotionTick:
    """What one tick did."""

    stopped: int = 0
    late: int = 0
    reported: int = 0
    restoring: int = 0  # of which the price is tried to be put back once more


class PromotionWatch:
    """Looks after promotions that have begun; cheap where none has."""

    def __init__(
        self, *, database: Database, audit: Audit, requests: Requests, promoting: Promoting, demand: DemandSettings
    ) -> None:
        self._database = database
        self._audit = audit
        self._requests = requests
        self._promoting = promoting
        self._demand = demand

    async def tick(self, now: datetime) -> PromotionTick:
        """Do what is due; each promotion in a transaction of its own, so that one that fails keeps no other waiting."""
        async with self._database.reading() as connection:
            unfinished = await rows.unfinished(connection)
            unreported = await rows.unreported(connection)
            due = await self._due(connection, unfinished, now)
        stopped = [await self._safely(self._stop(each, reason, now)) for each, reason in due]
        late = [each for each in unfinished if each.stopping_at is not None and each.stopping_at + LATE <= now]
        told = [await self._safely(self._late(each)) for each in late]
        again = [await self._safely(self._again(each, now)) for each in late if each.restored is False]
        reports = [each for each in unreported if reported_from(each) <= now]
        reported = [await self._safely(self._report(each, now)) for each in reports]
        return PromotionTick(sum(stopped), sum(told), sum(reported), sum(again))

    async def _due(
        self, connection: AsyncConnection, unfinished: list[PromotionRow], now: datetime
    ) -> list[tuple[PromotionRow, StopReason]]:
        """Promotions that must stop, and why: the sold units and the needs of all of them in one query each."""
        open_ones = [each for each in unfinished if each.stopping_at is None]
        if not open_ones:
            return []
        ids = [each.request_id for each in open_ones]
        sold, needed = await rows.sold(connection, ids), await rows.needed(connection, ids)
        found: list[tuple[PromotionRow, StopReason]] = []
        for each in open_ones:
            units, wanted = sold.get(each.request_id, 0), each.request_id in needed
            reason = rules.stop_reason(now, each.ends_at, units, each.stop_after, needed=wanted)
            if each.state not in rows.LIVE:  # the request was cancelled before its price was touched
                reason = "person"
            if reason is not None:
                found.append((each, reason))
        return found

    async def _safely(self, work: Any) -> bool:  # noqa: ANN401  # a coroutine that gives a bool
        try:
            return bool(await work)
        except (StocktideError, SQLAlchemyError):
            _log.exception("a promotion cannot be looked after")
            return False

    async def _stop(self, promotion: PromotionRow, reason: StopReason, now: datetime) -> bool:
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, promotion.request_id)
            fresh = await rows.of_request(connection, promotion.request_id)
            if fresh is None or fresh.stopping_at is not None or fresh.stopped_at is not None:
                return False
            if held.state not in rows.LIVE:
                over = {"stopped_at": now, "restored": True, "stop_reason": reason}
                await rows.change(connection, held.id, over)
                return True
            deeds = await self._promoting.stop(connection, held, fresh, reason)
            if deeds:
                await self._audit.append_all(connection, deeds)
        return bool(deeds)

    async def _again(self, promotion: PromotionRow, now: datetime) -> bool:
        """Try once more to put a price back, where that was given up and its time has come."""
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, promotion.request_id)
            fresh = await rows.of_request(connection, promotion.request_id)
            trouble = held.detail.get("life", {}).get("trouble") or {}
            again_at = trouble.get("again_at")
            if fresh is None or fresh.stopped_at is not None or not again_at or now < datetime.fromisoformat(again_at):
                return False
            reason: StopReason = fresh.stop_reason  # type: ignore[assignment]  # written by `Promoting` alone
            deeds = await self._promoting.stop(connection, held, fresh, reason)
            if deeds:
                await self._audit.append_all(connection, deeds)
        return bool(deeds)

    async def _late(self, promotion: PromotionRow) -> bool:
        """Say once that a price is not back."""
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, promotion.request_id)
            life = held.detail.get("life", {})
            if life.get("late") or life.get("trouble") or promotion.started_at is None:
                return False
            late = {**held.detail, "life": {**life, "late": True}}
            await request_rows.settle(connection, held.id, held.version, held.state, {"detail": late})
            since = promotion.stopping_at or promotion.ends_at
            card = late_card(view_of(promotion, held, 0), since)
            key = f"promotion:R-{held.id}:late"
            await self._promoting.tell(connection, held.id, promotion.location, card, key)
        return True

    async def _report(self, promotion: PromotionRow, now: datetime) -> bool:
        """Post what a promotion brought, once."""
        async with self._database.reading() as connection:
            brought = await self._lift(connection, promotion, now)
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, promotion.request_id)
            fresh = await rows.of_request(connection, promotion.request_id)
            if fresh is None or fresh.reported_at is not None:
                return False
            told = lift_json(brought)
            result = {**(fresh.result or {}), "lift": told}
            await rows.change(connection, held.id, {"reported_at": now, "result": result})
            life = {**held.detail.get("life", {}), "lift": told}
            await request_rows.settle(
                connection, held.id, held.version, held.state, {"detail": {**held.detail, "life": life}}
            )
            await self._requests.show(connection, [held])
            view = await self._requests.view(connection, held.id)
            reason: StopReason = fresh.stop_reason  # type: ignore[assignment]  # written by `Promoting` alone
            card = lift_card(view, brought, reason)
            await self._promoting.tell(connection, held.id, promotion.location, card, f"lift:R-{held.id}")
            await self._audit.append(connection, "promotion.reported", f"request:{held.id}", told)
        return True

    async def _lift(self, connection: AsyncConnection, promotion: PromotionRow, now: datetime) -> Lift:
        """Units a day while it ran, from its first local day to its last, against the days with stock before it."""
        zone = ZoneInfo(promotion.zone)
        started, stopped = promotion.started_at or promotion.ends_at, promotion.stopped_at or promotion.ends_at
        first, last = started.astimezone(zone).date(), stopped.astimezone(zone).date()
        days = (last - first).days + 1
        since = (now.astimezone(zone).date() - last).days - 1  # whole days since the last one
        span = days * _REACH + _MONTH + since
        places = await facts.places(connection)
        book = await days_before(connection, places, now, span, [promotion.product_id], [promotion.location_id])
        if not len(book.product_ids):
            return _brought(promotion, [0] * days, [True] * days, days)
        masks = day_masks(book.history, self._demand)
        cut = span - since
        units, usable = book.history.units[0][:cut].tolist(), masks.usable[0][:cut].tolist()
        return _brought(promotion, units, usable, days)


def _brought(promotion: PromotionRow, units: list[int], usable: list[bool], days: int) -> Lift:
    before, during = rules.spells(units, usable, days)
    prior = promotion.prior_minor or promotion.price_minor
    return rules.lift(before, during, prior, promotion.price_minor, promotion.unit_cost_minor or 0)


def reported_from(promotion: PromotionRow) -> datetime:
    """When its report is due: at nine in the morning of the day after, where the stock lies."""
    zone = ZoneInfo(promotion.zone)
    over = (promotion.stopped_at or promotion.ends_at).astimezone(zone).date()
    return instant_of(zone, over + timedelta(days=1), REPORT_AT)


def lift_json(brought: Lift) -> Mapping[str, Any]:
    """What a promotion brought, as plain JSON."""
    plain = dataclasses.asdict(brought)
    return {
        **plain,
        "factor": None if brought.factor is None else str(round(brought.factor, 4)),
        "during_per_day": str(round(brought.during.per_day, 4)),
        "before_per_day": str(round(brought.before.per_day, 4)),
    }
