"""One person's place in a room on Janus: the handle by which they send, and the one by which they receive.

What is asked for one place is done in order, by a task of its own, so that a slow Janus holds up nobody's chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog

from bot.errors import Declined, OutsideError
from bot.web.rooms.messages import Candidate, Description, Media
from bot.web.rooms.room import Peer
from bot.web.rooms.sdp import mids

SLOTS = ("audio", "camera", "screen")  # the sections of whoever sends, in their order
AGAIN = 2.0  # seconds before a place that could not be had is asked for again
UNDONE = 256  # jobs that may wait

_log = structlog.get_logger(__name__)

Told = Mapping[str, Any]
Reply = tuple[Told, Told | None]  # what the plugin says, and a session description with it


class MediaSession(Protocol):
    """Our session at a media server that speaks as Janus' VideoRoom plugin; every call may raise an OutsideError."""

    async def attach(self) -> int:
        """A new handle."""
        ...

    async def detach(self, handle: int) -> None:
        """Give a handle up."""
        ...

    async def make(self, handle: int, room: Told) -> None:
        """Make a room."""
        ...

    async def ask(self, handle: int, body: Told, jsep: Told | None = None) -> Reply:
        """Ask the plugin; Declined where it refuses."""
        ...

    async def trickle(self, handle: int, candidate: Told) -> None:
        """Tell of one way to reach a browser."""
        ...

    async def listen(self, heard: Callable[[int, Told], None]) -> None:
        """Hand events on until the session is lost; then it raises."""
        ...

    async def close(self) -> None:
        """Give the session up."""
        ...


class MediaServer(Protocol):
    """Where larger rooms have their media forwarded."""

    async def open(self) -> MediaSession:
        """A new session."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A room at the media server. None of this ever goes to a browser."""

    number: int
    secret: str = field(repr=False)
    pin: str = field(repr=False)


