"""The watch: judge the whole catalogue at one instant, keep its cases, draft what they need, and tell people.

Facts are read and judged first, outside any writing transaction. Cases are then written in batches, and after them
what they need: drafted over the whole catalogue, so that lines of one supplier share an order, but written in batches
too. So a scan of many thousands never keeps chats waiting for the database. The announcements and the audit entry come
last, together. A scan that is cut off is finished by the next one: what was not announced still counts as untold. Two
scans never mix: one that finds that another has written since its facts were read begins again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Refused, may_propose_again
from bot.domain.arrays import Ints
from bot.domain.cases import NUMERIC_KINDS, Severity
from bot.domain.sheet import json_text
from bot.domain.sourcing import Moves, SourcingSettings, find_moves, row_numbers, without_requests
from bot.domain.views import CaseKind
from bot.domain.watch import Assessment
from bot.errors import StocktideError
from bot.ports import Clock
from bot.services import snapshot
from bot.services.audit import Audit
from bot.services.cases import Applied, Cases, Finding
from bot.services.drafting import Drafting, Need
from bot.services.figures import evidence_of_kind
from bot.services.requests import Requests
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import cases as case_rows
from bot.storage import catalogue as facts
from bot.storage import locks, proposals
from bot.storage import suppliers as supplier_rows
from bot.storage.cases import CaseRow
from bot.storage.database import Database
from bot.storage.requests import Draft

_log = structlog.get_logger(__name__)

_BATCH = 400  # findings, or lines of requests, written in one transaction: about a tenth of a second
_TURNS = 8  # a scan begins anew when others come between
_PAUSE = 0.05  # seconds at most before it does, twice as long each time
Progress = Callable[[str], None]  # called with the name of each phase as it begins


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan did. `silenced` series were not judged: their facts are too old, or their stock was never counted.

    `phases` gives seconds for load, assess, judge, apply, draft and tell.
    """

    at: datetime
    series: int
    silenced: int
    opened: int
    worsened: int
    resolved: int
    requests_drafted: int
    announced: int
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Drafted:
    """A draft, and what becomes of it: submitted at once, or kept until a person submits it."""

    draft: Draft
    then: Literal["submit", "keep"]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What the facts say, before anything is written."""

    taken: Snapshot
    assessed: Assessment
    moves: Moves
    findings: Sequence[Finding]


class _Phases:
    """Seconds per phase."""

    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._since = time.perf_counter()
        self._name = ""

    def begin(self, name: str) -> None:
        """End the phase before and begin another; an empty name only ends."""
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now - self._since, 3)
        self._name, self._since = name, now
        if name and name not in self.seconds and self._progress is not None:
            self._progress(name)


class Watch:
    """Scans."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        cases: Cases,
        requests: Requests,
        settings: ServiceSettings,
        sourcing: SourcingSettings | None = None,
        batch: int = _BATCH,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._cases = cases
        self._requests = requests
        self._settings = settings
        self._sourcing = sourcing or SourcingSettings()
        self._batch = batch

    async def scan(self, at: datetime, progress: Progress | None = None) -> ScanReport:
        """One pass over the whole catalogue as of `at` (aware)."""
        for turn in range(_TURNS):
            report = await self._scan(at, _Phases(progress))
            if report is not None:
                return report
            _log.info("another scan wrote meanwhile; this one begins again")
            await asyncio.sleep(random.uniform(0, _PAUSE * 2**turn))  # noqa: S311  # so that two do not keep meeting
        raise StocktideError("other scans are under way")

    async def _scan(self, at: datetime, phases: _Phases) -> ScanReport | None:
        """The scan; None where another one came between."""
        phases.begin("load")
        async with self._database.reading() as connection:
            scans = await locks.scans(connection)
            taken = await snapshot.take(connection, self._settings, self._sourcing, at)
            standing = await case_rows.unresolved(connection)
            feeds = await facts.feeds(connection)
        judged = await asyncio.to_thread(self._judge, taken, standing, feeds, phases)
        applied, drafted = Applied(), 0
        for findings in _batches(judged.findings, self._batch):
            phases.begin("apply")
            async with self._database.transaction() as connection:
                if not await locks.scan(connection, scans):
                    return None
                part = await self._cases.apply(connection, findings, standing, at)
                deeds = await self._requests.withdraw(connection, part.resolved)
                await self._cases.refresh(connection, part)
                if deeds:
                    await self._audit.append_all(connection, deeds)
            scans += 1
            applied.add(part)
        phases.begin("draft")
        for drafts in _batches_of(await self._drafts(judged, applied), self._batch):
            async with self._database.transaction() as connection:
                if not await locks.scan(connection, scans):
                    return None
                drafted += await self._write(connection, drafts)
            scans += 1
        phases.begin("tell")
        async with self._database.transaction() as connection:
            if not await locks.scan(connection, scans):
                return None
            announced = await self._cases.announce(connection, applied, at)
            await self._record(connection, applied, drafted, at)
        phases.begin("")
        return ScanReport(
            at=at,
            series=judged.assessed.series,
            silenced=_silenced(taken),
            opened=len(applied.opened),
            worsened=len(applied.worsened),
            resolved=len(applied.resolved),
            requests_drafted=drafted,
            announced=announced,
            phases=phases.seconds,
        )

    def _judge(
        self,
        taken: Snapshot,
        standing: Mapping[str, CaseRow],
        feeds: Sequence[facts.FeedRow],
        phases: _Phases,
    ) -> _Judged:
        """The arithmetic; it runs in a thread, so that chats are answered meanwhile."""
        phases.begin("assess")
        assessed = taken.assess(self._settings.watch)
        stale = taken.positions.stale
        fresh = np.ones(assessed.series, dtype=np.bool_) if stale is None else ~stale
        moves = find_moves(assessed, taken.network, fresh, taken.promised)
        phases.begin("judge")
        findings = [*_findings(taken, assessed, standing), *_feed_findings(taken, feeds)]
        return _Judged(taken, assessed, moves, findings)

    async def _drafts(self, judged: _Judged, applied: Applied) -> list[_Drafted]:
        """What every case that wants and may have a proposal is to get, most money at risk first."""
        taken, woken = judged.taken, {item.case_id for item in applied.news}
        async with self._database.reading() as connection:
            standing = (await case_rows.unresolved(connection)).values()
            awake = [
                case
                for case in standing
                if case.snoozed_until is None or case.snoozed_until <= taken.at or case.id in woken
            ]
            busy = await proposals.busy(connection)
            refused = await proposals.refusals(connection)
            minimums = await supplier_rows.minimums(connection)
        cool_down = timedelta(days=self._sourcing.cool_down_days)
        wanting = [
            case
            for case in awake
            if case.id not in busy
            and may_propose_again(
                Refused(*refused[case.id]) if case.id in refused else None, case.severity, taken.at, cool_down
            )
        ]
        drafting = Drafting(taken, judged.assessed, judged.moves, self._sourcing, minimums)
        return await asyncio.to_thread(self._proposed, drafting, taken, wanting)

    def _proposed(self, drafting: Drafting, taken: Snapshot, wanting: Sequence[CaseRow]) -> list[_Drafted]:
        """The arithmetic; it runs in a thread, so that chats are answered meanwhile."""
        least = self._settings.least_minor
        restock = drafting.restock(_needs(taken, wanting, ("stockout_risk",)), least)
        clear = drafting.clear(_needs(taken, wanting, ("slow_mover", "overstock")), least)
        return [_Drafted(draft, "submit") for draft in restock] + [_Drafted(draft, "keep") for draft in clear]

    async def _write(self, connection: AsyncConnection, drafts: Sequence[_Drafted]) -> int:
        """Write drafts down; purchases and restocking transfers are submitted. How many requests that made.

        A case that was solved or asked for since it was read is left out, and with it its line.
        """
        cases = {line.case_id for item in drafts for line in item.draft.lines if line.case_id is not None}
        await locks.cases(connection, cases)
        free = await case_rows.free(connection, cases)
        kept = [_Drafted(draft, item.then) for item in drafts if (draft := _only(item.draft, free)) is not None]
        ids = await self._requests.draft(connection, [item.draft for item in kept])
        asked = [number for number, item in zip(ids, kept, strict=True) if item.then == "submit"]
        await self._requests.submit(connection, asked)
        await self._requests.refresh(connection, (), free)
        return len(ids)

    async def _record(self, connection: AsyncConnection, applied: Applied, drafted: int, at: datetime) -> None:
        """One audit entry for a scan that changed something."""
        counts = {
            "opened": len(applied.opened),
            "worsened": len(applied.worsened),
            "resolved": len(applied.resolved),
            "requests_drafted": drafted,
        }
        if any(counts.values()):
            await self._audit.append(connection, "watch.scanned", "watch", {"at": at.isoformat(), **counts})


def _findings(taken: Snapshot, assessed: Assessment, standing: Mapping[str, CaseRow]) -> list[Finding]:
    """Findings of what can be judged: everything over an opening limit, and every case that is open already."""
    opens, holds = without_requests(assessed)
    found: list[Finding] = []
    for kind in NUMERIC_KINDS:
        held = _rows_of(taken, [case for case in standing.values() if case.kind == kind])
        rows = np.union1d(np.flatnonzero(opens[kind] > 0), held[held >= 0])
        if taken.positions.stale is not None:
            rows = rows[~taken.positions.stale[rows]]
        columns = (taken.product_ids, taken.location_ids, opens[kind], holds[kind], assessed.money_minor[kind])
        found += [
            Finding(kind, f"{kind}:{product}:{place}", product, place, opening, holding, money, proof)
            for product, place, opening, holding, money, proof in zip(
                *(column[rows].tolist() for column in columns),
                evidence_of_kind(taken, assessed, rows, kind),
                strict=True,
            )
        ]
    return found


def _batches(findings: Sequence[Finding], size: int) -> Iterator[Sequence[Finding]]:
    """The findings, about `size` at a time; those of one series stay together, for they share one proposal."""
    start, place = 0, None
    for number, finding in enumerate(findings):
        here = (finding.product_id, finding.location_id)
        if number - start >= size and here != place:
            yield findings[start:number]
            start = number
        place = here
    if start < len(findings):
        yield findings[start:]


