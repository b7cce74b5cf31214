"""The watch: judge the whole catalogue at one instant, keep its cases, draft what they need, and tell people.

Between two scans of the whole, products whose facts changed are judged by themselves, with the ranks of the whole; such
a rescan stands back while a whole scan is under way.

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
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Refused, may_propose_again
from bot.domain.sourcing import SourcingSettings, find_moves
from bot.errors import StocktideError
from bot.ports import Clock
from bot.services import snapshot, sources
from bot.services.audit import Audit
from bot.services.cases import Applied, Cases, Finding
from bot.services.drafting import Drafting
from bot.services.findings import (
    Drafted,
    batches,
    batches_of,
    changing,
    closing,
    feed_findings,
    findings,
    forgotten,
    levels_of,
    needs,
    only,
    without_facts,
)
from bot.services.gathering import MARK, Reviews, settled
from bot.services.joining import as_far_as_seen, as_they_go
from bot.services.learning import learn
from bot.services.packing import keep_packed
from bot.services.ranking import Ranking
from bot.services.requests import Requests
from bot.services.sameness import fingerprints
from bot.services.scanning import Asked, Judged, Known, Meant, Phases, Progress, Read, ScanReport, Scope, Telling
from bot.services.settings import ServiceSettings
from bot.services.telling import most_heard
from bot.storage import caseprints, locks, marks, proposals, touched, variants
from bot.storage import cases as case_rows
from bot.storage import suppliers as supplier_rows
from bot.storage.cases import CaseRow
from bot.storage.database import Database
from bot.storage.proposals import Gathering

_log = structlog.get_logger(__name__)

_BATCH = 400  # findings, or lines of requests, written in one transaction: about a tenth of a second
_TURNS = 8  # a scan begins anew when others come between
_PAUSE = 0.05  # seconds at most before it does, twice as long each time
_WHOLE = "watch:whole"  # until when a whole scan is thought to be under way
_PATIENCE = timedelta(minutes=10)  # of rescans with one


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
        ranking: Ranking | None = None,
        batch: int = _BATCH,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._cases = cases
        self._requests = requests
        self._settings = settings
        self._sourcing = sourcing or SourcingSettings()
        self._ranking = ranking or Ranking(settings)
        self._batch = batch
        self._last: Known | None = None  # of scans of the whole

    async def scan(self, at: datetime, progress: Progress | None = None) -> ScanReport:
        """One pass over the whole catalogue as of `at` (aware)."""
        scope = Scope(None, lambda _news: self._settings.alerts_individual)
        phases = Phases(progress)
        phases.begin("learn")
        await learn(self._database, self._settings, self._sourcing, at)
        phases.begin("load")
        await keep_packed(self._database, at)
        await self._under_way(self._clock.now() + _PATIENCE)
        try:
            for turn in range(_TURNS):
                report = await self._scan(at, scope, phases)
                if report is not None:
                    return report
                _log.info("another scan wrote meanwhile; this one begins again")
                await asyncio.sleep(random.uniform(0, _PAUSE * 2**turn))  # noqa: S311  # so that two do not keep meeting
        finally:
            await self._under_way(self._clock.now())
        raise StocktideError("other scans are under way")

    async def rescan(self, products: Sequence[int], at: datetime, telling: Telling) -> ScanReport | None:
        """Judge some products at all their locations, and every feed; None where that must wait for another scan.

        A surge is opened where the whole catalogue would open it, and resolved by scans of the whole alone, which alone
        judge slumps: those take a week to show, and the sales of a whole place to tell from a closed one. Cases that
        `telling` lets wait stay untold, and their products touched.
        """
        async with self._database.reading_of(1) as connection:
            until = await marks.get(connection, _WHOLE)
        if until is not None and datetime.fromisoformat(until) > self._clock.now():
            return None
        if len(products):
            self._last = None  # they are touched no more, and slumps and surges that ease wait for the whole
        return await self._scan(at, Scope(products, telling), Phases(None))

    async def _under_way(self, until: datetime) -> None:
        """Say until when rescans are to stand back."""
        async with self._database.transaction() as connection:
            await marks.put(connection, _WHOLE, until.isoformat())

    async def _scan(self, at: datetime, scope: Scope, phases: Phases) -> ScanReport | None:
        """The scan; None where another one came between."""
        phases.begin("load")
        read = await self._read(at, scope)
        scans = read.scans
        known, judged = await self._known(read, scope, phases)
        found = self._without_figures(read) if judged is None else judged.findings
        applied, drafted = Applied(), 0
        for part in batches(found, self._batch):
            phases.begin("apply")
            async with self._database.transaction_of(scope.size) as connection:
                if not await locks.scan(connection, scans):
                    return None
                applied.add(await self._apply(connection, part, read.standing, at))
            scans += 1
        phases.begin("draft")
        known, meant = await self._drafts(read, known, judged, applied, scope, phases)
        if meant.replaced:
            async with self._database.transaction_of(scope.size) as connection:
                if not await locks.scan(connection, scans):
                    return None
                await self._requests.replace(connection, meant.replaced)
            scans += 1
        for drafts in batches_of(meant.drafts, self._batch):
            async with self._database.transaction_of(scope.size) as connection:
                if not await locks.scan(connection, scans):
                    return None
                drafted += await self._write(connection, drafts)
            scans += 1
        phases.begin("tell")
        async with self._database.transaction_of(scope.size) as connection:
            if not await locks.scan(connection, scans):
                return None
            announced = await self._tell(connection, applied, scope, read, at)
            await self._record(connection, applied, drafted, at)
            for key, day in meant.seen.items():
                await marks.put(connection, key, day)
        phases.begin("")
        if scope.products is None:
            self._last = known
        return ScanReport(
            at=at,
            series=len(known.levels.product_ids),
            silenced=known.levels.silenced,
            opened=len(applied.opened),
            worsened=len(applied.worsened),
            resolved=len(applied.resolved),
            requests_drafted=drafted,
            announced=announced,
            held=meant.held,
            phases=phases.seconds,
        )

    async def _read(self, at: datetime, scope: Scope) -> Read:
        products = scope.products
        async with self._database.reading_of(scope.size) as connection:
            scans = await locks.scans(connection)
            seen = await touched.versions(connection, products)
            told = await sources.read(connection, self._settings, at, products)
            standing = await case_rows.unresolved(connection, products)
            inactive = await variants.inactive(connection, without_facts(told.products, standing))
            if products is not None:
                told = await sources.with_hours(connection, told)
                taken = snapshot.put_together(told, self._settings, self._sourcing)
                ranks = await self._ranking.recent(connection, taken)
                return Read(scans, told, standing, seen, inactive, taken=taken, ranks=ranks)
            written = await caseprints.known(connection)
        digest = await asyncio.to_thread(told.digest)
        return Read(scans, told, standing, seen, inactive, written, digest)

    async def _apply(
        self, connection: AsyncConnection, findings: Sequence[Finding], standing: Mapping[str, CaseRow], at: datetime
    ) -> Applied:
        """Change the cases of some findings, and what hangs on them."""
        part = await self._cases.apply(connection, findings, standing, at)
        deeds = await self._requests.withdraw(connection, part.resolved)
        await self._cases.refresh(connection, part)
        if deeds:
            await self._audit.append_all(connection, deeds)
        return part

    async def _tell(self, connection: AsyncConnection, applied: Applied, scope: Scope, read: Read, at: datetime) -> int:
        """Tell people, or put it off; how many messages were written. What was told of is touched no more.

        That a feed stopped is never put off.
        """
        individual = scope.telling(await most_heard(connection, applied.news))
        if isinstance(individual, int):
            told = await self._cases.announce(connection, applied, at, individual)
            await touched.done(connection, read.touched)
            return told
        untold = await case_rows.products_of(connection, [item.case_id for item in applied.news])
        waiting = {product: seen for product, seen in read.touched.items() if product in untold}
        await touched.put_off(connection, waiting, self._clock.now() + individual)
        await touched.done(connection, {key: seen for key, seen in read.touched.items() if key not in waiting})
        feeds = [item for item in applied.news if item.kind == "data_stale"]
        if not feeds:
            return 0
        return await self._cases.announce(connection, dataclasses.replace(applied, news=feeds), at, len(feeds))

    async def _known(self, read: Read, scope: Scope, phases: Phases) -> tuple[Known, Judged | None]:
        """What the facts say; None where they said it before, and every case is written as they say."""
        rules = self._settings, self._sourcing
        if self._last is not None and await scope.reckoned(self._last.covers, read, rules):
            return self._last, None
        judged = await self._judged(read, scope, phases)
        return Known(read.digest, rules, judged.levels), judged

    async def _judged(self, read: Read, scope: Scope, phases: Phases) -> Judged:
        """What the facts say, with the hours of days that sold out, for which a whole catalogue is read once more."""
        if read.taken is None:
            async with self._database.reading_of(scope.size) as connection:
                read = dataclasses.replace(read, told=await sources.with_hours(connection, read.told))
        return await scope.reckoned(self._judge, read, phases)

    def _judge(self, read: Read, phases: Phases) -> Judged:
        """What the facts say."""
        phases.begin("assess")
        taken = read.taken or snapshot.put_together(read.told, self._settings, self._sourcing)
        ranks = read.ranks
        if ranks is None:
            assessed = taken.assess(self._settings.watch)
        else:
            assessed = taken.assess(self._settings.watch, ranks.of(taken), ranks.others(taken))
        stale = taken.positions.stale
        fresh = np.ones(assessed.series, dtype=np.bool_) if stale is None else ~stale
        moves = find_moves(assessed, taken.network, fresh, taken.promised)
        phases.begin("judge")
        levels = levels_of(taken, assessed, None if read.written is None else fingerprints(taken, assessed))
        found = findings(taken, assessed, levels, changing(levels, read.standing, read.written))
        if ranks is not None:
            found = [item for item in found if item.kind != "slump" and (item.kind != "surge" or item.opens > 0)]
        found += forgotten(taken, read.standing, read.inactive)
        return Judged(taken, assessed, moves, levels, [*found, *self._without_figures(read)])

    def _without_figures(self, read: Read) -> list[Finding]:
        """The findings that need no judgement."""
        return [*closing(read.standing, read.inactive), *feed_findings(read.told)]

    async def _drafts(
        self, read: Read, known: Known, judged: Judged | None, applied: Applied, scope: Scope, phases: Phases
    ) -> tuple[Known, Meant]:
        """What every case that wants and may have a proposal is to get, most money at risk first; and what is held."""
        asked = await self._asked(read, applied, scope)
        text = asked.text
        if judged is None and known.unmet == text:
            return known, Meant((), known.held)
        if judged is None:
            judged = await self._judged(read, scope, phases)
            phases.begin("draft")
        drafting = Drafting(judged.taken, judged.assessed, judged.moves, self._sourcing, asked.minimums)
        reviews = Reviews(judged.taken, judged.assessed, asked.seen)
        if scope.products is None:
            cased = {found.row for found in needs(judged.taken, asked.at_risk, ("stockout_risk",))}
            told = drafting, judged, asked.wanting, reviews, cased, asked.gathering
            meant = await asyncio.to_thread(self._meant, *told)
        else:
            meant = await scope.reckoned(self._seen, drafting, judged, asked.wanting, reviews)
        held = tuple(dataclasses.replace(each, supplier=asked.names[each.supplier_id]) for each in meant.held)
        nothing = not (meant.drafts or meant.replaced or meant.seen)
        known = dataclasses.replace(known, unmet=text if nothing else None, held=held)
        return known, dataclasses.replace(meant, held=held)

    async def _asked(self, read: Read, applied: Applied, scope: Scope) -> Asked:
        """What to draft for; cases are read again where the scan changed any."""
        at, woken, standing = read.told.at, {item.case_id for item in applied.news}, read.standing
        async with self._database.reading_of(scope.size) as connection:
            if applied.changed:
                standing = await case_rows.unresolved(connection, scope.products)
            awake = [
                case
                for case in standing.values()
                if case.snoozed_until is None or case.snoozed_until <= at or case.id in woken
            ]
            of = None if scope.products is None else [case.id for case in awake]
            busy = await proposals.busy(connection, of)
            refused = await proposals.refusals(connection, of)
            minimums = await supplier_rows.minimums(connection)
            names = {row.id: row.name for row in await supplier_rows.all_of(connection)}
            gathering = await proposals.gathering(connection) if scope.products is None else []
            seen = await marks.beginning(connection, MARK)
        busy -= {case_id for draft in gathering for case_id in draft.case_ids}  # drafted anew, and replaced if need be
        cool_down = timedelta(days=self._sourcing.cool_down_days)
        wanting = [
            case
            for case in awake
            if case.id not in busy
            and may_propose_again(
                Refused(*refused[case.id]) if case.id in refused else None, case.severity, at, cool_down
            )
        ]
        at_risk = [case for case in standing.values() if case.kind == "stockout_risk"]
        return Asked(wanting, at_risk, minimums, names, gathering, seen)

    def _meant(
        self,
        drafting: Drafting,
        judged: Judged,
        wanting: Sequence[CaseRow],
        reviews: Reviews,
        cased: Collection[int],
        gathering: Sequence[Gathering],
    ) -> Meant:
        """The arithmetic; it runs in a thread, so that chats are answered meanwhile."""
        least, taken = self._settings.least_minor, judged.taken
        joint, others = reviews.joint(needs(taken, wanting, ("stockout_risk",)), cased)
        overdue = {case_id for draft in gathering if reviews.passed(draft) for case_id in draft.case_ids}
        due = reviews.shared_out([*drafting.restock(joint), *drafting.restock(others, least)], overdue)
        restock, held = as_they_go(taken, judged.assessed, drafting, self._sourcing, due.now)
        later, replaced = settled(gathering, due.later)
        keep = [*later, *drafting.clear(needs(taken, wanting, ("slow_mover", "overstock")), least)]
        drafts = [*(Drafted(each, "submit") for each in restock), *(Drafted(each, "keep") for each in keep)]
        return Meant(drafts, tuple(held), replaced, reviews.marks())

    def _seen(self, drafting: Drafting, judged: Judged, wanting: Sequence[CaseRow], reviews: Reviews) -> Meant:
        """The same for some products alone: what else would go with them is not known."""
        least, taken = self._settings.least_minor, judged.taken
        due = reviews.pressing(drafting.restock(needs(taken, wanting, ("stockout_risk",)), least))
        restock, held = as_far_as_seen(due.now, due.later)
        keep = drafting.clear(needs(taken, wanting, ("slow_mover", "overstock")), least)
        drafts = [*(Drafted(each, "submit") for each in restock), *(Drafted(each, "keep") for each in keep)]
        return Meant(drafts, tuple(held))

    async def _write(self, connection: AsyncConnection, drafts: Sequence[Drafted]) -> int:
        """Write drafts down; purchases and restocking transfers are submitted. How many requests that made.

        A case that was solved or asked for since it was read is left out, and with it its line.
        """
        cases = {line.case_id for item in drafts for line in item.draft.lines if line.case_id is not None}
        await locks.cases(connection, cases)
        free = await case_rows.free(connection, cases)
        kept = [Drafted(draft, item.then) for item in drafts if (draft := only(item.draft, free)) is not None]
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
