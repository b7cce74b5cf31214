"""Zoom: one token for everybody who waits for it, the right meeting, and never the host's own link."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import MovableClock, RoomProvider
from tests.rooms.faults import Fault
from tests.rooms.kit import guest, make, nobody, plan, served, zoom_keys
from tests.rooms.zoom_server import HOST, SECRET, ZAK, Zoom


@dataclass
class Desk:
    """A local Zoom, and our client of it."""

    server: Zoom
    rooms: RoomProvider
    clock: MovableClock
    url: str

    def again(self, **more: Any) -> RoomProvider:
        """Another client, with other keys."""
        return make("zoom", self.clock, **(zoom_keys(self.url) | more))


@asynccontextmanager
async def desk_of(server: Zoom, clock: MovableClock) -> AsyncIterator[Desk]:
    async with served(server.app()) as url:
        yield Desk(server, make("zoom", clock, **zoom_keys(url)), clock, url)


@pytest.fixture
async def desk(clock: MovableClock) -> AsyncIterator[Desk]:
    async with desk_of(Zoom(), clock) as made:
        yield made


async def test_fifty_calls_at_once_ask_for_one_token(desk: Desk) -> None:
    rooms = await asyncio.gather(*(desk.rooms.open(plan(desk.clock)) for _ in range(50)))
    assert desk.server.calls.count("token") == 1
    assert len({room.reference for room in rooms}) == 50


async def test_fifty_calls_whose_token_was_revoked_ask_for_one_more(desk: Desk) -> None:
    await desk.rooms.check()
    desk.server.revoked.update(desk.server.issued)
    await asyncio.gather(*(desk.rooms.open(plan(desk.clock)) for _ in range(50)))
    assert desk.server.calls.count("token") == 2
    assert len(desk.server.meetings) == 50


async def test_a_token_is_kept_until_shortly_before_its_end(desk: Desk) -> None:
    for minutes, asked in ((0, 1), (58, 1), (1, 2)):
        desk.clock.push(timedelta(minutes=minutes))
        await desk.rooms.open(plan(desk.clock))
        assert desk.server.calls.count("token") == asked


async def test_a_token_that_is_refused_twice_is_told_and_not_tried_again(desk: Desk) -> None:
    desk.server.faults.queue += [(401, {}), (401, {})]
    with pytest.raises(Declined, match="401"):
        await desk.rooms.open(plan(desk.clock))
    assert desk.server.calls.count("token") == 2


async def test_a_cancelled_call_leaves_the_next_one_its_token(desk: Desk) -> None:
    desk.server.token_faults.queue.append("silent")
    first = asyncio.create_task(desk.rooms.open(plan(desk.clock)))
    await desk.server.token_faults.met.wait()
    second = asyncio.create_task(desk.rooms.open(plan(desk.clock)))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).reference
    assert desk.server.calls.count("token") == 2


@pytest.mark.parametrize("fault", ["drop", (500, {}), (429, {"Retry-After": "3"})], ids=str)
async def test_without_a_token_nothing_was_made_and_trying_again_is_safe(desk: Desk, fault: Fault) -> None:
    desk.server.token_faults.queue.append(fault)
    with pytest.raises(Unreached):
        await desk.rooms.open(plan(desk.clock))
    assert not desk.server.meetings
    assert (await desk.rooms.open(plan(desk.clock))).reference


async def test_a_token_server_that_is_away_was_not_reached(desk: Desk) -> None:
    with pytest.raises(Unreached, match="was not reached"):
        await desk.again(zoom_token_url=nobody()).open(plan(desk.clock))


async def test_wrong_credentials_are_declined_with_the_keys_to_look_at_and_no_secret(desk: Desk) -> None:
    wrong = desk.again(zoom_client_id="other")
    with pytest.raises(Declined, match="zoom_client_secret") as caught:
        await wrong.open(plan(desk.clock))
    assert SECRET not in caught.value.detail  # the server's answer repeats it
    (line,) = await wrong.check()
    assert line.verdict == "fail"
    assert SECRET not in str(line)


@pytest.mark.parametrize("told", [{}, {"access_token": "a\r\nb", "expires_in": 9}, {"access_token": "a"}], ids=str)
async def test_a_token_that_cannot_be_read_is_none(clock: MovableClock, told: dict[str, Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await JSONResponse(told)(scope, receive, send)

    async with served(app) as url:
        with pytest.raises(Unreached, match="cannot be read"):
            await make("zoom", clock, **zoom_keys(url)).open(plan(clock))


async def test_a_meeting_is_asked_for_as_zooms_documentation_says(desk: Desk) -> None:
    later = desk.clock.now() + timedelta(hours=3)
    room = await desk.rooms.open(plan(desk.clock, starts_at=later, minutes=45, title="x" * 300))
    (meeting,) = desk.server.meetings.values()
    assert meeting["topic"] == "x" * 200
    assert (meeting["start_time"], meeting["timezone"], meeting["duration"]) == ("2011-11-21T12:00:00Z", "UTC", 45)
    assert meeting["settings"]["join_before_host"]
    assert not meeting["settings"]["waiting_room"]
    assert meeting["settings"]["auto_recording"] == "none"
    assert room.reference == "93000000001"
    assert room.url == "https://zoom.us/j/93000000001?pwd=hm4kB"


async def test_a_meeting_that_should_have_begun_begins_now(desk: Desk) -> None:
    await desk.rooms.open(plan(desk.clock, starts_at=desk.clock.now() - timedelta(days=1)))
    (meeting,) = desk.server.meetings.values()
    assert meeting["start_time"] == "2011-11-21T09:00:00Z"


async def test_with_a_waiting_room_nobody_comes_in_before_the_host(desk: Desk) -> None:
    await desk.again(zoom_waiting_room=True).open(plan(desk.clock))
    (meeting,) = desk.server.meetings.values()
    assert meeting["settings"]["waiting_room"]
    assert not meeting["settings"]["join_before_host"]


async def test_everybody_gets_the_join_link_for_as_long_as_the_meeting_is_there(desk: Desk) -> None:
    room = await desk.rooms.open(plan(desk.clock))
    for role in ("host", "viewer"):
        admission = await desk.rooms.admit(room, guest(role), desk.clock.now())
        assert (admission.url, admission.expires_at, admission.personal) == (room.url, None, False)


async def test_the_hosts_own_link_is_kept_logged_and_told_nowhere(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    room = await desk.rooms.open(plan(desk.clock))
    seen = [repr(room), str(await desk.rooms.admit(room, guest("host"), desk.clock.now()))]
    for status in (400, 429, 500):
        desk.server.faults.queue.append((status, {}))  # whose answer holds the link, in a field and in its words
        with pytest.raises((Declined, Unreached, Unanswered)) as caught:
            await desk.rooms.open(plan(desk.clock))
        seen += [repr(caught.value), str(caught.value), caught.value.detail]
    printed = capsys.readouterr()
    assert ZAK not in " ".join([*seen, caplog.text, printed.out, printed.err, *map(repr, vars(desk.rooms).values())])
    assert "/s/" not in room.url


@pytest.mark.parametrize("told", [{}, {"id": "93", "join_url": "https://x"}, {"id": 93, "join_url": "javascript:1"}])
async def test_a_meeting_that_cannot_be_read_may_have_been_made(clock: MovableClock, told: dict[str, Any]) -> None:
    class Strange(Zoom):
        def _create(self, request: Request, body: dict[str, Any]) -> Response:
            super()._create(request, body)
            return JSONResponse(told, status_code=201)

    async with desk_of(Strange(), clock) as desk:
        with pytest.raises(Unanswered, match="cannot be read"):
            await desk.rooms.open(plan(clock))


async def test_an_unknown_host_is_declined_with_the_key_to_look_at(desk: Desk) -> None:
    stranger = desk.again(zoom_host="nobody%2Fx@acme.example")
    with pytest.raises(Declined, match=r"1001.*rooms\.zoom_host"):
        await stranger.open(plan(desk.clock))
    assert (await stranger.check())[-1].verdict == "fail"
    assert not desk.server.strange  # the address was quoted


async def test_a_meeting_under_way_is_ended_and_then_deleted(desk: Desk) -> None:
    room = await desk.rooms.open(plan(desk.clock))
    desk.server.running.add(int(room.reference))
    await desk.rooms.close(room)
    assert not desk.server.meetings
    path = f"/v2/meetings/{room.reference}"
    assert desk.server.calls[-3:] == [f"DELETE {path}", f"PUT {path}/status", f"DELETE {path}"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("12", 12.0),
        ("2011-11-22T00:00:00Z", 15 * 3600.0),  # as Zoom writes it for a day's limit
        ("Mon, 21 Nov 2011 09:01:00 GMT", 60.0),
        ("2011-11-20T00:00:00Z", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("9" * 20, 0.0),
    ],
)
async def test_zoom_says_when_to_come_again_in_several_ways(desk: Desk, written: str, seconds: float) -> None:
    desk.server.faults.queue.append((429, {"Retry-After": written}))
    with pytest.raises(Unreached) as caught:
        await desk.rooms.open(plan(desk.clock))
    assert caught.value.retry_after == seconds


async def test_the_check_names_the_scopes_that_the_app_lacks(clock: MovableClock) -> None:
    async with desk_of(Zoom(scopes="meeting:write:meeting:admin"), clock) as desk:
        scopes, host = await desk.rooms.check()
    assert scopes.verdict == "fail"
    assert "meeting:delete:meeting:admin" in scopes.detail
    assert "meeting:write:meeting:admin" not in scopes.detail
    assert host.verdict == "warn"


async def test_the_older_scopes_are_enough(clock: MovableClock) -> None:
    async with desk_of(Zoom(scopes="meeting:write:admin user:read:user:admin"), clock) as desk:
        assert [line.verdict for line in await desk.rooms.check()] == ["ok"]


async def test_the_check_warns_of_a_host_whose_meetings_end_early(clock: MovableClock) -> None:
    async with desk_of(Zoom(user_type=1), clock) as desk:
        (line,) = await desk.rooms.check()
        assert (line.verdict, HOST in line.detail) == ("warn", True)
        (line,) = await desk.again(minutes=40).check()
        assert line.verdict == "ok"
