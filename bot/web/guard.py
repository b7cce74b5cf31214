"""Who may see a page: the session's cookie, the Origin of what changes something, and the headers of every answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from bot.chat.command import Asker
from bot.services.sessions import SESSION_HOURS, Address, WebSessions
from bot.web.origins import origin_of

COOKIE = "stocktide"  # over https with the prefix __Host-
MAX_FORM = 65_536  # bytes of a form sent in


class Guard:
    """Knows the visitor of a request and dresses the answers."""

    def __init__(self, sessions: WebSessions, address: Address) -> None:
        self._sessions = sessions
        self._address = address

    @property
    def secure(self) -> bool:
        """Whether people reach us over https."""
        return self._address.url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The cookie's name; over https the browser holds it to this host."""
        return f"{'__Host-' if self.secure else ''}{COOKIE}"

    async def asker(self, request: Request) -> Asker | None:
        """The member who looks, as they are now; None where nobody is let in."""
        return await self._sessions.asker(request.cookies.get(self.cookie, ""))

    def own(self, headers: Mapping[str, str]) -> bool:
        """Whether a request that changes something comes from a page of ours."""
        origin = headers.get("origin", "")
        if not origin or origin == "null":
            return headers.get("sec-fetch-site", "") == "same-origin"
        if origin == origin_of(self._address.url):
            return True
        return not self._address.public and origin == f"http://{headers.get('host', '')}"

    def admit(self, answer: Response, secret: str) -> None:
        """Give the browser its session."""
        age = SESSION_HOURS * 3600
        answer.set_cookie(self.cookie, secret, max_age=age, path="/", secure=self.secure, httponly=True, samesite="lax")

    def forget(self, answer: Response) -> None:
        """Take the session back."""
        answer.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")


def nonce() -> str:
    """A value that marks our own scripts and styles in one answer."""
    return secrets.token_urlsafe(16)


def dressed(answer: Response, mark: str) -> Response:
    """The headers of a page: nothing runs but what bears the mark, and only a page of ours shows it in a frame."""
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{mark}'; style-src 'nonce-{mark}'; img-src 'self' data:; "
        f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    answer.headers["Permissions-Policy"] = "camera=(), microphone=(), display-capture=(), geolocation=()"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer
