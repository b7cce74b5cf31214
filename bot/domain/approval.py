"""Requests for approval: the states, the steps between them, and who may take which step.

Pure rules. The policy is deliberately small: a role, one limit per currency, and never one's own request. The roles
stand in the table `DECIDERS`; an admin approves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from bot.domain.money import Money
from bot.domain.views import RequestKind, RequestState

Verdict = Literal["approve", "reject"]
Step = Literal["submit", "approve", "reject", "expire", "cancel", "execute", "finish", "fail"]
Objection = Literal["stranger", "role", "own", "no_limit", "over_limit"]

TRANSITIONS: Mapping[tuple[RequestState, Step], RequestState] = MappingProxyType(
    {
        ("draft", "submit"): "pending",
        ("draft", "cancel"): "cancelled",
        ("pending", "approve"): "approved",
        ("pending", "reject"): "rejected",
        ("pending", "expire"): "expired",
        ("pending", "cancel"): "cancelled",
        ("approved", "execute"): "executing",
        ("approved", "cancel"): "cancelled",
        ("executing", "finish"): "done",
        ("executing", "fail"): "failed",
    }
)
OPEN_STATES: tuple[RequestState, ...] = ("draft", "pending")  # one of these at most per case
COUNTED_STATES: tuple[RequestState, ...] = ("pending", "approved", "executing")  # these count as stock to come
FINAL_STATES: tuple[RequestState, ...] = ("done", "rejected", "expired", "cancelled", "failed")

DECIDERS: Mapping[RequestKind, tuple[str, ...]] = MappingProxyType(
    {
        "purchase_order": ("approver",),
        "transfer": ("approver",),
        "promotion": ("approver", "promo_manager"),
    }
)


class WrongStep(ValueError):
    """The request's state does not allow the step."""

    def __init__(self, state: RequestState, step: Step) -> None:
        super().__init__(f"a request that is {state} cannot {step}")
        self.state = state
        self.step = step


def after(state: RequestState, step: Step) -> RequestState:
    """The state that `step` leads to; WrongStep where the table has none."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise WrongStep(state, step) from None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be decided: the kind, the total, and who asked (None: Stocktide itself)."""

    kind: RequestKind
    total: Money
    requested_by: int | None


@dataclass(frozen=True, slots=True)
class Decider:
    """Who wants to decide; `member_id` 0 is a person nobody has linked."""

    member_id: int
    role: str


Limits = Mapping[tuple[str, str], int]  # (role, currency) -> minor units per request; absent: no authority


def objection(who: Decider, verdict: Verdict, claim: Claim, limits: Limits) -> Objection | None:
    """Why `who` may not give this verdict, or None where they may.

    Rejecting spends nothing: it needs the role alone, and withdrawing one's own request is no conflict of interest.
    """
    if who.member_id <= 0:
        return "stranger"
    if who.role not in DECIDERS[claim.kind]:
        return "role"
    if verdict == "reject":
        return None
    if who.member_id == claim.requested_by:
        return "own"
    limit = limits.get((who.role, claim.total.currency))
    if limit is None:
        return "no_limit"
    return "over_limit" if claim.total.minor > limit else None


def able(people: Iterable[Decider], claim: Claim, limits: Limits) -> tuple[int, ...]:
    """Ids of those who may approve the claim, in the given order."""
    return tuple(who.member_id for who in people if objection(who, "approve", claim, limits) is None)


def expires_at(created_at: datetime, hours: int) -> datetime:
    """When a request submitted at `created_at` lapses; nothing is approved by silence."""
    return created_at + timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class Refused:
    """The last request of a case, where it was rejected: when, and the case's severity at that time."""

    at: datetime
    severity: int


def may_propose_again(refused: Refused | None, severity: int, at: datetime, cool_down: timedelta) -> bool:
    """Whether a case may have a new request.

    After a rejection only once it has worsened by a class since, or `cool_down` has passed: a "no" is not asked about
    every hour. A request that lapsed was answered by nobody, so the next scan proposes anew.
    """
    return refused is None or severity > refused.severity or at >= refused.at + cool_down
