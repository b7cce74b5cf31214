"""Who stands before which requests: members with role, scope and past approvals, and claims with their codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Cast, Claim, Decider, Spent
from bot.ports import Clock
from bot.services.guard import DecisionGuard
from bot.services.rulings import Ruling
from bot.storage import authority, delegations, votes
from bot.storage.requests import RequestRow
from bot.storage.votes import VoteRow

DAY = timedelta(days=1)
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Bench:
    """Members by id, with their names, and for each whom they may stand in for now, the oldest delegation first."""

    people: Mapping[int, Decider]
    names: Mapping[int, str]
    principals: Mapping[int, Sequence[int]]

    def of(self, member_id: int) -> tuple[Decider, tuple[Decider, ...]]:
        """A member and those they stand in for; somebody unknown or inactive has the id 0."""
        who = self.people.get(member_id)
        if who is None:
            return Decider(0, ""), ()
        found = (self.people.get(principal) for principal in self.principals.get(member_id, ()))
        return who, tuple(principal for principal in found if principal is not None)

    def named(self, ids: Collection[int]) -> list[str]:
        """The names of some of them, in alphabetical order."""
        return sorted(self.names[member_id] for member_id in ids)


async def held_bench(connection: AsyncConnection, clock: Clock, member_id: int, guard: DecisionGuard) -> Bench:
    """A member with those they stand in for, held: nobody spends their budgets until the transaction ends."""
    named = await delegations.active(connection, [member_id], clock.now())
    ids = {member_id, *named.get(member_id, ())}
    await guard.hold_people(connection, ids)
    standing = await delegations.active(connection, [member_id], clock.now())  # one was taken back while we waited
    principals = {member_id: [each for each in standing.get(member_id, ()) if each in ids]}
    return await _bench(connection, clock.now(), ids, principals)


async def bench(connection: AsyncConnection, clock: Clock, ids: Collection[int] | None = None) -> Bench:
    """Everybody active, or some with those they stand in for."""
    principals = await delegations.active(connection, ids, clock.now())
    if ids is not None:
        ids = {*ids, *(principal for found in principals.values() for principal in found)}
    return await _bench(connection, clock.now(), ids, principals)


async def _bench(
    connection: AsyncConnection, now: datetime, ids: Collection[int] | None, principals: Mapping[int, Sequence[int]]
) -> Bench:
    found = await authority.people(connection, ids)
    known = [person.id for person in found]
    scopes = await authority.scopes(connection, known)
    spent = await authority.spent(connection, known, now - DAY, now - MONTH)
    people = {
        person.id: Decider(
            person.id,
            person.role,
            locations=scopes.get(person.id, {}).get("location", frozenset()),
            suppliers=scopes.get(person.id, {}).get("supplier", frozenset()),
            stores=scopes.get(person.id, {}).get("store", frozenset()),
            spent={code: Spent(*sums) for code, sums in spent.get(person.id, {}).items()},
        )
        for person in found
    }
    return Bench(people, {person.id: person.name for person in found}, principals)


async def claims(
    connection: AsyncConnection, held: Sequence[RequestRow], ruled: Mapping[int, Ruling]
) -> dict[int, Claim]:
    """What is to be decided of each request, as the rulings see it."""
    if not held:
        return {}
    places = await authority.location_codes(connection)
    suppliers = {request.supplier_id for request in held if request.supplier_id is not None}
    codes = await authority.supplier_codes(connection, suppliers) if suppliers else {}
    return {
        request.id: Claim(
            request.kind,
            request.total,
            request.requested_by,
            request.edited_by,
            needs=ruled[request.id].needs,
            requester_may=ruled[request.id].requester_may,
            forbidden=bool(ruled[request.id].forbidden),
            locations=frozenset(
                places[place] for place in (request.location_id, request.from_location_id) if place is not None
            ),
            supplier=codes.get(request.supplier_id or 0, ""),
            store=str(request.detail.get("store", "")),
        )
        for request in held
    }


async def cast(connection: AsyncConnection, ids: Collection[int]) -> dict[int, tuple[Cast, ...]]:
    """The approvals given to the version that stands of each pending request."""
    found = await votes.standing(connection, ids)
    return {request_id: approvals(its) for request_id, its in found.items()}


def approvals(found: Sequence[VoteRow]) -> tuple[Cast, ...]:
    """Those of the votes that approve."""
    return tuple(Cast(vote.member_id, vote.principal_id) for vote in found if vote.verdict == "approve")
