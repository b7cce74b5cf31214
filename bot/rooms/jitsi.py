"""Jitsi Meet: a server of your own with token authentication, or 8x8's JaaS.

Claims: github.com/jitsi/lib-jitsi-meet/blob/master/doc/tokens.md and developer.8x8.com/jaas/docs/api-keys-jwt.
Since May 2024 (jitsi/jitsi-meet#14749, #14760) the page reads the token from the fragment, as a JSON text in quotes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import jwt

from bot.errors import Declined, OutsideError
from bot.ports import Admission, Check, Guest, OpenRoom, RoomPlan
from bot.rooms.calling import Line
from bot.rooms.links import plain_name
from bot.words import _

_TTL = timedelta(minutes=15)  # to come in by; who is in stays in
_SKEW = timedelta(seconds=30)  # the other machine's clock may be late
_SHORTEST_SECRET = 32  # bytes, for HMAC-SHA256: RFC 7518, 3.2
# Prosody refuses what is not text inside `user`, and both take "true" and "false".
_FEATURES = (
    "livestreaming", "recording", "transcription", "sip-inbound-call", "sip-outbound-call", "inbound-call",
    "outbound-call", "file-upload", "list-visitors",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JitsiOptions:
    """A server. With `private_key`, a PEM text, it is JaaS; otherwise `secret` is shared with a server of your own."""

    url: str
    app_id: str
    cap: int
    secret: str = field(default="", repr=False)
    audience: str = "jitsi"
    key_id: str = ""
    private_key: str = field(default="", repr=False)
    link: Literal["fragment", "query"] = "fragment"


class JitsiRooms:
    """Signs tokens; Jitsi makes a room when the first person joins, and forgets it when the last one leaves."""

    name = "jitsi"

    def __init__(self, options: JitsiOptions, line: Line) -> None:
        self.cap = options.cap
        self._options = options
        self._line = line

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Nothing is made outside. Jitsi folds letters, so the room's name there is not the key itself."""
        return OpenRoom(plan.key, plan.title, min(plan.cap, self.cap), reference=plain_name(plan.key))

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link with a token to come in within a quarter of an hour; hosts and co-hosts moderate."""
        name = room.reference or plain_name(room.key)
        expires_at = now + _TTL
        token = self._signed(_claims(self._options, name, guest, now, expires_at))
        place = f"{self._options.app_id}/{name}" if self._options.private_key else name
        address = f"{self._options.url.rstrip('/')}/{place}"
        in_quotes = quote(json.dumps(token), safe="")
        mark = f"#jwt={in_quotes}" if self._options.link == "fragment" else f"?jwt={token}"
        return Admission(address + mark, expires_at, personal=True)

    async def close(self, room: OpenRoom) -> None:
        """Nothing can be done over tokens alone: the links die by themselves, and the room with its last guest."""

    async def check(self) -> tuple[Check, ...]:
        """Sign something, and see whether the server answers."""
        name, options = _("rooms jitsi"), self._options
        try:
            self._signed({})
            await self._line.read("GET", "/", {})
        except OutsideError as error:
            remedy = _("see the keys that begin with jitsi_ under [rooms]")
            return (Check(name, "fail", error.said, remedy),)
        found = Check(name, "ok", _("answers at {url}", url=options.url))
        if options.secret and len(options.secret.encode()) < _SHORTEST_SECRET:
            short = _(
                "rooms.jitsi_secret is shorter than {count} letters, so it could be guessed from a link",
                count=_SHORTEST_SECRET,
            )
            return (found, Check(name, "warn", short, _("make a longer one, here and in Prosody's app_secret")))
        return (found,)

    def _signed(self, claims: Mapping[str, Any]) -> str:
        options = self._options
        if not options.private_key:
            return jwt.encode(dict(claims), options.secret, algorithm="HS256")
        kid = options.key_id if "/" in options.key_id else f"{options.app_id}/{options.key_id}"
        try:
            return jwt.encode(dict(claims), options.private_key, algorithm="RS256", headers={"kid": kid})
        except NotImplementedError:
            raise Declined(_("JaaS needs a package that is not installed: pip install 'pyjwt[crypto]'")) from None
        except (jwt.PyJWTError, ValueError, TypeError):
            # The cause may quote the key.
            raise Declined(_("rooms.jitsi_private_key cannot be read as a private RSA key")) from None


def _claims(options: JitsiOptions, room: str, guest: Guest, now: datetime, until: datetime) -> Mapping[str, Any]:
    """What the token says, which is nearly the same for both kinds."""
    moderates = guest.role in ("host", "cohost")
    hosted = bool(options.private_key)
    return {
        "iss": "chat" if hosted else options.app_id,
        "aud": "jitsi" if hosted else options.audience,
        "sub": options.app_id if hosted else (urlsplit(options.url).hostname or "*"),
        "room": room,
        "nbf": int((now - _SKEW).timestamp()),
        "exp": int(until.timestamp()),
        "context": {
            "user": {
                "id": str(guest.member_id),
                "name": guest.name,
                "moderator": "true" if moderates else "false",
                "affiliation": "owner" if moderates else "member",
            },
            "features": dict.fromkeys(_FEATURES, "false"),
        },
    }
