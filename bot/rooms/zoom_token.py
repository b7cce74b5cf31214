"""Zoom's access tokens for a Server-to-Server OAuth app: developers.zoom.us/docs/internal-apps/s2s-oauth."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.errors import Declined, Unreached
from bot.ports import Clock
from bot.rooms.calling import Form, Line, unreadable
from bot.words import _

_EARLY = timedelta(minutes=1)  # a token about to end would end on its way


@dataclass(frozen=True, slots=True)
class ZoomApp:
    """The app's three credentials."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ZoomToken:
    """A token, until when we use it, and what it may do."""

    value: str = field(repr=False)
    until: datetime
    scopes: frozenset[str]


class ZoomTokens:
    """Keeps one token, and asks for another when it is about to end; whoever needs it meanwhile waits for that one."""

    def __init__(self, app: ZoomApp, line: Line, clock: Clock) -> None:
        self._app = app
        self._line = line
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept = ZoomToken("", datetime.min.replace(tzinfo=UTC), frozenset())

    async def get(self, spent: str = "") -> ZoomToken:
        """A token that is good, and is not `spent`, which Zoom refused; Unreached or Declined where there is none."""
        async with self._lock:
            if self._clock.now() >= self._kept.until or self._kept.value == spent:
                self._kept = await self._ask()
            return self._kept

    async def _ask(self) -> ZoomToken:
        app = self._app
        basic = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
        form = Form({"grant_type": "account_credentials", "account_id": app.account_id})
        answer = await self._line.read("POST", "", {"Authorization": f"Basic {basic}"}, form)
        if not answer.good:
            raise Declined(
                _(
                    "{detail}; see zoom_account_id, zoom_client_id and zoom_client_secret under [rooms]",
                    detail=answer.words,
                )
            )
        value, seconds = answer.told.get("access_token"), answer.told.get("expires_in")
        if not (isinstance(value, str) and re.fullmatch(r"[!-~]+", value) and isinstance(seconds, int)):
            raise unreadable("Zoom", Unreached)
        until = self._clock.now() + timedelta(seconds=seconds) - _EARLY
        return ZoomToken(value, until, frozenset(str(answer.told.get("scope", "")).split()))
