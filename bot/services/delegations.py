"""Delegations: somebody names who may decide in their place, dated, for the policy's days at most.

One delegate at a time: naming another takes the place of the one before. A delegate cannot hand it on, for only the
authority of a member's own role can be lent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.cards import labels
from bot.chat.command import Asker
from bot.chat.nodes import Text
from bot.domain.approval import DECIDERS
from bot.errors import NotAllowed, Refusal, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.policies import Policies
from bot.storage import authority, locks
from bot.storage import delegations as rows
from bot.storage import members as member_rows
from bot.storage.database import Database
from bot.storage.delegations import DelegationRow
from bot.words import _

_LENDING = frozenset(role for roles in DECIDERS.values() for role in roles)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom a member has named (None: nobody), and in whose place they stand themselves; now or later."""

    given: DelegationRow | None
    taken: tuple[DelegationRow, ...]


class Delegations:
    """Names delegates and takes them back."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit, policies: Policies) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._policies = policies

    async def of(self, member_id: int) -> Standing:
        """Whom a member has named, and who has named them."""
        async with self._database.reading() as connection:
            found = await rows.of_member(connection, member_id, self._clock.now())
        given = next((each for each in found if each.from_member == member_id), None)
        return Standing(given, tuple(each for each in found if each.to_member == member_id))

    async def give(
        self, asker: Asker, to_name: str, until: datetime, platform: str, start: datetime | None = None
    ) -> Standing:
        """Name a delegate from `start` (now) until `until`; Refusal where that cannot be, saying why."""
        now = self._clock.now()
        starts_at = max(start or now, now)
        async with self._database.transaction() as connection:
            await locks.members(connection, [asker.member_id])
            role = await authority.role_of(connection, asker.member_id)
            if role not in _LENDING:
                own = labels.role_words(role or "")
                raise NotAllowed(_("The role {role} decides nothing, so it can lend nothing.", role=own))
            found = await member_rows.by_name(connection, to_name)
            if found is None or not found.active:
                raise UnknownReference(_("There is no member called {name}.", name=Text(to_name[:80])))
            if found.id == asker.member_id:
                raise Refusal(_("You cannot stand in for yourself."))
            policy = (await self._policies.current(connection)).policy
            if not any(limit.role == found.role for limit in policy.limits):
                raise Refusal(
                    _(
                        "{name} is {role}, a role without a limit of its own; the lower of both limits holds, so they "
                        "could approve nothing.",
                        name=Text(found.name),
                        role=labels.role_words(found.role),
                    )
                )
            if until <= starts_at:
                raise Refusal(_("That end lies before the start; give a later date."))
            if until - starts_at > timedelta(days=policy.delegation_days):
                raise Refusal(_("A delegation lasts {days} days at most.", days=policy.delegation_days))
            await rows.revoke(connection, asker.member_id, now)
            await rows.add(connection, asker.member_id, found.id, (starts_at, until, now))
            data = {"to": found.id, "from": starts_at.isoformat(), "until": until.isoformat()}
            await self._audit.append(
                connection, "delegation.given", f"member:{asker.member_id}", data, asker.member_id, platform
            )
        return await self.of(asker.member_id)

    async def take_back(self, asker: Asker, platform: str) -> bool:
        """End what one has delegated, now; false where there is nothing."""
        async with self._database.transaction() as connection:
            await locks.members(connection, [asker.member_id])
            if not await rows.revoke(connection, asker.member_id, self._clock.now()):
                return False
            subject = f"member:{asker.member_id}"
            await self._audit.append(connection, "delegation.ended", subject, {}, asker.member_id, platform)
        return True
