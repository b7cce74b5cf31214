"""The rules of approval as pure functions, and as a state machine that tries everything."""

from __future__ import annotations

import dataclasses
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
    Cast,
    Claim,
    Decider,
    Refused,
    Spent,
    Step,
    WrongStep,
    able,
    after,
    authority,
    may_propose_again,
    objection,
)
from bot.domain.money import Money
from bot.domain.policy import Policy, RoleLimit, default_policy
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


money = st.integers(0, 10**6).map(lambda minor: Money.of_minor(minor, "GBP"))
someone = st.integers(1, 4)
claims = st.builds(
    Claim,
    st.sampled_from(sorted(DECIDERS)),
    money,
    st.none() | someone,
    st.none() | someone,
    needs=st.integers(1, 3),
    requester_may=st.booleans(),
    forbidden=st.booleans(),
    locations=st.sets(st.sampled_from("AB")).map(frozenset),
    supplier=st.sampled_from(("", "Y", "Z")),
    store=st.sampled_from(("", "shop")),
)
codes = st.sets(st.sampled_from("AB")).map(frozenset)
spent = st.builds(Spent, st.integers(0, 10**6), st.integers(0, 10**6)).map(lambda found: {"GBP": found})
deciders = st.builds(
    Decider, st.integers(0, 4), st.sampled_from(ROLES), locations=codes,
    suppliers=st.sets(st.sampled_from("YZ")).map(frozenset), stores=st.just(frozenset()), spent=spent,
)  # fmt: skip
bound = st.none() | st.integers(0, 2 * 10**6)
limits = st.lists(
    st.builds(RoleLimit, st.sampled_from(ROLES), st.sampled_from(("GBP", "USD")), st.integers(0, 10**6), bound, bound),
    max_size=6,
    unique_by=lambda limit: (limit.role, limit.currency),
)
policies = st.builds(lambda found: default_policy("GBP", found), limits)
casts = st.lists(st.builds(Cast, someone, someone), max_size=2)


def within(who: Decider, claim: Claim, policy: Policy) -> bool:
    """Whether the money fits, said anew."""
    found = [limit for limit in policy.limits if limit.role == who.role and limit.currency == "GBP"]
    if not found:
        return False
    minor, before, limit = claim.total.minor, who.spent["GBP"], found[0]
    day = limit.per_day is None or before.day + minor <= limit.per_day
    month = limit.per_month is None or before.month + minor <= limit.per_month
    return minor <= limit.per_request and day and month


@given(deciders, claims, policies)
def test_nobody_approves_beyond_role_scope_limits_or_for_themselves(who: Decider, claim: Claim, policy: Policy) -> None:
    if objection(who, "approve", claim, policy) is None:
        assert who.member_id > 0
        assert who.role in {"approver", "promo_manager"}
        assert not claim.forbidden
        assert who.member_id != claim.requested_by or claim.requester_may
        assert claim.needs == 1 or who.member_id != claim.edited_by
        assert not who.locations or claim.locations <= who.locations
        assert not who.suppliers or claim.supplier in {"", *who.suppliers}
        assert within(who, claim, policy)
        assert objection(who, "reject", claim, policy) is None
        assert able([who], claim, policy) == (who.member_id,)


@given(deciders, claims, policies, st.integers(1, 10**6))
def test_a_smaller_total_never_needs_more_authority(who: Decider, claim: Claim, policy: Policy, less: int) -> None:
    smaller = dataclasses.replace(claim, total=Money.of_minor(max(0, claim.total.minor - less), "GBP"))
    if objection(who, "approve", claim, policy) is None:
        assert objection(who, "approve", smaller, policy) is None


@given(deciders, st.lists(deciders, max_size=2), claims, policies, casts)
def test_who_stands_in_is_within_both_limits_and_neither_asked_nor_changed(
    who: Decider, principals: list[Decider], claim: Claim, policy: Policy, cast: list[Cast]
) -> None:
    found = authority(who, principals, "approve", claim, policy, cast)
    if found.objection is not None:
        assert found.principal_id == 0
        return
    said = {person for vote in cast for person in (vote.member_id, vote.principal_id)}
    assert who.member_id not in said
    if objection(who, "approve", claim, policy) is None:
        assert found.principal_id == who.member_id  # one's own word comes first
        return
    behind = next(each for each in principals if each.member_id == found.principal_id)
    assert behind.member_id not in said
    assert who.member_id not in {claim.requested_by, claim.edited_by, 0}
    assert behind.member_id != claim.requested_by
    assert objection(behind, "approve", claim, policy) is None
    assert within(who, claim, policy)
    assert within(behind, claim, policy)


@given(deciders, st.lists(deciders, max_size=2), claims, policies)
def test_an_admin_approves_nothing_by_their_own_role(
    who: Decider, principals: list[Decider], claim: Claim, policy: Policy
) -> None:
    admin = dataclasses.replace(who, role="admin")
    without = dataclasses.replace(policy, limits=tuple(each for each in policy.limits if each.role != "admin"))
    assert authority(admin, principals, "approve", claim, without).principal_id == 0


def test_a_limit_in_one_currency_is_none_in_another() -> None:
    claim = Claim("purchase_order", Money(Decimal(1), "EUR"), None)
    policy = default_policy("GBP", (RoleLimit("approver", "GBP", 10**9),))
    assert objection(Decider(1, "approver"), "approve", claim, policy) == "no_limit"


def test_the_last_pound_of_a_day_may_be_spent_and_no_penny_more() -> None:
    policy = default_policy("GBP", (RoleLimit("approver", "GBP", 10_000, 15_000, 20_000),))
    claim = Claim("purchase_order", Money(Decimal(50), "GBP"), None)

    def asked(day: int, month: int) -> str | None:
        return objection(Decider(1, "approver", spent={"GBP": Spent(day, month)}), "approve", claim, policy)

    assert asked(10_000, 10_000) is None
    assert asked(10_001, 10_001) == "over_day"
    assert asked(0, 15_000) is None
    assert asked(0, 15_001) == "over_month"


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
