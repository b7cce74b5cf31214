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
from bot.services.policies import Policies
from bot.services.rulings import Ruling, Rulings
from bot.services.stepup import Proof
from bot.storage import requests as rows
from bot.storage import votes
from bot.storage.requests import RequestRow


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
    policy: Policy
    claim: Claim
    who: Decider
    principals: tuple[Decider, ...]
    cast: tuple[Cast, ...]

    def authority(self, verdict: Verdict) -> Authority:
        """By whose authority the person may give this verdict, or why not."""
        return approval.authority(self.who, self.principals, verdict, self.claim, self.policy, self.cast)


class Scenes:
    """Reads scenes."""

    def __init__(self, policies: Policies, rulings: Rulings) -> None:
        self._policies = policies
        self._rulings = rulings

    async def of(self, connection: AsyncConnection, held: RequestRow, here: Bench, member_id: int) -> Scene:
        """The scene of one request and one member of the bench."""
        ruling = (await self._rulings.rule_rows(connection, [held]))[held.id]
        claim = (await claims(connection, [held], {held.id: ruling}))[held.id]
        given = approvals((await votes.standing(connection, [held.id]))[held.id])
        policy = (await self._policies.current(connection)).policy
        who, principals = here.of(member_id)
        return Scene(held, ruling, policy, claim, who, principals, given)


async def entry(connection: AsyncConnection, scene: Scene, press: Press, now: datetime) -> dict[str, Any]:
    """What the audit log keeps: what was shown and said, with which authority, when on the clock of who said it."""
    held, asker, ruling = scene.held, press.asker, scene.ruling
    lines = (await rows.lines(connection, [held.id]))[held.id]
    skus = await rows.skus(connection, [line.product_id for line in lines])
    limit = scene.policy.limit(scene.who.role, held.total.currency)
    return {
        "verdict": press.verdict,
        "kind": held.kind,
        "total_minor": held.total.minor,
        "currency": held.total.currency,
        "shown_version": press.version if press.version is not None else held.version,
        "lines": [
            {"sku": skus[line.product_id], "quantity": line.quantity, "unit_cost_minor": line.unit_cost_minor}
            for line in lines
        ],
        "digest": ruling.digest,
        "policy": ruling.policy,
        "needs": ruling.needs,
        "role": scene.who.role,
        "name": asker.name,
        "limit_minor": None if limit is None else limit.per_request,
        "in_place_of": scene.authority(press.verdict).principal_id,
        "comment": press.comment,
        "local_time": now.astimezone(asker.zone).isoformat(timespec="seconds"),
    }


def differences(shown: object, ruling: Ruling) -> list[dict[str, str]]:
    """What is different from what was shown, as plain JSON."""
    before = shown if isinstance(shown, Mapping) else {}
    found = [
        {"what": what, "before": str(before.get(what) or ""), "after": str(after or "")}
        for what, after in (("policy", ruling.policy), ("rate", ruling.rate))
        if before.get(what) != after
    ]
    return found or [{"what": "terms", "before": str(before.get("digest", ""))[:8], "after": ruling.digest[:8]}]
