"""Our own page, Agora's and a huddle: what their links hold, and what their checks say."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.errors import Declined
from bot.ports import MovableClock, OpenRoom
from bot.rooms import ROOMS
from bot.settings import given
from tests.rooms.agora_reader import read_token
from tests.rooms.kit import AGORA_PAGE, APP_ID, CERTIFICATE, ROOM_KEY, House, guest, in_fragment, make, plan, supplies

ROOM = OpenRoom(ROOM_KEY, "Lantern", 4)
AGORA: dict[str, Any] = {"agora_app_id": APP_ID, "agora_certificate": CERTIFICATE, "agora_page": AGORA_PAGE}


async def test_our_own_link_holds_the_room_in_its_path_and_the_token_in_its_fragment(clock: MovableClock) -> None:
    house = House()
    admission = await make("embedded", clock, house).admit(ROOM, guest("host"), clock.now())
    (token,) = house.tokens
    assert admission.url == f"https://bot.example.com/rooms/{ROOM_KEY}#{token}"
    assert admission.personal


async def test_closing_our_own_room_ends_it(clock: MovableClock) -> None:
    house = House()
    await make("embedded", clock, house).close(ROOM)
    assert house.ended == [ROOM_KEY]


async def test_without_a_public_address_there_is_no_link(clock: MovableClock) -> None:
    rooms = ROOMS["embedded"](given(), supplies(clock))
    for call in (rooms.open(plan(clock)), rooms.admit(ROOM, guest("host"), clock.now())):
        with pytest.raises(Declined, match=r"web\.public_url"):
            await call
    (line,) = await rooms.check()
    assert (line.verdict, "web.public_url" in line.remedy) == ("warn", True)


@pytest.mark.parametrize(
    ("url", "verdicts"),
    [
        ("https://bot.example.com", ["ok", "warn"]),
        ("http://127.0.0.1:8320", ["ok", "warn"]),
        ("http://bot.example.com", ["fail"]),
    ],
)
async def test_our_own_page_needs_https_for_a_camera(clock: MovableClock, url: str, verdicts: list[str]) -> None:
    rooms = ROOMS["embedded"](given(web={"public_url": url}), supplies(clock))
    assert [line.verdict for line in await rooms.check()] == verdicts


async def test_with_a_relay_nothing_is_warned_of(clock: MovableClock) -> None:
    rooms = make("embedded", clock, turn_urls=("turns:turn.example.com:5349",), turn_secret="hush")
    assert [line.verdict for line in await rooms.check()] == ["ok"]


def test_janus_makes_our_own_rooms_larger(clock: MovableClock) -> None:
    assert make("embedded", clock, janus_url="http://127.0.0.1:8088/janus", janus_cap=40).cap == 40


async def test_agoras_link_shows_what_may_be_seen_and_hides_the_token(clock: MovableClock) -> None:
    admission = await make("agora", clock, **AGORA).admit(ROOM, guest("host"), clock.now())
    query = parse_qs(urlsplit(admission.url).query)
    assert query == {"appid": [APP_ID], "channel": [ROOM_KEY], "uid": ["7"]}
    read = read_token(in_fragment(admission.url), CERTIFICATE)
    assert read.issued_at == int(clock.now().timestamp())
    assert read.seconds == 3600
    assert 1 <= read.salt <= 99999999


async def test_agoras_token_lasts_no_longer_than_agora_takes(clock: MovableClock) -> None:
    admission = await make("agora", clock, **AGORA, minutes=1440).admit(ROOM, guest("host"), clock.now())
    assert read_token(in_fragment(admission.url), CERTIFICATE).seconds == 24 * 3600


@pytest.mark.parametrize("member_id", [0, -1, 2**32])
async def test_a_person_whom_agora_cannot_count_is_declined(clock: MovableClock, member_id: int) -> None:
    with pytest.raises(Declined, match="numbers from 1"):
        await make("agora", clock, **AGORA).admit(ROOM, guest("host", member_id), clock.now())


async def test_a_huddles_link_is_the_channels_own(clock: MovableClock) -> None:
    room = await make("slack_huddle", clock, slack_team="T0ACME", slack_channel="C0OPS").open(plan(clock))
    assert room.url == "https://app.slack.com/huddle/T0ACME/C0OPS"
