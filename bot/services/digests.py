"""Digests: each member's own morning, exactly once per local date.

The next digest of a member is precomputed; null means that it is to be planned. A tick takes who is due by one indexed
query. Per member one transaction moves that instant on (which only one worker can do), writes the morning into the
ledger and the message into the outbox. A morning missed by more than `digest_patience` is written down as `merged`,
and the next digest says that it stands in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import digest_card
from bot.domain.chart import StockChart
from bot.domain.money import Money
from bot.domain.views import Arrival, CaseView, DigestView, TurnoverLine
from bot.errors import StocktideError
from bot.ports import Clock
from bot.services.catalogue import Catalogue
from bot.services.conversations import Conversations
from bot.services.decisions import Decisions
from bot.services.members import Members, working_days, zone_of
from bot.services.mornings import Mornings
from bot.services.outbox import Outbox
from bot.services.settings import ServiceSettings
from bot.storage import cases
from bot.storage import digests as rows
from bot.storage.conversations import ConversationRow
from bot.storage.database import Database
from bot.storage.digests import Due

_log = structlog.get_logger(__name__)

SHOWN = 5  # of each list
ARRIVAL_DAYS = 7
TURNOVER_DAYS = 90
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Board:
    """What every digest of one moment shares."""

    risks: tuple[CaseView, ...]
    risks_total: Money
    slow: tuple[CaseView, ...]
    slow_total: Money
    arrivals: tuple[tuple[str, str, Arrival], ...]
    turnover: TurnoverLine | None
    turnover_before: TurnoverLine | None
    chart: StockChart | None  # of the largest risk


@dataclass
class DigestTick:
    """What one tick did; `put_off` counts members whose morning joins the next one."""

    planned: int = 0
    sent: int = 0
    late: int = 0
    put_off: int = 0
    unreachable: int = 0
    failed: int = 0


class Digests:
    """Plans, gathers and sends the morning digests."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        members: Members,
        conversations: Conversations,
        outbox: Outbox,
        decisions: Decisions,
        catalogue: Catalogue,
        settings: ServiceSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._members = members
        self._conversations = conversations
        self._outbox = outbox
        self._decisions = decisions
        self._catalogue = catalogue
        self._settings = settings
        self._turnover: tuple[date, TurnoverLine | None, TurnoverLine | None] | None = None

    async def set_time(self, member_id: int, at: time | None) -> datetime | None:
        """Set when a member wants the digest (None: not at all); the next one, today's no more if it was sent."""
        async with self._database.transaction() as connection:
            await rows.choose_time(connection, member_id, at)
            member = await rows.one(connection, member_id)
            return await self._plan(connection, member, self._clock.now()) if member else None

    async def view(self, member_id: int, at: datetime) -> DigestView:
        """A member's digest as of `at`, for `digest now` and the home page; nothing is recorded."""
        board = await self._board(at)
        async with self._database.reading() as connection:
            last = await rows.last_sent(connection, member_id)
        member = await self._members.get(member_id)
        on = at.astimezone(ZoneInfo(member.zone)).date()
        return await self._gather(member_id, on, _since(last, at), board, late=False, merged=())

    async def tick(self, now: datetime) -> DigestTick:
        """Plan who is unplanned and send what is due; a member's trouble is logged and delays nobody else."""
        done = DigestTick()
        last = 0
        while members := await self._unplanned(last):
            last = members[-1].member_id
            async with self._database.transaction() as connection:
                for member in members:
                    # Settings may change between a morning and its tick: that morning is still owed.
                    owed_from = max(member.created_at, now - self._settings.digest_patience)
                    done.planned += await self._plan(connection, member, owed_from) is not None
        board: Board | None = None
        last = 0
        while members := await self._due(now, last):
            last = members[-1].member_id
            board = board or await self._board(now)
            for member in members:
                await self._guarded(member, now, board, done)
        return done

    async def _unplanned(self, last: int) -> list[Due]:
        async with self._database.reading() as connection:
            return await rows.unplanned(connection, last)

    async def _due(self, now: datetime, last: int) -> list[Due]:
        async with self._database.reading() as connection:
            return await rows.due(connection, now, last)

    async def _guarded(self, member: Due, now: datetime, board: Board, done: DigestTick) -> None:
        with structlog.contextvars.bound_contextvars(member=member.member_id):
            try:
                outcome = await self._send(member, now, board)
            except Exception:  # noqa: BLE001  # the others' mornings must not wait for this one
                _log.exception("a digest failed; the next tick tries again")
                done.failed += 1
                return
        match outcome:
            case "sent":
                done.sent += 1
            case "late":
                done.late += 1
            case "merged":
                done.put_off += 1
            case "skipped":
                done.unreachable += 1

    def _mornings(self, member: Due) -> Mornings:
        holidays = self._members.days_off.of(member.country) if member.country else frozenset()
        zone = zone_of(member.zone, self._settings.default_zone)
        return Mornings(zone, member.digest_at, working_days(member.workdays), holidays)

    async def _plan(self, connection: AsyncConnection, member: Due, after: datetime) -> datetime | None:
        """Compute the member's next morning after an instant, none that was sent already; None where there is none."""
        mornings = self._mornings(member)
        try:
            following = mornings.after(after)
            while await rows.known(connection, member.member_id, mornings.date_of(following)):
                following = mornings.after(following)
        except ValueError as error:
            _log.debug("no morning to plan", member=member.member_id, reason=str(error))
            return None
        return following if await rows.advance(connection, member.member_id, None, following) else None

    async def _send(self, member: Due, now: datetime, board: Board) -> str:
        """Deal with what is due to one member; the latest morning's state, empty where another worker did it."""
        assert member.next_at is not None  # noqa: S101  # being due means having an instant
        mornings = self._mornings(member)
        missed = mornings.missed(member.next_at, now)
        morning = missed[-1]
        late = now - morning
        state = "sent" if late <= self._settings.digest_late else "late"
        place: ConversationRow | None = None
        if late > self._settings.digest_patience:
            state = "merged"
        else:
            place = await self._conversations.direct(member.member_id)
            state = state if place else "skipped"
        view = None
        if place is not None:
            view = await self._morning_view(member, mornings, missed, now, board)
        async with self._database.transaction() as connection:
            if not await rows.advance(connection, member.member_id, member.next_at, mornings.after(now)):
                return ""
            for earlier in missed[:-1]:
                await rows.record(connection, member.member_id, mornings.date_of(earlier), earlier, now, "merged")
            on = mornings.date_of(morning)
            if not await rows.record(connection, member.member_id, on, morning, now, state):
                return ""
            if place is not None and view is not None:
                subject = f"digest:{member.member_id}:{on}"
                row_id = await self._outbox.put(
                    connection, place.id, digest_card(view), "post", subject, dedupe_key=subject
                )
                await rows.attach(connection, member.member_id, on, row_id)
        _log.info("morning", state=state, date=str(on), stands_for=len(missed))
        return state

    async def _morning_view(
        self, member: Due, mornings: Mornings, missed: Sequence[datetime], now: datetime, board: Board
    ) -> DigestView:
        async with self._database.reading() as connection:
            last = await rows.last_sent(connection, member.member_id)
            merged = await rows.merged_since(connection, member.member_id, last[0] if last else None)
        earlier = {mornings.date_of(morning) for morning in missed[:-1]}
        on = mornings.date_of(missed[-1])
        late = now - missed[-1] > self._settings.digest_late
        stands_for = tuple(sorted({*merged, *earlier} - {on}))
        return await self._gather(member.member_id, on, _since(last, now), board, late=late, merged=stands_for)

    async def _gather(
        self, member_id: int, on: date, since: datetime, board: Board, *, late: bool, merged: tuple[date, ...]
    ) -> DigestView:
        waiting = await self._decisions.waiting(member_id, 1, SHOWN)
        async with self._database.reading() as connection:
            opened_total, ids = await rows.opened_since(connection, since, SHOWN)
            opened = await cases.views(connection, ids)
            resolved = await rows.resolved_since(connection, since)
        return DigestView(
            member=await self._members.get(member_id),
            local_date=on,
            late=late,
            merged_dates=merged,
            since=since,
            opened=tuple(opened[case_id] for case_id in ids),
            opened_total=opened_total,
            resolved=resolved,
            to_decide=waiting.items,
            to_decide_total=waiting.total,
            risks=board.risks,
            risks_total=board.risks_total,
            arrivals=board.arrivals,
            slow=board.slow,
            slow_total=board.slow_total,
            turnover=board.turnover,
            turnover_before=board.turnover_before,
            chart=board.chart,
        )

    async def _board(self, at: datetime) -> Board:
        currency = self._settings.organisation_currency
        today = at.astimezone(ZoneInfo(self._settings.default_zone)).date()
        async with self._database.reading() as connection:
            risks_minor, risk_ids = await rows.largest(connection, ("stockout_risk",), SHOWN)
            slow_minor, slow_ids = await rows.largest(connection, ("slow_mover", "overstock"), SHOWN)
            views = await cases.views(connection, [*risk_ids, *slow_ids])
            coming = await rows.arrivals(connection, at, today + timedelta(days=ARRIVAL_DAYS), SHOWN)
        turnover, before = await self._turns(at, today)
        risks = tuple(views[case_id] for case_id in risk_ids)
        return Board(
            risks=risks,
            risks_total=Money.of_minor(risks_minor, currency),
            slow=tuple(views[case_id] for case_id in slow_ids),
            slow_total=Money.of_minor(slow_minor, currency),
            arrivals=tuple(
                (item.sku, item.location, Arrival(item.quantity, item.on, late=item.on < today)) for item in coming
            ),
            turnover=turnover,
            turnover_before=before,
            chart=await self._catalogue.chart(risks[0].id, at) if risks else None,
        )

    async def _turns(self, at: datetime, today: date) -> tuple[TurnoverLine | None, TurnoverLine | None]:
        """Turnover of everything, now and a month ago; it moves by the day, so it is computed once a day."""
        if self._turnover is None or self._turnover[0] != today:
            self._turnover = (today, await self._turn(at), await self._turn(at - MONTH))
        return self._turnover[1], self._turnover[2]

    async def _turn(self, at: datetime) -> TurnoverLine | None:
        try:
            lines = await self._catalogue.turnover(None, None, at, TURNOVER_DAYS)
        except StocktideError:
            _log.warning("turnover cannot be told", at=at.isoformat())
            return None
        return lines[-1] if lines else None


def _since(last: tuple[date, datetime] | None, at: datetime) -> datetime:
    """What is new is counted from the last digest, or from a day ago."""
    return last[1] if last else at - timedelta(days=1)
