"""LiveKit: what its tokens say, and what its RoomService is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from livekit.api.access_token import TokenVerifier

from bot.errors import Declined
from bot.ports import MovableClock, OpenRoom, RoomProvider, SystemClock
from bot.rooms.livekit import http_address
from tests.rooms.kit import ROOM_KEY, guest, livekit_claims, make, nobody, plan, served
from tests.rooms.livekit_server import KEY, SECRET, LiveKit

ROOM = OpenRoom(ROOM_KEY, "Lantern", 4)


def rooms_at(url: str, clock: Any, **more: Any) -> RoomProvider:
    keys = {"livekit_url": url, "livekit_key": KEY, "livekit_secret": SECRET}
    return make("livekit", clock, **(keys | more))


async def test_a_room_is_made_with_its_size_and_lasts_until_its_end(clock: MovableClock) -> None:
    server = LiveKit(clock)
    async with served(server.app()) as url:
        in_an_hour = clock.now() + timedelta(hours=1)
        room = await rooms_at(url, clock).open(plan(clock, starts_at=in_an_hour, minutes=30))
    made = server.rooms[ROOM_KEY]
    assert (made.max_participants, made.empty_timeout, made.departure_timeout) == (4, 90 * 60, 300)
    assert room.reference == "RM_4f2a"
    assert not room.url


async def test_opening_the_same_room_again_finds_it(clock: MovableClock) -> None:
    server = LiveKit(clock)
    async with served(server.app()) as url:
        first, second = [await rooms_at(url, clock).open(plan(clock)) for _ in range(2)]
    assert first == second
    assert len(server.rooms) == 1


async def test_a_token_says_who_comes_into_which_room_until_when(clock: MovableClock) -> None:
    rooms = rooms_at("wss://acme.livekit.cloud", clock)
    admission = await rooms.admit(ROOM, guest("member"), clock.now())
    claims = livekit_claims(admission.url)
    assert (claims["iss"], claims["sub"], claims["name"]) == (KEY, "member-7", "Lin Wei 林")
    assert claims["exp"] == int((clock.now() + timedelta(minutes=15)).timestamp())
    assert claims["nbf"] <= clock.now().timestamp()
    assert admission.expires_at == clock.now() + timedelta(minutes=15)
    assert "roomCreate" not in claims["video"]
    assert "roomRecord" not in claims["video"]
    assert parse_qs(urlsplit(admission.url).query)["liveKitUrl"] == ["wss://acme.livekit.cloud"]


@pytest.mark.parametrize(
    ("role", "admin", "sends"),
    [("host", True, True), ("cohost", True, True), ("member", None, True), ("viewer", None, False)],
)
async def test_livekits_own_verifier_reads_the_role(role: str, *, admin: bool | None, sends: bool) -> None:
    clock = SystemClock()  # the verifier knows no other
    rooms = rooms_at("wss://acme.livekit.cloud", clock)
    admission = await rooms.admit(ROOM, guest(role), clock.now())
    (token,) = parse_qs(urlsplit(admission.url).query)["token"]
    read = TokenVerifier(KEY, SECRET).verify(token)
    assert read.identity == "member-7"
    assert read.video is not None
    assert (read.video.room, read.video.room_join, read.video.room_admin) == (ROOM_KEY, True, admin)
    assert (read.video.can_publish, read.video.can_publish_data, read.video.can_subscribe) == (sends, sends, True)


async def test_another_key_is_declined_and_the_check_says_so(clock: MovableClock) -> None:
    async with served(LiveKit(clock).app()) as url:
        wrong = rooms_at(url, clock, livekit_secret="x" * 40)
        with pytest.raises(Declined, match="401: unauthenticated"):
            await wrong.open(plan(clock))
        (line,) = await wrong.check()
    assert line.verdict == "fail"
    assert "eyJ" not in line.detail


async def test_a_proxy_that_knows_no_livekit_is_not_a_room_that_is_gone(clock: MovableClock) -> None:
    async with served(LiveKit(clock).app()) as url:
        with pytest.raises(Declined, match="404"):
            await rooms_at(f"{url}/elsewhere", clock).close(ROOM)


async def test_a_short_secret_is_warned_of(clock: MovableClock) -> None:
    class Trusting(LiveKit):
        def _denied(self, token: str, grant: str) -> None:
            del token, grant

    async with served(Trusting(clock).app()) as url:
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            lines = await rooms_at(url, clock, livekit_secret="secret").check()
    assert [line.verdict for line in lines] == ["ok", "warn"]


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("wss://a.livekit.cloud", "https://a.livekit.cloud"),
        ("ws://127.0.0.1:7880", "http://127.0.0.1:7880"),
        ("https://lk.example.com/x", "https://lk.example.com/x"),
    ],
)
def test_calls_go_to_the_address_that_belongs_to_the_one_for_people(url: str, called: str) -> None:
    assert http_address(url) == called


async def test_nobody_there_is_told_by_the_check(clock: MovableClock) -> None:
    (line,) = await rooms_at(nobody(), clock).check()
    assert line.verdict == "fail"
    assert "livekit_url" in line.remedy
