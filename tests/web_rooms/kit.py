"""A keeper of rooms in memory, time that passes when told, and visitors who speak the protocol without a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.errors import NotAllowed
from bot.ports import RoomRole
from bot.web.rooms import NoteKind, Seat
from bot.web.rooms.hub import Hub
from bot.web.rooms.room import Connection, Farewell
from bot.words import _

KEY = "kD3sV0yJb1nq8WcXh5ZrTA"
SECONDS = 20.0  # that anything may take on a busy machine


def a_seat(member_id: int, role: RoomRole = "member", **changed: Any) -> Seat:
    """A seat in the one room; `changed` replaces its fields."""
    plain = Seat(
        KEY, "Stock-out of 85123A", 6, member_id, f"Person {member_id}", role, "en", "Europe/Berlin",
        time(9), time(18), "12345",
    )  # fmt: skip
    return replace(plain, **changed)


@dataclass
class Book:
    """A RoomKeeper in memory. Person 3 has the token t3 and, once in, the session s3."""

    seats: dict[str, Seat] = field(default_factory=dict)  # by session
    tokens: set[str] = field(default_factory=set)
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def invite(self, seat: Seat) -> str:
        """Give a person their token."""
        self.tokens.add(f"t{seat.member_id}")
        self.seats[f"s{seat.member_id}"] = seat
        return f"t{seat.member_id}"

    async def enter(self, key: str, token: str) -> str:  # noqa: ARG002  # one room
        """Take a token once."""
        if token not in self.tokens:
            raise NotAllowed(_("That link was used or never given."))
        self.tokens.remove(token)
        return f"s{token[1:]}"

    async def seat(self, key: str, session: str) -> Seat:
        """Who sits there now."""
        seat = self.seats.get(session)
        if seat is None or seat.key != key:
            raise NotAllowed(_("You are not invited any more."))
        return seat

    async def joined(self, seat: Seat, visit: str) -> None:
        """Write it down."""
        self.log.append(("joined", seat.member_id, visit))

    async def left(self, seat: Seat, visit: str) -> None:
        """Write it down."""
        self.log.append(("left", seat.member_id, visit))

    async def seen(self, visits: Collection[str]) -> None:
        """Write it down."""
        self.log.append(("seen", *visits))

    async def noted(self, seat: Seat, kind: NoteKind, text: str) -> None:
        """Write it down."""
        self.log.append((kind, seat.member_id, text))

    async def ended(self, key: str, seat: Seat | None) -> None:  # noqa: ARG002  # one room
        """Write it down."""
        self.log.append(("ended", seat and seat.member_id))

    def told(self, what: str) -> list[tuple[Any, ...]]:
        """What was written down under one name."""
        return [entry[1:] for entry in self.log if entry[0] == what]


class Pauses:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []
        self._more: asyncio.Future[None] | None = None

    async def __call__(self, seconds: float) -> None:
        """Wait until the test lets this length pass."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((seconds, future))
        if self._more and not self._more.done():
            self._more.set_result(None)
        await future

    async def asked(self, seconds: float) -> None:
        """Wait until somebody waits for this length."""
        while not any(length == seconds and not future.done() for length, future in self._waiting):
            self._more = asyncio.get_running_loop().create_future()
            await self._more

    async def let_pass(self, seconds: float) -> None:
        """End every pause of that length."""
        await settled()
        due = [future for length, future in self._waiting if length == seconds and not future.done()]
        assert due, f"nobody waits {seconds} s"
        for future in due:
            future.set_result(None)
        await settled()


async def settled() -> None:
    """Let every task that can go on do so."""
    for _turn in range(20):
        await asyncio.sleep(0)


class Caller:
    """A person on the hub itself, without a socket."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self.hub = hub
        self.connection = connection

    async def say(self, kind: str, /, **fields: Any) -> None:
        """Send a message."""
        await self.hub.hear(self.connection, json.dumps({"type": kind, **fields}))

    def heard(self, kind: str = "") -> list[Any]:
        """Everything that came since the last look, of one kind."""
        found: list[Any] = []
        while not self.connection.outbox.empty():
            found.append(self.connection.outbox.get_nowait())
        return [message for message in found if not kind or _kind(message) == kind]

    @property
    def id(self) -> int:
        """Which peer this is."""
        assert self.connection.peer
        return self.connection.peer.id


def _kind(message: Any) -> str:
    return "bye" if isinstance(message, Farewell) else str(message["type"])


def _any(_message: dict[str, Any]) -> bool:
    return True


class Visitor:
    """A person on the served routes, over loopback."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, trust_env=False, headers={"Origin": url})
        self.messages: list[dict[str, Any]] = []
        self.socket: ClientConnection | None = None
        self.seat: dict[str, Any] = {}

    async def enter(self, token: str, **headers: str) -> httpx.Response:
        """Post the token; the client keeps the cookie."""
        return await self.client.post(f"/rooms/{KEY}/enter", json={"token": token}, headers=headers)

    async def connect(self, origin: str | None = None, cookies: str | None = None) -> dict[str, Any]:
        """Open the socket; the seat it tells of."""
        kept = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        self.socket = await connect(
            f"{self.url.replace('http', 'ws', 1)}/rooms/{KEY}/socket",
            additional_headers={"Origin": origin or self.url, "Cookie": kept if cookies is None else cookies},
            proxy=None,
        )
        self.seat = await self.until("seat", "bye")
        return self.seat

    async def come(self, token: str) -> dict[str, Any]:
        """Enter, connect and join; the room as it is told."""
        assert (await self.enter(token)).status_code == 200
        await self.connect()
        await self.send("join")
        return await self.until("room", "error", "bye")

    async def send(self, kind: str, /, **fields: Any) -> None:
        """Send a message."""
        assert self.socket
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, *kinds: str, where: Callable[[dict[str, Any]], bool] = _any) -> dict[str, Any]:
        """The next message of one of these kinds; those before it are kept in `messages`."""
        assert self.socket
        async with asyncio.timeout(SECONDS):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                self.messages.append(message)
                if message["type"] in kinds and where(message):
                    return message

    async def closed(self) -> tuple[int, str]:
        """The code and the reason with which the server closes."""
        assert self.socket
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    self.messages.append(json.loads(await self.socket.recv()))
        except ConnectionClosed:
            return self.socket.close_code or 1006, self.socket.close_reason or ""

    async def close(self) -> None:
        """Hang up."""
        if self.socket:
            await self.socket.close()
        await self.client.aclose()
