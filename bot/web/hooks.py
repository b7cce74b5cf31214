"""Where stores call: what is signed is stored, and acknowledged as soon as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import Forged
from bot.services.feeds.reception import Reception
from bot.web.app import body_of

_log = structlog.get_logger(__name__)

# Shopify gives up after five, others later. Nearly all calls are stored within a tenth of one; where the database is
# held up for longer, to wait is better than to refuse what is stored in a moment all the same: some stores never come
# again, and stop calling where they are refused too often. What was stored after it was refused is taken once.
SECONDS = 4.0


def hook_routes(reception: Reception) -> Sequence[BaseRoute]:
    """`POST /stores/NAME/hook` for every store whose calls are understood."""

    async def called(request: Request) -> Response:
        store = request.path_params["store"]
        if store not in reception.stores:
            return PlainTextResponse("no store of this name calls here\n", 404)
        try:
            body = await body_of(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return PlainTextResponse("too large\n", 413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            async with asyncio.timeout(SECONDS):
                taken = await reception.take(store, headers, body)
        except Forged as error:
            _log.warning("a call was refused", store=store, error=str(error))
            return PlainTextResponse("the signature is missing or does not fit: see hook_secret\n", 401)
        except TimeoutError:
            _log.warning("a call could not be stored in time", store=store)  # thousands of them come at once
            return _come_again()
        except Exception:  # noqa: BLE001  # whatever kept it from being stored, the store is to come again
            _log.exception("a call was not stored", store=store)
            return _come_again()
        return PlainTextResponse("taken\n" if taken else "hello\n")

    return (Route("/stores/{store}/hook", called, methods=["POST"]),)


def _come_again() -> Response:
    return PlainTextResponse("come again\n", 503, {"retry-after": "5"})
