"""HTTP to a provider: what was lost and what was refused, told in our errors, and never a secret in them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Clock
from bot.words import Words, _, joined

SECONDS = 10.0  # for each step of a call
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The connection was never made, or not for us: nothing was sent.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
_COME_AGAIN = (429, 503)
_LONGEST_DETAIL = 200
_WORDS = ("message", "msg", "reason", "error_description", "error")  # where providers put words, best first
# A link may let somebody in, and so may whatever looks like a token.
_HIDE = re.compile(r"\w+://\S+|eyJ[\w-]+(\.[\w-]+)*|(?<=Bearer )\S+|(?<=Basic )\S+")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no fault of the line: 2xx or 4xx. `told` is its JSON object, empty where it is none."""

    status: int
    told: Mapping[str, Any] = field(repr=False)
    words: Words

    @property
    def good(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300


class Line:
    """Calls one server, each time over a connection of its own, which nobody can cut off in between.

    Redirections are not followed. `secrets` are taken out of whatever the other side says.
    """

    def __init__(self, who: str, url: str, clock: Clock, secrets: Sequence[str] = (), seconds: float = SECONDS) -> None:
        self.who = who
        self._url = url.rstrip("/")
        self._clock = clock
        self._secrets = tuple(sorted((secret for secret in secrets if secret), key=len, reverse=True))
        self._seconds = seconds

    async def read(self, method: str, path: str, headers: Mapping[str, str], body: _Body = None) -> Answer:
        """A call that may be repeated: whatever is lost on the way is Unreached."""
        try:
            return await self._call(method, path, headers, body)
        except Unanswered as error:
            raise Unreached(error.said) from None

    async def write(self, method: str, path: str, headers: Mapping[str, str], body: _Body = None) -> Answer:
        """A call that changes something: Unanswered where it was sent and nobody knows what became of it."""
        return await self._call(method, path, headers, body)

    def declined(self, answer: Answer, hint: Words | None = None) -> Declined:
        """The error for an answer that refuses."""
        return Declined(joined([answer.words, *([hint] if hint else [])]))

    async def _call(self, method: str, path: str, headers: Mapping[str, str], body: _Body) -> Answer:
        try:
            answer = await self._send(method, path, headers, body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise line_fault(self.who, error) from None
        return self._sorted(answer, headers.get("Authorization", "").rpartition(" ")[2])

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: _Body) -> httpx.Response:
        form = body if isinstance(body, Form) else None
        json = None if form else body
        async with client_for(self._url, self._seconds) as client:
            return await client.request(
                method, self._url + path, headers=dict(headers), json=json, data=form.fields if form else None
            )

    def _sorted(self, answer: httpx.Response, token: str) -> Answer:
        status, told = answer.status_code, _told(answer)
        words = self._words(status, told, token)
        if status in _COME_AGAIN:
            raise Unreached(words, _seconds(answer.headers.get("retry-after", ""), self._clock.now()))
        if status >= 500:
            raise Unanswered(words)
        if status < 200 or 300 <= status < 400:
            raise Declined(
                _("{who} answered {status} and sent us elsewhere; is its address right?", who=self.who, status=status)
            )
        return Answer(status, told, words)

    def _words(self, status: int, told: Mapping[str, Any], token: str) -> Words:
        """What was said, on one short line: words that are meant for people, and no more of the answer."""
        words = next((str(told[name]) for name in _WORDS if told.get(name)), "")
        for secret in (*self._secrets, *([token] if token else [])):
            words = words.replace(secret, "[hidden]")
        words = " ".join(_HIDE.sub("[hidden]", words).split())[:_LONGEST_DETAIL]
        code = told.get("code", "")
        shown = f"{code} {words}".strip() if isinstance(code, str | int) else words
        if not shown:
            return _("{who} answered {status}", who=self.who, status=status)
        return _("{who} answered {status}: {said}", who=self.who, status=status, said=shown)


@dataclass(frozen=True, slots=True)
class Form:
    """A body of form fields; a mapping of another kind is sent as JSON."""

    fields: Mapping[str, str] = field(repr=False)


_Body = Mapping[str, Any] | Form | None


def client_for(url: str, seconds: float) -> httpx.AsyncClient:
    """A client for one server; the caller closes it."""
    local = urlsplit(url).hostname in _LOOPBACK
    # A proxy has no business on this machine, and certificates take long to load where none are needed.
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http://") else ssl.create_default_context()
    many = httpx.Limits(max_connections=None, max_keepalive_connections=20)  # a long poll holds one for each room
    return httpx.AsyncClient(timeout=seconds, trust_env=not local, verify=verify, limits=many)


def line_fault(who: str, error: httpx.HTTPError | httpx.InvalidURL) -> OutsideError:
    """Our error for a fault of the line; its own words may hold a header, so they stay out."""
    if isinstance(error, _NEVER_SENT):
        return Unreached(_("{who} was not reached: {name}", who=who, name=type(error).__name__))
    if isinstance(error, httpx.InvalidURL):
        return Declined(_("{who} has no address that could be called", who=who))
    return Unanswered(_("{who} did not answer: {name}", who=who, name=type(error).__name__))


def unreadable(who: str, otherwise: type[OutsideError]) -> OutsideError:
    """The error for a good answer that does not hold what it should."""
    return otherwise(_("{who} gave an answer that cannot be read", who=who))


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _seconds(written: str, now: datetime) -> float:
    """How long to wait by a Retry-After of seconds, of an HTTP date, or of an ISO instant as Zoom's; 0 for none."""
    if re.fullmatch(r"\d{1,9}", written):
        return float(written)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(written)
        except (ValueError, TypeError):
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    return 0.0
