"""Pure rules of a case: how severe it is, when it opens and resolves, and when people are told again.

Severity climbs a ladder of limits. Going up takes the limit itself, coming down takes a relaxed one, so a figure that
trembles at a limit neither opens and resolves a case in turn nor tells people again and again (hysteresis).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal, TypeVar, get_args

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.views import CaseKind

KINDS: tuple[CaseKind, ...] = get_args(CaseKind)
NUMERIC_KINDS: tuple[CaseKind, ...] = tuple(kind for kind in KINDS if kind != "data_stale")

Change = Literal["none", "opens", "worsens", "eases", "resolves"]
Reason = Literal["opened", "worsened", "snooze_ended", "action_failed"]
Level = TypeVar("Level", int, Ints)


class Severity(IntEnum):
    """The classes of every kind.

    stockout_risk: 1 position at the reorder point, or an arrival comes too late; 2 days without stock ahead; 3 they
    begin within a week, or the stock is out. surge: 1 far above its rate; 2 three times it; 3 it also empties the shelf
    before relief. slump: 1 far below its rate; 2 a quarter of it; 3 nothing at all, with stock there. slow_mover: 1/2/3
    by days without a sale (3 is dead), or 1 by cover. overstock: by the multiple of the excess line. late_inbound: 1
    overdue; 2 days without stock ahead; 3 the stock is out. data_stale: 2.
    """

    NONE = 0
    NOTICE = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """Defaults of the ladders and of their relaxed limits, which are factors of the opening limit."""

    position_release: float = 1.10  # of the reorder point: a stock-out risk resolves above it
    gap_release_days: float = 2.0  # days of stock that must be left at relief before a gap counts as closed
    critical_days: float = 7.0  # a gap that begins within so many days is critical
    critical_release: float = 1.25
    cover_release: float = 0.90  # of the slow cover line
    excess_ladder: tuple[float, float, float] = (1.0, 2.0, 4.0)  # multiples of the excess line
    excess_release: float = 0.90
    surge_ladder: float = 3.0  # times the rate for the second class
    slump_ladder: float = 0.25  # of the usual for the second class

    def __post_init__(self) -> None:
        """Refuse factors that would make a case resolve where it opens."""
        if min(self.position_release, self.critical_release) < 1 or self.gap_release_days < 0:
            raise ValueError("a case must resolve above the level at which it opens")
        if not (0 < self.cover_release <= 1 and 0 < self.excess_release <= 1):
            raise ValueError("cover_release and excess_release are shares of their lines")


def rungs(measure: Floats, ladder: tuple[float, ...], factor: float = 1.0) -> Ints:
    """How many limits of an ascending ladder the measure exceeds, each taken times `factor`."""
    return np.searchsorted(np.asarray(ladder) * factor, measure, side="left").astype(np.int64)


def step(severity: Level, opens: Level, holds: Level) -> Level:
    """The next severity: up to `opens` at once, down only to `holds`; works on numbers and on arrays.

    `opens` is the class by the opening limits, `holds` the class by the relaxed ones (never lower).
    """
    return np.minimum(np.maximum(severity, opens), np.maximum(holds, opens))  # type: ignore[no-any-return]  # NumPy gives back what it was given


@dataclass(frozen=True, slots=True)
class Standing:
    """An unresolved case as it stands. `told_severity` is the worst class people were told of; 0 when never told."""

    severity: int
    told_severity: int
    snoozed_until: datetime | None = None
    action_failed: bool = False  # since people were last told


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scan makes of a case: its new severity, what changed, and why people are told (None: they are not)."""

    severity: int
    change: Change
    tell: Reason | None


def judge(standing: Standing | None, opens: int, holds: int, now: datetime) -> Verdict:
    """Apply one scan to a case, or to its absence (None).

    People are told when it opens, when it is worse by a class than they were told, when a snooze has ended while the
    trouble lasts, and when an action failed. A snooze covers the class it was set at: worse than told breaks it. A
    case that eases is not told; one that resolves closes quietly. The caller forgets `snoozed_until` and
    `action_failed` once it has told.
    """
    if standing is None:
        return Verdict(opens, "opens", "opened") if opens > 0 else Verdict(0, "none", None)
    severity = int(step(standing.severity, opens, holds))
    if severity == 0:
        return Verdict(0, "resolves", None)
    change: Change = "none"
    if severity != standing.severity:
        change = "worsens" if severity > standing.severity else "eases"
    return Verdict(severity, change, _reason(standing, severity, now))


def _reason(standing: Standing, severity: int, now: datetime) -> Reason | None:
    """Why people are told of a case that stays, or None."""
    asleep = standing.snoozed_until is not None and standing.snoozed_until > now
    if standing.told_severity == 0:
        return None if asleep else "opened"
    if severity > standing.told_severity:
        return "worsened"
    if standing.action_failed:
        return "action_failed"
    if standing.snoozed_until is not None and not asleep:
        return "snooze_ended"
    return None
