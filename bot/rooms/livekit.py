"""LiveKit, in its cloud or on a server of your own.

Rooms are made and deleted over its RoomService, which is Twirp with JSON: docs.livekit.io/server/room-management.
Grants are those of livekit-api; tokens are signed here, because that package knows no clock but the machine's, and its
client sends a lost call again by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from livekit.api.access_token import Claims, VideoGrants

from bot.errors import OutsideError, Unanswered
from bot.ports import Admission, Check, Clock, Guest, OpenRoom, RoomPlan
from bot.rooms.calling import Answer, Line, unreadable
from bot.rooms.links import filled
from bot.words import _

_TTL = timedelta(minutes=15)  # to come in by; LiveKit renews the tokens of those who are in
_CALL_TTL = timedelta(minutes=1)
_SKEW = timedelta(seconds=30)  # the other machine's clock may be late
_ROOMS = "/twirp/livekit.RoomService/"
_COME_BACK = 300  # seconds that a room waits for somebody to come back
_SHORTEST_SECRET = 32  # bytes, for HMAC-SHA256: RFC 7518, 3.2

_How = Callable[[str, str, Mapping[str, str], Mapping[str, Any]], Awaitable[Answer]]  # the line's read or write


@dataclass(frozen=True, slots=True)
class LiveKitOptions:
    """A project or server; `page` is a template with {token} and, where it is needed, {url}."""

    url: str
    key: str
    secret: str = field(repr=False)
    page: str
    cap: int


def http_address(url: str) -> str:
    """The address for calls that belongs to one for people: wss becomes https, ws becomes http."""
    return "http" + url.removeprefix("ws") if url.startswith("ws") else url


class LiveKitRooms:
    """Makes a room by its key, and lets people in with tokens that hold what they may do."""

    name = "livekit"

    def __init__(self, options: LiveKitOptions, line: Line, clock: Clock) -> None:
        self.cap = options.cap
        self._options = options
        self._line = line
        self._clock = clock

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Make the room; a second call with the same key finds it made."""
        cap = min(plan.cap, self.cap)
        until_end = plan.starts_at - self._clock.now() + timedelta(minutes=plan.minutes)
        body = {
            "name": plan.key,
            "empty_timeout": max(_COME_BACK, int(until_end.total_seconds())),
            "departure_timeout": _COME_BACK,
            "max_participants": cap,
        }
        answer = await self._call("CreateRoom", VideoGrants(room_create=True), body)
        if not answer.good:
            raise self._line.declined(answer)
        if answer.told.get("name") != plan.key:
            raise unreadable("LiveKit", Unanswered)
        return OpenRoom(plan.key, plan.title, cap, reference=str(answer.told.get("sid", "")))

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link with a token to come in within a quarter of an hour; a viewer may send nothing."""
        sends = guest.role != "viewer"
        grants = VideoGrants(
            room=room.key,
            room_join=True,
            room_admin=True if guest.role in ("host", "cohost") else None,
            can_publish=sends,
            can_publish_data=sends,
            can_subscribe=True,
        )
        claims = Claims(name=guest.name, video=grants)
        token = self._signed(claims, f"member-{guest.member_id}", now, _TTL)
        return Admission(filled(self._options.page, url=self._options.url, token=token), now + _TTL, personal=True)

    async def close(self, room: OpenRoom) -> None:
        """Send everybody out and delete the room; one that is gone already is no error."""
        answer = await self._call("DeleteRoom", VideoGrants(room_create=True), {"room": room.key})
        if not answer.good and answer.told.get("code") != "not_found":
            raise self._line.declined(answer)

    async def check(self) -> tuple[Check, ...]:
        """Ask for a room that is not there, with our key."""
        name, options = _("rooms livekit"), self._options
        try:
            grants = VideoGrants(room_list=True)
            answer = await self._call("ListRooms", grants, {"names": ["stocktide-check"]}, self._line.read)
            if not answer.good:
                raise self._line.declined(answer)
        except OutsideError as error:
            return (
                Check(name, "fail", error.said, _("see livekit_url, livekit_key and livekit_secret under [rooms]")),
            )
        found = Check(name, "ok", _("answers at {url}", url=options.url))
        if len(options.secret.encode()) < _SHORTEST_SECRET:
            short = _(
                "rooms.livekit_secret is shorter than {count} letters, so it could be guessed from a link",
                count=_SHORTEST_SECRET,
            )
            return (found, Check(name, "warn", short, _("make a new key; 'devkey' and 'secret' are for trying it out")))
        return (found,)

    async def _call(self, method: str, grants: VideoGrants, body: Mapping[str, Any], how: _How | None = None) -> Answer:
        token = self._signed(Claims(video=grants), "", self._clock.now(), _CALL_TTL)
        return await (how or self._line.write)("POST", _ROOMS + method, {"Authorization": f"Bearer {token}"}, body)

    def _signed(self, claims: Claims, identity: str, now: datetime, ttl: timedelta) -> str:
        span = {"nbf": int((now - _SKEW).timestamp()), "exp": int((now + ttl).timestamp())}
        content = claims.asdict() | {"iss": self._options.key, "sub": identity} | span
        return jwt.encode(content, self._options.secret, algorithm="HS256")
