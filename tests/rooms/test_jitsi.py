"""Jitsi: tokens for a server of one's own and for JaaS."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from bot.errors import Declined
from bot.ports import MovableClock, OpenRoom, RoomProvider
from tests.rooms.kit import (
    JITSI_SECRET,
    PRIVATE_PEM,
    PUBLIC_PEM,
    ROOM_KEY,
    UNCHECKED,
    guest,
    in_fragment,
    make,
    nobody,
    plan,
)

APP = "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe"


def own(clock: MovableClock, **more: Any) -> RoomProvider:
    keys = {"jitsi_url": "https://Meet.Example.com", "jitsi_app_id": "acme", "jitsi_secret": JITSI_SECRET}
    return make("jitsi", clock, **(keys | more))


def hosted(clock: MovableClock, **more: Any) -> RoomProvider:
    keys = {
        "jitsi_url": "https://8x8.vc",
        "jitsi_app_id": APP,
        "jitsi_key_id": "4f4910",
        "jitsi_private_key": PRIVATE_PEM,
    }
    return make("jitsi", clock, **(keys | more))


async def admitted(rooms: RoomProvider, clock: MovableClock, role: str = "host") -> tuple[OpenRoom, str]:
    room = await rooms.open(plan(clock))
    return room, (await rooms.admit(room, guest(role), clock.now())).url


async def test_a_token_for_an_own_server_says_what_prosody_asks_for(clock: MovableClock) -> None:
    room, url = await admitted(own(clock), clock)
    token = json.loads(in_fragment(url))
    claims = jwt.decode(token, JITSI_SECRET, algorithms=["HS256"], audience="jitsi", options=UNCHECKED)
    assert (claims["iss"], claims["sub"], claims["room"]) == ("acme", "meet.example.com", room.reference)
    assert claims["exp"] == int((clock.now() + timedelta(minutes=15)).timestamp())
    assert claims["nbf"] == int((clock.now() - timedelta(seconds=30)).timestamp())
    user = {"id": "7", "name": "Lin Wei 林", "moderator": "true", "affiliation": "owner"}
    assert claims["context"]["user"] == user
    assert url.startswith(f"https://Meet.Example.com/{room.reference}#jwt=%22")


async def test_a_token_for_jaas_is_signed_with_the_key_that_it_names(clock: MovableClock) -> None:
    room, url = await admitted(hosted(clock), clock, "member")
    token = json.loads(in_fragment(url))
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": f"{APP}/4f4910", "typ": "JWT"}
    claims = jwt.decode(token, PUBLIC_PEM, algorithms=["RS256"], audience="jitsi", issuer="chat", options=UNCHECKED)
    assert (claims["sub"], claims["room"]) == (APP, room.reference)
    assert claims["context"]["user"]["moderator"] == "false"
    assert set(claims["context"]["features"].values()) == {"false"}
    assert {"recording", "livestreaming", "transcription"} <= set(claims["context"]["features"])
    assert url.startswith(f"https://8x8.vc/{APP}/{room.reference}#")


async def test_the_whole_id_of_a_jaas_key_is_taken_too(clock: MovableClock) -> None:
    _, url = await admitted(hosted(clock, jitsi_key_id=f"{APP}/4f4910"), clock)
    assert jwt.get_unverified_header(json.loads(in_fragment(url)))["kid"] == f"{APP}/4f4910"


async def test_an_older_jitsi_gets_its_token_in_the_query(clock: MovableClock) -> None:
    _, url = await admitted(own(clock, jitsi_link="query"), clock)
    (token,) = parse_qs(urlsplit(url).query)["jwt"]
    assert jwt.decode(token, JITSI_SECRET, algorithms=["HS256"], audience="jitsi", options=UNCHECKED)
    assert "#" not in url


async def test_a_rooms_name_is_safe_from_jitsis_folding_of_letters(clock: MovableClock) -> None:
    room, _ = await admitted(own(clock), clock)
    assert room.reference == room.reference.lower()
    assert len(room.reference) == 32
    assert ROOM_KEY not in room.reference
    other = await own(clock).open(plan(clock, title="other"))
    assert other.reference == room.reference


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_only_hosts_and_cohosts_moderate(clock: MovableClock, role: str) -> None:
    _, url = await admitted(own(clock), clock, role)
    user = jwt.decode(json.loads(in_fragment(url)), options={"verify_signature": False})["context"]["user"]
    assert (user["moderator"], user["affiliation"]) == ("false", "member")


async def test_a_key_that_is_none_is_declined_without_a_letter_of_it(clock: MovableClock) -> None:
    broken = hosted(clock, jitsi_private_key="-----BEGIN PRIVATE KEY-----\nCANARY55\n-----END PRIVATE KEY-----\n")
    with pytest.raises(Declined, match="jitsi_private_key") as caught:
        await admitted(broken, clock)
    assert "CANARY55" not in repr(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
    (line,) = await broken.check()
    assert line.verdict == "fail"


async def test_without_the_package_for_it_jaas_says_what_to_install(
    clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = jwt.PyJWS(algorithms=["HS256"])  # as PyJWT is without cryptography
    monkeypatch.setattr(jwt, "encode", lambda _claims, key, **more: signer.encode(b"{}", key, **more))
    with pytest.raises(Declined, match=r"pyjwt\[crypto\]"):
        await admitted(hosted(clock), clock)


async def test_a_server_that_is_away_is_told_by_the_check(clock: MovableClock) -> None:
    (line,) = await own(clock, jitsi_url=nobody()).check()
    assert line.verdict == "fail"
    assert "was not reached" in line.detail
