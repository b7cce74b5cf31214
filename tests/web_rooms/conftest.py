"""A hub whose time is the test's, and the same hub behind a real server on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.ports import MovableClock, RoomRole
from bot.web.rooms import Hub, RoomSite, room_routes
from bot.web.server import WebServer
from tests.web_rooms.kit import KEY, Book, Caller, Pauses, Visitor, a_seat


@dataclass
class House:
    """A hub, its keeper, and how its time passes."""

    book: Book
    hub: Hub
    pauses: Pauses
    url: str = ""
    seconds: float = 0.0
    visitors: list[Visitor] = field(default_factory=list)

    async def call(self, member_id: int, role: RoomRole = "member") -> Caller:
        """Somebody who is connected and has not joined."""
        self.book.invite(a_seat(member_id, role))
        return Caller(self.hub, await self.hub.attach(KEY, f"s{member_id}"))

    async def joined(self, member_id: int, role: RoomRole = "member") -> Caller:
        """Somebody in the room."""
        caller = await self.call(member_id, role)
        await caller.say("join")
        return caller

    def visitor(self) -> Visitor:
        """Somebody on the served routes."""
        self.visitors.append(Visitor(self.url))
        return self.visitors[-1]

    async def visit(self, member_id: int, role: RoomRole = "member") -> Visitor:
        """Somebody in the room, through the served routes."""
        visitor = self.visitor()
        assert (await visitor.come(self.book.invite(a_seat(member_id, role))))["type"] == "room"
        return visitor


@pytest.fixture
async def house(clock: MovableClock) -> AsyncIterator[House]:
    """A hub without a server; every pause ends when the test says so."""
    book, pauses = Book(), Pauses()
    found = House(book, Hub(book, clock), pauses)
    found.hub = Hub(book, clock, pause=pauses, seconds=lambda: found.seconds)
    yield found
    await found.hub.close()


@pytest.fixture
async def served(house: House) -> AsyncIterator[House]:
    """The same behind a server."""
    async for found in serving(house, RoomSite()):
        yield found


@pytest.fixture
async def served_at(house: House) -> AsyncIterator[Callable[[str], Awaitable[House]]]:
    """A server that is told its public address."""
    servers = []

    async def serve(base_url: str) -> House:
        server = serving(house, RoomSite(base_url))
        servers.append(server)
        return await anext(server)

    yield serve
    for server in servers:
        await server.aclose()


async def serving(house: House, site: RoomSite) -> AsyncGenerator[House]:
    """Serve until the test is over."""
    beside = Route("/board", lambda _request: HTMLResponse("<!doctype html><title>Board</title><p>The board"))
    server = WebServer(Starlette(routes=[*room_routes(house.hub, site), beside]), "127.0.0.1", 0)
    await server.start()
    house.url = server.url
    try:
        yield house
    finally:
        for visitor in house.visitors:
            await visitor.close()
        await house.hub.close()
        await server.stop()
