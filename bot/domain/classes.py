"""The policy of a class: how certain and how often each of the nine ABC x XYZ classes is ordered, all arrays (n,)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats, Ints
from bot.domain.turnover import ABC, XYZ


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What one class such as `CZ` has of its own; None: the service level of its letter, the usual review."""

    name: str
    service: float | None = None
    review_days: float | None = None


def service_table(levels: Sequence[float], rules: Sequence[ClassRule]) -> Floats:
    """The cycle service levels (3, 3) by ABC down and XYZ across: those of A, B and C, and what the rules say."""
    table = np.repeat(np.asarray(levels, dtype=np.float64)[:, None], len(XYZ), axis=1)
    for rule in rules:
        if rule.service is not None:
            table[_cell(rule)] = rule.service
    return table


def reviews(usual: Floats, rules: Sequence[ClassRule], abc: Ints, xyz: Ints, every: Floats | None = None) -> Floats:
    """Each series' days between two orders: its class's, where a rule has them, otherwise the usual ones.

    Where its supplier is ordered from `every` so many days (0: any day), a class's are raised to a multiple of these.
    """
    table = np.full((len(ABC), len(XYZ)), np.nan)
    for rule in rules:
        if rule.review_days is not None:
            table[_cell(rule)] = rule.review_days
    own = table[abc, xyz]
    if every is not None:
        own = np.where(every > 0, np.ceil(own / np.maximum(every, 1.0)) * every, own)
    return np.where(np.isnan(own), usual, own)


def _cell(rule: ClassRule) -> tuple[int, int]:
    return ABC.index(rule.name[0]), XYZ.index(rule.name[1])
