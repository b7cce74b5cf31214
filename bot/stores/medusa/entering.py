"""How calls of the Admin API are let in: by a secret key, or by the token that a user's password is exchanged for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import httpx

from bot.errors import Declined, Unreached
from bot.settings import StorePart
from bot.stores.calling import detail
from bot.words import _

LOGIN = "/auth/user/emailpass"


def auth_of(part: StorePart) -> httpx.Auth:
    """`token` is a secret API key, which is a user's name without a password; or `user` and `secret` are a login."""
    key = part.token.get_secret_value()
    return httpx.BasicAuth(key, "") if key else Login(part.url, part.user, part.secret.get_secret_value())


class Login(httpx.Auth):
    """Exchanges an e-mail address and password for a token, which lasts a day; whoever waits for one shares it."""

    requires_response_body = False

    def __init__(self, url: str, email: str, password: str) -> None:
        self._address = url.rstrip("/") + LOGIN
        self._given = {"email": email, "password": password}
        self._token = ""
        self._busy = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Log in first where no token is there, and once more where it is not taken any more."""
        used = self._token
        for turn in range(2):
            async with self._busy:
                if self._token == used and (turn or not used):  # nobody else logged in meanwhile
                    limits = {"timeout": request.extensions.get("timeout", {})}
                    answer = yield httpx.Request("POST", self._address, json=self._given, extensions=limits)
                    self._token = await _token(answer)
                used = self._token
            request.headers["Authorization"] = f"Bearer {used}"
            answer = yield request
            if answer.status_code != 401:
                return


async def _token(answer: httpx.Response) -> str:
    await answer.aread()
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Unreached(_("logging in: {answer}", answer=detail(answer)), status=answer.status_code)
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    token = told.get("token") if isinstance(told, dict) else None
    if not answer.is_success or not isinstance(token, str) or not token:
        # The body may hold what was sent: the status alone is told.
        raise Declined(_("{status} the login was refused", status=str(answer.status_code)), status=answer.status_code)
    return token
