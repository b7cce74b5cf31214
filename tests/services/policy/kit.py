"""A desk with the whole of the policy in front of it: rulings, votes, delegations, one-time codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Role
from bot.domain.approval import Verdict
from bot.domain.policy import Policy, RoleLimit, default_policy
from bot.domain.views import RequestKind
from bot.language import language
from bot.ports import Clock, MovableClock
from bot.services.decisions import Decision, Decisions, Fulfilment
from bot.services.delegations import Delegations
from bot.services.guard import DecisionGuard
from bot.services.policies import Policies
from bot.services.requests import Requests
from bot.services.rulings import Rulings
from bot.services.settings import ServiceSettings
from bot.services.stepup import Authenticators, Proof
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from bot.words import Words
from tests.services.work.kit import SETTINGS, Desk, add, open_desk

LIMITS = (
    RoleLimit("approver", "GBP", 500_000),
    RoleLimit("approver", "USD", 100_000),
    RoleLimit("promo_manager", "GBP", 50_000),
)
POLICY = dataclasses.replace(default_policy("GBP", LIMITS), step_up_above=None)
WIDE = (
    RoleLimit("approver", "GBP", 5_000_000),
    RoleLimit("buyer", "GBP", 300_000),
    RoleLimit("approver", "CNY", 5_000_000),
)
LARGE = 600_000  # minor units: above the second band


@dataclass
class Begun:
    """A fulfilment that writes down what it was asked to begin, and in which state it found it."""

    requests: list[tuple[int, str]] = field(default_factory=list)

    async def begin(self, connection: AsyncConnection, held: RequestRow) -> None:
        assert connection.in_transaction()
        self.requests.append((held.id, held.state))


@dataclass
class Court(Desk):
    """The desk and those who decide at it."""

    policies: Policies
    rulings: Rulings
    delegations: Delegations
    authenticators: Authenticators
    begun: Begun

    async def decide(
        self,
        request_id: int,
        name: str,
        verdict: Verdict = "approve",
        version: int | None = None,
        platform: str = "slack",
        proof: Proof | None = None,
    ) -> Decision:
        """Somebody's word."""
        return await self.decisions.decide(request_id, version, verdict, self.asker(name), platform, proof=proof)

    async def rules(self, policy: Policy | None = None, **changes: Any) -> int:
        """Put a policy in force: the given one, or the present one with changes."""
        now = (await self.policies.in_force()).policy
        return await self.policies.seed(dataclasses.replace(policy or now, **changes))

    async def join(self, name: str, role: Role) -> int:
        """One member more."""
        async with self.database.transaction() as connection:
            self.members[name] = await add(
                connection, tables.Member, name=name, role=role, zone="UTC", created_at=self.clock.now()
            )
        return self.members[name]

    async def refusals(self) -> list[str]:
        """The objections that the audit log keeps, oldest first."""
        entries = await self.all(tables.Audit)
        return [entry.data["objection"] for entry in entries if entry.action == "request.refused"]


async def open_court(
    database: Database,
    clock: Clock,
    policy: Policy = POLICY,
    guard: DecisionGuard | None = None,
    settings: ServiceSettings = SETTINGS,
    fulfilments: Mapping[RequestKind, Fulfilment] | None = None,
) -> Court:
    """The desk of `tests.services.work.kit`, with a policy in force."""
    court = court_at(await open_desk(database, clock), clock, policy, guard, settings, fulfilments)
    await court.policies.ensure()
    return court


def court_at(
    desk: Desk,
    clock: Clock,
    policy: Policy = POLICY,
    guard: DecisionGuard | None = None,
    settings: ServiceSettings = SETTINGS,
    fulfilments: Mapping[RequestKind, Fulfilment] | None = None,
) -> Court:
    """The services of the policy in front of a desk."""
    database = desk.database
    shared: dict[str, Any] = {"database": database, "clock": clock, "audit": desk.audit}
    policies = Policies(initial=policy, **shared)
    rulings = Rulings(clock=clock, policies=policies, settings=settings)
    requests = Requests(outbox=desk.outbox, rulings=rulings, **shared)
    authenticators = Authenticators(issuer="Stocktide", **shared)
    begun = Begun()
    decisions = Decisions(
        requests=requests,
        policies=policies,
        rulings=rulings,
        authenticators=authenticators,
        fulfilments={"purchase_order": begun, "transfer": begun} if fulfilments is None else fulfilments,
        guard=guard,
        **shared,
    )
    base = {each.name: getattr(desk, each.name) for each in dataclasses.fields(Desk)} | {
        "requests": requests,
        "decisions": decisions,
    }
    return Court(
        **base,
        policies=policies,
        rulings=rulings,
        delegations=Delegations(policies=policies, **shared),
        authenticators=authenticators,
        begun=begun,
    )


def said(words: Words) -> str:
    """A sentence in English, nodes as plain text."""
    return language("en").say(words, plainly)


def plainly(node: object) -> str:
    """An inline node as plain text, as far as refusals use them."""
    if isinstance(node, Words):
        return said(node)
    money = getattr(node, "money", None)
    return language("en").money(money.amount, money.currency) if money else str(getattr(node, "content", node))


async def wide_court(database: Database, clock: MovableClock) -> Court:
    """A desk where three may approve large totals."""
    made = await open_court(database, clock, dataclasses.replace(POLICY, limits=WIDE))
    for name in ("Bo", "Cy"):
        await made.join(name, "approver")
    return made


async def lend(court: Court, giver: str, taker: str, days: float = 7) -> None:
    """One names another until some days from now."""
    until = court.clock.now() + timedelta(days=days)
    await court.delegations.give(court.asker(giver), taker, until, "slack")


async def change(court: Court, request_id: int, **values: Any) -> None:
    """Columns of a request, set behind everybody's back."""
    async with court.database.transaction() as connection:
        await connection.execute(update(tables.Request).where(tables.Request.id == request_id).values(**values))
