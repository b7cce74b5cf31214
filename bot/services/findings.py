"""What a scan finds and what is drafted for it, cut into parts that one transaction each takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.domain.arrays import Bools, Ints
from bot.domain.cases import NUMERIC_KINDS, Severity
from bot.domain.sheet import json_text
from bot.domain.sourcing import row_numbers, without_requests
from bot.domain.views import CaseEnd, CaseKind
from bot.domain.watch import Assessment
from bot.services.cases import Finding
from bot.services.drafting import Need
from bot.services.figures import evidence_of_kind, stockout_on
from bot.services.sameness import quiet
from bot.services.snapshot import Snapshot
from bot.services.sources import Sources
from bot.storage.cases import CaseRow
from bot.storage.requests import Draft


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and what becomes of it: submitted at once, or kept until a person submits it."""

    draft: Draft
    then: Literal["submit", "keep"]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What n series come to, as far as it decides which cases are written: arrays (n,), some of them by kind.

    `opens` and `holds` are severities as if nothing had been asked for; `prints` the fingerprints of all figures, where
    they are known.
    """

    product_ids: Ints
    location_ids: Ints
    opens: Mapping[CaseKind, Ints]
    holds: Mapping[CaseKind, Ints]
    money_minor: Mapping[CaseKind, Ints]
    stale: Bools | None
    prints: Ints | None

    @property
    def silenced(self) -> int:
        """How many series are not judged: their facts are too old, or their stock was never counted."""
        return 0 if self.stale is None else int(self.stale.sum())


def levels_of(taken: Snapshot, assessed: Assessment, prints: Ints | None) -> Levels:
    """What was judged, with the fingerprints of its figures where they are known."""
    opens, holds = without_requests(assessed)
    stale, money = taken.positions.stale, assessed.money_minor
    return Levels(taken.product_ids, taken.location_ids, opens, holds, money, stale, prints)


def changing(
    levels: Levels, standing: Mapping[str, CaseRow], written: Mapping[int, int] | None
) -> dict[CaseKind, Ints]:
    """The rows with a finding of each kind: everything over an opening limit, and every case that is open already.

    Where the fingerprints of cases are known as they were `written` last, by case, those that stay as they are make no
    finding.
    """
    by_kind: dict[CaseKind, list[CaseRow]] = {}
    for case in standing.values():
        by_kind.setdefault(case.kind, []).append(case)
    found: dict[CaseKind, Ints] = {}
    for kind in NUMERIC_KINDS:
        mine = by_kind.get(kind, [])
        held = _rows_of(levels, mine)
        rows = np.union1d(np.flatnonzero(levels.opens[kind] > 0), held[held >= 0])
        if levels.prints is not None and len(levels.prints) and written:
            of_kind = levels.opens[kind], levels.holds[kind], levels.money_minor[kind]
            rows = np.setdiff1d(rows, held[quiet(mine, held, written, levels.prints, of_kind)], assume_unique=True)
        found[kind] = rows if levels.stale is None else rows[~levels.stale[rows]]
    return found


def findings(taken: Snapshot, assessed: Assessment, levels: Levels, changed: Mapping[CaseKind, Ints]) -> list[Finding]:
    """The findings of the rows of each kind, with their evidence."""
    found: list[Finding] = []
    for kind, rows in changed.items():
        columns = (
            levels.product_ids, levels.location_ids, levels.opens[kind], levels.holds[kind], levels.money_minor[kind],
        )  # fmt: skip
        ends = [stockout_on(taken, assessed, row) if kind == "stockout_risk" else None for row in rows.tolist()]
        marks = [None] * len(rows) if levels.prints is None else levels.prints[rows].tolist()
        found += [
            Finding(kind, f"{kind}:{product}:{place}", product, place, opening, holding, money, proof, end, mark)
            for product, place, opening, holding, money, proof, end, mark in zip(
                *(column[rows].tolist() for column in columns),
                evidence_of_kind(taken, assessed, rows, kind),
                ends,
                marks,
                strict=True,
            )
        ]
    return found


def without_facts(sold: Collection[int], standing: Mapping[str, CaseRow]) -> set[int]:
    """The products of open cases that are not among those `sold`; those that are inactive are among them."""
    return {case.product_id for case in standing.values() if case.product_id is not None}.difference(sold)


def closing(standing: Mapping[str, CaseRow], inactive: Collection[int]) -> list[Finding]:
    """Findings that resolve every case of products that are sold no more."""
    return [_ending(key, case, "unsold") for key, case in standing.items() if case.product_id in inactive]


def forgotten(series: Snapshot | Levels, standing: Mapping[str, CaseRow], inactive: Collection[int]) -> list[Finding]:
    """Findings that resolve every other case of which nothing was read: all facts of it are gone.

    Facts go by hand, or with the store or the place that told them; nothing is left then that could recover.
    """
    mine = [
        (key, case) for key, case in standing.items() if case.product_id is not None and case.product_id not in inactive
    ]
    unread = _rows_of(series, [case for _key, case in mine]) < 0
    return [_ending(key, case, "unknown") for (key, case), gone in zip(mine, unread.tolist(), strict=True) if gone]


def _ending(key: str, case: CaseRow, ended: CaseEnd) -> Finding:
    return Finding(case.kind, key, case.product_id, case.location_id, 0, 0, 0, "{}", ended=ended)


def batches(findings: Sequence[Finding], size: int) -> Iterator[Sequence[Finding]]:
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


def batches_of(drafts: Sequence[Drafted], size: int) -> Iterator[Sequence[Drafted]]:
    """The drafts in their order, about `size` lines at a time."""
    batch: list[Drafted] = []
    lines = 0
    for item in drafts:
        if batch and lines + len(item.draft.lines) > size:
            yield batch
            batch, lines = [], 0
        batch.append(item)
        lines += len(item.draft.lines)
    if batch:
        yield batch


def only(draft: Draft, free: Collection[int]) -> Draft | None:
    """The draft with the lines whose cases are free, and those that only fill it up; None where no case is."""
    lines = tuple(line for line in draft.lines if line.case_id is None or line.case_id in free)
    if len(lines) == len(draft.lines):
        return draft
    if all(line.case_id is None for line in lines):
        return None
    return dataclasses.replace(
        draft,
        lines=lines,
        total_minor=sum(line.quantity * line.unit_cost_minor for line in lines),
        urgent=any(not (line.detail or {}).get("in_time", True) for line in lines),
    )


def _rows_of(series: Snapshot | Levels, cases: Sequence[CaseRow]) -> Ints:
    """The row of each case's series; -1 where it has no facts now."""
    keys = np.array([(case.product_id or 0, case.location_id or 0) for case in cases], dtype=np.int64).reshape(-1, 2)
    return row_numbers(series.product_ids, series.location_ids, keys[:, 0], keys[:, 1])


def feed_findings(told: Sources) -> list[Finding]:
    """One finding per feed: stale opens a case, fresh resolves it."""
    stale = {feed.id for feed in told.stale_feeds}
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
                    "at": told.at.isoformat(),
                }
            ),
        )
        for feed in told.feeds
    ]


def needs(taken: Snapshot, cases: Sequence[CaseRow], kinds: Sequence[CaseKind]) -> list[Need]:
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
