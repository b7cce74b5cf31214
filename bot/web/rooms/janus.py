"""Rooms larger than a mesh carries: their media goes through Janus, their signalling stays ours.

A page never speaks to Janus, nor learns a secret of it: it says what it offers, we look at its role, and ask Janus.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import OutsideError, Unreached
from bot.web.rooms.keeper import Seat
from bot.web.rooms.messages import Media
from bot.web.rooms.place import Made, MediaServer, MediaSession, Place, Told
from bot.web.rooms.room import Peer, Room
from bot.words import _

MESH_CAP = 6  # beyond it everyone's upload would carry too many copies
LARGEST_NUMBER = 2**53 - 1  # of a room at Janus: what every reader of JSON holds exactly
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds, before a Janus that went away is looked for again
BITRATE = 1_500_000  # of one person's pictures together, at most
CLOSING = 3.0  # seconds that taking rooms down may take as the process stops

_log = structlog.get_logger(__name__)

Pause = Callable[[float], Awaitable[None]]


class Stage:
    """One room at Janus and everybody's place in it; made anew whenever Janus loses it."""

    def __init__(self, room: Room, cap: int, server: MediaServer, pause: Pause) -> None:
        self._room = room
        self._cap = cap
        self._server = server
        self._pause = pause
        self._session: MediaSession | None = None
        self._made: Made | None = None
        self._handle = 0  # through which the room itself is made and ended
        self._places: dict[int, Place] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ready = False
        self._wait = FIRST_WAIT

    async def run(self) -> None:
        """Keep the room there, until cancelled; then take it down."""
        try:
            while True:
                try:
                    await self._once()
                except OutsideError as error:
                    _log.warning("no media server; trying again", room=self._room.key, detail=error.detail)
                except Exception:  # noqa: BLE001  # whatever it was, the people in the room must not stay without
                    _log.exception("the media server was not understood; trying again", room=self._room.key)
                await self._forget()
                if self._session:
                    await self._session.close()
                    self._session = None
                self._room.tell({"type": "media", "state": "down"})
                await self._pause(self._wait)
                self._wait = min(LONGEST_WAIT, self._wait * 2)
        finally:
            await self._clear()

    def seat(self, peer: Peer) -> None:
        """Give somebody a place, now or once Janus is there."""
        if not self._ready or not self._session or not self._made:
            return
        place = Place(peer, self._session, self._made, lambda: self._may_send(peer), self._pause)
        self._places[peer.id] = place
        self._tasks[peer.id] = asyncio.create_task(place.work(), name=f"media of {peer.id}")

    async def unseat(self, peer: Peer, *, kicked: bool) -> None:
        """Somebody left, or was sent out."""
        place, task = self._places.pop(peer.id, None), self._tasks.pop(peer.id, None)
        if place and task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await place.leave(kicked=kicked)

    def place(self, peer: Peer) -> Place | None:
        """Somebody's place; None while Janus is away."""
        return self._places.get(peer.id)

    def _may_send(self, peer: Peer) -> bool:
        return self._room.role_of(peer.seat) != "viewer"

    async def _once(self) -> None:
        """Make the room, seat everybody, and listen until Janus loses us."""
        before, self._made = self._made, None
        session = self._session = await self._server.open()
        handle = self._handle = await session.attach()
        if before:
            await self._destroy(session, before)
        made = self._made = Made(secrets.randbelow(LARGEST_NUMBER) + 1, secrets.token_hex(16), secrets.token_hex(16))
        await session.make(handle, _plan(made, self._cap))
        self._ready, self._wait = True, FIRST_WAIT
        for peer in list(self._room.peers.values()):
            self.seat(peer)
        await session.listen(self._heard)

    def _heard(self, sender: int, event: Told) -> None:
        if sender == self._handle:
            return
        if event.get("plugindata", {}).get("data", {}).get("videoroom") == "destroyed":
            raise Unreached(_("somebody else took the room down"))
        for place in self._places.values():
            if sender in (place.sending, place.receiving):
                place.heard(sender, event)
                return

    async def _destroy(self, session: MediaSession, made: Made) -> None:
        body = {"request": "destroy", "room": made.number, "secret": made.secret, "permanent": False}
        try:
            await session.ask(self._handle, body)
        except OutsideError as error:  # gone with a Janus that was restarted
            _log.info("the room could not be taken down at the media server", room=self._room.key, detail=error.detail)

    async def _forget(self) -> None:
        """Nobody has a place any more."""
        self._ready = False
        tasks = list(self._tasks.values())
        self._places.clear()
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _clear(self) -> None:
        await self._forget()
        if session := self._session:
            if self._made:
                await self._destroy(session, self._made)
            await session.close()


