"""Larger rooms against a strict local Janus: what it is asked, by whom, and what happens when it goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from bot.ports import MovableClock, RoomRole
from bot.rooms.janus import JanusServer
from bot.web.rooms import Forwarding, Hub
from bot.web.rooms.janus import FIRST_WAIT
from bot.web.rooms.place import AGAIN
from bot.web.rooms.room import Farewell
from tests.rooms.kit import served
from tests.web_rooms.janus_server import ADMIN_KEY, BITS_128, Janus
from tests.web_rooms.kit import KEY, Book, Caller, Pauses, a_seat

OFFER = {
    "type": "offer",
    "sdp": "v=0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a0\r\na=sendonly\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v1\r\na=sendonly\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v2\r\na=sendonly\r\n",
}
ANSWER = {"type": "answer", "sdp": "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\n"}
SECONDS = 30.0


def _any(_message: dict[str, Any]) -> bool:
    return True


class Guest(Caller):
    """A person who waits for what the server says."""

    async def hears(self, kind: str, where: Callable[[dict[str, Any]], bool] = _any) -> dict[str, Any]:
        """The next message of that kind; a farewell counts as `bye`."""
        async with asyncio.timeout(SECONDS):
            while True:
                message = await self.connection.outbox.get()
                told = {"type": "bye", "reason": message.reason} if isinstance(message, Farewell) else dict(message)
                if told["type"] == kind and where(told):
                    return told

    async def ready(self) -> None:
        """Wait for a place at the media server."""
        await self.hears("media", lambda told: told.get("state") == "ready")

    async def sends(self) -> dict[str, Any]:
        """Offer to send; the answer."""
        await self.say("media", part="send", description=OFFER)
        return await self.hears("media", lambda told: told.get("part") == "send")

    async def offered(self) -> dict[str, Any]:
        """The next offer to receive."""
        return await self.hears("media", lambda told: told.get("part") == "receive")


@dataclass
class Large:
    """A house whose rooms hold twelve, and its Janus."""

    janus: Janus
    hub: Hub
    book: Book
    pauses: Pauses

    async def comes(self, member_id: int, role: RoomRole = "member", cap: int = 12) -> Guest:
        """Somebody who joined."""
        self.book.invite(a_seat(member_id, role, cap=cap))
        guest = Guest(self.hub, await self.hub.attach(KEY, f"s{member_id}"))
        await guest.say("join")
        return guest

    async def seated(self, member_id: int, role: RoomRole = "member") -> Guest:
        """Somebody with a place at the media server."""
        guest = await self.comes(member_id, role)
        await guest.ready()
        return guest

    @property
    def room(self) -> dict[str, Any]:
        """The one room at Janus."""
        (found,) = self.janus.rooms.values()
        return found


@pytest.fixture
async def large(clock: MovableClock, request: pytest.FixtureRequest) -> AsyncIterator[Large]:
    """In the end nothing is left at Janus, and nothing was sent that it does not know.

    Its parameter is how long Janus may take: long, for whoever was not answered pauses until the test lets time pass.
    """
    janus, book, pauses = Janus(), Book(), Pauses()
    async with served(janus.app()) as url:
        server = JanusServer(f"{url}/janus", ADMIN_KEY, getattr(request, "param", SECONDS))
        hub = Hub(book, clock, pause=pauses, media=Forwarding(server, 25, pauses))
        yield Large(janus, hub, book, pauses)
        for room in list(hub.rooms.values()):
            await hub.end(room, None)
        await hub.close()
    assert janus.strange == []
    assert (janus.rooms, janus.sessions) == ({}, {})


async def test_the_first_one_in_has_the_room_made_private_and_locked(large: Large) -> None:
    assert large.janus.asked == []
    anna = await large.seated(1)
    room = large.room
    expected = {
        "admin_key": ADMIN_KEY, "require_pvtid": True, "notify_joining": True, "permanent": False, "publishers": 12,
        "is_private": True, "record": False,
    }  # fmt: skip
    assert expected.items() <= room.items()
    assert len(room["secret"]) == len(room["pin"]) == BITS_128
    assert room["secret"] != room["pin"]
    (joined,) = large.janus.requests("join")
    assert (joined["ptype"], joined["pin"], joined["id"]) == ("publisher", room["pin"], anna.id)
    await large.seated(2)
    assert len(large.janus.requests("create")) == 1


async def test_a_room_of_six_is_a_mesh_and_janus_hears_nothing_of_it(large: Large) -> None:
    anna = await large.comes(1, cap=6)
    seat = await anna.hears("seat")
    assert (seat["media"], seat["cap"]) == ("mesh", 6)
    await anna.say("media", part="send", description=OFFER)
    assert (await anna.hears("error"))["code"] == "no_media_server"
    assert large.janus.asked == []
    bo = await large.comes(2, cap=400)
    seat = await bo.hears("seat")
    assert (seat["media"], seat["cap"]) == ("server", 25)


async def test_whoever_sends_is_received_by_the_others_and_each_section_bears_its_name(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    answer = await anna.sends()
    assert answer["description"] == {"type": "answer", "sdp": f"v=0 answer to {anna.id}"}
    offer = await bo.offered()
    assert offer["fresh"]
    assert [(one["peer"], one["slot"]) for one in offer["streams"]] == [
        (anna.id, "audio"), (anna.id, "camera"), (anna.id, "screen"),
    ]  # fmt: skip
    await bo.say("media", part="receive", description=ANSWER)
    await large.janus.until(lambda: bool(large.janus.requests("start")))

    cy = await large.seated(3)
    assert (await cy.offered())["fresh"], "who comes later receives who was there"
    await cy.sends()
    assert {one["peer"] for one in (await bo.offered())["streams"]} == {anna.id, cy.id}
    subscriber = next(body for body in large.janus.requests("join") if body["ptype"] == "subscriber")
    assert subscriber["private_id"] in large.janus.private
    await anna.say("leave")
    streams = (await bo.offered())["streams"]
    assert {one["peer"] for one in streams} == {cy.id}


async def test_one_who_goes_in_between_keeps_nobody_from_receiving_the_others(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    for guest in (anna, bo):
        await guest.sends()
    large.janus.ghosts = [77]
    cy = await large.seated(3)
    await cy.hears("media", lambda told: {one["peer"] for one in told.get("streams", ())} == {anna.id, bo.id})


async def test_a_viewers_offer_to_send_never_reaches_janus(large: Large) -> None:
    anna, viewer = await large.seated(1, "host"), await large.seated(2, "viewer")
    before = len(large.janus.asked)
    await viewer.say("media", part="send", description=OFFER)
    await viewer.say("media", part="send", candidate={"candidate": "candidate:1", "sdpMid": "a0"})
    await viewer.say("media", part="receive", description={"type": "answer", "sdp": OFFER["sdp"]})
    assert [(await viewer.hears("error"))["code"] for _turn in range(3)] == ["viewer_media"] * 3
    await anna.sends()
    assert (await viewer.offered())["streams"]
    await viewer.say("media", part="receive", description=ANSWER)
    await large.janus.until(lambda: bool(large.janus.requests("start")))
    assert [body["request"] for body in large.janus.asked[before:]] == ["publish", "join", "start"]
    assert not large.janus.of(viewer.id).candidates

    await anna.say("raise", peer=viewer.id)
    await viewer.sends()
    assert large.janus.of(viewer.id).publishing


async def test_who_becomes_a_viewer_is_taken_off_and_sends_again_from_a_new_place(large: Large) -> None:
    anna, bo = await large.seated(1, "host"), await large.seated(2)
    await bo.sends()
    large.book.seats["s2"] = a_seat(2, "viewer", cap=12)
    await large.hub.refresh(KEY)
    await large.janus.until(lambda: bool(large.janus.requests("unpublish")))
    await bo.say("media", part="send", description=OFFER)
    assert (await bo.hears("error"))["code"] == "viewer_media"
    await anna.say("raise", peer=bo.id)
    await bo.say("media", part="send", description=OFFER)
    await bo.ready()
    await bo.sends()
    assert large.janus.of(bo.id).publishing


async def test_a_restart_of_either_connection_is_asked_for_as_janus_wants_it(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    await anna.sends()
    await bo.offered()
    again = await anna.sends()
    assert again["description"]["sdp"] == f"v=0 again to {anna.id}"
    await bo.say("media", part="receive", restart=True)
    offer = await bo.offered()
    assert not offer["fresh"]
    assert [body.get("restart") for body in large.janus.requests("configure")] == [None, True]


async def test_candidates_go_to_the_handle_they_are_for(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    await anna.sends()
    await anna.say("media", part="send", candidate={"candidate": "candidate:1 1 udp", "sdpMid": "a0"})
    await anna.say("media", part="send", candidate={"candidate": ""})
    await large.janus.until(lambda: len(large.janus.of(anna.id).candidates) == 2)
    assert large.janus.of(anna.id).candidates == [
        {"candidate": "candidate:1 1 udp", "sdpMid": "a0"},
        {"completed": True},
    ]
    assert not large.janus.of(bo.id).candidates


async def test_a_host_mutes_at_janus_and_whoever_speaks_up_is_heard_again(large: Large) -> None:
    host, bo = await large.seated(1, "host"), await large.seated(2)
    await bo.sends()
    await host.say("mute", peer=bo.id)
    await bo.hears("mute")
    await large.janus.until(lambda: large.janus.moderated == {(bo.id, "a0"): True})
    await bo.say("show", shown={"muted": True, "camera": True, "sharing": False})
    await bo.say("show", shown={"muted": False, "camera": True, "sharing": False})
    await large.janus.until(lambda: large.janus.moderated == {(bo.id, "a0"): False})
    assert [body["mute"] for body in large.janus.requests("moderate")] == [True, False]
    assert {body["secret"] for body in large.janus.requests("moderate")} == {large.room["secret"]}


async def test_whoever_is_removed_is_kicked_and_whoever_leaves_is_let_go(large: Large) -> None:
    host, bo, cy = await large.seated(1, "host"), await large.seated(2), await large.seated(3)
    await host.say("remove", peer=bo.id)
    await large.janus.until(lambda: len(large.janus.handles) == 3)
    (kicked,) = large.janus.requests("kick")
    assert (kicked["id"], kicked["secret"]) == (bo.id, large.room["secret"])
    await cy.say("leave")
    await large.janus.until(lambda: len(large.janus.handles) == 2)
    assert len(large.janus.requests("kick")) == 1


@pytest.mark.parametrize("how", ["leave", "end"])
async def test_the_room_is_taken_down_with_its_end(large: Large, how: str) -> None:
    host = await large.seated(1, "host")
    secret = large.room["secret"]
    await host.say(how)
    await large.janus.until(lambda: not large.janus.sessions)
    assert large.janus.rooms == {}
    assert [body["secret"] for body in large.janus.requests("destroy")] == [secret]


async def test_a_restart_of_janus_is_told_and_everybody_gets_a_new_place_in_a_new_room(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    await anna.sends()
    before = large.room
    large.janus.restart()
    for guest in (anna, bo):
        await guest.hears("media", lambda told: told.get("state") == "down")
    await anna.say("say", text="can you read me?")
    await bo.hears("line")
    cy = await large.comes(3)
    await large.pauses.let_pass(FIRST_WAIT)
    for guest in (anna, bo, cy):
        await guest.ready()
    assert large.room["room"] != before["room"]
    assert large.room["secret"] != before["secret"]
    await anna.sends()
    for guest in (bo, cy):
        assert (await guest.offered())["fresh"]


async def test_a_room_that_somebody_else_takes_down_is_made_again(large: Large) -> None:
    anna = await large.seated(1)
    large.janus.take_down(large.room["room"])
    await anna.hears("media", lambda told: told.get("state") == "down")
    await large.pauses.let_pass(FIRST_WAIT)
    await anna.ready()
    assert len(large.janus.rooms) == 1


@pytest.mark.parametrize(
    ("large", "fault"),
    [(SECONDS, "drop"), (1.0, "silent"), (SECONDS, (500, {})), (SECONDS, (403, {}))],
    indirect=["large"],
    ids=str,
)
async def test_a_janus_that_does_not_answer_holds_nobody_up_and_is_tried_again(large: Large, fault: Any) -> None:
    large.janus.faults.queue.append(fault)
    anna = await large.comes(1)
    await anna.say("say", text="anybody?")
    await anna.hears("line")
    await anna.hears("media", lambda told: told.get("state") == "down")
    await large.pauses.let_pass(FIRST_WAIT)
    await anna.ready()


async def test_a_place_that_is_refused_once_is_had_the_second_time(large: Large) -> None:
    await large.seated(1)
    large.janus.faults.queue.append((500, {}))
    bo = await large.comes(2)
    await asyncio.wait_for(large.pauses.asked(AGAIN), SECONDS)
    await large.pauses.let_pass(AGAIN)
    await bo.ready()


async def test_a_connection_that_janus_gives_up_begins_again_and_others_go_on(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    await anna.sends()
    await bo.offered()
    large.janus.hang_up(large.janus.of(anna.id))
    await anna.ready()
    await anna.sends()
    await bo.hears("media", lambda told: any(one["peer"] == anna.id for one in told.get("streams", ())))
    assert not any(message.get("state") == "down" for message in bo.heard("media"))


async def test_people_connect_to_one_another_for_files_alone(large: Large) -> None:
    anna, bo = await large.seated(1), await large.seated(2)
    await anna.say("signal", to=bo.id, description=OFFER)
    assert (await anna.hears("error"))["code"] == "data_only"
    data = {"type": "offer", "sdp": "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"}
    await anna.say("signal", to=bo.id, description=data)
    assert (await bo.hears("signal"))["description"] == data


@pytest.mark.parametrize(
    "media",
    [
        {"part": "send", "description": ANSWER}, {"part": "receive", "description": OFFER}, {"part": "send"},
        {"part": "send", "restart": True}, {"part": "both", "restart": True},
        {"part": "receive", "restart": True, "candidate": {"candidate": ""}},
    ],
)  # fmt: skip
async def test_what_no_page_says_is_refused(large: Large, media: dict[str, Any]) -> None:
    anna = await large.seated(1)
    await anna.say("media", **media)
    assert (await anna.hears("error"))["code"] == "malformed"


async def test_no_page_learns_a_secret_and_no_log_does(large: Large) -> None:
    with structlog.testing.capture_logs() as logged:
        anna, bo = await large.seated(1, "host"), await large.seated(2)
        secrets = [large.room["secret"], large.room["pin"], ADMIN_KEY, *map(str, large.janus.private)]
        await anna.sends()
        offer = await bo.offered()
        await anna.say("mute", peer=bo.id)
        large.janus.admin_key = "another"
        large.janus.restart()
        await anna.hears("media", lambda told: told.get("state") == "down")
        await large.pauses.let_pass(FIRST_WAIT)
        await large.janus.until(lambda: len(large.janus.requests("create")) == 2)
        await anna.hears("media", lambda told: told.get("state") == "down")
    told = json.dumps([offer, [dict(one) for one in anna.heard() + bo.heard()]], default=str) + str(logged)
    assert "wrong admin_key [hidden]" in str(logged)
    for secret in secrets:
        assert secret not in told
