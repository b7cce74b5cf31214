"""One room as it stands: who is in it, who looks in from outside, and what was said."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.ports import RoomRole
from bot.web.bucket import TokenBucket
from bot.web.rooms.keeper import Seat
from bot.web.rooms.messages import Shown

LINES = 200  # kept for whoever comes late
UNHEARD = 256  # messages that may wait for one connection
BURST, PER_SECOND = 240.0, 20.0  # joining a full room takes about a hundred messages at once

Reason = Literal["refused", "removed", "ended", "elsewhere", "malformed", "slow", "left", "closing"]
CODES: Mapping[Reason, int] = {
    "refused": 4401,
    "removed": 4403,
    "ended": 4404,
    "elsewhere": 4409,
    "malformed": 4400,
    "slow": 4408,
    "left": 1000,
    "closing": 1012,
}
_RANKS: Mapping[RoomRole, int] = {"viewer": 0, "member": 1, "cohost": 2, "host": 3}


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last thing a connection hears; `words` say more where a Refusal does."""

    reason: Reason
    words: str = ""


Told = Mapping[str, Any]


class Connection:
    """One socket: what is on its way to it, and whose it is."""

    def __init__(self, seat: Seat, session: str, seconds: Callable[[], float]) -> None:
        self.seat = seat
        self.session = session
        self.peer: Peer | None = None
        self.bucket = TokenBucket(BURST, PER_SECOND, seconds)
        self.faults = 0
        self.open = True
        self.outbox: asyncio.Queue[Told | Farewell] = asyncio.Queue()
        self.recheck: asyncio.Task[None] | None = None

    def tell(self, message: Told) -> None:
        """Send a message; one who does not listen is let go."""
        if not self.open:
            return
        if self.outbox.qsize() >= UNHEARD:
            self.dismiss(Farewell("slow"))
        else:
            self.outbox.put_nowait(message)

    def dismiss(self, farewell: Farewell) -> None:
        """Close the socket once what waits has been sent."""
        if self.open:
            self.open = False
            self.outbox.put_nowait(farewell)


@dataclass(eq=False)
class Peer:
    """One person in the room. Without a connection they are given some time to come back, and their post is kept."""

    id: int  # grows with each newcomer: of two peers the later is the polite one
    seat: Seat
    visit: str
    shown: Shown
    connection: Connection | None
    kept: deque[Told] = field(default_factory=lambda: deque(maxlen=UNHEARD))
    expiry: asyncio.Task[None] | None = None
    silenced: bool = False  # a host muted them where the media server can; until they speak up themselves

    def tell(self, message: Told) -> None:
        """Send a message, or keep it until the connection is back."""
        if self.connection is None:
            self.kept.append(message)
        else:
            self.connection.tell(message)


@dataclass(eq=False)
class Room:
    """One room. It exists while somebody is in it or looks in."""

    key: str
    peers: dict[int, Peer] = field(default_factory=dict)
    lobby: set[Connection] = field(default_factory=set)
    lines: deque[Told] = field(default_factory=lambda: deque(maxlen=LINES))
    raised: set[int] = field(default_factory=set)  # members that came as viewers and may take part
    removed: set[int] = field(default_factory=set)  # members that a host sent out
    last_id: int = 0

    def role_of(self, seat: Seat) -> RoomRole:
        """The role that counts: a viewer may have been raised."""
        return "member" if seat.role == "viewer" and seat.member_id in self.raised else seat.role

    def outranks(self, one: Seat, other: Seat) -> bool:
        """Whether one stands above the other."""
        return _RANKS[self.role_of(one)] > _RANKS[self.role_of(other)]

    def hosts(self, seat: Seat) -> bool:
        """Whether the person may mute, remove, raise and end."""
        return _RANKS[self.role_of(seat)] >= _RANKS["cohost"]

    def peer_of(self, member_id: int) -> Peer | None:
        """That member's peer, where they are in the room."""
        return next((peer for peer in self.peers.values() if peer.seat.member_id == member_id), None)

    def connections(self) -> list[Connection]:
        """Every socket of the room, of those in it and of those before it."""
        return [*self.lobby, *(peer.connection for peer in self.peers.values() if peer.connection)]

    def described(self, peer: Peer) -> Told:
        """A peer as the others see it."""
        seat = peer.seat
        return {
            "id": peer.id,
            "member": seat.member_id,
            "name": seat.name,
            "role": self.role_of(seat),
            "zone": seat.zone,
            "from": seat.working_from.isoformat("minutes"),
            "to": seat.working_to.isoformat("minutes"),
            "workdays": seat.workdays,
            "shown": peer.shown.model_dump(),
        }

    def people(self) -> list[Told]:
        """Everyone in the room."""
        return [self.described(peer) for peer in self.peers.values()]

    def tell(self, message: Told, *, but: Peer | None = None) -> None:
        """Send a message to everyone in the room."""
        for peer in self.peers.values():
            if peer is not but:
                peer.tell(message)

    def tell_lobby(self) -> None:
        """Show whoever looks in who is here."""
        for connection in self.lobby:
            connection.tell({"type": "people", "people": self.people()})
