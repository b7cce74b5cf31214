"""The rules of a case: ladders, hysteresis, and when people are told again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cases import CaseSettings, Severity, Standing, judge, rungs, step

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
LADDER = (1.0, 2.0, 4.0)
CLASSES = st.integers(0, 3)


def pair(measure: float, release: float = 0.9) -> tuple[int, int]:
    """What the opening and the relaxed limits say of a measure."""
    at = np.array([measure])
    return int(rungs(at, LADDER)[0]), int(rungs(at, LADDER, release)[0])


def test_a_rung_is_climbed_above_its_limit_and_left_below_the_relaxed_one() -> None:
    assert rungs(np.array([0.5, 1.0, 1.01, 2.0, 4.5]), LADDER).tolist() == [0, 0, 1, 1, 3]
    assert rungs(np.array([0.9, 0.91]), LADDER, 0.9).tolist() == [0, 1]


@given(CLASSES, CLASSES, CLASSES)
def test_a_step_is_idempotent_and_stays_between_the_two_classes(severity: int, opens: int, more: int) -> None:
    holds = max(opens, more)
    once = step(severity, opens, holds)
    assert opens <= once <= holds
    assert step(once, opens, holds) == once
    if opens <= severity <= holds:
        assert once == severity


def test_a_step_works_on_whole_catalogues() -> None:
    after = step(np.array([0, 3, 1, 2]), np.array([1, 0, 0, 1]), np.array([2, 1, 0, 3]))
    assert after.tolist() == [1, 1, 0, 2]


@given(CLASSES, st.floats(0.1, 6), st.lists(st.floats(-0.04, 0.04), min_size=2, max_size=40))
def test_a_measure_that_trembles_does_not_flap(severity: int, level: float, noise: list[float]) -> None:
    trembling = [level * (1 + wobble) for wobble in noise]
    seen = []
    for measure in trembling:
        severity = step(severity, *pair(measure))
        seen.append(severity)
    # Within a band narrower than the release, a class may be entered late, but is never left and entered again.
    assert sum(before != after for before, after in pairwise(seen)) <= 1


def test_without_a_relaxed_limit_it_would_flap() -> None:
    seen, severity = [], 0
    for measure in (0.99, 1.01) * 5:
        severity = step(severity, *pair(measure, release=1.0))
        seen.append(severity)
    assert seen == [0, 1] * 5


def test_a_case_opens_once_and_is_told_once() -> None:
    assert judge(None, 0, 0, NOW).change == "none"
    opened = judge(None, 2, 3, NOW)
    assert (opened.severity, opened.change, opened.tell) == (2, "opens", "opened")
    again = judge(Standing(2, told_severity=2), 2, 3, NOW)
    assert (again.severity, again.change, again.tell) == (2, "none", None)


def test_only_the_opening_limit_opens_a_case() -> None:
    assert judge(None, 0, 3, NOW).change == "none"


def test_it_is_told_again_when_it_is_worse_than_was_told() -> None:
    worse = judge(Standing(1, told_severity=1), 3, 3, NOW)
    assert (worse.severity, worse.change, worse.tell) == (3, "worsens", "worsened")


def test_a_case_that_eased_and_came_back_is_not_told_again() -> None:
    eased = judge(Standing(3, told_severity=3), 1, 1, NOW)
    assert (eased.severity, eased.change, eased.tell) == (1, "eases", None)
    back = judge(Standing(1, told_severity=3), 3, 3, NOW)
    assert (back.severity, back.change, back.tell) == (3, "worsens", None)


def test_it_resolves_only_below_the_relaxed_limit_and_quietly() -> None:
    assert judge(Standing(2, told_severity=2), 0, 1, NOW).change == "eases"
    resolved = judge(Standing(2, told_severity=2), 0, 0, NOW)
    assert (resolved.severity, resolved.change, resolved.tell) == (0, "resolves", None)


def test_a_snooze_is_kept_until_it_ends_and_then_told_once() -> None:
    later = NOW + timedelta(days=3)
    snoozed = Standing(2, told_severity=2, snoozed_until=later)
    assert judge(snoozed, 2, 2, NOW).tell is None
    assert judge(snoozed, 2, 2, later).tell == "snooze_ended"
    assert judge(snoozed, 0, 0, later).tell is None


def test_a_snooze_does_not_hide_what_is_worse() -> None:
    snoozed = Standing(1, told_severity=1, snoozed_until=NOW + timedelta(days=3))
    assert judge(snoozed, 2, 2, NOW).tell == "worsened"


def test_a_failed_action_is_told() -> None:
    assert judge(Standing(2, told_severity=2, action_failed=True), 2, 2, NOW).tell == "action_failed"


def test_a_case_whose_telling_was_lost_is_told() -> None:
    assert judge(Standing(2, told_severity=0), 2, 2, NOW).tell == "opened"


@given(st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=60))
def test_a_case_is_told_at_most_once_per_class_while_it_is_open(scans: list[tuple[int, int]]) -> None:
    standing: Standing | None = None
    told = 0
    for opens, more in scans:
        verdict = judge(standing, opens, max(opens, more), NOW)
        told += verdict.tell is not None
        if verdict.severity == 0:
            standing, told = None, 0
            continue
        known = standing.told_severity if standing else 0
        standing = Standing(verdict.severity, verdict.severity if verdict.tell else known)
        assert told <= int(Severity.CRITICAL)


@pytest.mark.parametrize(
    "changed",
    [{"position_release": 0.9}, {"critical_release": 0.5}, {"gap_release_days": -1.0}, {"cover_release": 1.2}],
)
def test_a_release_that_would_resolve_where_it_opens_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must resolve|are shares"):
        CaseSettings(**changed)
