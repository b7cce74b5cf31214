"""A local Zoom, as strict as its documentation.

Tokens: developers.zoom.us/docs/internal-apps/s2s-oauth. Calls: POST /users/{userId}/meetings, GET /users/{userId},
DELETE /meetings/{meetingId}, PUT /meetings/{meetingId}/status, with the error codes of developers.zoom.us/docs/api.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.rooms.faults import Faults

ACCOUNT, CLIENT, SECRET, HOST = "acc-42", "client-7", "zoom-client-canary-0451", "ops@acme.example"
ZAK = "zak-canary-9922"  # in every start_url: whoever has it is the host
SCOPES = "meeting:write:meeting:admin meeting:delete:meeting:admin meeting:update:status:admin user:read:user:admin"

_SETTINGS = {
    "waiting_room": bool,
    "join_before_host": bool,
    "jbh_time": int,
    "approval_type": int,
    "use_pmi": bool,
    "auto_recording": str,
}
_MEETING = {
    "topic": str,
    "type": int,
    "start_time": str,
    "timezone": str,
    "duration": int,
    "default_password": bool,
    "settings": dict,
}


def refusal(status: int, code: int, message: str) -> JSONResponse:
    """An error in Zoom's form."""
    return JSONResponse({"code": code, "message": message}, status_code=status)


@dataclass
class Zoom:
    """What it was asked and what it holds; `strange` lists what no client of Zoom's should ever do."""

    faults: Faults = field(default_factory=Faults)
    token_faults: Faults = field(default_factory=Faults)
    scopes: str = SCOPES
    lives: int = 3600
    user_type: int = 2
    issued: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    meetings: dict[int, dict[str, Any]] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/v2/users/{user}/meetings", self._guarded(self._create), methods=["POST"]),
            Route("/v2/users/{user}", self._guarded(self._user), methods=["GET"]),
            Route("/v2/meetings/{meeting:int}", self._guarded(self._delete), methods=["DELETE"]),
            Route("/v2/meetings/{meeting:int}/status", self._guarded(self._end), methods=["PUT"]),
        ]
        return Starlette(routes=routes, exception_handlers={404: self._unknown, 405: self._unknown})

    async def _unknown(self, request: Request, error: Exception) -> Response:
        del error
        self.strange.append(f"{request.method} {request.url.path}")
        return refusal(404, 2300, "This API endpoint is not recognized.")

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        self.calls.append("token")
        if (fault := await self.token_faults.next(request, {"reason": "Busy", "error": "busy"})) is not None:
            return fault
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            told = {"reason": f"Invalid client_id or client_secret: {SECRET}", "error": "invalid_client"}
            return JSONResponse(told, status_code=400)
        if form != {"grant_type": "account_credentials", "account_id": ACCOUNT} or request.url.query:
            return JSONResponse({"reason": "Bad Request", "error": "invalid_request"}, status_code=400)
        self.issued.append(f"zoom-token-canary-{len(self.issued) + 1}")
        return JSONResponse(
            {
                "access_token": self.issued[-1],
                "token_type": "bearer",
                "expires_in": self.lives,
                "scope": self.scopes,
                "api_url": "https://api.zoom.us",
            }
        )

    def _guarded(
        self, answer: Callable[[Request, dict[str, Any]], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            body = await request.body()
            self.calls.append(f"{request.method} {request.url.path}")
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            busy = {"code": 429, "message": f"Busy, Bearer {token} https://zoom.us/s/1?zak={ZAK}", "start_url": ZAK}
            if (fault := await self.faults.next(request, busy)) is not None:
                return fault
            if token not in self.issued or token in self.revoked:
                return refusal(401, 124, f"Invalid access token {token}.")
            if body and request.headers.get("content-type") != "application/json":
                return refusal(415, 300, "Unsupported Media Type")
            return answer(request, json.loads(body) if body else {})

        return guarded

    def _create(self, request: Request, body: dict[str, Any]) -> Response:
        if request.path_params["user"] != HOST:
            return refusal(404, 1001, f"User does not exist: {request.path_params['user']}.")
        wrong = [name for name, kind in _MEETING.items() if not isinstance(body.get(name), kind)]
        wrong += [name for name, kind in _SETTINGS.items() if not isinstance(body["settings"].get(name), kind)]
        wrong += [name for name in {*body, *body["settings"]} if name not in _MEETING and name not in _SETTINGS]
        if wrong or body["type"] != 2 or body["settings"]["auto_recording"] not in ("local", "cloud", "none"):
            return refusal(400, 300, f"Validation Failed: {wrong}")
        datetime.strptime(body["start_time"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007  # only its form matters
        if len(body["topic"]) > 200 or (body["settings"]["waiting_room"] and body["settings"]["join_before_host"]):
            return refusal(400, 300, "Validation Failed.")
        number = 93_000_000_001 + len(self.meetings)
        self.meetings[number] = body
        made = {
            "id": number,
            "uuid": "aDYlohsHRtCd4ii1uC2+hA==",
            "host_email": HOST,
            "status": "waiting",
            "start_url": f"https://zoom.us/s/{number}?zak={ZAK}",
            "join_url": f"https://zoom.us/j/{number}?pwd=hm4kB",
            "password": "A1b2C3",
        }
        return JSONResponse(body | made, status_code=201)

    def _user(self, request: Request, body: dict[str, Any]) -> Response:
        del body
        if "user:read:user:admin" not in self.scopes.split():
            return refusal(400, 4711, "Invalid access token, does not contain scopes:[user:read:user:admin].")
        if request.path_params["user"] != HOST:
            return refusal(404, 1001, f"User does not exist: {request.path_params['user']}.")
        return JSONResponse({"id": "KDcuGIm1QgePTO8WbOqwIQ", "email": HOST, "type": self.user_type})

    def _delete(self, request: Request, body: dict[str, Any]) -> Response:
        del body
        number = request.path_params["meeting"]
        if number not in self.meetings:
            return refusal(404, 3001, f"Meeting does not exist: {number}.")
        if number in self.running:
            return refusal(400, 3002, "Sorry, you cannot delete this meeting since it is in progress.")
        del self.meetings[number]
        return Response(status_code=204)

    def _end(self, request: Request, body: dict[str, Any]) -> Response:
        number = request.path_params["meeting"]
        if number not in self.meetings:
            return refusal(404, 3001, f"Meeting does not exist: {number}.")
        if body != {"action": "end"}:
            return refusal(400, 300, "Validation Failed.")
        self.running.discard(number)
        return Response(status_code=204)
