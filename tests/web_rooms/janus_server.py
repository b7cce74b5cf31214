"""A strict local Janus: its HTTP API, sessions, long polls, and a VideoRoom that refuses whatever lacks its key."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from tests.rooms.faults import Faults

ADMIN_KEY = "admin-key-canary-7d21"
PLUGIN = "janus.plugin.videoroom"
LONGEST_POLL = 30.0
BITS_128 = 32  # letters, hexadecimal
_FIELDS = {  # of each request: those it must have, and those it may
    "create": (
        {"room", "secret"},
        {
            "admin_key", "pin", "description", "is_private", "require_pvtid", "publishers", "notify_joining",
            "permanent", "record", "lock_record", "audiocodec", "videocodec", "bitrate",
        },
    ),
    "destroy": ({"room", "secret", "permanent"}, set()),
    "join": ({"ptype", "room", "pin"}, {"id", "private_id", "streams"}),
    "publish": (set(), {"descriptions"}),
    "configure": (set(), {"descriptions", "restart"}),
    "unpublish": (set(), set()),
    "subscribe": ({"streams"}, set()),
    "unsubscribe": ({"streams"}, set()),
    "start": (set(), set()),
    "moderate": ({"room", "secret", "id", "mid", "mute"}, set()),
    "kick": ({"room", "secret", "id"}, set()),
}  # fmt: skip
_AT_ONCE = {"create", "destroy", "moderate", "kick"}  # answered with the request, not by an event


class Refused(Exception):
    """An error of the plugin."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class Handle:
    """One handle: of somebody who takes part, or of what they receive."""

    session: int
    room: int = 0
    feed: int = 0
    publishing: bool = False
    descriptions: dict[str, str] = field(default_factory=dict)  # by section
    follows: list[int] = field(default_factory=list)
    offered: bool = False
    candidates: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Janus:
    """What it holds, and what it was asked. `restart` forgets everything, as a new process would."""

    admin_key: str = ADMIN_KEY
    plugins: tuple[str, ...] = (PLUGIN,)
    faults: Faults = field(default_factory=Faults)
    asked: list[dict[str, Any]] = field(default_factory=list)  # every body that reached the plugin
    strange: list[str] = field(default_factory=list)  # what no client of ours should send
    rooms: dict[int, dict[str, Any]] = field(default_factory=dict)
    handles: dict[int, Handle] = field(default_factory=dict)
    private: dict[int, int] = field(default_factory=dict)  # private id -> feed
    moderated: dict[tuple[int, str], bool] = field(default_factory=dict)
    sessions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # events that wait
    ghosts: list[int] = field(default_factory=list)  # told to newcomers as sending, and gone when asked for
    broken_polls: int = 0  # that are still to come
    kept_alive: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1_000))
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/janus/info", self._info),
                Route("/janus", self._top, methods=["POST"]),
                Route("/janus/{session:int}", self._poll, methods=["GET"]),
                Route("/janus/{session:int}", self._of_session, methods=["POST"]),
                Route("/janus/{session:int}/{handle:int}", self._of_handle, methods=["POST"]),
            ]
        )

    def restart(self) -> None:
        """Lose every session, handle and room."""
        for held in (self.sessions, self.handles, self.rooms, self.private, self.moderated):
            held.clear()
        self._tell_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds here."""
        async with asyncio.timeout(10):
            while not condition():
                await self._news()

    def requests(self, name: str) -> list[dict[str, Any]]:
        """The bodies of one request."""
        return [body for body in self.asked if body["request"] == name]

    def of(self, feed: int) -> Handle:
        """The handle by which somebody takes part."""
        return next(handle for handle in self.handles.values() if handle.feed == feed)

    def hang_up(self, handle: Handle) -> None:
        """Lose a browser, as when ICE fails."""
        number = next(number for number, one in self.handles.items() if one is handle)
        handle.publishing = False
        self._tell_others(handle, {"unpublished": handle.feed})
        self._event(number, {"janus": "hangup", "reason": "ICE failed"})

    def take_down(self, room: int) -> None:
        """End a room, and tell whoever takes part."""
        del self.rooms[room]
        for number, handle in self.handles.items():
            if handle.room == room and handle.feed:
                data = {"videoroom": "destroyed", "room": room}
                self._event(number, {"janus": "event", "plugindata": {"plugin": PLUGIN, "data": data}})

    async def _info(self, _request: Request) -> Response:
        plugins = {name: {"version": 9} for name in self.plugins}
        return JSONResponse(
            {"janus": "server_info", "name": "Janus WebRTC Server", "version_string": "1.1.2", "plugins": plugins}
        )

    async def _top(self, request: Request) -> Response:
        said = await request.json()
        if (fault := await self.faults.next(request, {})) is not None:
            return fault
        if said.get("janus") != "create":
            return self._error(said, 453, "Unknown request")
        number = next(self._numbers)
        self.sessions[number] = []
        return self._good(said, {"id": number})

    async def _of_session(self, request: Request) -> Response:
        said, session = await request.json(), request.path_params["session"]
        if (fault := await self.faults.next(request, {})) is not None:
            return fault
        if session not in self.sessions:
            return self._error(said, 458, f"No such session {session}")
        match said.get("janus"):
            case "attach" if said.get("plugin") == PLUGIN:
                number = next(self._numbers)
                self.handles[number] = Handle(session)
                return self._good(said, {"id": number})
            case "keepalive":
                self.kept_alive += 1
                self._tell_all()
                return self._ack(said)
            case "destroy":
                del self.sessions[session]
                for number in [number for number, one in self.handles.items() if one.session == session]:
                    self._detach(number)
                self._tell_all()
                return self._good(said, {})
        return self._error(said, 453, "Unknown request")

    async def _poll(self, request: Request) -> Response:
        session = request.path_params["session"]
        if self.broken_polls:
            self.broken_polls -= 1
            return HangUp()
        try:
            async with asyncio.timeout(LONGEST_POLL):
                while self.sessions.get(session) == []:
                    await self._turn(request)
        except TimeoutError:
            return JSONResponse([{"janus": "keepalive"}])
        if session not in self.sessions:
            return self._error({}, 458, f"No such session {session}")
        events, self.sessions[session] = self.sessions[session], []
        return JSONResponse(events)

    async def _turn(self, request: Request) -> None:
        """Wait for the next event, or for the client to hang up."""
        news, gone = self._news(), asyncio.ensure_future(pause(request, LONGEST_POLL))
        try:
            await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (news, gone):
                one.cancel()
            await asyncio.gather(news, gone, return_exceptions=True)

    async def _of_handle(self, request: Request) -> Response:
        said = await request.json()
        session, number = request.path_params["session"], request.path_params["handle"]
        if (fault := await self.faults.next(request, {})) is not None:
            return fault
        if session not in self.sessions:
            return self._error(said, 458, f"No such session {session}")
        handle = self.handles.get(number)
        if handle is None or handle.session != session:
            return self._error(said, 459, f"No such handle {number}")
        match said.get("janus"):
            case "trickle":
                handle.candidates.append(said["candidate"])
                self._tell_all()
                return self._ack(said)
            case "detach":
                self._detach(number)
                self._tell_all()
                return self._good(said, {})
            case "message":
                return self._message(said, number, handle)
        return self._error(said, 453, "Unknown request")

    def _message(self, said: dict[str, Any], number: int, handle: Handle) -> Response:
        body, jsep = said["body"], said.get("jsep")
        self.asked.append(body)
        name = body.get("request")
        data, answer = self._answered(name, body, jsep, handle)
        told = {"plugindata": {"plugin": PLUGIN, "data": data}, **({"jsep": answer} if answer else {})}
        self._tell_all()
        if name in _AT_ONCE:
            return JSONResponse({"janus": "success", "transaction": said["transaction"], "sender": number, **told})
        self._event(number, {"janus": "event", "transaction": said["transaction"], **told})
        return self._ack(said)

    def _answered(self, name: str, body: dict[str, Any], jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        if name not in _FIELDS:
            return {"videoroom": "event", "error_code": 423, "error": f"Unknown request '{name}'"}, None
        try:
            must, may = _FIELDS[name]
            if not must <= set(body) - {"request"} <= must | may:
                self.strange.append(f"{name}: {sorted(body)}")
            return getattr(self, f"_{name}")(body, jsep, handle)  # type: ignore[no-any-return]  # one for each request
        except Refused as refused:
            return {"videoroom": "event", "error_code": refused.code, "error": str(refused)}, None

    def _create(self, body: dict[str, Any], _jsep: Any, _handle: Handle) -> tuple[dict[str, Any], Any]:
        if self.admin_key and body.get("admin_key") != self.admin_key:
            raise Refused(433, f"Unauthorized (wrong admin_key {body.get('admin_key')})")
        if body["room"] in self.rooms:
            raise Refused(427, f"Room {body['room']} already exists")
        self.rooms[body["room"]] = body
        return {"videoroom": "created", "room": body["room"], "permanent": False}, None

    def _room(self, body: dict[str, Any], lock: str) -> dict[str, Any]:
        room = self.rooms.get(body["room"])
        if room is None:
            raise Refused(426, f"No such room ({body['room']})")
        if body[lock] != room.get(lock):
            raise Refused(433, f"Unauthorized (wrong {lock})")
        return room

    def _destroy(self, body: dict[str, Any], _jsep: Any, _handle: Handle) -> tuple[dict[str, Any], Any]:
        self._room(body, "secret")
        self.take_down(body["room"])
        return {"videoroom": "destroyed", "room": body["room"]}, None

    def _join(self, body: dict[str, Any], _jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        room = self._room(body, "pin")
        handle.room = body["room"]
        if body["ptype"] == "subscriber":
            if room.get("require_pvtid") and body.get("private_id") not in self.private:
                raise Refused(433, "Unauthorized (this room requires a valid private_id)")
            return self._followed(handle, body["streams"], "attached")
        if any(one.feed == body["id"] and one.room == handle.room for one in self.handles.values()):
            raise Refused(436, f"User ID {body['id']} already exists")
        handle.feed, private = body["id"], next(self._numbers)
        self.private[private] = handle.feed
        publishers = [
            self._described(one) for one in self.handles.values() if one.room == handle.room and one.publishing
        ]
        return {"videoroom": "joined", "id": handle.feed, "private_id": private, "publishers": publishers}, None

    def _publish(self, body: dict[str, Any], jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        if handle.publishing:
            raise Refused(432, "Can't publish, already published")
        self._take_offer(body, jsep, handle)
        handle.publishing = True
        self._tell_others(handle, {"publishers": [self._described(handle)]})
        return {"videoroom": "event", "configured": "ok"}, {"type": "answer", "sdp": f"v=0 answer to {handle.feed}"}

    def _configure(self, body: dict[str, Any], jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        if body.get("restart"):
            return {"videoroom": "event", "configured": "ok"}, self._offer(handle)
        if not handle.publishing:
            raise Refused(435, "Not publishing")
        self._take_offer(body, jsep, handle)
        return {"videoroom": "event", "configured": "ok"}, {"type": "answer", "sdp": f"v=0 again to {handle.feed}"}

    def _take_offer(self, body: dict[str, Any], jsep: Any, handle: Handle) -> None:
        if not isinstance(jsep, dict) or set(jsep) != {"type", "sdp"} or jsep["type"] != "offer":
            raise Refused(429, "Missing SDP offer")
        handle.descriptions = {one["mid"]: one["description"] for one in body["descriptions"]}

    def _unpublish(self, _body: dict[str, Any], _jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        handle.publishing = False
        self._tell_others(handle, {"unpublished": handle.feed})
        return {"videoroom": "event", "unpublished": "ok"}, None

    def _subscribe(self, body: dict[str, Any], _jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        return self._followed(handle, body["streams"], "updated")

    def _unsubscribe(self, body: dict[str, Any], _jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        gone = {stream["feed"] for stream in body["streams"]}
        handle.follows = [feed for feed in handle.follows if feed not in gone]
        return {"videoroom": "updated", "streams": self._streams(handle)}, self._offer(handle)

    def _start(self, _body: dict[str, Any], jsep: Any, handle: Handle) -> tuple[dict[str, Any], Any]:
        if not handle.offered or not isinstance(jsep, dict) or jsep.get("type") != "answer":
            raise Refused(429, "Missing SDP answer")
        handle.offered = False
        return {"videoroom": "event", "started": "ok"}, None

    def _moderate(self, body: dict[str, Any], _jsep: Any, _handle: Handle) -> tuple[dict[str, Any], Any]:
        self._room(body, "secret")
        self.moderated[body["id"], body["mid"]] = body["mute"]
        return {"videoroom": "success"}, None

    def _kick(self, body: dict[str, Any], _jsep: Any, _handle: Handle) -> tuple[dict[str, Any], Any]:
        self._room(body, "secret")
        self.of(body["id"]).publishing = False
        return {"videoroom": "success"}, None

    def _followed(self, handle: Handle, streams: list[dict[str, Any]], word: str) -> tuple[dict[str, Any], Any]:
        for stream in streams:
            if not any(one.feed == stream["feed"] and one.publishing for one in self.handles.values()):
                raise Refused(428, f"No such feed ({stream['feed']})")
        handle.follows += [stream["feed"] for stream in streams]
        return {"videoroom": word, "streams": self._streams(handle)}, self._offer(handle)

    def _offer(self, handle: Handle) -> dict[str, str]:
        handle.offered = True
        return {"type": "offer", "sdp": f"v=0 offer of {handle.follows}"}

    def _streams(self, handle: Handle) -> list[dict[str, Any]]:
        found = [(feed, *one) for feed in handle.follows for one in self.of(feed).descriptions.items()]
        return [
            {"mid": str(index), "active": True, "feed_id": feed, "feed_mid": mid, "feed_description": description}
            for index, (feed, mid, description) in enumerate(found)
        ]

    def _described(self, handle: Handle) -> dict[str, Any]:
        return {"id": handle.feed, "streams": [{"mid": mid} for mid in handle.descriptions]}

    def _tell_others(self, handle: Handle, data: dict[str, Any]) -> None:
        for number, other in self.handles.items():
            if other.room == handle.room and other.feed and other is not handle:
                told = {"videoroom": "event", "room": handle.room, **data}
                self._event(number, {"janus": "event", "plugindata": {"plugin": PLUGIN, "data": told}})

    def _detach(self, number: int) -> None:
        handle = self.handles.pop(number)
        if handle.publishing:
            self._tell_others(handle, {"unpublished": handle.feed})
        if handle.feed:
            self._tell_others(handle, {"leaving": handle.feed})

    def _event(self, number: int, event: dict[str, Any]) -> None:
        self.sessions[self.handles[number].session].append({"sender": number, **event})
        self._tell_all()

    def _news(self) -> asyncio.Future[None]:
        """Done when anything has changed here."""
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def _tell_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _good(self, said: dict[str, Any], data: dict[str, Any]) -> Response:
        return JSONResponse({"janus": "success", "transaction": said["transaction"], "data": data})

    def _ack(self, said: dict[str, Any]) -> Response:
        return JSONResponse({"janus": "ack", "transaction": said["transaction"]})

    def _error(self, said: dict[str, Any], code: int, reason: str) -> Response:
        told = {"janus": "error", "transaction": said.get("transaction", ""), "error": {"code": code, "reason": reason}}
        return JSONResponse(told)
