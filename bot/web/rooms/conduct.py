"""What a person in a room may do to it, by their role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.web.rooms.keeper import NoteKind
from bot.web.rooms.messages import Media, Note, Plain, Said, Say, Sent, Show, Signal, Upon
from bot.web.rooms.room import Farewell, Peer, Room, Told
from bot.web.rooms.sdp import sends_media

if TYPE_CHECKING:
    from bot.web.rooms.hub import Hub


_VIEWER_MEDIA = "a viewer's audio and video sections must be recvonly or inactive"


class Conduct:
    """Acts on a room for one of its people, or tells them why not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def act(self, room: Room, peer: Peer, said: Said) -> None:
        """Do what somebody in the room asks."""
        match said:
            case Signal():
                self._signal(room, peer, said)
            case Media():
                self._media(room, peer, said)
            case Show():
                peer.shown = said.shown
                if peer.silenced and not said.shown.muted:
                    self._hub.media.silence(room, peer, muted=False)
                room.tell({"type": "shown", "peer": peer.id, "shown": said.shown.model_dump()}, but=peer)
            case Upon():
                await self._upon(room, peer, said)
            case Plain(type="end"):
                if self._may_host(room, peer):
                    await self._hub.end(room, peer.seat)
            case Say() | Note() | Sent():
                await self._line(room, peer, said)
            case _:
                return

    def _signal(self, room: Room, peer: Peer, said: Signal) -> None:
        """Hand a description or a candidate on, within the room alone."""
        other = room.peers.get(said.to)
        if other is None or other is peer:
            _deny(peer, "nobody", f"peer {said.to} is not here")
            return
        if said.description and sends_media(said.description.sdp):
            if room.role_of(peer.seat) == "viewer":
                _deny(peer, "viewer_media", _VIEWER_MEDIA)
                return
            if self._hub.media.forwards(peer.seat):
                _deny(peer, "data_only", "here sound and picture go through the media server")
                return
        carried = said.model_dump(include={"description", "candidate"}, exclude_none=True)
        other.tell({"type": "signal", "from": peer.id, **carried})

    def _media(self, room: Room, peer: Peer, said: Media) -> None:
        """Ask the media server, where the role allows it: a viewer's offer to send never gets there."""
        viewer = room.role_of(peer.seat) == "viewer"
        if viewer and (said.part == "send" or (said.description and sends_media(said.description.sdp))):
            _deny(peer, "viewer_media", _VIEWER_MEDIA)
        elif not self._hub.media.forwards(peer.seat):
            _deny(peer, "no_media_server", "people of this room connect to one another")
        else:
            self._hub.media.take(room, peer, said)

    async def _upon(self, room: Room, peer: Peer, said: Upon) -> None:
        other = room.peers.get(said.peer)
        if not self._may_host(room, peer):
            return
        if other is None or other is peer:
            _deny(peer, "nobody", f"peer {said.peer} is not another one here")
        elif said.type == "mute":
            self._hub.media.silence(room, other, muted=True)
            other.tell({"type": "mute", "by": peer.id})
        elif said.type == "raise":
            room.raised.add(other.seat.member_id)
            self._hub.media.allow(room, other)
            room.tell({"type": "changed", "peer": room.described(other)})
        elif room.outranks(peer.seat, other.seat):
            room.removed.add(other.seat.member_id)
            await self._hub.drop(room, other, Farewell("removed"))
        else:
            _deny(peer, "rank", "only somebody of a lesser role can be removed")

    async def _line(self, room: Room, peer: Peer, said: Say | Note | Sent) -> None:
        """Hand a line on for the minutes; one that may be kept is shown to everyone, and to late comers."""
        if room.role_of(peer.seat) == "viewer":
            _deny(peer, "viewer", "a viewer listens")
            return
        kind, text = _noted(said)
        line = {
            "kind": kind,
            "text": text,
            "by": peer.seat.name,
            "member": peer.seat.member_id,
            "at": self._hub.clock.now().isoformat(),
        }
        if kind == "file" and any(_said(one) == _said(line) for one in room.lines):
            return  # the same file to another person
        await self._hub.keeper.noted(peer.seat, kind, text)  # what cannot be kept is not shown as if it were
        room.lines.append(line)
        room.tell({"type": "line", "line": line})

    def _may_host(self, room: Room, peer: Peer) -> bool:
        if not room.hosts(peer.seat):
            _deny(peer, "not_host", "only a host or a co-host may do that")
            return False
        return True


def _said(line: Told) -> tuple[Any, ...]:
    """Who said what: equal for a line said again."""
    return line["kind"], line["member"], line["text"]


def _deny(peer: Peer, code: str, detail: str) -> None:
    peer.tell({"type": "error", "code": code, "detail": detail})


def _noted(said: Say | Note | Sent) -> tuple[NoteKind, str]:
    """The kind of a line, and its words."""
    match said:
        case Say():
            return "chat", said.text
        case Note():
            return said.kind, said.text
        case Sent():
            return "file", f"{said.name}, {said.size}, {said.sha256}"
