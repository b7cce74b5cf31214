"""Before whom a request is put: never before anybody asleep, never twice, never in a flood."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.routing import QUIET, Offering, Person, Waiting, Waits, plan

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIN, GRETA, NOK = 1, 2, 3
AWAKE = {LIN: Person(LIN, awake=True), GRETA: Person(GRETA, awake=True), NOK: Person(NOK, awake=False)}


def waiting(number: int = 7, **more: object) -> Waiting:
    base = Waiting(number, 1, urgent=False, missing=1, since=NOW, able=(LIN, GRETA, NOK))
    return replace(base, **more)  # type: ignore[arg-type]  # named by each test


def planned(
    *requests: Waiting, people: Mapping[int, Person] = AWAKE, delegates: Mapping[int, int] | None = None,
    at: datetime = NOW,
) -> list[tuple[int, int, str]]:  # fmt: skip
    return [(one.request_id, one.member_id, one.why) for one in plan(requests, people, delegates or {}, Waits(), at)]


def asleep(*members: int) -> dict[int, Person]:
    return {key: replace(person, awake=person.awake and key not in members) for key, person in AWAKE.items()}


def test_a_new_request_goes_to_as_many_of_those_at_work_as_are_missing() -> None:
    assert planned(waiting()) == [(7, LIN, "awake")]
    assert planned(waiting(missing=2)) == [(7, LIN, "awake"), (7, GRETA, "awake")]
    assert planned(waiting(missing=5)) == [(7, LIN, "awake"), (7, GRETA, "awake")]  # Nok sleeps


def test_nobody_at_work_means_that_it_waits_for_the_first_to_wake() -> None:
    assert planned(waiting(), people=asleep(LIN, GRETA)) == []
    assert planned(waiting(), people=asleep(LIN), at=NOW + HOUR) == [(7, GRETA, "awake")]


def test_it_goes_to_whoever_has_less_to_decide_and_to_whoever_saw_it_before() -> None:
    busy = {**AWAKE, LIN: replace(AWAKE[LIN], load=3)}
    assert planned(waiting(), people=busy) == [(7, GRETA, "awake")]
    assert planned(waiting(before=frozenset({LIN})), people=busy) == [(7, LIN, "awake")]
    many = [waiting(number) for number in range(1, 5)]
    assert [member for _request, member, _why in planned(*many)] == [LIN, GRETA, LIN, GRETA]


def test_after_the_wait_it_goes_to_everybody_else_at_work() -> None:
    asked = waiting(offered={LIN: NOW})
    assert planned(asked, at=NOW + 2 * HOUR - timedelta(seconds=1)) == []
    assert planned(asked, at=NOW + 2 * HOUR) == [(7, GRETA, "escalated")]
    urgent = waiting(offered={LIN: NOW}, urgent=True)
    assert planned(urgent, at=NOW + timedelta(minutes=29)) == []
    assert planned(urgent, at=NOW + timedelta(minutes=30)) == [(7, GRETA, "escalated")]
    everybody = waiting(offered={LIN: NOW, GRETA: NOW})
    assert planned(everybody, at=NOW + 9 * HOUR) == []


def test_each_round_of_escalation_has_its_own_wait() -> None:
    asked = waiting(offered={LIN: NOW, GRETA: NOW + 2 * HOUR})
    woken = {**AWAKE, NOK: Person(NOK, awake=True)}
    assert planned(asked, people=woken, at=NOW + 3 * HOUR) == []
    assert planned(asked, people=woken, at=NOW + 4 * HOUR) == [(7, NOK, "escalated")]


def test_the_delegate_of_a_sleeping_approver_is_asked_after_the_wait_alone() -> None:
    team = {**asleep(LIN, GRETA), 9: Person(9, awake=True)}
    assert planned(waiting(), people=team, delegates={NOK: 9}) == []
    assert planned(waiting(), people=team, delegates={NOK: 9}, at=NOW + 2 * HOUR) == [(7, 9, "delegate")]
    sleeping = {**team, 9: Person(9, awake=False)}
    assert planned(waiting(), people=sleeping, delegates={NOK: 9}, at=NOW + 2 * HOUR) == []


def test_nobody_s_delegate_is_asked_while_they_are_at_work_themselves() -> None:
    team = {**AWAKE, 9: Person(9, awake=True)}
    asked = waiting(offered={LIN: NOW, GRETA: NOW})
    assert planned(asked, people=team, delegates={LIN: 9}, at=NOW + 9 * HOUR) == []


def test_whoever_has_authority_of_their_own_is_not_asked_as_a_delegate() -> None:
    asked = waiting(offered={LIN: NOW, GRETA: NOW})
    assert planned(asked, delegates={NOK: GRETA}, at=NOW + 9 * HOUR) == []


def test_one_message_an_hour_but_for_what_is_urgent() -> None:
    told = {member: replace(person, told_at=NOW) for member, person in AWAKE.items()}
    just = NOW + HOUR - timedelta(seconds=1)
    assert planned(waiting(), people=told, at=just) == []
    assert planned(waiting(urgent=True), people=told, at=just) == [(7, LIN, "awake")]
    assert planned(waiting(), people=told, at=NOW + HOUR) == [(7, LIN, "awake")]


def test_a_delegate_is_not_asked_because_those_at_work_were_told_just_now() -> None:
    team = {**{key: replace(one, told_at=NOW + 2 * HOUR) for key, one in AWAKE.items()}, 9: Person(9, awake=True)}
    assert planned(waiting(), people=team, delegates={NOK: 9}, at=NOW + 2 * HOUR) == []


@dataclass
class Town:
    """A few hours of requests and sleepers, tick by tick, with what was offered remembered as the tables do."""

    requests: list[Waiting]
    hours: dict[int, tuple[int, int]]
    delegates: dict[int, int]

    def run(self, ticks: int, chance: random.Random) -> list[tuple[datetime, dict[int, Person], list[Offering]]]:
        told: dict[int, datetime] = {}
        seen = []
        for tick in range(ticks):
            now = NOW + tick * timedelta(minutes=10)
            people = {
                member: Person(member, start <= now.hour < end, told.get(member), chance.randrange(3))
                for member, (start, end) in self.hours.items()
            }
            found = plan(self.requests, people, self.delegates, Waits(), now)
            shuffled = chance.sample(self.requests, len(self.requests))
            assert plan(shuffled, dict(reversed(people.items())), self.delegates, Waits(), now) == found
            seen.append((now, people, found))
            for one in found:
                told[one.member_id] = now
                place = next(n for n, each in enumerate(self.requests) if each.id == one.request_id)
                offered = {**self.requests[place].offered, one.member_id: now}
                self.requests[place] = replace(self.requests[place], offered=offered)
        return seen


MEMBERS = st.integers(1, 6)
REQUESTS = st.lists(
    st.builds(
        lambda number, urgent, missing, able, late: Waiting(
            number, 1, urgent, missing, NOW - timedelta(minutes=late), tuple(sorted(able))
        ),
        st.integers(1, 500), st.booleans(), st.integers(1, 2), st.sets(MEMBERS, max_size=4), st.integers(0, 200),
    ),
    max_size=20, unique_by=lambda request: request.id,
)  # fmt: skip


@given(
    REQUESTS,
    st.dictionaries(MEMBERS, st.tuples(st.integers(8, 14), st.integers(10, 20)), min_size=1),
    st.dictionaries(MEMBERS, MEMBERS),
    st.randoms(use_true_random=False),
)
def test_no_run_of_ticks_breaks_the_rules(
    requests: list[Waiting], hours: dict[int, tuple[int, int]], delegates: dict[int, int], chance: random.Random
) -> None:
    able = {request.id: set(request.able) for request in requests}
    urgent = {request.id for request in requests if request.urgent}
    town = Town(list(requests), hours, delegates)
    ever: set[tuple[int, int]] = set()
    for now, people, offerings in town.run(30, chance):
        for one in offerings:
            person = people[one.member_id]
            assert person.awake
            assert (one.request_id, one.member_id) not in ever
            ever.add((one.request_id, one.member_id))
            if one.request_id not in urgent:
                assert person.told_at is None or now - person.told_at >= QUIET
            if one.why == "delegate":
                assert one.for_whom in able[one.request_id]
                assert delegates[one.for_whom] == one.member_id
                assert not (one.for_whom in people and people[one.for_whom].awake)
            else:
                assert one.member_id in able[one.request_id]


@given(REQUESTS, st.sets(MEMBERS, min_size=1))
def test_a_new_request_finds_somebody_whenever_anybody_is_at_work(requests: list[Waiting], present: set[int]) -> None:
    people = {member: Person(member, awake=member in present) for member in range(1, 7)}
    found = {one.request_id for one in plan(requests, people, {}, Waits(), NOW)}
    assert found == {request.id for request in requests if present & set(request.able)}
