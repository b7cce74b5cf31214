"""The API's addresses. Every answer to a program is JSON, errors too."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.errors import BatchAtWork, BatchDiffers
from bot.ports import Clock
from bot.services.apikeys import ApiKeys, Holder
from bot.services.batches import Batches, Once, Outcome
from bot.storage.database import FAILURES
from bot.web.api.allowance import Allowance
from bot.web.api.document import written
from bot.web.api.kinds import KINDS
from bot.web.api.page import ApiPage
from bot.web.api.problems import PAGE, Problem
from bot.web.api.reading import Kind, read, received

_log = structlog.get_logger(__name__)

_AT_ONCE = 2  # batches being read and taken: each may fill a hundred megabytes while it is
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_BEARER = {"WWW-Authenticate": 'Bearer realm="stocktide"'}

Handler = Callable[[Request], Awaitable[Response]]


class Door:
    """One address: its methods, HEAD where there is GET, OPTIONS; any other is answered by 405 and what there is."""

    def __init__(self, methods: Mapping[str, Handler]) -> None:
        self._methods = methods
        heads = ["HEAD"] if "GET" in methods else []
        self._allow = {"Allow": ", ".join([*methods, *heads, "OPTIONS"])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = problem.answer()
        except FAILURES as error:
            _log.exception("a request to the ingest API failed", path=request.url.path)
            answer = Problem("unkept", type(error).__name__, {"Retry-After": "10"}).answer()
        await answer(scope, receive, send)  # the server sends no body to a HEAD

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method in self._methods:
            return await self._methods[method](request)
        if method == "OPTIONS":
            return Response(None, 204, self._allow)
        raise Problem("method", f"Here you may use {self._allow['Allow']}.", self._allow)


class IngestApi:
    """Answers the programs that send batches."""

    def __init__(self, *, keys: ApiKeys, batches: Batches, clock: Clock, currency: str, allowance: Allowance) -> None:
        self._keys = keys
        self._batches = batches
        self._clock = clock
        self._currency = currency
        self._allowance = allowance
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Where each kind is sent to, the document, and the page; the last answers for all other addresses below."""
        page = ApiPage()
        return [
            *(Route(f"{PAGE}/{kind.scope}", Door({"POST": self.taking(kind)})) for kind in KINDS),
            Route(f"{PAGE}/openapi.json", Door({"GET": self.described})),
            Route(PAGE, Door({"GET": page.shown})),
            Route("/api/{rest:path}", Nowhere()),
        ]

    async def described(self, request: Request) -> Response:  # noqa: ARG002  # one shape for all
        """The OpenAPI document."""
        return Response(written(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    def taking(self, kind: Kind) -> Handler:
        """What takes the batches of a kind."""

        async def taken(request: Request) -> Response:
            holder = await self._holder(request, kind.scope)
            allowed, fields = self._allowance.use(holder.id)
            try:
                if not allowed:
                    raise Problem("often", f"The key {holder.name} sends too often.")  # noqa: TRY301  # one way out
                answer = await self._taken(request, kind, holder)
            except Problem as problem:
                answer = problem.answer()
            answer.headers.update(fields)
            return answer

        return taken

    async def _taken(self, request: Request, kind: Kind, holder: Holder) -> Response:
        key = _idempotency(request)
        body = await received(request)
        async with self._turns:
            batch = await asyncio.to_thread(read, kind, body, self._currency, self._clock.now())
            once = None if key is None else Once(key, hashlib.sha256(kind.scope.encode() + b"\0" + body).hexdigest())
            try:
                return told(await self._batches.take(holder.source, batch, once))
            except BatchDiffers as error:
                raise Problem("reused", str(error)) from error
            except BatchAtWork as error:
                raise Problem("at-work", str(error), {"Retry-After": str(math.ceil(error.retry_after))}) from error

    async def _holder(self, request: Request, scope: str) -> Holder:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem("key", "Send the header Authorization: Bearer and your key.", _BEARER)
        holder = await self._keys.holder(token.strip())
        if holder is None:
            refused = {"WWW-Authenticate": _BEARER["WWW-Authenticate"] + ', error="invalid_token"'}
            raise Problem("key", "This key is unknown or was revoked; ask for another: stocktide keys add.", refused)
        if scope not in holder.scopes:
            short = {"WWW-Authenticate": f'{_BEARER["WWW-Authenticate"]}, error="insufficient_scope", scope="{scope}"'}
            detail = f"The key {holder.name} has not the scope {scope}; ask for one that has: stocktide keys add."
            raise Problem("scope", detail, short)
        return holder


def told(outcome: Outcome) -> Response:
    """200 where every row was taken, 207 where some were set aside, 422 where all were: a status alone tells which."""
    counts = {
        "received": outcome.received,
        "changed": outcome.changed,
        "faults": [{"row": fault.row, "field": fault.field, "problem": fault.problem} for fault in outcome.faults],
    }
    again = {"Idempotency-Replayed": "true"} if outcome.again else {}
    if outcome.received and outcome.refused == outcome.received:
        return Problem("rows", "Every row has a fault; nothing was taken.", again).answer(counts)
    body = json.dumps(counts, ensure_ascii=False, separators=(",", ":"))
    status = 207 if outcome.faults else 200
    return Response(body, status, {"Cache-Control": "no-store", **again}, "application/json")


def _idempotency(request: Request) -> str | None:
    """The key as it is or in the quotes of a structured field; None where there is none."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    key = given[0].strip()
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise Problem("idempotency-key", "Use one Idempotency-Key of 1 to 255 visible ASCII signs, such as a UUID.")
    return key


class Nowhere:
    """Every address below ours that leads to nothing, whatever the method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await Problem("nowhere", f"Nothing is here; {PAGE} says what is where.").answer()(scope, receive, send)


def api_routes(*, keys: ApiKeys, batches: Batches, clock: Clock, currency: str) -> list[Route]:
    """The addresses of the API."""
    api = IngestApi(keys=keys, batches=batches, clock=clock, currency=currency, allowance=Allowance())
    return api.routes()
