"""The rules of approval as pure functions, and as a state machine that tries everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.domain.approval import (
    COUNTED_STATES,
    DECIDERS,
    FINAL_STATES,
    OPEN_STATES,
    TRANSITIONS,
    Claim,
    Decider,
    Refused,
    Step,
    WrongStep,
    able,
    after,
    may_propose_again,
    objection,
)
from bot.domain.money import Money
from bot.domain.views import RequestState

STATES = get_args(RequestState)
STEPS = get_args(Step)
ROLES = ("viewer", "operator", "buyer", "approver", "promo_manager", "auditor", "admin")
NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)


def test_every_state_is_reached_and_every_final_one_is_an_end() -> None:
    assert {*TRANSITIONS.values(), "draft"} == set(STATES)
    assert {state for state, _step in TRANSITIONS}.isdisjoint(FINAL_STATES)
    assert set(OPEN_STATES).isdisjoint(FINAL_STATES)
    assert set(COUNTED_STATES).isdisjoint(FINAL_STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_what_the_table_does_not_name_is_refused(state: RequestState, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert after(state, step) == TRANSITIONS[state, step]
    else:
        with pytest.raises(WrongStep):
            after(state, step)


def test_only_a_pending_request_is_decided() -> None:
    assert {state for state, step in TRANSITIONS if step in {"approve", "reject", "expire"}} == {"pending"}


money = st.integers(0, 10**9).map(lambda minor: Money.of_minor(minor, "GBP"))
claims = st.builds(Claim, st.sampled_from(sorted(DECIDERS)), money, st.none() | st.integers(1, 4))
deciders = st.builds(Decider, st.integers(0, 4), st.sampled_from(ROLES))
limits = st.dictionaries(
    st.tuples(st.sampled_from(ROLES), st.sampled_from(("GBP", "USD"))), st.integers(0, 10**9), max_size=6
)


@given(deciders, claims, limits)
def test_nobody_approves_beyond_role_limit_or_for_themselves(
    who: Decider, claim: Claim, given_limits: dict[tuple[str, str], int]
) -> None:
    if objection(who, "approve", claim, given_limits) is None:
        assert who.member_id > 0
        assert who.role in {"approver", "promo_manager"}
        assert who.member_id != claim.requested_by
        assert claim.total.minor <= given_limits[who.role, claim.total.currency]
        assert objection(who, "reject", claim, given_limits) is None
        assert able([who], claim, given_limits) == (who.member_id,)


@given(deciders, claims, limits, st.integers(1, 10**6))
def test_a_smaller_total_never_needs_more_authority(
    who: Decider, claim: Claim, given_limits: dict[tuple[str, str], int], less: int
) -> None:
    smaller = Claim(claim.kind, Money.of_minor(max(0, claim.total.minor - less), "GBP"), claim.requested_by)
    if objection(who, "approve", claim, given_limits) is None:
        assert objection(who, "approve", smaller, given_limits) is None


def test_a_limit_in_one_currency_is_none_in_another() -> None:
    claim = Claim("purchase_order", Money(Decimal(1), "EUR"), None)
    assert objection(Decider(1, "approver"), "approve", claim, {("approver", "GBP"): 10**9}) == "no_limit"


def test_a_no_is_asked_about_again_only_when_it_is_worse_or_some_time_has_passed() -> None:
    week = timedelta(days=7)
    refused = Refused(NOW, severity=2)
    assert may_propose_again(None, 1, NOW, week)
    assert not may_propose_again(refused, 2, NOW + week - timedelta(seconds=1), week)
    assert may_propose_again(refused, 2, NOW + week, week)
    assert may_propose_again(refused, 3, NOW, week)
    assert not may_propose_again(refused, 1, NOW, week)


class RequestLife(RuleBasedStateMachine):
    """A request under any order of steps: what happened once stays so."""

    @initialize()
    def drafted(self) -> None:
        self.state: RequestState = "draft"
        self.taken: list[Step] = []

    @rule(step=st.sampled_from(STEPS))
    def try_step(self, step: Step) -> None:
        try:
            self.state = after(self.state, step)
        except WrongStep as wrong:
            assert (wrong.state, wrong.step) == (self.state, step)  # noqa: PT017  # a rule cannot expect what may not come
        else:
            self.taken.append(step)

    @invariant()
    def decided_once_at_most(self) -> None:
        if not hasattr(self, "taken"):
            return
        assert sum(step in {"approve", "reject", "expire"} for step in self.taken) <= 1
        assert all(self.taken.count(step) <= 1 for step in STEPS)

    @invariant()
    def nothing_is_carried_out_unapproved(self) -> None:
        if hasattr(self, "state") and self.state in {"approved", "executing", "done", "failed"}:
            assert "approve" in self.taken
            assert self.taken.index("approve") > self.taken.index("submit")

    @invariant()
    def an_end_stays_an_end(self) -> None:
        if hasattr(self, "state") and self.state in FINAL_STATES:
            for step in STEPS:
                with pytest.raises(WrongStep):
                    after(self.state, step)


TestRequestLife = RequestLife.TestCase
TestRequestLife.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
