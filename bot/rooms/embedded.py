"""Our own room: a WebRTC page served by this bot. It needs no account, and nothing is made outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from bot.errors import Declined
from bot.ports import Admission, Check, Guest, OpenRoom, RoomPlan
from bot.rooms.janus import JanusServer
from bot.words import _

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_ADDRESS = _("web.public_url is not set, so there is no link to give")

Issue = Callable[[OpenRoom, Guest, datetime], Awaitable[tuple[str, datetime]]]  # a token, and until when it is good
End = Callable[[str], Awaitable[None]]  # takes a room's key


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """Where the page is (empty: nowhere yet), how many people a room holds, whether a relay helps strict networks."""

    address: Callable[[], str]
    cap: int
    relayed: bool = False


class EmbeddedRooms:
    """Gives links with a one-time token in the fragment, which no server and no proxy on the way gets to see."""

    name = "embedded"

    def __init__(self, options: EmbeddedOptions, issue: Issue, end: End, janus: JanusServer | None = None) -> None:
        self.cap = options.cap
        self._options = options
        self._issue = issue
        self._end = end
        self._janus = janus

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Nothing is made outside; Declined where nobody could reach the page."""
        if not self._options.address():
            raise Declined(_NO_ADDRESS)
        return OpenRoom(plan.key, plan.title, min(plan.cap, self.cap))

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link good for one person and one use."""
        if not self._options.address():
            raise Declined(_NO_ADDRESS)
        token, expires_at = await self._issue(room, guest, now)
        return Admission(f"{self._options.address()}/rooms/{room.key}#{token}", expires_at, personal=True)

    async def close(self, room: OpenRoom) -> None:
        """End the room for everybody in it."""
        await self._end(room.key)

    async def check(self) -> tuple[Check, ...]:
        """Look at the address, the relay and Janus."""
        name, url = _("rooms embedded"), self._options.address()
        if not url:
            # Without it the rooms serve this machine alone, as in the demo; all else works.
            return (Check(name, "warn", _("for this machine alone"), _("set web.public_url")),)
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            remedy = _("put a proxy with TLS in front, and write web.public_url with https")
            return (Check(name, "fail", _("{url} is not https: browsers give it no camera", url=url), remedy),)
        found = [Check(name, "ok", _("{url}/rooms, up to {cap} people", url=url, cap=self.cap))]
        if not self._options.relayed:
            missing = _("without a TURN server, people behind strict networks will not see one another")
            found.append(Check(name, "warn", missing, _("set rooms.turn_urls and rooms.turn_secret")))
        return (*found, *(await self._janus.check() if self._janus else ()))