class Forwarding:
    """The media of all rooms that are too large for a mesh. Without a server there are none, and nothing is done."""

    def __init__(self, server: MediaServer | None = None, cap: int = MESH_CAP, pause: Pause = asyncio.sleep) -> None:
        self._server = server
        self._cap = cap
        self._pause = pause
        self._stages: dict[str, tuple[Stage, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def forwards(self, seat: Seat) -> bool:
        """Whether a room of that size has its media forwarded."""
        return self._server is not None and seat.cap > MESH_CAP

    def cap_of(self, seat: Seat) -> int:
        """How many people that seat's room holds at once."""
        return min(seat.cap, self._cap if self.forwards(seat) else MESH_CAP)

    def arrived(self, room: Room, peer: Peer) -> None:
        """Somebody came in; with the first one the room is made."""
        if self._server is None or not self.forwards(peer.seat):
            return
        if found := self._stages.get(room.key):
            found[0].seat(peer)
            return
        stage = Stage(room, self.cap_of(peer.seat), self._server, self._pause)
        self._stages[room.key] = (stage, asyncio.create_task(stage.run(), name=f"media of {room.key}"))

    def gone(self, room: Room, peer: Peer, *, kicked: bool) -> None:
        """Somebody left, or was sent out; after the last one the room is taken down."""
        if not room.peers:
            self.over(room.key)
        elif found := self._stages.get(room.key):
            self._start(found[0].unseat(peer, kicked=kicked))

    def over(self, key: str) -> None:
        """The room has ended."""
        if found := self._stages.pop(key, None):
            found[1].cancel()
            self._start(_ended(found[1]))

    def allow(self, room: Room, peer: Peer) -> None:
        """Somebody's role changed; who may send now does so by an offer."""
        place = self._place(room, peer)
        if place and room.role_of(peer.seat) == "viewer":
            place.stop_sending()

    def silence(self, room: Room, peer: Peer, *, muted: bool) -> None:
        """A host muted somebody; they may end that themselves."""
        if place := self._place(room, peer):
            peer.silenced = muted
            place.silence(muted=muted)

    def take(self, room: Room, peer: Peer, said: Media) -> None:
        """What a page says for its connections; whether its role allows it was looked at before."""
        if place := self._place(room, peer):
            place.take(said)

    async def close(self) -> None:
        """Take every room down as the process stops; a Janus that does not answer is not waited for."""
        for key in list(self._stages):
            self.over(key)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            await self._server.close()

    def _place(self, room: Room, peer: Peer) -> Place | None:
        found = self._stages.get(room.key)
        return found[0].place(peer) if found else None

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)


def _plan(made: Made, cap: int) -> Told:
    """The room as Janus is asked for it: private, not recorded, gone with its end."""
    return {
        "room": made.number,
        "description": "stocktide",
        "secret": made.secret,
        "pin": made.pin,
        "is_private": True,
        "require_pvtid": True,
        "publishers": cap,
        "notify_joining": True,
        "permanent": False,
        "record": False,
        "lock_record": True,
        "audiocodec": "opus",
        "videocodec": "vp8",
        "bitrate": BITRATE,
    }
