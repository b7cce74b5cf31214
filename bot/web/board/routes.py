"""The board's addresses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.chat.cards import reckoning_card
from bot.chat.cards.charts import chart_block
from bot.chat.cards.labels import KINDS, MODES, REQUEST_KINDS, REQUEST_STATES, case_code, request_code
from bot.chat.command import Asker
from bot.domain.standing import KINDS as FLAGS
from bot.domain.standing import Query, day_of, select
from bot.domain.turnover import ABC
from bot.errors import Refusal, UnknownReference
from bot.language import LANGUAGES, language
from bot.services import Services
from bot.web.board import columns, export, markup
from bot.web.board.calendar import calendar, late
from bot.web.board.desk import Desk, Shown
from bot.web.board.live import Live
from bot.web.board.reading import readings
from bot.web.board.voice import Voice
from bot.web.guard import MAX_FORM, Guard, dressed, nonce
from bot.web.throttle import Throttle
from bot.words import Words, _

PAGE = 50  # rows of a table
WEEKS = 8  # of the arrivals
_STATIC = {"board.css": "text/css", "board.js": "text/javascript", "enter.js": "text/javascript"}
_TABLES = {"stock": columns.STOCK, "slow": columns.SLOW}

# What templates ask for by name: words of kinds and modes, and both languages where the reader is not known.
_WORDS: dict[str, Any] = {
    "kind_words": lambda kind: KINDS[kind][0],
    "tone": lambda kind: KINDS[kind][1],
    "request_words": lambda kind: REQUEST_KINDS[kind],
    "mode_words": lambda mode: MODES.get(mode, Words(mode)),
    "english": lambda words: language("en").say(words),
    "chinese": lambda words: language("zh_CN").say(words),
    "plain": lambda figure: "" if figure is None else f"{figure:.6f}",
    "how": _("Ask me for the board in the chat: /board"),
    "script": _("This page needs JavaScript."),
}

Page = Callable[[Request, Asker, Voice], Awaitable[Response]]


@cache  # each page is compiled with its first reader, and once
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("bot.web.board"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.globals |= _WORDS
    found.filters["percent"] = lambda share: Decimal(repr(round(share, 4)))
    return found


class BoardPages:
    """Answers the requests of browsers; every page is for a member and shows what they may see."""

    def __init__(self, *, services: Services, guard: Guard, desk: Desk, live: Live, throttle: Throttle) -> None:
        self._services = services
        self._guard = guard
        self._desk = desk
        self._live = live
        self._throttle = throttle
        folder = files("bot.web.board") / "static"
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    def routes(self) -> list[Route]:
        """Where each page stands; the last one answers for all other addresses below `/board`."""
        return [
            Route("/board/enter", self.entrance),
            Route("/board/enter", self.enter, methods=["POST"]),
            Route("/board/static/{name}", self.static),
            Route("/board", self.seen(self.overview)),
            Route("/board/stock", self.seen(self.table)),
            Route("/board/slow", self.seen(self.table)),
            Route("/board/export/{table}.{kind}", self.seen(self.exported)),
            Route("/board/sku", self.seen(self.sku)),
            Route("/board/suppliers", self.seen(self.suppliers)),
            Route("/board/requests", self.seen(self.requests)),
            Route("/board/request/{number}", self.seen(self.request)),
            Route("/board/case/{number}", self.seen(self.case)),
            Route("/board/events", self.seen(self.events)),
            Route("/board/press", self.changing(self.press), methods=["POST"]),
            Route("/board/submit", self.changing(self.submit), methods=["POST"]),
            Route("/board/leave", self.changing(self.leave), methods=["POST"]),
            Route("/board/{rest:path}", self.seen(self.nowhere)),
        ]

    async def entrance(self, request: Request) -> Response:
        """The page that takes the token out of the address; it shows nothing else."""
        return self.page(request, "enter.html", None, title=_("Opening the board"))

    async def enter(self, request: Request) -> Response:
        """Use a link up; the browser gets its session and is told where to go."""
        if not self._guard.own(request.headers):
            return PlainTextResponse("from elsewhere", 403)
        if not self._throttle.allows(request):
            return PlainTextResponse("too often", 429, headers={"Retry-After": "5"})
        body = await _body(request)
        try:
            token = json.loads(body or b"{}").get("token", "")
            entered = await self._services.sessions.enter(str(token))
        except (ValueError, AttributeError, RecursionError):
            return PlainTextResponse("malformed", 400)
        except Refusal as refusal:
            return JSONResponse({"refused": _both(refusal.words)}, 403)
        answer = JSONResponse({"target": entered.target}, headers={"Cache-Control": "no-store"})
        self._guard.admit(answer, entered.secret)
        return answer

    async def static(self, request: Request) -> Response:
        """Our own style sheet and scripts."""
        name = request.path_params["name"]
        if name not in self._static:
            return PlainTextResponse("not found", 404)
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(self._static[name], media_type=_STATIC[name], headers=headers)

    async def overview(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """Everything at a glance."""
        found = await self._services.boards.overview(asker.member_id)
        return self.page(
            request,
            "overview.html",
            voice,
            title=_("Overview"),
            found=found,
            late=late(found.arrivals),
            weeks=calendar(found.arrivals, found.today, WEEKS),
            weekdays=voice.speech.weekdays(),
        )

    async def table(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """The whole catalogue, or its slow stock, fifty rows at a time."""
        name = request.url.path.rsplit("/", 1)[1]
        standing = await self._services.boards.standings.current()
        query = _query(request.query_params, name)
        rows = select(standing, query)
        pages = max(1, -(-len(rows) // PAGE))
        number = min(max(_number(request.query_params.get("page", "1")), 1), pages)
        wanted = _TABLES[name]
        return self.page(
            request,
            "table.html",
            voice,
            title=_("Stock") if name == "stock" else _("Slow stock"),
            table=name,
            standing=standing,
            columns=wanted,
            rows=[
                [(column, column.shown(standing, row, voice)) for column in wanted]
                for row in rows[(number - 1) * PAGE : number * PAGE].tolist()
            ],
            total=len(rows),
            number=number,
            pages=pages,
            query=query,
            places=sorted(set(standing.place.tolist())),
            flags=[(flag, KINDS[flag][0]) for flag in FLAGS],
            classes=ABC,
            link=_linked(request.query_params),
        )

    async def exported(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """The whole of what a table's filters leave, as a file."""
        name, kind = request.path_params["table"], request.path_params["kind"]
        if name not in _TABLES or kind not in export.WRITERS:
            return PlainTextResponse("not found", 404)
        standing = await self._services.boards.standings.current()
        rows = select(standing, _query(request.query_params, name)).tolist()
        wanted = (*_TABLES[name], columns.CATEGORY)
        # A workbook is for people, in their language; a CSV is for programs, whose columns keep their names.
        head = [column.key if kind == "csv" else voice.say(column.title) for column in wanted]
        cells = columns.exported(wanted, head, standing, rows)
        body = await asyncio.to_thread(export.WRITERS[kind], cells, name)  # a workbook takes a second
        media = "text/csv" if kind == "csv" else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        file = f"stocktide-{name}-{standing.at:%Y%m%d-%H%M}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
        return Response(body, media_type=media, headers=headers)

    async def sku(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """One product."""
        try:
            sku = await self._services.lookup.sku(request.query_params.get("code", ""))
            place = request.query_params.get("place", "")
            chosen = await self._services.lookup.location(place) if place else None
        except Refusal as refusal:
            return self.refused(request, voice, refusal)
        found = await self._services.boards.sku(sku, chosen)
        drawn = found.report.chart
        return self.page(
            request,
            "sku.html",
            voice,
            title=_("{sku}", sku=sku.code),
            found=found,
            states=REQUEST_STATES,
            kinds=KINDS,
            chart=None if drawn is None else markup.chart(chart_block(drawn), voice),
            days=None if drawn is None else readings(drawn, voice),
            reckoning=markup.card(reckoning_card(found.reckoning, found.currency), voice),
        )

    async def suppliers(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """How long suppliers really take."""
        lines = await self._services.boards.suppliers()
        return self.page(request, "suppliers.html", voice, title=_("Suppliers"), lines=lines)

    async def requests(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """What waits for a decision: for this member, or for all."""
        everyone = request.query_params.get("who", "") == "all"
        page = _number(request.query_params.get("page", "1"))
        member = None if everyone else asker.member_id
        found = await self._services.decisions.waiting(member, page, PAGE)
        return self.page(
            request, "requests.html", voice, title=_("Requests"), found=found, everyone=everyone, states=REQUEST_STATES
        )

    async def request(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """The card of a request, as in the chat."""
        shown = await self._desk.run(asker, "requests", request_code(_number(request.path_params["number"])))
        return self.shown(request, voice, shown, 404 if shown.refused else 200)

    async def case(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """The reckoning behind a case, as in the chat."""
        shown = await self._desk.run(asker, "why", case_code(_number(request.path_params["number"])))
        return self.shown(request, voice, shown, 404 if shown.refused else 200)

    async def press(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """A button of a card."""
        form = await request.form(max_files=0)
        return self.shown(request, voice, await self._desk.press(asker, str(form.get("token", ""))))

    async def submit(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """A form sent in."""
        form = await request.form(max_files=0)
        line = [str(word) for word in form.getlist("line")]
        values = {key.removeprefix("field-"): str(value) for key, value in form.items() if key.startswith("field-")}
        return self.shown(request, voice, await self._desk.submit(asker, line, values))

    async def leave(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """End the session."""
        await self._services.sessions.leave(request.cookies.get(self._guard.cookie, ""))
        answer = self.page(request, "gone.html", None, title=_("You have left"))
        self._guard.forget(answer)
        return answer

    async def nowhere(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """An address that leads to no page."""
        return self.refused(request, voice, UnknownReference(_("No page has this address.")))

    async def events(self, request: Request, asker: Asker, voice: Voice) -> Response:  # noqa: ARG002  # one shape for all pages
        """A stream with a line for each change."""
        if self._live.full:
            return PlainTextResponse("too many pages listen", 503, headers={"Retry-After": "30"})

        async def stream() -> Any:  # noqa: ANN401  # what sse-starlette takes
            async for word in self._live.changes():
                yield ServerSentEvent(data=word)

        return EventSourceResponse(stream(), ping=15, headers={"X-Accel-Buffering": "no"})

    def seen(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """A page that members alone see."""

        async def answered(request: Request) -> Response:
            asker = await self._guard.asker(request)
            if asker is None:
                return self.page(request, "gone.html", None, 401, title=_("Ask for a link"))
            return await page(request, asker, Voice(asker))

        return answered

    def changing(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """A page that does something: only from a page of ours, and of a sensible size."""

        async def answered(request: Request) -> Response:
            if not self._guard.own(request.headers):
                return PlainTextResponse("from elsewhere", 403)
            length = request.headers.get("content-length", "")
            if not length.isdecimal():
                return PlainTextResponse("how long is it?", 411)
            if len(length) > 9 or int(length) > MAX_FORM:
                return PlainTextResponse("too large", 413)
            try:
                return await self.seen(page)(request)
            except ClientDisconnect:
                return PlainTextResponse("broke off", 400)

        return answered

    def shown(self, request: Request, voice: Voice, shown: Shown, status: int = 200) -> Response:
        """An answer of a command as a page."""
        parts = [markup.card(shown.message, voice)] if shown.form is None or shown.refused else []
        if shown.form is not None:
            parts.append(markup.form(shown.form, voice, shown.line))
        card = Markup("").join(parts)
        return self.page(request, "card.html", voice, status, title=shown.message.summary, card=card)

    def refused(self, request: Request, voice: Voice, refusal: Refusal) -> Response:
        """What cannot be shown, and why."""
        return self.page(request, "refused.html", voice, 404, title=_("Not found"), words=refusal.words)

    def page(
        self,
        request: Request,
        name: str,
        voice: Voice | None,
        status: int = 200,
        **values: Any,  # noqa: ANN401  # a template's
    ) -> Response:
        """A template, filled in for its reader; without one it speaks both languages."""
        mark = nonce()
        context: dict[str, Any] = {"voice": voice, "nonce": mark, "path": request.url.path, "day_of": day_of, **values}
        if voice is not None:
            context["_"] = lambda text, **named: voice.say(Words(text, named))
            context["n_"] = lambda one, several, count: voice.say(Words(one, {"count": count}, several, count))
        html = _templates().get_template(name).render(context)
        return dressed(Response(html, status, media_type="text/html"), mark)


async def _body(request: Request) -> bytes | None:
    """A small body; None where it is larger than MAX_FORM or broke off."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_FORM:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None
    return b"".join(parts)


def _query(given: Mapping[str, str], table: str) -> Query:
    """The filters of an address; what makes no sense is left out. The slow table shows slow stock unless told."""
    known = columns.by_key(_TABLES[table])
    sort = given.get("sort", "")
    column = known.get(sort.removeprefix("-"))
    flag = given.get("flag", "")
    if table == "slow" and flag not in {"slow_mover", "overstock"}:
        flag = "slow_mover"
    default = "tied_up" if table == "slow" else "lost_margin"
    return Query(
        text=given.get("q", "")[:80],
        place=given.get("place", "")[:80],
        flag=flag,
        abc=given.get("abc", ""),
        sort=column.sort if column is not None and column.sort else default,
        descending=sort.startswith("-") if column is not None and column.sort else True,
    )


def _linked(given: Mapping[str, str]) -> Callable[..., str]:
    """Makes the page's own address with some of its filters changed."""

    def link(**changes: object) -> str:
        kept = {key: value for key, value in given.items() if key in {"q", "place", "flag", "abc", "sort", "page"}}
        found = {**kept, **{key: str(value) for key, value in changes.items()}}
        return "?" + urlencode({key: value for key, value in found.items() if value})

    return link


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _both(words: Words) -> list[str]:
    return [language(code).say(words) for code in LANGUAGES]
