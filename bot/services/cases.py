"""Cases: opened, updated and resolved by scans, put to sleep and acknowledged by people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location
from bot.chat.nodes import Code
from bot.domain.approval import OPEN_STATES
from bot.domain.cases import Standing, judge
from bot.domain.views import CaseEnd, CaseKind, CaseView, Page
from bot.errors import BadArgument, NotAllowed, UnknownReference
from bot.ports import Clock
from bot.services import telling
from bot.services.audit import Audit
from bot.services.outbox import Outbox
from bot.services.pages import offset, paged
from bot.services.settings import ServiceSettings
from bot.services.telling import News
from bot.storage import authority, caseprints, locks, requestviews
from bot.storage import cases as rows
from bot.storage.cases import CaseRow
from bot.storage.database import Database
from bot.words import _

_MAY_TEND = frozenset({"operator", "buyer", "approver", "promo_manager", "admin"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scan found of one kind of trouble at one place.

    `opens` and `holds` are the severities by the opening and by the relaxed limits; `evidence` is JSON text. `ends_on`
    is the local day on which the stock would end, of a stock-out risk; `fingerprint` stands for what `evidence` tells,
    where that is known; `ended` is why the case is over where nothing can be found any more. Facts too old to judge
    make no finding, and a case without a finding stays as it is.
    """

    kind: CaseKind
    key: str
    product_id: int | None
    location_id: int | None
    opens: int
    holds: int
    money_minor: int
    evidence: str
    ends_on: date | None = None
    fingerprint: int | None = None
    ended: CaseEnd | None = None


@dataclass(slots=True)
class Applied:
    """What became of the cases: ids, and what people are to be told; `snoozed` says until when those were asleep."""

    opened: list[int] = field(default_factory=list)
    worsened: list[int] = field(default_factory=list)
    eased: list[int] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)  # those that stay, with other figures
    news: list[News] = field(default_factory=list)
    snoozed: dict[int, datetime] = field(default_factory=dict)

    def add(self, more: Applied) -> None:
        """Take in what became of further cases."""
        for mine in fields(self):
            if mine.name != "snoozed":
                getattr(self, mine.name).extend(getattr(more, mine.name))
        self.snoozed |= more.snoozed

    @property
    def changed(self) -> bool:
        """Whether any case is another than before."""
        return bool(self.opened or self.resolved or self.written)