class Place:
    """Does for one person what they, or the room, ask of the media server."""

    def __init__(
        self,
        peer: Peer,
        session: MediaSession,
        room: Made,
        may_send: Callable[[], bool],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self.peer = peer
        self.sending = 0  # a handle, 0 for none
        self.receiving = 0
        self._session = session
        self._room = room
        self._may_send = may_send
        self._pause = pause
        self._private_id = 0
        self._publishing = False
        self._spent = False  # the sending handle had a connection: Janus takes no second one soon
        self._audio = ""  # the name of our sound's section
        self._following: set[int] = set()
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(UNDONE)

    async def work(self) -> None:
        """Take the place, then do what is asked, until cancelled."""
        await self._sit()
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except Declined as error:
                _log.info("the media server refused", room=self.peer.seat.key, peer=self.peer.id, detail=error.detail)
            except OutsideError as error:  # a session that is lost is noticed by whoever listens to it
                _log.warning("the media server failed", room=self.peer.seat.key, detail=error.detail)
            except Exception:  # noqa: BLE001  # whatever it was, the next job must be done
                _log.exception("something for the media server went wrong", room=self.peer.seat.key)

    def take(self, said: Media) -> None:
        """What the page says for one of its two connections."""
        if said.description:
            self._do(partial(self._publish if said.part == "send" else self._start, said.description))
        elif said.candidate:
            self._do(partial(self._trickle, said.part, said.candidate))
        else:
            self._do(self._restart)

    def silence(self, *, muted: bool) -> None:
        """Let nobody hear the person, or no longer keep them from being heard."""
        self._do(partial(self._moderate, muted=muted))

    def stop_sending(self) -> None:
        """The person is a viewer now."""
        self._do(self._unpublish)

    def heard(self, sender: int, event: Told) -> None:
        """Something happened on one of our handles."""
        if event.get("janus") == "hangup":
            self._do(partial(self._hung_up, sender))
        elif event.get("janus") == "trickle":
            part = "send" if sender == self.sending else "receive"
            self.peer.tell({"type": "media", "part": part, "candidate": event.get("candidate")})
        elif event.get("janus") == "event":
            self._told(event.get("plugindata", {}).get("data", {}), event.get("jsep"))

    async def leave(self, *, kicked: bool) -> None:
        """Give both handles up; kicked also closes whatever else was opened in the person's name."""
        if kicked:
            room = self._room
            body = {"request": "kick", "room": room.number, "secret": room.secret, "id": self.peer.id}
            await self._quietly(self._session.ask(self.sending, body))
        await self._let_go()

    def _do(self, job: Callable[[], Awaitable[None]]) -> None:
        if self._jobs.full():
            _log.warning("too much waits for the media server", room=self.peer.seat.key, peer=self.peer.id)
        else:
            self._jobs.put_nowait(job)

    def _told(self, data: Told, jsep: Told | None) -> None:
        for name in ("unpublished", "leaving"):
            if isinstance(feed := data.get(name), int):
                self._do(partial(self._unfollow, feed))
        if feeds := _feeds(data):
            self._do(partial(self._follow, feeds))
        if jsep:
            self._offer(data, jsep, fresh=False)

    async def _sit(self) -> None:
        """Join the room, and say so to the page; until it works."""
        while True:
            try:
                await self._join()
            except OutsideError as error:
                _log.warning("no place at the media server yet", room=self.peer.seat.key, detail=error.detail)
                await self._let_go()
                await self._pause(AGAIN)
            else:
                return

    async def _join(self) -> None:
        room = self._room
        self.sending = await self._session.attach()
        body = {"request": "join", "ptype": "publisher", "room": room.number, "pin": room.pin, "id": self.peer.id}
        joined, _ = await self._session.ask(self.sending, body)
        self._private_id = int(joined.get("private_id", 0))
        self.peer.tell({"type": "media", "state": "ready"})
        if feeds := _feeds(joined):
            self._do(partial(self._follow, feeds))

    async def _let_go(self) -> None:
        handles = [handle for handle in (self.receiving, self.sending) if handle]
        self.sending = self.receiving = 0
        self._publishing = self._spent = False
        self._following.clear()
        for handle in handles:
            await self._quietly(self._session.detach(handle))

    async def _quietly(self, asked: Awaitable[object]) -> None:
        try:
            await asked
        except OutsideError as error:
            _log.debug("nothing to take back at the media server", detail=error.detail)

    async def _sit_again(self) -> None:
        await self._let_go()
        await self._sit()

    async def _publish(self, offer: Description) -> None:
        """The first offer begins sending, later ones change it."""
        if not self._may_send():  # looked at once more: the role may have changed while this waited
            return
        if self._spent and not self._publishing:
            await self._sit_again()  # the page offers anew once it hears that the place is ready
            return
        names = mids(offer.sdp)[: len(SLOTS)]
        body = {
            "request": "configure" if self._publishing else "publish",
            "descriptions": [{"mid": mid, "description": slot} for mid, slot in zip(names, SLOTS, strict=False)],
        }
        try:
            _, answer = await self._session.ask(self.sending, body, offer.model_dump())
        except OutsideError:
            self.peer.tell({"type": "error", "code": "media", "detail": "the media server did not take the offer"})
            raise
        self._publishing = self._spent = True
        self._audio = names[0] if names else ""
        if answer:
            self.peer.tell({"type": "media", "part": "send", "description": _description(answer)})

    async def _unpublish(self) -> None:
        if self._publishing:
            self._publishing = False
            await self._session.ask(self.sending, {"request": "unpublish"})

    async def _moderate(self, *, muted: bool) -> None:
        if self._publishing and self._audio:
            room, mid = self._room, self._audio
            body = {"room": room.number, "secret": room.secret, "id": self.peer.id, "mid": mid, "mute": muted}
            await self._session.ask(self.sending, {"request": "moderate", **body})

    async def _follow(self, feeds: Sequence[int]) -> None:
        """Receive those people too; Janus refuses all where one has gone, so then they are asked for one by one."""
        fresh = [feed for feed in feeds if feed not in self._following]
        if not fresh:
            return
        try:
            await self._subscribe(fresh)
        except Declined:
            if len(fresh) == 1:
                return  # gone in the meantime; should they come back, we are told
            for feed in fresh:
                await self._follow([feed])

    async def _subscribe(self, feeds: Sequence[int]) -> None:
        streams = [{"feed": feed} for feed in feeds]
        if self.receiving:
            data, jsep = await self._session.ask(self.receiving, {"request": "subscribe", "streams": streams})
            self._following.update(feeds)
            self._offer(data, jsep, fresh=False)
            return
        room, handle = self._room, await self._session.attach()
        body = {"room": room.number, "pin": room.pin, "private_id": self._private_id, "streams": streams}
        try:
            data, jsep = await self._session.ask(handle, {"request": "join", "ptype": "subscriber", **body})
        except Declined:
            await self._quietly(self._session.detach(handle))
            raise
        self.receiving = handle
        self._following.update(feeds)
        self._offer(data, jsep, fresh=True)

    async def _unfollow(self, feed: int) -> None:
        if feed in self._following:
            self._following.discard(feed)
            body = {"request": "unsubscribe", "streams": [{"feed": feed}]}
            self._offer(*await self._session.ask(self.receiving, body), fresh=False)

    def _offer(self, data: Told, jsep: Told | None, *, fresh: bool) -> None:
        """Hand Janus' offer to the page, with whose each section is."""
        if jsep is None:
            return
        streams = [
            {"mid": stream.get("mid"), "peer": stream["feed_id"], "slot": stream.get("feed_description")}
            for stream in data.get("streams", ())
            if stream.get("active", True) and stream.get("feed_description") in SLOTS
        ]
        told = {"type": "media", "part": "receive", "description": _description(jsep), "streams": streams}
        self.peer.tell({**told, "fresh": fresh})

    async def _start(self, answer: Description) -> None:
        if self.receiving:
            await self._session.ask(self.receiving, {"request": "start"}, answer.model_dump())

    async def _restart(self) -> None:
        if self.receiving:
            body = {"request": "configure", "restart": True}
            self._offer(*await self._session.ask(self.receiving, body), fresh=False)

    async def _trickle(self, part: str, candidate: Candidate) -> None:
        handle = self.sending if part == "send" else self.receiving
        if not handle or (part == "send" and not self._publishing):
            return
        over = not candidate.candidate
        await self._session.trickle(handle, {"completed": True} if over else candidate.model_dump(exclude_none=True))

    async def _hung_up(self, sender: int) -> None:
        """Janus closed a connection that we did not: begin again."""
        ours = sender == self.receiving or (sender == self.sending and self._publishing and self._may_send())
        if ours:
            await self._sit_again()


def _feeds(data: Told) -> list[int]:
    """Who sends, of those that an event tells of."""
    return [one["id"] for one in data.get("publishers", ()) if isinstance(one.get("id"), int)]


def _description(jsep: Told) -> Told:
    return {"type": jsep.get("type"), "sdp": jsep.get("sdp")}
