"""Who may decide a request and why, rule by rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.domain.approval import (
    DECIDERS,
    Authority,
    Cast,
    Claim,
    Decider,
    Objection,
    Spent,
    authority,
    in_scope,
    stand_in,
)
from bot.domain.money import Money
from bot.domain.policy import Policy

RuleName = Literal[
    "state", "role", "scope", "forbidden", "requester", "editor", "vote", "limit", "day", "month", "delegation",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as it bears on one person: `fits` tells whether it lets them approve; `most` and `found` where money."""

    rule: RuleName
    fits: bool
    most: Money | None = None
    found: Money | None = None
    name: str = ""  # whom a delegation is of


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether one person may approve a request, in whose place, and each rule that bears on it.

    `able` are the names of those who may, by their own authority; `offered` those before whom it was put in person.
    """

    request: str
    state: str
    member: str
    role: str
    total: Money
    needs: int
    given: int
    may: bool
    in_place_of: str
    objection: Objection | None
    rules: tuple[RuleLine, ...]
    reasons: Sequence[Mapping[str, object]] = ()
    able: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    currency: str = ""  # of the policy


def rules_of(
    who: Decider,
    principals: Sequence[Decider],
    claim: Claim,
    policy: Policy,
    cast: Collection[Cast],
    names: Mapping[int, str],
) -> tuple[Authority, tuple[RuleLine, ...]]:
    """By whose authority `who` may approve, and every rule that was asked."""
    spoken = {person for vote in cast for person in (vote.member_id, vote.principal_id)}
    found = [
        RuleLine("role", who.role in DECIDERS[claim.kind]),
        RuleLine("scope", in_scope(who, claim)),
        RuleLine("requester", who.member_id != claim.requested_by or claim.requester_may),
        RuleLine("vote", who.member_id not in spoken),
        *_of_money(who, claim, policy),
    ]
    if claim.needs > 1:
        found.insert(3, RuleLine("editor", who.member_id != claim.edited_by))
    if claim.forbidden:
        found.insert(0, RuleLine("forbidden", fits=False))
    for principal in principals:
        stands = principal.member_id not in spoken and stand_in(who, principal, "approve", claim, policy) is None
        found.append(RuleLine("delegation", stands, name=names.get(principal.member_id, "")))
    return authority(who, principals, "approve", claim, policy, cast), tuple(found)


def _of_money(who: Decider, claim: Claim, policy: Policy) -> list[RuleLine]:
    currency, minor = claim.total.currency, claim.total.minor
    limit = policy.limit(who.role, currency)
    if limit is None:
        return [RuleLine("limit", fits=False, found=claim.total)]
    spent = who.spent.get(currency, Spent())
    found = [RuleLine("limit", minor <= limit.per_request, Money.of_minor(limit.per_request, currency), claim.total)]
    for rule, most, before in (("day", limit.per_day, spent.day), ("month", limit.per_month, spent.month)):
        if most is not None:
            after = Money.of_minor(before + minor, currency)
            name: RuleName = "day" if rule == "day" else "month"
            found.append(RuleLine(name, before + minor <= most, Money.of_minor(most, currency), after))
    return found
