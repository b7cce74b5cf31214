"""Real media and files between people of a room, over loopback and the served signalling."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.web_rooms.conftest import House
from tests.web_rooms.kit import a_seat
from tests.web_rooms.peer import Peer

Coming = Callable[[int], Awaitable[Peer]]


@pytest.fixture
async def coming(served: House) -> AsyncIterator[Coming]:
    """People who come in one after the other; all hang up in the end."""
    peers: list[Peer] = []

    async def come(member_id: int) -> Peer:
        peers.append(Peer(served.visitor()))
        await peers[-1].come(served.book.invite(a_seat(member_id)))
        return peers[-1]

    yield come
    for peer in peers:
        await peer.close()


async def test_two_people_get_each_others_sound_and_picture_and_a_file_intact(coming: Coming) -> None:
    anna, bo = await coming(1), await coming(2)
    await anna.until((bo.id, "audio"), (bo.id, "video"))
    await bo.until((anna.id, "audio"), (anna.id, "video"))
    content = os.urandom(300_000)
    await bo.send_file(anna.id, "plan.xlsx", content)
    assert await anna.file("plan.xlsx") == hashlib.sha256(content).hexdigest()


async def test_three_people_get_everyones_and_each_newcomer_offered_to_those_before(coming: Coming) -> None:
    people = [await coming(member) for member in (1, 2, 3)]
    for one in people:
        others = [other.id for other in people if other is not one]
        await one.until(*[(other, kind) for other in others for kind in ("audio", "video")])
        assert one.offered_by == {other for other in others if other > one.id}
