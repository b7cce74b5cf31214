"""People in a room over real sockets: what they do is written down, whatever becomes of their page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.services import roomlife
from bot.storage import tables
from tests.board.conftest import House
from tests.handlers.conftest import LANTERN


@asynccontextmanager
async def inside(house: House, name: str) -> AsyncIterator[ClientConnection]:
    """Somebody in the room V-1."""
    room = await house.app.services.rooms.by_id(1)
    secret = (await house.app.services.sessions.enter(await house.token(name, f"/rooms/{room.key}"))).secret
    headers = {"Origin": house.url, "Cookie": f"stocktide={secret}"}
    url = f"{house.url.replace('http', 'ws', 1)}/rooms/{room.key}/socket"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps({"type": "join"}))
        await heard(socket, "room")
        yield socket


async def heard(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    while True:
        said: dict[str, Any] = json.loads(await socket.recv())
        if said["type"] == kind:
            return said


async def written(house: House, table: type[Any], seen: Callable[[list[Any]], bool]) -> list[Any]:
    """The rows of a table, once they are as wanted."""
    rows: list[Any] = []
    for _turn in range(200):
        rows = await house.all(table)
        if seen(rows):
            return rows
        await house.app.services.rooms.settle()
    raise AssertionError(rows)


@pytest.fixture
async def room(house: House) -> House:
    """A room of Lin Wei's with Jonas."""
    await house.chat(f"huddle {LANTERN} carrier delays with Jonas")
    return house


async def test_whoever_leaves_has_left_though_the_page_is_gone_at_once(room: House) -> None:
    async with inside(room, "Jonas") as socket:
        await written(room, tables.RoomVisit, lambda rows: len(rows) == 1)
        await socket.send(json.dumps({"type": "leave"}))
        await heard(socket, "bye")
    await written(room, tables.RoomVisit, lambda rows: [row.left_at for row in rows] == [room.clock.now()])


async def test_a_host_who_ends_the_room_ends_it_with_minutes_and_is_named_for_it(room: House) -> None:
    async with inside(room, "Lin Wei") as host, inside(room, "Jonas") as guest:
        await written(room, tables.RoomVisit, lambda rows: len(rows) == 2)
        await host.send(json.dumps({"type": "end"}))
        assert (await heard(guest, "bye"))["reason"] == "ended"
        with pytest.raises(ConnectionClosed):
            await heard(host, "nothing more")
    await written(room, tables.Room, lambda rows: rows[0].minutes_at is not None)
    assert all(row.left_at is not None for row in await room.all(tables.RoomVisit))
    (ended,) = [row for row in await room.all(tables.Audit) if row.action == "room.ended"]
    assert ended.member_id == room.members["Lin Wei"]


async def test_what_cannot_be_noted_is_told_to_its_writer_alone_and_the_room_goes_on(
    room: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomlife, "MOST_NOTES", 1)
    async with inside(room, "Lin Wei") as host, inside(room, "Jonas") as guest:
        for text in ("buy 200", "one more"):
            await host.send(json.dumps({"type": "note", "kind": "note", "text": text}))
        refused = await heard(host, "error")
        assert (refused["code"], refused["detail"]) == ("refused", "The minutes of this room are full.")
        await host.send(json.dumps({"type": "say", "text": "then not"}))
        lines = [(await heard(guest, "line"))["line"]["text"] for _line in range(2)]
    assert lines == ["buy 200", "then not"]


async def test_a_file_for_several_people_is_noted_once_and_told_in_a_readable_size(room: House) -> None:
    async with inside(room, "Lin Wei") as host, inside(room, "Jonas") as guest:
        for _receiver in range(5):
            await host.send(json.dumps({"type": "sent", "name": "plan.pdf", "size": 3_250_000, "sha256": "ab" * 32}))
        await host.send(json.dumps({"type": "say", "text": "that was all"}))
        await heard(guest, "line")
        assert (await heard(guest, "line"))["line"]["text"] == "that was all"
        await host.send(json.dumps({"type": "end"}))
        await heard(guest, "bye")
    await written(room, tables.Room, lambda rows: rows[0].minutes_at is not None)
    (minutes,) = [
        json.dumps(row.message, ensure_ascii=False)
        for row in await room.all(tables.Outbox)
        if "Minutes of" in str(row.message)
    ]
    assert "plan.pdf · 3.25 MB · SHA-256 abababababab" in minutes


async def test_doors_are_shut_for_a_while_to_whoever_knocks_too_often(house: House) -> None:
    client = house.stranger()
    answers = [(await client.post("/board/enter", json={"token": "guess"})).status_code for _try in range(75)]
    assert (answers[0], answers[-1]) == (403, 429)
    assert (await client.post("/rooms/x/enter", json={"token": "guess"})).status_code == 429
