"""Keys by which sellers' own systems tell facts: made and shown once, kept as hashes, revoked by name.

A key is `stk_PREFIX_SECRET`. The secret is 256 random bits, so its plain SHA-256 tells nobody anything; the prefix
finds the row. Facts belong to the key's source: a second key of the same source takes the first one's place without a
seam.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.nodes import Text
from bot.errors import Refusal, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit
from bot.storage import apikeys as rows
from bot.storage.apikeys import KeyRow
from bot.storage.database import Database
from bot.words import _

SCOPES = ("sales", "stock", "purchase-orders", "products")
STORE = "api:{}"  # a source's name among the stores; no connected store's name has a colon

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOKEN = re.compile(r"stk_([a-z0-9]{10})_[A-Za-z0-9_-]{43}")
_USED = timedelta(minutes=1)  # how exactly the last use is known: a write for each request would be a waste
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key was shown: its row's id, its name, the source whose facts it tells, and what it may tell."""

    id: int
    name: str
    source: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it is listed."""

    name: str
    source: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class ApiKeys:
    """Makes, lists, revokes and recognises keys."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    async def add(self, name: str, scopes: Sequence[str] = SCOPES, source: str = "") -> str:
        """Make a key; the whole of it, which is nowhere else. Refusal where the name is taken or cannot be."""
        source = source or name
        for word in (name, source):
            if not _NAME.fullmatch(word):
                raise Refusal(
                    _("{name} is no name for a key: use up to 40 of a-z, 0-9, - and _.", name=Text(word[:60]))
                )
        if not scopes or set(scopes) - set(SCOPES):
            raise Refusal(_("A key may tell: {scopes}.", scopes=Text(", ".join(SCOPES))))
        prefix = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _letter in range(10))
        token = f"stk_{prefix}_{secrets.token_urlsafe(32)}"
        may = [scope for scope in SCOPES if scope in scopes]
        row: dict[str, object] = {
            "name": name, "source": source, "prefix": prefix, "digest": _digest(token), "scopes": " ".join(may),
            "created_at": self._clock.now(),
        }  # fmt: skip
        async with self._database.transaction() as connection:
            if not await rows.add_key(connection, row):
                raise Refusal(_("There is or was a key called {name}. Choose another name.", name=Text(name)))
            await self._audit.append(connection, "key.added", f"key:{name}", {"source": source, "scopes": may})
        return token

    async def everything(self) -> list[KeyView]:
        """Every key, revoked ones too."""
        async with self._database.reading() as connection:
            found = await rows.keys(connection)
        return [
            KeyView(
                row.name, row.source, row.prefix, tuple(row.scopes.split()), row.created_at, row.used_at, row.revoked_at
            )
            for row in found
        ]

    async def revoke(self, name: str) -> None:
        """End a key, at once. UnknownReference where there is none."""
        async with self._database.transaction() as connection:
            if not await rows.revoke_key(connection, name, self._clock.now()):
                raise UnknownReference(_("No key in use is called {name}.", name=Text(name)))
            await self._audit.append(connection, "key.revoked", f"key:{name}", {})

    async def holder(self, token: str) -> Holder | None:
        """Whose key it is; None where it is unknown, malformed or revoked."""
        form = _TOKEN.fullmatch(token)
        if form is None:
            return None
        async with self._database.reading() as connection:
            row = await rows.live_key(connection, form[1])
        if not hmac.compare_digest(_NOBODY if row is None else row.digest, _digest(token)) or row is None:
            return None
        await self._note(row)
        return Holder(row.id, row.name, row.source, frozenset(row.scopes.split()))

    async def _note(self, row: KeyRow) -> None:
        now = self._clock.now()
        if row.used_at is None or now - row.used_at >= _USED:
            async with self._database.transaction() as connection:
                await rows.note_use(connection, row.id, now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
