"""Before whom a request is put in person, and when. Pure rules.

First before as many as are missing, of those with authority who are at work; where nobody is, before whoever is back
first, then. Where the wait passes without their decision, before everybody else with authority who is at work, and
before the delegates of those who are not. Nobody hears of anything outside their working hours, or of the same version
of a request twice; and only what is urgent comes within an hour of the message before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Why = Literal["awake", "escalated", "delegate"]
QUIET = timedelta(hours=1)  # between two messages to one person, but for what is urgent


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending request: who may decide it by their own authority, and who has been asked.

    `missing` is how many more must approve, `since` when it was submitted, `offered` when each was asked about this
    version, `before` who was asked about an earlier one.
    """

    id: int
    version: int
    urgent: bool
    missing: int
    since: datetime
    able: tuple[int, ...]
    offered: Mapping[int, datetime] = field(default_factory=dict)
    before: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """A member: whether they are at work and can be reached, when they were told last, and how much waits for them."""

    id: int
    awake: bool
    told_at: datetime | None = None
    load: int = 0


@dataclass(frozen=True, slots=True)
class Offering:
    """One request to be put before one member; `for_whom` is the sleeping member a delegate stands in for."""

    request_id: int
    version: int
    member_id: int
    why: Why
    for_whom: int | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a request waits before it is put before others."""

    urgent: timedelta = timedelta(minutes=30)
    other: timedelta = timedelta(hours=2)

    def of(self, urgent: bool) -> timedelta:  # noqa: FBT001  # the request's own flag
        """The wait of a request."""
        return self.urgent if urgent else self.other


def unanswered(request: Waiting, waits: Waits, now: datetime) -> bool:
    """Whether something is to be done: nobody was asked, or those who were have let the wait pass."""
    return not request.offered or now - max(request.offered.values()) >= waits.of(request.urgent)


def plan(
    requests: Sequence[Waiting],
    people: Mapping[int, Person],
    delegates: Mapping[int, int],
    waits: Waits,
    now: datetime,
) -> list[Offering]:
    """What is to be put before whom at `now`; `delegates` gives who stands in for whom.

    The urgent and the oldest requests choose first, and fall to who has the least to decide; of two alike to who saw
    the request before. The order of the arguments means nothing.
    """
    load = {member: person.load for member, person in people.items()}
    made: list[Offering] = []
    for request in sorted(requests, key=lambda each: (not each.urgent, each.since, each.id)):
        found = list(_of(request, people, delegates, load, waits, now))
        for offering in found:
            load[offering.member_id] += 1
        made += found
    return made


def _of(
    request: Waiting,
    people: Mapping[int, Person],
    delegates: Mapping[int, int],
    load: Mapping[int, int],
    waits: Waits,
    now: datetime,
) -> Iterable[Offering]:
    if not unanswered(request, waits, now):
        return
    own = [people[member] for member in request.able if member in people and people[member].awake]
    fresh = [person for person in own if person.id not in request.offered]
    told = [person for person in fresh if _may_hear(person, request, now)]
    told.sort(key=lambda person: (person.id not in request.before, load[person.id], person.id))
    passed = now - max(request.offered.values(), default=request.since) >= waits.of(request.urgent)
    if not request.offered:
        for person in told[: max(1, request.missing)]:
            yield Offering(request.id, request.version, person.id, "awake")
        if own or not passed:
            return
    else:
        for person in told:
            yield Offering(request.id, request.version, person.id, "escalated")
    asked = {person.id for person in told} | set(request.offered) | set(request.able)
    for member in request.able:
        delegate = people.get(delegates.get(member, 0))
        away = member not in people or not people[member].awake
        if away and delegate and delegate.awake and delegate.id not in asked and _may_hear(delegate, request, now):
            asked.add(delegate.id)
            yield Offering(request.id, request.version, delegate.id, "delegate", member)


def _may_hear(person: Person, request: Waiting, now: datetime) -> bool:
    return request.urgent or person.told_at is None or now - person.told_at >= QUIET