class Cases:
    """Keeps the cases."""

    def __init__(
        self, *, database: Database, clock: Clock, audit: Audit, outbox: Outbox, settings: ServiceSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._settings = settings

    async def get(self, case_id: int) -> CaseView:
        """One case with the figures of its last scan; UnknownReference where there is none of that number."""
        async with self._database.reading() as connection:
            return await self._view(connection, case_id)

    async def open(
        self, kinds: Collection[CaseKind], location: Location | None = None, page: int = 1, size: int = 10
    ) -> Page:
        """Unresolved cases of the kinds as CaseViews, most money at risk first."""
        async with self._database.reading() as connection:
            place = None if location is None else location.id
            total, ids = await rows.page(connection, kinds, place, offset(page, size), size)
            found = await rows.views(connection, ids)
            return paged([found[case_id] for case_id in ids], page, size, total)

    async def history(self, since: datetime, limit: int = 10) -> tuple[tuple[CaseView, ...], int, int]:
        """Since an instant: the costliest cases opened and not resolved, how many those are, and how many resolved."""
        async with self._database.reading() as connection:
            opened, resolved, ids = await rows.changes(connection, since, limit)
            found = await rows.views(connection, ids)
            return tuple(found[case_id] for case_id in ids), opened, resolved

    async def snooze(self, case_id: int, until: datetime, member_id: int, platform: str) -> CaseView:
        """Keep a case silent until an instant, unless it worsens; BadArgument where that has passed."""
        if until <= self._clock.now():
            raise BadArgument(_("A case can only be snoozed until a moment to come."), "snooze")
        values = {"snoozed_until": until}
        return await self._tend(case_id, values, "case.snoozed", {"until": until.isoformat()}, (member_id, platform))

    async def acknowledge(self, case_id: int, member_id: int, platform: str) -> CaseView:
        """Say that somebody has seen the case and takes care of it; one that is being acted on stays so."""
        return await self._tend(case_id, {"state": "acknowledged"}, "case.acknowledged", {}, (member_id, platform))

    async def apply(
        self,
        connection: AsyncConnection,
        findings: Sequence[Finding],
        known: Mapping[str, CaseRow],
        at: datetime,
    ) -> Applied:
        """Open, update and resolve cases in the caller's transaction, which holds the scan's lock.

        `known` are the unresolved cases by key as they were read since that lock was last let go: only scans open and
        resolve cases, so they are still the same ones. A case is unique while unresolved. Nothing is announced here:
        the scan first drafts what its cards propose. Until `announce` has run a case counts as untold, so a scan that
        is cut off leaves the telling to the next.
        """
        standing = await self._held(connection, [known[item.key].id for item in findings if item.key in known])
        applied, fresh, figures = Applied(), [], []
        written: dict[int, int | None] = {}
        over: dict[CaseEnd | None, list[int]] = {}
        for finding in findings:
            case = standing.get(finding.key)
            verdict = judge(_standing(case), finding.opens, finding.holds, at)
            if case is None:
                if verdict.change == "opens":
                    fresh.append((finding, verdict.severity))
                continue
            if verdict.change == "resolves":
                applied.resolved.append(case.id)
                over.setdefault(finding.ended, []).append(case.id)
                written[case.id] = None
                continue
            figures.append(
                {
                    "case_id": case.id,
                    "severity": verdict.severity,
                    "money_minor": finding.money_minor,
                    "currency": self._settings.organisation_currency,
                    "evidence": finding.evidence,
                    "updated_at": at,
                }
            )
            written[case.id] = finding.fingerprint
            applied.written.append(case.id)
            if verdict.change == "worsens":
                applied.worsened.append(case.id)
            elif verdict.change == "eases":
                applied.eased.append(case.id)
            if verdict.tell is not None:
                mark = str(verdict.severity)
                if verdict.tell == "snooze_ended" and case.snoozed_until is not None:
                    mark = case.snoozed_until.isoformat()
                news = News(case.id, case.kind, verdict.severity, finding.money_minor, verdict.tell, mark)
                applied.news.append(news)
                if case.snoozed_until is not None:
                    applied.snoozed[case.id] = case.snoozed_until
        await rows.update_all(connection, figures)
        for ended, ids in over.items():
            await rows.resolve_all(connection, ids, at, ended)
        written |= await self._open(connection, fresh, at, applied)
        await caseprints.keep(connection, written)
        return applied

    async def refresh(self, connection: AsyncConnection, applied: Applied) -> None:
        """Bring the cards that stand already up to date."""
        await telling.refresh(connection, self._outbox, sorted({*applied.worsened, *applied.eased, *applied.resolved}))

    async def announce(self, connection: AsyncConnection, applied: Applied, at: datetime, individual: int) -> int:
        """Tell people, and keep that they were told; how many messages were written.

        The `individual` costliest cases of a topic get a card each.

        A case that was put to sleep since it was judged is left alone.
        """
        ids = {item.case_id for item in applied.news}
        await locks.requests(connection, [item.id for item in await requestviews.untold(connection)])
        await locks.cases(connection, ids)
        standing = await rows.unresolved_of(connection, ids)
        news = [
            item
            for item in applied.news
            if item.case_id in standing and standing[item.case_id].snoozed_until == applied.snoozed.get(item.case_id)
        ]
        await rows.update_all(connection, [_told(standing[item.case_id], item.severity, at) for item in news])
        told = await telling.tell(connection, self._outbox, news, individual, self._settings.organisation_currency, at)
        return told + await telling.offer(connection, self._outbox, individual, at)

    async def _held(self, connection: AsyncConnection, ids: Sequence[int]) -> dict[str, CaseRow]:
        """The unresolved ones of the cases by key, held with their open requests until the end of the transaction."""
        await locks.requests_of(connection, ids, OPEN_STATES)
        await locks.cases(connection, ids)
        return {case.key: case for case in (await rows.unresolved_of(connection, ids)).values()}

    async def _open(
        self, connection: AsyncConnection, fresh: Sequence[tuple[Finding, int]], at: datetime, applied: Applied
    ) -> dict[int, int | None]:
        """Open cases; their fingerprints, by their ids."""
        values = [
            {
                "key": finding.key,
                "kind": finding.kind,
                "product_id": finding.product_id,
                "location_id": finding.location_id,
                "state": "open",
                "severity": severity,
                "notified_severity": 0,
                "money_minor": finding.money_minor,
                "currency": self._settings.organisation_currency,
                "evidence": finding.evidence,
                "foretold_on": finding.ends_on,
                "opened_at": at,
                "updated_at": at,
            }
            for finding, severity in fresh
        ]
        ids = await rows.open_all(connection, values)
        for finding, severity in fresh:
            case_id = ids.get(finding.key)
            if case_id is not None:
                applied.opened.append(case_id)
                applied.news.append(News(case_id, finding.kind, severity, finding.money_minor, "opened"))
        return {ids[finding.key]: finding.fingerprint for finding, _severity in fresh if finding.key in ids}

    async def _tend(
        self, case_id: int, values: Mapping[str, Any], action: str, data: Mapping[str, Any], by: tuple[int, str]
    ) -> CaseView:
        """A person's change of an unresolved case, with its audit entry."""
        member_id, platform = by
        async with self._database.transaction() as connection:
            if await authority.role_of(connection, member_id) not in _MAY_TEND:
                raise NotAllowed(_("Your role only reads; an administrator can make you an operator."))
            await locks.case(connection, case_id)
            before = await self._view(connection, case_id)
            if before.state == "resolved":
                raise UnknownReference(_("{case} is resolved already.", case=Code(f"C-{case_id}")))
            if before.state == "acting":
                values = {name: value for name, value in values.items() if name != "state"}
            await rows.change(connection, case_id, {**values, "updated_at": self._clock.now()})
            await telling.refresh(connection, self._outbox, [case_id])
            await self._audit.append(connection, action, f"case:{case_id}", data, member_id, platform)
            return await self._view(connection, case_id)

    async def _view(self, connection: AsyncConnection, case_id: int) -> CaseView:
        found = await rows.views(connection, [case_id])
        if case_id not in found:
            raise UnknownReference(_("There is no case {number}.", number=Code(f"C-{case_id}")))
        return found[case_id]


def _standing(case: CaseRow | None) -> Standing | None:
    return None if case is None else Standing(case.severity, case.notified_severity, case.snoozed_until)


def _told(case: CaseRow, severity: int, at: datetime) -> dict[str, Any]:
    """What telling changes: the audience knows the class, the snooze is over, and a worse case is open anew."""
    return {
        "case_id": case.id,
        "notified_severity": max(severity, case.notified_severity),
        "notified_at": at,
        "snoozed_until": None,
        "state": "open" if case.state == "acknowledged" else case.state,
    }
