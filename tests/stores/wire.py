"""The way to a real store, which fails as it is told: what a network, a proxy or a limit of calls does to answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, loopback_client, pause
from bot.sandbox.world import Faults

# Headers of one connection, which are not those of the next; of an answer also how it was packed.
_OWN = {
    "host",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "accept-encoding",
}

Passed = Callable[[], Awaitable[httpx.Response]]


class Wire:
    """Hands every call on to the store at `url`, and what it answers back, but for the faults that wait.

    `named` says what method a call is of its body, by which a fault names it; `watch` stands beside a call that is
    handed on, and looks at the store before and after.
    """

    def __init__(
        self,
        url: str,
        named: Callable[[bytes], str],
        watch: Callable[[str, bytes, Passed], Awaitable[httpx.Response]],
    ) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, str, str]] = []
        self._url, self._named, self._watch = url, named, watch
        self._http = loopback_client()

    @property
    def app(self) -> Starlette:
        """The store over HTTP, as the connector sees it."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        method = self._named(body)
        fault = self.faults.take(method)
        if fault is not None and fault.kind in {"rate", "broken", "drop_before"}:
            self.calls.append((method, "", fault.kind))
            if fault.kind == "rate":
                return JSONResponse({}, 429, {"Retry-After": str(fault.seconds)})
            return HangUp() if fault.kind == "drop_before" else JSONResponse({}, 500)

        async def passed() -> httpx.Response:
            address = f"{self._url}{request.url.path}"
            return await self._http.request(
                request.method, address, content=body, headers=_carried(request.headers)
            )  # fmt: skip

        told = await self._watch(method, body, passed)
        self.calls.append((method, "", "ok" if told.is_success else str(told.status_code)))
        if fault is not None and fault.kind == "drop_after":
            return HangUp()
        if fault is not None:
            await pause(request, fault.seconds)
        return Response(told.content, told.status_code, _carried(told.headers))


def _carried(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that go on to the other side."""
    return {name: value for name, value in headers.items() if name.lower() not in _OWN}
