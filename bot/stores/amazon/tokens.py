"""Access tokens of Login with Amazon: exchanged before they end, by one of all who wait for one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping

from bot.errors import Unanswered, Unreached
from bot.stores.amazon.markets import Account
from bot.stores.calling import Caller, Pause
from bot.words import _

_PATH = "/auth/o2/token"
_EARLY = 300.0  # seconds before its end that a token is exchanged; one lives for an hour


class Tokens:
    """The access token of one account. It stands in memory alone, and in no error."""

    def __init__(
        self,
        account: Account,
        *,
        headers: Mapping[str, str],
        pause: Pause = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._form = {
            "grant_type": "refresh_token",
            "refresh_token": account.refresh,
            "client_id": account.client,
            "client_secret": account.secret,
        }
        self._caller = Caller(account.login, headers=headers, private=account.private, pause=pause, turns=1)
        self._timer = timer
        self._token, self._ends = "", 0.0
        self._exchange = asyncio.Lock()

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()

    async def valid(self) -> str:
        """A token that still lives for a while. Declined where the credentials are wrong, Unreached otherwise."""
        async with self._exchange:
            if not self._token or self._timer() >= self._ends:
                await self._exchanged()
            return self._token

    def forget(self, token: str) -> None:
        """That one was refused as expired; a newer one stays."""
        if self._token == token:
            self._token = ""

    async def _exchanged(self) -> None:
        try:
            response = await self._caller.write("POST", _PATH, data=self._form)
        except Unanswered as error:  # a token more or less changes nothing
            raise Unreached(error.said) from error
        try:
            told = json.loads(response.content)
            token, lives = told["access_token"], float(told.get("expires_in") or 0)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise Unreached(_("the login answered no token")) from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unreached(_("the login answered no token"))
        self._token, self._ends = token, self._timer() + max(lives - _EARLY, lives / 2)
