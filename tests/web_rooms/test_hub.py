"""Rooms as the hub keeps them: coming, going, coming back, and what each role may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.web.rooms.hub import FAULTS
from bot.web.rooms.room import BURST, LINES, UNHEARD
from tests.web_rooms.conftest import House
from tests.web_rooms.kit import Caller, a_seat

MEDIA = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n"
LISTENING = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\nm=application 9 UDP/DTLS/SCTP x\r\n"


def errors(caller: Caller) -> list[str]:
    return [message["code"] for message in caller.heard("error")]


async def test_a_newcomer_hears_who_is_there_and_they_hear_of_the_newcomer(house: House) -> None:
    anna, bo = await house.joined(1, "host"), await house.joined(2)
    (room,) = bo.heard("room")
    assert [(peer["id"], peer["name"], peer["role"]) for peer in room["peers"]] == [(anna.id, "Person 1", "host")]
    (arrived,) = anna.heard("arrived")
    assert (arrived["peer"]["id"], arrived["peer"]["zone"], arrived["peer"]["from"]) == (
        bo.id,
        "Europe/Berlin",
        "09:00",
    )
    assert bo.id > anna.id
    assert [member for member, _visit in house.book.told("joined")] == [1, 2]


async def test_whoever_looks_in_sees_people_come_and_is_not_seen(house: House) -> None:
    outside, anna = await house.call(9), await house.joined(1)
    (people,) = outside.heard("people")
    assert [person["member"] for person in people["people"]] == [1]
    assert anna.heard("room")[0]["peers"] == []


async def test_a_room_holds_its_cap_and_never_more_than_six(house: House) -> None:
    for member in range(1, 7):
        house.book.invite(a_seat(member, cap=50))
        caller = Caller(house.hub, await house.hub.attach(a_seat(member).key, f"s{member}"))
        await caller.say("join")
    seventh = await house.joined(7)
    assert errors(seventh) == ["full"]
    assert len(house.book.told("joined")) == 6


async def test_signals_reach_their_peer_stamped_with_the_sender(house: House) -> None:
    anna, bo, cy = [await house.joined(member) for member in (1, 2, 3)]
    for caller in (anna, bo, cy):
        caller.heard()
    await cy.say("signal", to=anna.id, description={"type": "offer", "sdp": MEDIA})
    await cy.say("signal", to=anna.id, candidate={"candidate": "", "sdpMid": "0"})
    offer, candidate = anna.heard("signal")
    assert (offer["from"], offer["description"]["sdp"]) == (cy.id, MEDIA)
    assert candidate == {"type": "signal", "from": cy.id, "candidate": {"candidate": "", "sdpMid": "0"}}
    assert bo.heard() == []


async def test_nothing_passes_between_rooms_or_from_outside(house: House) -> None:
    anna = await house.joined(1)
    house.book.seats["s2"] = a_seat(2, key="another-room")
    bo = Caller(house.hub, await house.hub.attach("another-room", "s2"))
    await bo.say("signal", to=anna.id, description={"type": "offer", "sdp": MEDIA})
    assert errors(bo) == ["outside"]
    await bo.say("join")
    await bo.say("signal", to=anna.id + 5, description={"type": "offer", "sdp": MEDIA})
    await bo.say("say", text="hello")
    assert errors(bo) == ["nobody"]
    assert anna.heard("signal") == anna.heard("line") == []


async def test_a_lost_connection_is_taken_up_again_with_what_came_meanwhile(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    visit = bo.heard("room")[0]["visit"]
    house.hub.lost(bo.connection)
    assert anna.heard("away") == [{"type": "away", "peer": bo.id}]
    await anna.say("signal", to=bo.id, candidate={"candidate": "c", "sdpMid": "0"})
    again = Caller(house.hub, await house.hub.attach(a_seat(2).key, "s2"))
    await again.say("join", resume=visit, shown={"muted": True, "camera": True, "sharing": False})
    told = again.heard()
    assert [message["type"] for message in told] == ["seat", "room", "signal"]
    assert (told[1]["resumed"], told[1]["you"]["id"], told[1]["visit"]) == (True, bo.id, visit)
    assert anna.heard("back")[0]["peer"]["shown"]["camera"]
    assert house.book.told("left") == []
    assert len(house.book.told("joined")) == 2


async def test_whoever_does_not_come_back_has_left(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    house.hub.lost(bo.connection)
    await house.pauses.let_pass(30.0)
    assert [message["peer"] for message in anna.heard("gone")] == [bo.id]
    assert [member for member, _visit in house.book.told("left")] == [2]


async def test_somebody_elses_visit_cannot_be_taken_up(house: House) -> None:
    await house.joined(1)
    bo = await house.joined(2)
    visit = bo.heard("room")[0]["visit"]
    mallory = await house.call(3)
    await mallory.say("join", resume=visit)
    assert not mallory.heard("room")[0]["resumed"]
    assert mallory.id != bo.id


async def test_joining_from_a_second_tab_moves_the_person_there(house: House) -> None:
    anna, first = await house.joined(1), await house.joined(2)
    second = Caller(house.hub, await house.hub.attach(a_seat(2).key, "s2"))
    await second.say("join")
    assert first.heard("bye")[0].reason == "elsewhere"
    assert [peer["member"] for peer in second.heard("room")[0]["peers"]] == [1]
    assert len(house.hub.rooms[a_seat(1).key].peers) == 2
    assert [message["peer"]["member"] for message in anna.heard("arrived")] == [2, 2]


async def test_one_person_waits_before_the_door_only_once(house: House) -> None:
    first, second = await house.call(1), await house.call(1)
    assert first.heard("bye")[0].reason == "elsewhere"
    await second.say("join")
    assert second.heard("room")


async def test_the_last_one_to_leave_ends_the_room(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    await anna.say("leave")
    assert house.book.told("ended") == []
    await bo.say("leave")
    assert house.book.told("ended") == [(None,)]
    for caller in (anna, bo):
        house.hub.lost(caller.connection)
    assert house.hub.rooms == {}


async def test_a_removed_member_is_out_within_a_minute(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    del house.book.seats["s2"]
    await house.pauses.let_pass(60.0)
    (farewell,) = bo.heard("bye")
    assert (farewell.reason, farewell.words) == ("refused", "You are not invited any more.")
    assert anna.heard("gone")[0]["peer"] == bo.id


async def test_whoever_changes_a_membership_need_not_wait_for_the_minute(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    del house.book.seats["s2"]
    house.book.seats["s1"] = a_seat(1, recording=True)
    await house.hub.refresh(a_seat(1).key)
    assert bo.heard("bye")[0].reason == "refused"
    assert anna.heard("recording") == [{"type": "recording", "recording": True}]


async def test_membership_is_looked_up_again_at_the_join(house: House) -> None:
    bo = await house.call(2)
    del house.book.seats["s2"]
    await bo.say("join")
    assert bo.heard("bye")[0].reason == "refused"


async def test_a_keeper_that_fails_once_does_not_end_the_looking(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bo = await house.joined(2)

    async def failing(*_: object) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(house.book, "seat", failing)
        await house.pauses.let_pass(60.0)
    del house.book.seats["s2"]
    await house.pauses.let_pass(60.0)
    assert bo.heard("bye")[0].reason == "refused"


async def test_a_changed_role_is_told_to_everyone(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    house.book.seats["s2"] = a_seat(2, "viewer")
    await house.pauses.let_pass(60.0)
    assert [message["peer"]["role"] for message in anna.heard("changed")] == ["viewer"]
    await bo.say("say", text="hello")
    assert errors(bo) == ["viewer"]


async def test_a_viewer_only_listens(house: House) -> None:
    anna, viewer = await house.joined(1), await house.joined(2, "viewer")
    anna.heard()
    await viewer.say("signal", to=anna.id, description={"type": "offer", "sdp": MEDIA})
    await viewer.say("signal", to=anna.id, description={"type": "answer", "sdp": MEDIA})
    await viewer.say("say", text="hello")
    await viewer.say("note", kind="decision", text="we buy")
    await viewer.say("sent", name="a.csv", size=1, sha256="0" * 64)
    assert errors(viewer) == ["viewer_media", "viewer_media", "viewer", "viewer", "viewer"]
    assert anna.heard() == []
    await viewer.say("signal", to=anna.id, description={"type": "offer", "sdp": LISTENING})
    assert anna.heard("signal")[0]["description"]["sdp"] == LISTENING


async def test_a_host_lets_a_viewer_take_part(house: House) -> None:
    host, viewer = await house.joined(1, "host"), await house.joined(2, "viewer")
    await viewer.say("raise", peer=viewer.id)
    assert errors(viewer) == ["not_host"]
    await host.say("raise", peer=viewer.id)
    assert viewer.heard("changed")[0]["peer"]["role"] == "member"
    await viewer.say("say", text="thanks")
    await viewer.say("signal", to=host.id, description={"type": "offer", "sdp": MEDIA})
    assert [message["type"] for message in host.heard()][-2:] == ["line", "signal"]


@pytest.mark.parametrize("act", ["mute", "remove", "raise"])
@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_only_hosts_act_upon_others(house: House, act: str, role: Any) -> None:
    other, plain = await house.joined(1), await house.joined(2, role)
    other.heard()
    await plain.say(act, peer=other.id)
    await plain.say("end")
    assert errors(plain) == ["not_host", "not_host"]
    assert other.heard() == []


async def test_a_cohost_asks_for_silence_and_removes_lesser_roles_only(house: House) -> None:
    host, cohost, member = await house.joined(1, "host"), await house.joined(2, "cohost"), await house.joined(3)
    await cohost.say("mute", peer=host.id)
    assert host.heard("mute") == [{"type": "mute", "by": cohost.id}]
    await cohost.say("remove", peer=host.id)
    assert errors(cohost) == ["rank"]
    await cohost.say("remove", peer=member.id)
    assert member.heard("bye")[0].reason == "removed"
    again = await house.joined(3)
    assert again.heard("bye")[0].reason == "removed"


async def test_a_host_ends_the_room_for_everyone(house: House) -> None:
    host, member, outside = await house.joined(1, "host"), await house.joined(2), await house.call(3)
    await host.say("end")
    assert [caller.heard("bye")[0].reason for caller in (host, member, outside)] == ["ended"] * 3
    assert house.book.log[-3:] == [*[("left", *entry) for entry in house.book.told("left")], ("ended", 1)]
    assert house.hub.rooms == {}


async def test_late_comers_read_the_last_lines_and_the_keeper_has_them_all(house: House) -> None:
    anna = await house.joined(1)
    for number in range(LINES + 20):
        house.seconds += 1
        await anna.say("say", text=f"line {number}")
        anna.heard()
    await anna.say("note", kind="decision", text="order 400 of 85123A")
    await anna.say("sent", name="plan.xlsx", size=3, sha256="a" * 64)
    lines = (await house.joined(2)).heard("room")[0]["lines"]
    assert len(lines) == LINES
    assert [line["kind"] for line in lines[-3:]] == ["chat", "decision", "file"]
    assert lines[-1]["text"] == f"plan.xlsx, 3, {'a' * 64}"
    assert (lines[-1]["by"], lines[-1]["at"]) == ("Person 1", "2011-11-21T09:00:00+00:00")
    assert len(house.book.told("chat")) == LINES + 20
    assert house.book.told("decision") == [(1, "order 400 of 85123A")]


@pytest.mark.parametrize(
    "raw",
    [
        "", "[]", "{", '{"type": "dance"}', '{"type": "join", "resume": 3}', '{"type": "say", "text": "  "}',
        '{"type": "signal", "to": 1}', '{"type": "signal", "to": "1", "candidate": {"candidate": ""}}',
        '{"type": "show", "shown": {"muted": "yes"}}', '{"type": "ping", "extra": 1}',
    ],
)  # fmt: skip
async def test_a_malformed_message_is_answered_with_what_is_wrong(house: House, raw: str) -> None:
    caller = await house.call(1)
    await house.hub.hear(caller.connection, raw)
    (error,) = caller.heard("error")
    assert error["code"] == "malformed"
    assert error["detail"]
    assert caller.connection.open


async def test_whoever_keeps_sending_nonsense_is_let_go(house: House) -> None:
    caller = await house.call(1)
    for _turn in range(FAULTS):
        await house.hub.hear(caller.connection, "nonsense")
    assert caller.heard("bye")[0].reason == "malformed"
    await caller.say("join")
    assert caller.heard() == []


async def test_whoever_talks_too_fast_is_slowed_and_may_go_on_a_moment_later(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    for _turn in range(int(BURST)):
        await bo.say("ping")
    assert "too_fast" in errors(bo)
    house.seconds += 1
    anna.heard()
    await bo.say("say", text="sorry")
    assert anna.heard("line")


async def test_one_who_does_not_listen_does_not_fill_the_memory(house: House) -> None:
    anna, deaf = await house.joined(1), await house.joined(2)
    for _turn in range(UNHEARD + 5):
        house.seconds += 1
        await anna.say("say", text="x" * 2000)
        anna.heard()
    assert deaf.connection.outbox.qsize() <= UNHEARD + 1
    assert not deaf.connection.open


async def test_the_keeper_hears_at_intervals_who_is_here_also_while_a_connection_is_lost(house: House) -> None:
    anna, bo = await house.joined(1), await house.joined(2)
    await house.call(3)  # before the door
    visits = [visit for _member, visit in house.book.told("joined")]
    house.hub.lost(bo.connection)
    for _beat in range(2):
        await house.pauses.let_pass(20.0)
    assert house.book.told("seen") == [tuple(visits)] * 2
    await anna.say("leave")
    await house.pauses.let_pass(20.0)
    assert house.book.told("seen")[2:] == [(visits[1],)]


async def test_the_keeper_hears_on_whatever_went_wrong_and_after_the_room_was_empty(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await house.joined(1)
    with monkeypatch.context() as broken:
        broken.setattr(house.book, "seen", None)
        await house.pauses.let_pass(20.0)
    await house.pauses.let_pass(20.0)
    assert len(house.book.told("seen")) == 1
    await anna.say("leave")
    await house.pauses.let_pass(20.0)
    await house.joined(2)
    await house.pauses.let_pass(20.0)
    assert len(house.book.told("seen")) == 2


async def test_nothing_stays_behind_of_anybody(house: House) -> None:
    callers = [await house.joined(member) for member in (1, 2, 3)]
    for caller in callers:
        house.hub.lost(caller.connection)
    await house.pauses.let_pass(30.0)
    await house.pauses.let_pass(20.0)
    assert house.hub.rooms == {}
    assert house.hub._tasks == set()
    assert len(house.book.told("left")) == 3
    assert house.book.told("ended") == [(None,)]


async def test_a_seat_is_told_with_no_more_than_the_page_needs(house: House) -> None:
    caller = await house.call(1)
    (seat,) = caller.heard("seat")
    assert set(seat) == {
        "type", "title", "cap", "member", "name", "role", "language", "zone", "now", "recording", "media", "side",
        "people", "ice",
    }  # fmt: skip
    assert "s1" not in json.dumps(seat).split('"')
