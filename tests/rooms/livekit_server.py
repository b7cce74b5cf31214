"""A local LiveKit RoomService: Twirp with JSON, held to LiveKit's own protocol messages.

docs.livekit.io/server/room-management: POST /twirp/livekit.RoomService/<Method>, a signed token with the right grant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from jwt.types import Options
from livekit.protocol.models import Room
from livekit.protocol.room import CreateRoomRequest, DeleteRoomRequest, ListRoomsRequest, ListRoomsResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ports import Clock
from tests.rooms.faults import Faults

KEY, SECRET = "APIacme", "livekit-secret-canary-0123456789abcdef"
_GRANTS = {"CreateRoom": "roomCreate", "DeleteRoom": "roomCreate", "ListRooms": "roomList"}
_MESSAGES = {"CreateRoom": CreateRoomRequest, "DeleteRoom": DeleteRoomRequest, "ListRooms": ListRoomsRequest}


def refusal(status: int, code: str, message: str) -> JSONResponse:
    """An error in Twirp's form."""
    return JSONResponse({"code": code, "msg": message}, status_code=status)


@dataclass
class LiveKit:
    """What it was asked and what it holds."""

    clock: Clock
    faults: Faults = field(default_factory=Faults)
    rooms: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """The application."""
        return Starlette(routes=[Route("/twirp/livekit.RoomService/{method}", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body, method = await request.body(), request.path_params["method"]
        self.calls.append(method)
        header = request.headers.get("authorization", "")
        if (fault := await self.faults.next(request, {"code": "unavailable", "msg": header})) is not None:
            return fault
        if method not in _GRANTS:
            return refusal(404, "bad_route", f"no handler for path {request.url.path}")
        if request.headers.get("content-type") != "application/json":
            return refusal(404, "bad_route", "unexpected Content-Type")
        if (denied := self._denied(header.removeprefix("Bearer "), _GRANTS[method])) is not None:
            return denied
        try:
            message = Parse(body, _MESSAGES[method]())
        except ParseError as error:
            return refusal(400, "malformed", str(error))
        return getattr(self, f"_{method.lower()}")(message)  # type: ignore[no-any-return]  # a method per call

    def _denied(self, token: str, grant: str) -> Response | None:
        try:
            unchecked: Options = {"verify_exp": False, "verify_nbf": False}  # its clock is not ours
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=KEY, options=unchecked)
        except jwt.PyJWTError as error:
            return refusal(401, "unauthenticated", f"invalid token: {token}, error: {error}")
        if not claims["nbf"] <= self.clock.now().timestamp() < claims["exp"]:
            return refusal(401, "unauthenticated", "token is expired")
        if not claims.get("video", {}).get(grant):
            return refusal(403, "permission_denied", "permissions denied")
        return None

    def _createroom(self, asked: Any) -> Response:
        self.rooms.setdefault(asked.name, asked)
        kept = self.rooms[asked.name]
        made = Room(sid="RM_4f2a", name=kept.name, max_participants=kept.max_participants)
        return JSONResponse(MessageToDict(made, preserving_proto_field_name=True))

    def _deleteroom(self, asked: Any) -> Response:
        if self.rooms.pop(asked.room, None) is None:
            return refusal(404, "not_found", "requested room does not exist")
        return JSONResponse({})

    def _listrooms(self, asked: Any) -> Response:
        found = [Room(name=name) for name in self.rooms if name in asked.names or not asked.names]
        return JSONResponse(MessageToDict(ListRoomsResponse(rooms=found)))
