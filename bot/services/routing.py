"""Routing: a request goes to whoever with authority is at work, privately, and further on where they do not decide.

A tick plans by the rules of `bot.domain.routing` and writes offers and messages in one transaction, which a lock makes
the only one of its kind: replicas put nothing before anybody twice. Each person gets one message per tick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import offer_note, offered_card, request_card
from bot.domain.routing import QUIET, Offering, Person, Waiting, Waits, plan, unanswered
from bot.errors import PlatformError
from bot.ports import Clock
from bot.services.conversations import Conversations
from bot.services.members import Members
from bot.services.outbox import Outbox, footed
from bot.services.policies import Policies
from bot.storage import delegations, locks
from bot.storage import offers as rows
from bot.storage import requests as request_rows
from bot.storage.database import Database

_log = structlog.get_logger(__name__)


class Authority(Protocol):
    """Who may approve what; `bot.services.decisions.Decisions`."""

    async def able(self, connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
        """For each pending request the members who may approve it by their own authority."""
        ...


@dataclass
class RoutingTick:
    """What one tick did; `unreachable` counts people at work without a private conversation."""

    offers: int = 0
    messages: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a plan rests on."""

    requests: tuple[Waiting, ...]
    people: Mapping[int, Person]
    delegates: Mapping[int, int]
    waits: Waits

    def plan(self, now: datetime) -> list[Offering]:
        return plan(self.requests, self.people, self.delegates, self.waits, now)

    def without(self, silent: Collection[int]) -> _Scene:
        """The same where some people cannot be reached."""
        people = {
            member: replace(person, awake=person.awake and member not in silent)
            for member, person in self.people.items()
        }
        return replace(self, people=people)


class Routing:
    """Puts requests before people."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        members: Members,
        conversations: Conversations,
        outbox: Outbox,
        policies: Policies,
        authority: Authority,
    ) -> None:
        self._database = database
        self._clock = clock
        self._members = members
        self._conversations = conversations
        self._outbox = outbox
        self._policies = policies
        self._authority = authority

    async def tick(self) -> RoutingTick:
        """Put every request that is due before whom it is due to."""
        now = self._clock.now()
        awake = {view.id: view.awake for view in await self._members.everyone()}
        async with self._database.reading() as connection:
            scene = await self._scene(connection, awake, now)
        done = RoutingTick()
        places: dict[int, int] = {}
        silent: set[int] = set()
        while wanted := {one.member_id for one in scene.without(silent).plan(now)} - places.keys():
            for member_id in sorted(wanted):  # asking a platform may take a while: no transaction is open
                place = await self._place(member_id)
                if place is None:
                    silent.add(member_id)
                else:
                    places[member_id] = place
        done.unreachable = len(silent)
        if places:
            async with self._database.transaction() as connection:
                await locks.routing(connection)
                await locks.requests_in(connection, ("pending",))  # so that a decision finds the messages it must edit
                scene = await self._scene(connection, awake, now)
                planned = scene.without(silent).plan(now)  # whoever has no place yet is asked at the next tick
                await self._offer(connection, [one for one in planned if one.member_id in places], places, now, done)
        return done

    async def _scene(self, connection: AsyncConnection, awake: Mapping[int, bool], now: datetime) -> _Scene:
        """Everything a plan rests on, of the requests where something is to be done."""
        policy = (await self._policies.current(connection)).policy
        waits = Waits(timedelta(minutes=policy.urgent_wait_minutes), timedelta(minutes=policy.wait_minutes))
        offers = await rows.of_pending(connection)
        waiting = [_waiting(row, offers.get(row.id, ())) for row in await rows.pending(connection, now)]
        due = [request for request in waiting if unanswered(request, waits, now)]
        able = await self._authority.able(connection, [request.id for request in due]) if due else {}
        load = Counter(one.member_id for given in offers.values() for one in given)
        told = await rows.told(connection, now - QUIET)
        people = {
            member: Person(member, is_awake, told.get(member), load[member]) for member, is_awake in awake.items()
        }
        everybody = {member for members in able.values() for member in members}
        return _Scene(
            tuple(replace(request, able=able.get(request.id, ())) for request in due),
            people,
            await delegations.delegates_of(connection, everybody, now) if everybody else {},
            waits,
        )

    async def _place(self, member_id: int) -> int | None:
        try:
            place = await self._conversations.direct(member_id)
        except PlatformError as error:
            _log.warning("a request cannot be offered now", member=member_id, error=repr(error))
            return None
        return None if place is None else place.id

    async def _offer(
        self,
        connection: AsyncConnection,
        planned: Sequence[Offering],
        places: Mapping[int, int],
        now: datetime,
        done: RoutingTick,
    ) -> None:
        taken = await rows.add(connection, planned, now)
        done.offers = len(taken)
        views = await request_rows.views(connection, {one.request_id for one in taken})
        names = await rows.names(connection, {one.for_whom for one in taken if one.for_whom is not None})
        for member_id in sorted({one.member_id for one in taken}):
            mine = [one for one in taken if one.member_id == member_id]
            key = f"offer:{member_id}:{now.isoformat()}"
            if len(mine) == 1:
                only = mine[0]
                card = footed(request_card(views[only.request_id]), offer_note(only, names))
                await self._outbox.put(
                    connection, places[member_id], card, "post", f"request:{only.request_id}", dedupe_key=key
                )
            else:
                card = offered_card([views[one.request_id] for one in mine], mine, names)
                await self._outbox.put(connection, places[member_id], card, "post", dedupe_key=key)
            done.messages += 1


def _waiting(row: rows.PendingRow, given: Sequence[rows.OfferRow]) -> Waiting:
    return Waiting(
        id=row.id,
        version=row.version,
        urgent=row.urgent,
        missing=row.needs - row.approved,
        since=row.since,
        able=(),
        offered={one.member_id: one.at for one in given if one.version == row.version},
        before=frozenset(one.member_id for one in given if one.version < row.version),
    )