def _batches_of(drafts: Sequence[_Drafted], size: int) -> Iterator[Sequence[_Drafted]]:
    """The drafts in their order, about `size` lines at a time."""
    batch: list[_Drafted] = []
    lines = 0
    for item in drafts:
        if batch and lines + len(item.draft.lines) > size:
            yield batch
            batch, lines = [], 0
        batch.append(item)
        lines += len(item.draft.lines)
    if batch:
        yield batch


def _only(draft: Draft, free: Collection[int]) -> Draft | None:
    """The draft with the lines whose cases are free; None where none is."""
    lines = tuple(line for line in draft.lines if line.case_id in free)
    if len(lines) == len(draft.lines):
        return draft
    if not lines:
        return None
    return dataclasses.replace(
        draft,
        lines=lines,
        total_minor=sum(line.quantity * line.unit_cost_minor for line in lines),
        urgent=any(not (line.detail or {}).get("in_time", True) for line in lines),
    )


def _rows_of(taken: Snapshot, cases: Sequence[CaseRow]) -> Ints:
    """The row of each case's series; -1 where it has no facts now."""
    keys = np.array([(case.product_id or 0, case.location_id or 0) for case in cases], dtype=np.int64).reshape(-1, 2)
    return row_numbers(taken.product_ids, taken.location_ids, keys[:, 0], keys[:, 1])


def _feed_findings(taken: Snapshot, feeds: Sequence[facts.FeedRow]) -> list[Finding]:
    """One finding per feed: stale opens a case, fresh resolves it."""
    stale = {feed.id for feed in taken.stale_feeds}
    worst = int(Severity.WARNING)
    return [
        Finding(
            kind="data_stale",
            key=f"data_stale:feed:{feed.id}",
            product_id=None,
            location_id=None,
            opens=worst if feed.id in stale else 0,
            holds=worst if feed.id in stale else 0,
            money_minor=0,
            evidence=json_text(
                {
                    "source": feed.source,
                    "feed": feed.kind,
                    "fresh_until": feed.fresh_until.isoformat(),
                    "limit_hours": feed.limit_hours,
                    "at": taken.at.isoformat(),
                }
            ),
        )
        for feed in feeds
    ]


def _needs(taken: Snapshot, cases: Sequence[CaseRow], kinds: Sequence[CaseKind]) -> list[Need]:
    """The cases of the kinds whose series was judged; of two on one series the first kind is served."""
    stale, seen, needs = taken.positions.stale, set(), []
    for kind in kinds:
        mine = [case for case in cases if case.kind == kind]
        for case, row in zip(mine, _rows_of(taken, mine).tolist(), strict=True):
            if row < 0 or row in seen or (stale is not None and stale[row]):
                continue
            seen.add(row)
            needs.append(Need(case.id, row, case.severity, case.money_minor))
    return needs


def _silenced(taken: Snapshot) -> int:
    return 0 if taken.positions.stale is None else int(taken.positions.stale.sum())
