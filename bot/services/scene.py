"""One person before one request: everything that a decision rests on, read once, and what the audit log keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.domain import approval
from bot.domain.approval import Authority, Cast, Claim, Decider, Verdict
from bot.domain.policy import Policy
from bot.services.deciders import Bench, approvals, claims
from bot.services.rulings import Ruling, Rulings
from bot.services.stepup import Proof
from bot.storage import votes
from bot.storage.requests import RequestRow
from bot.storage.votes import VoteRow


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody said; `version` is the one they were shown, None where they typed the number alone."""

    version: int | None
    verdict: Verdict
    asker: Asker
    platform: str
    comment: str
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Scene:
    """A request as it stands, the policy's word on it, who stands before it and for whom, and approvals given."""

    held: RequestRow
    ruling: Ruling
    claim: Claim
    who: Decider
    principals: tuple[Decider, ...]
    votes: tuple[VoteRow, ...]

    @property
    def cast(self) -> tuple[Cast, ...]:
        """The approvals given so far."""
        return approvals(self.votes)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.ruling.in_force.policy

    def said(self, member_id: int) -> VoteRow | None:
        """What somebody said on the version that stands."""
        return next((vote for vote in self.votes if vote.member_id == member_id), None)

    def authority(self, verdict: Verdict) -> Authority:
        """By whose authority the person may give this verdict, or why not."""
        return approval.authority(self.who, self.principals, verdict, self.claim, self.policy, self.cast)


class Scenes:
    """Reads scenes."""

    def __init__(self, rulings: Rulings) -> None:
        self._rulings = rulings

    async def of(self, connection: AsyncConnection, held: RequestRow, here: Bench, member_id: int) -> Scene:
        """The scene of one request and one member of the bench."""
        ruling = (await self._rulings.rule_rows(connection, [held]))[held.id]
        claim = (await claims(connection, [held], {held.id: ruling}))[held.id]
        given = (await votes.standing(connection, [held.id]))[held.id]
        who, principals = here.of(member_id)
        return Scene(held, ruling, claim, who, principals, tuple(given))


def entry(scene: Scene, press: Press, now: datetime) -> dict[str, Any]:
    """What the audit log keeps: what was shown and said, with which authority, when on the clock of who said it."""
    held, asker, ruling = scene.held, press.asker, scene.ruling
    limit = scene.policy.limit(scene.who.role, held.total.currency)
    return {
        "verdict": press.verdict,
        "kind": held.kind,
        "total_minor": held.total.minor,
        "currency": held.total.currency,
        "shown_version": press.version if press.version is not None else held.version,
        "lines": [{"sku": sku, "quantity": quantity, "unit_cost_minor": cost} for sku, quantity, cost in ruling.lines],
        "digest": ruling.digest,
        "policy": ruling.in_force.version,
        "needs": ruling.needs,
        "role": scene.who.role,
        "name": asker.name,
        "limit_minor": None if limit is None else limit.per_request,
        "in_place_of": scene.authority(press.verdict).principal_id,
        "comment": press.comment,
        "local_time": now.astimezone(asker.zone).isoformat(timespec="seconds"),
    }


def late_entry(held: RequestRow, role: str, press: Press, now: datetime) -> dict[str, Any]:
    """What the audit log keeps of a word on a request that waits no longer."""
    return {
        "verdict": press.verdict,
        "objection": "decided",
        "state": held.state,
        "shown_version": press.version if press.version is not None else held.version,
        "role": role,
        "name": press.asker.name,
        "comment": press.comment,
        "local_time": now.astimezone(press.asker.zone).isoformat(timespec="seconds"),
    }


def differences(shown: object, ruling: Ruling) -> list[dict[str, str]]:
    """What is different from what was shown, as plain JSON."""
    before = shown if isinstance(shown, Mapping) else {}
    found = [
        {"what": what, "before": str(before.get(what) or ""), "after": str(after or "")}
        for what, after in (("policy", ruling.in_force.version), ("rate", ruling.rate))
        if before.get(what) != after
    ]
    return found or [{"what": "terms", "before": str(before.get("digest", ""))[:8], "after": ruling.digest[:8]}]
