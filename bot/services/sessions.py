"""How a member gets to our pages: by a one-time link from the chat, or vouched for by their chat platform.

After it comes a session of some hours.

The link's token stands in the URL's fragment, which neither servers nor previews see. Tokens are 256 random bits; the
database keeps their hashes. Membership is looked up anew on every request.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from bot.chat.command import Asker
from bot.errors import Refusal
from bot.ports import Clock
from bot.services.members import asker_of
from bot.storage import members as people
from bot.storage import websessions as rows
from bot.storage.database import Database
from bot.words import _

LINK_MINUTES = 15
SESSION_HOURS = 12
_TOKEN_BYTES = 32
_MAX_TOKEN = 128  # letters; ours have 43

ENTRANCE = "/board/enter"
LOGIN = "/telegram/login"  # where Telegram sends whoever pressed a login button, signed

_SPENT = _("This link has been used or is too old. Ask in the chat for a new one.")


@dataclass
class Address:
    """Where people reach our pages: the `public` address of the settings, otherwise the one we listen on."""

    public: str = ""
    local: str = ""

    @property
    def url(self) -> str:
        """Without a slash at the end; empty before the server listens."""
        return self.public or self.local

    def login(self, target: str) -> str:
        """What a login button (`Action.login`) opens to lead to one of our paths; empty where we are not on https."""
        url = f"{self.url}{LOGIN}?{urlencode({'to': target})}"
        return url if url.startswith("https://") else ""


@dataclass(frozen=True, slots=True)
class Entered:
    """A browser that was let in: its cookie's secret, whose it is, and where they wanted to go."""

    secret: str
    member_id: int
    target: str


class WebSessions:
    """Makes links, takes them once, and knows whose browser asks."""

    def __init__(self, *, database: Database, clock: Clock, address: Address) -> None:
        self._database = database
        self._clock = clock
        self.address = address

    async def link(self, member_id: int, target: str) -> str:
        """A one-time link to one of our paths, for that member alone; good for LINK_MINUTES."""
        return f"{self.address.url}{ENTRANCE}#{await self.token(member_id, target)}"

    async def token(self, member_id: int, target: str) -> str:
        """The token alone, for a page that takes it itself."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await rows.add_pass(
                connection, _digest(token), member_id, target, now, now + timedelta(minutes=LINK_MINUTES)
            )
        return token

    async def enter(self, token: str) -> Entered:
        """Use a link up and open a session; Refusal where it is unknown, used or too old."""
        now = self._clock.now()
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        async with self._database.reading() as connection:  # who guesses shall not hold up who writes
            if len(token) > _MAX_TOKEN or not await rows.has_pass(connection, _digest(token)):
                raise Refusal(_SPENT)
        async with self._database.transaction() as connection:
            found = await rows.use_pass(connection, _digest(token), now)
            if found is None:
                raise Refusal(_SPENT)
            expires_at = now + timedelta(hours=SESSION_HOURS)
            await rows.add_session(connection, _digest(secret), found[0], now, expires_at)
        return Entered(secret, *found)

    async def open_for(self, platform: str, person: str, proof: str, good_for: timedelta) -> str:
        """Open a session for a person whom a platform vouches for; its secret.

        Each `proof` of the platform counts once, and no longer than `good_for` from now. Refusal where it was used
        before, or the person is no member any more.
        """
        now = self._clock.now()
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        async with self._database.transaction() as connection:
            member = await people.by_identity(connection, platform, person)
            if member is None or not member.active:
                raise Refusal(_SPENT)
            if not await rows.spend(connection, _digest(f"{platform} {proof}"), member.id, now, now + good_for):
                raise Refusal(_SPENT)
            await rows.add_session(connection, _digest(secret), member.id, now, now + timedelta(hours=SESSION_HOURS))
        return secret

    async def asker(self, secret: str) -> Asker | None:
        """Whose session it is; None where it is over, unknown, or its member has left."""
        if not secret or len(secret) > _MAX_TOKEN:
            return None
        async with self._database.reading() as connection:
            member_id = await rows.member_of(connection, _digest(secret), self._clock.now())
            member = None if member_id is None else await people.by_id(connection, member_id)
        return None if member is None else asker_of(member)

    async def leave(self, secret: str) -> None:
        """End a session."""
        async with self._database.transaction() as connection:
            await rows.end(connection, _digest(secret))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
