"""Requests for approval: the states, the steps between them, and who may take which step.

Pure rules. The roles that may decide stand in the table `DECIDERS`; an admin approves nothing. How much a role may
approve, and how many people a request needs, is the policy's word (`bot.domain.policy`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from bot.domain.money import Money
from bot.domain.policy import Policy
from bot.domain.views import RequestKind, RequestState

Verdict = Literal["approve", "reject"]
ScopeKind = Literal["location", "supplier", "store"]
Step = Literal["submit", "approve", "reject", "expire", "cancel", "execute", "finish", "fail"]
Objection = Literal[
    "stranger", "role", "scope", "forbidden", "own", "editor", "spoken",
    "no_limit", "over_limit", "over_day", "over_month",
]  # fmt: skip

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
    """What is to be decided.

    `requested_by` is None where Stocktide itself drafted it. `needs` people must approve; `requester_may` is whether
    the requester may be the one; `forbidden` that nobody may approve it. The codes say which scopes it concerns.
    """

    kind: RequestKind
    total: Money
    requested_by: int | None
    edited_by: int | None = None
    needs: int = 1
    requester_may: bool = False
    forbidden: bool = False
    locations: frozenset[str] = frozenset()
    supplier: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What somebody approved in a currency within the last day and month, in its minor units."""

    day: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Decider:
    """Who wants to decide; `member_id` 0 is a person nobody has linked.

    The scopes are codes: none of a kind means everywhere. `spent` is by currency.
    """

    member_id: int
    role: str
    locations: frozenset[str] = frozenset()
    suppliers: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    spent: Mapping[str, Spent] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Cast:
    """An approval given to the version that stands: by whom, and by whose authority."""

    member_id: int
    principal_id: int


@dataclass(frozen=True, slots=True)
class Authority:
    """By whose authority somebody may decide (`principal_id`), or why not."""

    principal_id: int = 0
    objection: Objection | None = None


def objection(who: Decider, verdict: Verdict, claim: Claim, policy: Policy) -> Objection | None:
    """Why `who` may not give this verdict by their own authority, or None where they may.

    Rejecting spends nothing: it needs the role and the scope alone, and withdrawing one's own request is no conflict of
    interest.
    """
    if who.member_id <= 0:
        return "stranger"
    if who.role not in DECIDERS[claim.kind]:
        return "role"
    if not in_scope(who, claim):
        return "scope"
    if verdict == "reject":
        return None
    if claim.forbidden:
        return "forbidden"
    if who.member_id == claim.requested_by and not claim.requester_may:
        return "own"
    if claim.needs > 1 and who.member_id == claim.edited_by:
        return "editor"
    return beyond(who, claim, policy)


def in_scope(who: Decider, claim: Claim) -> bool:
    """Whether somebody's role reaches everything the claim concerns; a scope of another kind does not bear on it."""
    if who.locations and not claim.locations <= who.locations:
        return False
    if who.suppliers and claim.supplier and claim.supplier not in who.suppliers:
        return False
    return not (who.stores and claim.store and claim.store not in who.stores)


def beyond(who: Decider, claim: Claim, policy: Policy) -> Objection | None:
    """Which limit of somebody's role the claim passes, counting what they approved before; None where none."""
    limit = policy.limit(who.role, claim.total.currency)
    if limit is None:
        return "no_limit"
    minor, spent = claim.total.minor, who.spent.get(claim.total.currency, Spent())
    if minor > limit.per_request:
        return "over_limit"
    if limit.per_day is not None and spent.day + minor > limit.per_day:
        return "over_day"
    return "over_month" if limit.per_month is not None and spent.month + minor > limit.per_month else None


def stand_in(who: Decider, principal: Decider, verdict: Verdict, claim: Claim, policy: Policy) -> Objection | None:
    """Why `who` may not decide in the place of `principal`, who named them; None where they may.

    They may do what the principal could do alone, within the limits of both: whoever's role has no limit in the
    currency can stand in for nobody. Neither the requester nor the last editor stands in, for nobody.
    """
    if who.member_id <= 0:
        return "stranger"
    if verdict == "approve" and who.member_id == claim.requested_by:
        return "own"
    if verdict == "approve" and who.member_id == claim.edited_by:
        return "editor"
    found = objection(principal, verdict, replace(claim, requester_may=False), policy)
    return found if found is not None or verdict == "reject" else beyond(who, claim, policy)


def authority(
    who: Decider,
    principals: Sequence[Decider],
    verdict: Verdict,
    claim: Claim,
    policy: Policy,
    cast: Collection[Cast] = (),
) -> Authority:
    """By whose authority `who` may decide: their own, or that of the first of `principals` who named them.

    Whoever approved already, or in whose place somebody did, has no second word in favour.
    """
    spoken = {person for vote in cast for person in (vote.member_id, vote.principal_id)}
    if verdict == "approve" and who.member_id in spoken:
        return Authority(0, "spoken")
    own = objection(who, verdict, claim, policy)
    if own is None:
        return Authority(who.member_id)
    if own == "forbidden":
        return Authority(0, own)
    for principal in principals:
        if verdict == "approve" and principal.member_id in spoken:
            continue
        if stand_in(who, principal, verdict, claim, policy) is None:
            return Authority(principal.member_id)
    return Authority(0, own)


def able(people: Iterable[Decider], claim: Claim, policy: Policy, cast: Collection[Cast] = ()) -> tuple[int, ...]:
    """Ids of those who may approve the claim now by their own authority, in the given order."""
    return tuple(
        who.member_id for who in people if authority(who, (), "approve", claim, policy, cast).objection is None
    )


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
