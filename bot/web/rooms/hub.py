"""All rooms of this process: coming and going, and handing messages on between people of one room.

State changes before anything is awaited, so that two messages never meet a room half changed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import Refusal
from bot.language import language
from bot.ports import Clock
from bot.web.rooms.conduct import Conduct
from bot.web.rooms.ice import IceServers
from bot.web.rooms.janus import Forwarding
from bot.web.rooms.keeper import RoomKeeper, Seat
from bot.web.rooms.messages import Join, Plain, Said, Shown, read
from bot.web.rooms.room import Connection, Farewell, Peer, Room, Told

FAULTS = 10  # malformed or over-hasty messages that a connection may send

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long a lost connection may take to come back, between two looks at a person's membership, and
    between two words to the keeper on who is here.
    """

    resume: float = 30.0
    recheck: float = 60.0
    beat: float = 20.0


class Hub:
    """The rooms. `pause` lets seconds pass and `seconds` tells real time; both are handed in by tests."""

    def __init__(
        self,
        keeper: RoomKeeper,
        clock: Clock,
        ice: IceServers | None = None,
        patience: Patience | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
        media: Forwarding | None = None,
    ) -> None:
        self.keeper = keeper
        self.clock = clock
        self.media = media or Forwarding()
        self.rooms: dict[str, Room] = {}
        self._ice = ice or IceServers()
        self._patience = patience or Patience()
        self._pause = pause
        self._seconds = seconds
        self._conduct = Conduct(self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._deeds: set[asyncio.Task[None]] = set()  # what the keeper is writing down
        self._beating: asyncio.Task[None] | None = None

    async def attach(self, key: str, session: str) -> Connection:
        """A new connection, in the lobby of its room; Refusal where the session has no seat there."""
        seat = await self.keeper.seat(key, session)
        room = self.rooms.setdefault(key, Room(key))
        connection = Connection(seat, session, self._seconds)
        for before in [other for other in room.lobby if other.seat.member_id == seat.member_id]:
            before.dismiss(Farewell("elsewhere"))  # one place before the door for each: sockets are not free
        room.lobby.add(connection)
        connection.tell({"type": "seat", **self.seat_shown(room, seat)})
        connection.recheck = self._start(self._check_again(connection))
        return connection

    async def hear(self, connection: Connection, raw: str) -> None:
        """Do what a message asks; what cannot be done is told to its sender."""
        if not connection.open:
            return
        if not connection.bucket.take():
            self._blame(connection, "too_fast", "wait a second before the next message")
            return
        try:
            said = read(raw)
        except ValueError as error:
            self._blame(connection, "malformed", str(error))
            return
        try:
            await self._act(connection, said)
        except Refusal as refusal:
            words = language(connection.seat.language).say(refusal.words)
            connection.tell({"type": "error", "code": "refused", "detail": words})

    def lost(self, connection: Connection) -> None:
        """The socket is gone; the person may come back for a while."""
        connection.open = False
        if connection.recheck:
            connection.recheck.cancel()
        room = self.rooms.get(connection.seat.key)
        if room is None:
            return
        room.lobby.discard(connection)
        peer = connection.peer
        if peer and peer.connection is connection:
            peer.connection = None
            room.tell({"type": "away", "peer": peer.id}, but=peer)
            peer.expiry = self._start(self._expire(room, peer))
        self._sweep(room)

    async def drop(self, room: Room, peer: Peer, farewell: Farewell) -> None:
        """Take a person out of the room; the last one ends it."""
        if room.peers.pop(peer.id, None) is None:
            return
        if peer.expiry and peer.expiry is not asyncio.current_task():
            peer.expiry.cancel()
        if peer.connection:
            peer.connection.dismiss(farewell)
        self.media.gone(room, peer, kicked=farewell.reason in ("removed", "refused"))
        room.tell({"type": "gone", "peer": peer.id, "reason": farewell.reason})
        room.tell_lobby()
        emptied = not room.peers and farewell.reason != "elsewhere"
        if emptied:
            room.lines.clear()
            room.raised.clear()
            room.removed.clear()
        self._sweep(room)
        left = self._over(room.key, [peer], None) if emptied else self.keeper.left(peer.seat, peer.visit)
        await self._written(left)

    async def shut(self, key: str) -> None:
        """Send everybody out of a room that was closed elsewhere, as by a command in the chat."""
        if room := self.rooms.get(key):
            await self.end(room, None)

    async def end(self, room: Room, seat: Seat | None) -> None:
        """Send everybody out: a host ended the room, or it was closed elsewhere (None)."""
        self.rooms.pop(room.key, None)
        peers = list(room.peers.values())
        room.peers.clear()
        self.media.over(room.key)
        for connection in list(room.lobby):
            connection.dismiss(Farewell("ended"))
        for peer in peers:
            if peer.expiry:
                peer.expiry.cancel()
            if peer.connection:
                peer.connection.dismiss(Farewell("ended"))
        await self._written(self._over(room.key, peers, seat))

    async def refresh(self, key: str) -> None:
        """Look everyone's membership up now: somebody was taken off, a role changed, or a recording began."""
        if room := self.rooms.get(key):
            for connection in room.connections():
                await self._look(connection)

    async def close(self) -> None:
        """Let go of every connection as the process stops; pages come back by themselves."""
        for room in self.rooms.values():
            for connection in room.connections():
                connection.dismiss(Farewell("closing"))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._deeds, return_exceptions=True)
        await self._mark()  # until now everybody was here
        await self.media.close()

    def seat_shown(self, room: Room | None, seat: Seat) -> Told:
        """What the page needs before its person comes in."""
        return {
            "title": seat.title,
            "cap": self.media.cap_of(seat),
            "media": "server" if self.media.forwards(seat) else "mesh",
            "member": seat.member_id,
            "name": seat.name,
            "role": room.role_of(seat) if room else seat.role,
            "language": seat.language,
            "zone": seat.zone,
            "now": self.clock.now().isoformat(),
            "recording": seat.recording,
            "side": seat.side_url,
            "people": room.people() if room else [],
            "ice": self._ice.of(seat.member_id, self.clock.now()),
        }

    async def _act(self, connection: Connection, said: Said) -> None:
        peer = connection.peer
        room = self.rooms.get(connection.seat.key)
        if isinstance(said, Plain) and said.type == "ping":
            connection.tell({"type": "pong", "now": self.clock.now().isoformat()})
        elif isinstance(said, Join):
            await self._join(connection, said)
        elif peer is None or room is None:
            connection.tell({"type": "error", "code": "outside", "detail": "join first"})
        elif isinstance(said, Plain) and said.type == "leave":
            await self.drop(room, peer, Farewell("left"))
        else:
            await self._conduct.act(room, peer, said)

    async def _join(self, connection: Connection, said: Join) -> None:
        try:
            seat = await self.keeper.seat(connection.seat.key, connection.session)
        except Refusal as refusal:
            self._refuse(connection, refusal)
            return
        if not connection.open or connection.peer:
            return
        connection.seat = seat
        room = self.rooms.setdefault(seat.key, Room(seat.key))
        before = room.peer_of(seat.member_id)
        if seat.member_id in room.removed:
            connection.dismiss(Farewell("removed"))
        elif before and said.resume and secrets.compare_digest(before.visit, said.resume):
            self._resume(room, before, connection, said.shown)
        elif before is None and len(room.peers) >= self.media.cap_of(seat):
            connection.tell({"type": "error", "code": "full", "detail": "everyone who fits is in already"})
        else:
            await self._come_in(room, connection, said.shown)

    async def _come_in(self, room: Room, connection: Connection, shown: Shown) -> None:
        """Make a newcomer; one who was here already, in another tab or before a reload, makes room for themselves."""
        seat = connection.seat
        before = room.peer_of(seat.member_id)
        room.last_id += 1
        peer = Peer(room.last_id, seat, secrets.token_urlsafe(16), shown, connection)
        others = [other for other in room.people() if other["id"] != (before and before.id)]
        room.peers[peer.id] = peer
        if self._beating is None or self._beating.done():
            self._beating = self._start(self._beat())
        room.lobby.discard(connection)
        connection.peer = peer
        self._welcome(room, peer, others, resumed=False)
        self.media.arrived(room, peer)
        room.tell({"type": "arrived", "peer": room.described(peer)}, but=peer)
        room.tell_lobby()
        if before:
            await self.drop(room, before, Farewell("elsewhere"))
        await self._written(self.keeper.joined(seat, peer.visit))

    async def _written(self, deed: Coroutine[Any, Any, None]) -> None:
        """Let the keeper finish what it writes: whoever leaves or ends a room hangs up before that is done."""
        task = asyncio.create_task(deed)
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)
        await asyncio.shield(task)

    async def _over(self, key: str, peers: Sequence[Peer], seat: Seat | None) -> None:
        for peer in peers:
            await self.keeper.left(peer.seat, peer.visit)
        await self.keeper.ended(key, seat)

    def _resume(self, room: Room, peer: Peer, connection: Connection, shown: Shown) -> None:
        """Give a peer its new connection, and what came meanwhile."""
        if peer.expiry:
            peer.expiry.cancel()
            peer.expiry = None
        if peer.connection:
            peer.connection.peer = None
            peer.connection.dismiss(Farewell("elsewhere"))
        room.lobby.discard(connection)
        peer.seat, peer.shown, peer.connection, connection.peer = connection.seat, shown, connection, peer
        others = [other for other in room.people() if other["id"] != peer.id]
        self._welcome(room, peer, others, resumed=True)
        for message in peer.kept:
            connection.tell(message)
        peer.kept.clear()
        room.tell({"type": "back", "peer": room.described(peer)}, but=peer)

    def _welcome(self, room: Room, peer: Peer, others: list[Told], *, resumed: bool) -> None:
        peer.tell(
            {
                "type": "room",
                "you": room.described(peer),
                "visit": peer.visit,
                "resumed": resumed,
                "peers": others,
                "lines": list(room.lines),
            }
        )

    async def _expire(self, room: Room, peer: Peer) -> None:
        await self._pause(self._patience.resume)
        if peer.connection is None:
            await self.drop(room, peer, Farewell("left"))

    async def _beat(self) -> None:
        """Let the keeper know who is here for as long as anybody is: of a process that dies it hears no more."""
        while any(room.peers for room in self.rooms.values()):
            await self._pause(self._patience.beat)
            await self._mark()

    async def _mark(self) -> None:
        visits = [peer.visit for room in self.rooms.values() for peer in room.peers.values()]
        if not visits:
            return
        try:
            await self.keeper.seen(visits)
        except Exception:  # noqa: BLE001  # whatever the keeper's fault, the next word must come
            _log.exception("who is here could not be written down; trying again", people=len(visits))

    async def _check_again(self, connection: Connection) -> None:
        while connection.open:
            await self._pause(self._patience.recheck)
            await self._look(connection)

    async def _look(self, connection: Connection) -> None:
        """Look a membership up again, and act on what changed."""
        try:
            seat = await self.keeper.seat(connection.seat.key, connection.session)
        except Refusal as refusal:
            self._refuse(connection, refusal)
        except Exception:  # noqa: BLE001  # whatever the keeper's fault, the next look must come
            _log.exception("a membership could not be looked up; asking again", room=connection.seat.key)
        else:
            self._reseat(connection, seat)

    def _reseat(self, connection: Connection, seat: Seat) -> None:
        """Take over what changed about a person, or about what is done with the room."""
        if seat.recording != connection.seat.recording:
            connection.tell({"type": "recording", "recording": seat.recording})
        connection.seat = seat
        room, peer = self.rooms.get(seat.key), connection.peer
        if room and peer and peer.seat != seat:
            peer.seat = seat
            self.media.allow(room, peer)
            room.tell({"type": "changed", "peer": room.described(peer)})

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        """Send away one who is no member any more."""
        words = language(connection.seat.language).say(refusal.words)
        connection.dismiss(Farewell("refused", words))
        room, peer = self.rooms.get(connection.seat.key), connection.peer
        if room and peer:
            self._start(self.drop(room, peer, Farewell("refused", words)))

    def _blame(self, connection: Connection, code: str, detail: str) -> None:
        connection.faults += 1
        if connection.faults >= FAULTS:
            connection.dismiss(Farewell("malformed", detail))
        else:
            connection.tell({"type": "error", "code": code, "detail": detail})

    def _sweep(self, room: Room) -> None:
        """Forget a room with nobody in it and nobody before it."""
        if not room.peers and not room.lobby and self.rooms.get(room.key) is room:
            del self.rooms[room.key]

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
