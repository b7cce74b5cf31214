"""People whom a chat platform sends to our pages with its word for who they are, instead of a one-time link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.errors import Refusal
from bot.language import language
from bot.ports import ChatPlatform, Clock
from bot.services.sessions import WebSessions
from bot.web.guard import Guard, dressed, nonce
from bot.words import _

_TARGET = "to"  # our own parameter; the others are the platform's
_HOME = "/board"
_PROOF_LIFE = timedelta(minutes=15)  # how long a used one is remembered: longer than any platform's counts
# Our pages alone: no dots for climbing, no backslash or second slash that a browser may read as another host.
_OURS = re.compile(r"/(?:board|rooms(?=/))(?:/[A-Za-z0-9_-]+)*(?:\?[A-Za-z0-9_=&%+.~-]*)?")


@cache  # compiled with the first refusal: most processes have none
def _page() -> Template:
    return Environment(
        loader=PackageLoader("bot.web.board"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("gone.html")  # fmt: skip


class SignIn:
    """Lets in whoever a platform vouches for, once for each of its signatures."""

    def __init__(self, *, platform: ChatPlatform, sessions: WebSessions, guard: Guard, clock: Clock) -> None:
        self._platform = platform
        self._sessions = sessions
        self._guard = guard
        self._clock = clock

    async def login(self, request: Request) -> Response:
        """Open a session and lead on; one page, without a reason, to whoever is not let in."""
        if request.method != "GET":  # a look ahead must not use the signature up
            return PlainTextResponse("GET only", 405)
        given = _once(request.query_params.multi_items())
        if given is None:
            return self._refused()
        target = target_of(given.pop(_TARGET, ""))
        if not given and await self._guard.asker(request) is not None:
            return _led(target)  # they kept their data to themselves, and are let in already
        person = self._platform.vouched(given, self._clock.now())
        if person is None:
            return self._refused()
        proof = "\n".join(f"{name}={given[name]}" for name in sorted(given))
        try:
            secret = await self._sessions.open_for(self._platform.name, person, proof, _PROOF_LIFE)
        except Refusal:
            return self._refused()
        answer = _led(target)
        self._guard.admit(answer, secret)
        return answer

    def _refused(self) -> Response:
        mark = nonce()
        html = _page().render(
            nonce=mark,
            english=language("en").say,
            chinese=language("zh_CN").say,
            title=_("This link does not let you in"),
            how=_("Ask for a new link in the chat."),
        )
        return dressed(Response(html, 403, media_type="text/html"), mark)


def signin_routes(
    *, platforms: Iterable[ChatPlatform], sessions: WebSessions, guard: Guard, clock: Clock
) -> list[Route]:
    """Where each connected platform may send people: /telegram/login, and so on."""
    return [
        Route(f"/{platform.name}/login", SignIn(platform=platform, sessions=sessions, guard=guard, clock=clock).login)
        for platform in platforms
    ]


def target_of(wanted: str) -> str:
    """The path itself where it is one of ours, otherwise the board."""
    return wanted if _OURS.fullmatch(wanted) else _HOME


def _once(items: Sequence[tuple[str, str]]) -> dict[str, str] | None:
    """The parameters; None where one is given twice, which two readers would read in two ways."""
    found = dict(items)
    return found if len(found) == len(items) else None


def _led(target: str) -> Response:
    return dressed(RedirectResponse(target, 303), nonce())
