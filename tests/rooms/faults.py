"""How a provider's server misbehaves when it is told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.sandbox.wire import HangUp, pause

Fault = str | tuple[int, dict[str, str]]


@dataclass
class Faults:
    """What the next calls meet, one each: `drop`, `silent`, `redirect`, or a status with its headers.

    `met` is set once one of them was met.
    """

    queue: list[Fault] = field(default_factory=list)
    met: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, request: Request, told: dict[str, object]) -> Response | None:
        """The answer of the next fault; None where all is well. The request was read to its end before."""
        if not self.queue:
            return None
        self.met.set()
        match self.queue.pop(0):
            case "drop":
                return HangUp()
            case "silent":
                await pause(request, 60)
                return Response()
            case "redirect":
                return RedirectResponse("http://127.0.0.1:9/elsewhere")
            case (int(status), dict(headers)):
                return JSONResponse(told, status_code=status, headers=headers)
            case other:
                raise AssertionError(other)
