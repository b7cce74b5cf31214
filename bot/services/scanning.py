"""What a scan is made of: its scope, the facts it reads, what they say, what it means to draft, and its report."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.domain.sourcing import Moves, SourcingSettings
from bot.domain.watch import Assessment
from bot.services.cases import Finding
from bot.services.findings import Drafted, Levels, changing, forgotten
from bot.services.joining import Held
from bot.services.ranking import Classes
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.services.sources import Sources
from bot.storage.cases import CaseRow
from bot.storage.database import FEW
from bot.storage.proposals import Gathering

_R = TypeVar("_R")

Progress = Callable[[str], None]  # called with the name of each phase as it begins
# Given the most cases that one topic has news of: how many get a card of their own, or how long all of them wait.
Telling = Callable[[int], int | timedelta]


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan did. `silenced` series were not judged: their facts are too old, or their stock was never counted.

    `held` are purchases below their supplier's minimum that can wait. `phases` gives seconds for learn, load, assess,
    judge, apply, draft and tell.
    """

    at: datetime
    series: int
    silenced: int
    opened: int
    worsened: int
    resolved: int
    requests_drafted: int
    announced: int
    held: tuple[Held, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scan looks at, None for the whole catalogue, and whether people are told now."""

    products: Sequence[int] | None
    telling: Telling

    @property
    def size(self) -> int:
        """How many products, as far as `Database.reading_of` goes: those of a whole catalogue are many."""
        return sys.maxsize if self.products is None else len(self.products)

    async def reckoned(self, reckon: Callable[..., _R], *told: Any) -> _R:  # noqa: ANN401  # what it is called with
        """Some arithmetic; in a thread, so that chats are answered meanwhile, unless the way takes as long."""
        return reckon(*told) if self.size <= FEW else await asyncio.to_thread(reckon, *told)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """The facts of a scan, the cases as they stand by key, and how often scans had written then.

    `touched` are the products whose changes are judged with it, each with the version of its facts. Of a scan of the
    whole `written` are the fingerprints of cases and `digest` that of its facts; one of some products knows the `ranks`
    of the whole.
    """

    scans: int
    told: Sources
    standing: Mapping[str, CaseRow]
    touched: Mapping[int, int]
    inactive: Collection[int]  # products of open cases that are sold no more
    written: Mapping[int, int] | None = None
    digest: bytes = b""
    taken: Snapshot | None = None  # where the facts were put together already
    ranks: Classes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the facts say, before anything is written."""

    taken: Snapshot
    assessed: Assessment
    moves: Moves
    levels: Levels
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the last scan of the whole said of the facts with a digest, by its rules: the same facts say the same.

    `unmet` is what nothing could be drafted for (`Asked.text`), None where something was.
    """

    digest: bytes
    rules: tuple[ServiceSettings, SourcingSettings]
    levels: Levels
    unmet: str | None = None
    held: tuple[Held, ...] = ()

    def covers(self, read: Read, rules: tuple[ServiceSettings, SourcingSettings]) -> bool:
        """Whether these facts say nothing else, and every case is written as they say: but for the cases of feeds and
        of products that are sold no more, which need no judgement.

        The digest is of days. Whose facts changed within one, as the hour of a sale may, is noted as touched.
        """
        if read.touched or read.digest != self.digest or rules != self.rules:
            return False
        if forgotten(self.levels, read.standing, read.inactive):  # another process opened them by facts now gone
            return False
        return not any(len(rows) for rows in changing(self.levels, read.standing, read.written).values())


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What drafts are made from beside the facts: the cases that want and may have a proposal, those at risk of running
    out, the suppliers' minimums and names, the drafts that gather, and the marks of review dates.
    """

    wanting: Sequence[CaseRow]
    at_risk: Sequence[CaseRow]
    minimums: Mapping[int, tuple[int, str]]
    names: Mapping[int, str]
    gathering: Sequence[Gathering]
    seen: Mapping[str, str]

    @property
    def text(self) -> str:
        """The same for what makes the same drafts of the same facts."""
        wanted = [(case.id, case.severity, case.money_minor) for case in self.wanting]
        at_risk = [case.id for case in self.at_risk]
        return repr((wanted, at_risk, self.minimums, self.names, self.gathering, self.seen))


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """What a scan is to draft, what is held, the drafts (ids) that others replace, and marks to set, by key."""

    drafts: Sequence[Drafted]
    held: tuple[Held, ...]
    replaced: Sequence[int] = ()
    seen: Mapping[str, str] = field(default_factory=dict)


class Phases:
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
