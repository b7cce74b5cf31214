"""Zoom meetings, made for one Zoom user by a Server-to-Server OAuth app: developers.zoom.us/docs/api/meetings.

Zoom answers with two links. `join_url` is for everybody. `start_url` makes whoever has it the host: it is never read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from bot.errors import OutsideError, Unanswered
from bot.ports import Admission, Check, Clock, Guest, OpenRoom, RoomPlan
from bot.rooms.calling import Answer, Line, unreadable
from bot.rooms.zoom_token import ZoomToken, ZoomTokens
from bot.words import Words, _

_SCHEDULED = 2
_NO_REGISTRATION = 2
_LONGEST_TOPIC = 200
_NO_USER, _NOT_FOUND, _IN_PROGRESS, _ENDED, _NO_SCOPE = 1001, 3001, 3002, 3007, (4700, 4711)
_BASIC, _BASIC_MINUTES = 1, 40  # a user without a licence, whose meetings end after 40 minutes
# One of each is needed: the granular scope of today, or the older one.
_SCOPES = (
    ("meeting:write:meeting:admin", "meeting:write:admin"),
    ("meeting:delete:meeting:admin", "meeting:write:admin"),
    ("meeting:update:status:admin", "meeting:write:admin"),
)


@dataclass(frozen=True, slots=True)
class ZoomOptions:
    """Whose meetings they are, how long and how large they are meant to be, and who lets people in."""

    host: str
    minutes: int
    cap: int
    waiting_room: bool = False


_Send = Callable[[str, str, Mapping[str, str], Mapping[str, Any] | None], Awaitable[Answer]]  # the line's read or write


class ZoomRooms:
    """Makes one meeting per room. Everybody gets the same link, and Zoom decides who is host."""

    name = "zoom"

    def __init__(self, options: ZoomOptions, line: Line, tokens: ZoomTokens, clock: Clock) -> None:
        self.cap = options.cap
        self._options = options
        self._line = line
        self._tokens = tokens
        self._clock = clock

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Make the meeting; Zoom takes no key, so a lost answer is Unanswered and may have left a meeting behind."""
        host = quote(self._options.host, safe="@")
        answer = await self._ask(self._line.write, "POST", f"/users/{host}/meetings", self._meeting(plan))
        if not answer.good:
            hint = _("see rooms.zoom_host") if answer.told.get("code") == _NO_USER else None
            raise self._line.declined(answer, hint)
        number, link = answer.told.get("id"), answer.told.get("join_url")
        if not (isinstance(number, int) and isinstance(link, str) and urlsplit(link).scheme == "https"):
            raise unreadable("Zoom", Unanswered)
        return OpenRoom(plan.key, plan.title, min(plan.cap, self.cap), reference=str(number), url=link)

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """The meeting's link, the same for everybody and for as long as the meeting is there."""
        del guest, now
        return Admission(room.url, None, personal=False)

    async def close(self, room: OpenRoom) -> None:
        """Delete the meeting, ending it first where it is under way; one that is gone already is no error."""
        path = f"/meetings/{quote(room.reference, safe='')}"
        answer = await self._ask(self._line.write, "DELETE", path)
        if answer.told.get("code") == _IN_PROGRESS:
            ended = await self._ask(self._line.write, "PUT", f"{path}/status", {"action": "end"})
            if not ended.good and ended.told.get("code") != _NOT_FOUND:
                raise self._line.declined(ended)
            answer = await self._ask(self._line.write, "DELETE", path)
        if not answer.good and answer.told.get("code") not in (_NOT_FOUND, _ENDED):
            raise self._line.declined(answer)

    async def check(self) -> tuple[Check, ...]:
        """Ask for a token, look at what it may do, and look the host up."""
        name = _("rooms zoom")
        try:
            token = await self._tokens.get()
            host = await self._ask(self._line.read, "GET", f"/users/{quote(self._options.host, safe='@')}")
        except OutsideError as error:
            return (Check(name, "fail", error.said, _("see the keys that begin with zoom_ under [rooms]")),)
        return (*_scope_checks(name, token), self._host_check(name, host))

    def _host_check(self, name: Words, answer: Answer) -> Check:
        options = self._options
        if answer.told.get("code") in _NO_SCOPE:
            missing = _("the host cannot be looked up; meetings can be made all the same")
            return Check(name, "warn", missing, _("add the scope user:read:user:admin to the app, or leave it so"))
        if not answer.good:
            return Check(name, "fail", answer.words, _("write a user of this Zoom account as rooms.zoom_host"))
        if answer.told.get("type") == _BASIC and options.minutes > _BASIC_MINUTES:
            short = _(
                "{host} has no licence: Zoom ends the meetings after {minutes} minutes",
                host=options.host,
                minutes=_BASIC_MINUTES,
            )
            return Check(
                name,
                "warn",
                short,
                _("write rooms.minutes = {minutes}, or give that user a licence", minutes=_BASIC_MINUTES),
            )
        return Check(name, "ok", _("meetings of {host}", host=options.host))

    def _meeting(self, plan: RoomPlan) -> Mapping[str, Any]:
        waits = self._options.waiting_room
        starts_at = max(plan.starts_at, self._clock.now()).astimezone(UTC)
        return {
            "topic": plan.title[:_LONGEST_TOPIC],
            "type": _SCHEDULED,
            "start_time": starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timezone": "UTC",
            "duration": plan.minutes,
            "default_password": True,
            "settings": {
                # With a waiting room nobody comes in before the host; without one, nobody has to wait for a host.
                "waiting_room": waits,
                "join_before_host": not waits,
                "jbh_time": 0,
                "approval_type": _NO_REGISTRATION,
                "use_pmi": False,
                "auto_recording": "none",
            },
        }

    async def _ask(self, send: _Send, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """One call; where Zoom refuses our token, which it may do before the token's time, once more with a new one."""
        token = await self._tokens.get()
        answer = await send(method, path, _bearer(token), body)
        if answer.status == 401:
            answer = await send(method, path, _bearer(await self._tokens.get(spent=token.value)), body)
        return answer


def _bearer(token: ZoomToken) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.value}"}


def _scope_checks(name: Words, token: ZoomToken) -> tuple[Check, ...]:
    """A line of what is missing; Zoom may leave the scopes out, which says nothing."""
    lacking = dict.fromkeys(pair[0] for pair in _SCOPES if not token.scopes & set(pair))
    if not token.scopes or not lacking:
        return ()
    return (
        Check(
            name,
            "fail",
            _("the app lacks {lacking}", lacking=", ".join(lacking)),
            _("add these scopes to the app in Zoom's Marketplace"),
        ),
    )
