"""One stand per provider: settings, a server where it calls one, and what a link of it binds."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.types import Options
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.ports import Admission, Clock, Guest, OpenRoom, RoomPlan, RoomProvider
from bot.rooms import ROOMS, Supplies
from bot.sandbox.serving import Serving
from bot.settings import Settings, given
from tests.rooms import livekit_server, zoom_server
from tests.rooms.agora_reader import read_token
from tests.rooms.faults import Faults
from tests.rooms.livekit_server import LiveKit
from tests.rooms.zoom_server import Zoom

ROOM_KEY = "Zk3_v-9sQ1xYb7Lr2WtE0A"
APP_ID, CERTIFICATE = "970CA35de60c44645bbae8a215061b33", "5CFd2fd1755d40ecb72977518be15d3b"
AGORA_PAGE = "https://video.example.com/?appid={app_id}&channel={channel}&uid={uid}#token={token}"
JITSI_SECRET = "jitsi-secret-canary-0123456789abcdef"
UNCHECKED: Options = {"verify_exp": False, "verify_nbf": False}  # the tests' clock stands in 2011

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def plan(clock: Clock, **more: Any) -> RoomPlan:
    """A room of an hour for four, from now on."""
    usual: dict[str, Any] = {"title": "Lantern 灯笼 & mugs", "starts_at": clock.now(), "minutes": 60, "cap": 4}
    return RoomPlan(key=ROOM_KEY, **(usual | more))


def guest(role: Any, member_id: int = 7) -> Guest:
    """Lin Wei, as what is asked for."""
    return Guest(member_id, "Lin Wei 林", role)


@dataclass
class House:
    """What bootstrap hands our own page: it keeps whom it gave a token, and which rooms were ended."""

    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)  # token -> (room's key, role)
    ended: list[str] = field(default_factory=list)

    async def issue(self, room: OpenRoom, person: Guest, now: datetime) -> tuple[str, datetime]:
        """A token for one person."""
        token = secrets.token_urlsafe(16)
        self.tokens[token] = (room.key, person.role)
        return token, now + timedelta(minutes=10)

    async def end(self, key: str) -> None:
        """End a room; a second time is no error."""
        self.ended.append(key)


@dataclass
class Stand:
    """A provider that is ready to be tried.

    `binds` tells what a link lets its bearer be: host, member or viewer. `faults` steers its server, None where `open`
    and `close` call none; `made` counts the rooms that its server holds. `remake` gives a provider with other settings.
    """

    provider: RoomProvider
    clock: Clock
    secrets: tuple[str, ...]
    binds: Callable[[Admission], str] | None
    remake: Callable[..., RoomProvider]
    faults: Faults | None = None
    made: Callable[[], int] = lambda: 0


def supplies(clock: Clock, house: House | None = None, seconds: float = 5.0) -> Supplies:
    """What a provider is handed in the tests."""
    chosen = house or House()
    return Supplies(clock, chosen.issue, chosen.end, seconds)


def settings_of(provider: str, **keys: Any) -> Settings:
    """Settings with that provider and those keys of [rooms]."""
    return given(rooms={"provider": provider, **keys}, web={"public_url": "https://bot.example.com"})


def make(provider: str, clock: Clock, house: House | None = None, seconds: float = 5.0, **keys: Any) -> RoomProvider:
    """A provider by its name in the registry, with those keys of [rooms]."""
    return ROOMS[provider](settings_of(provider, **keys), supplies(clock, house, seconds))


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address of an application on loopback."""
    serving = Serving(app)
    url = serving.bind()
    await serving.start()
    try:
        yield url
    finally:
        await serving.stop()


def nobody() -> str:
    """An address of this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def in_fragment(url: str) -> str:
    """The token behind `#token=` or `#jwt=`, which no server gets to see."""
    parts = urlsplit(url)
    assert "token" not in parts.query
    return unquote(parts.fragment.partition("=")[2])


@asynccontextmanager
async def embedded(clock: Clock) -> AsyncIterator[Stand]:
    """Our own page."""
    house = House()

    def binds(admission: Admission) -> str:
        key, role = house.tokens[urlsplit(admission.url).fragment]
        assert key == ROOM_KEY
        return "host" if role == "cohost" else role

    def remake(**more: Any) -> RoomProvider:
        return make("embedded", clock, house, **more)

    yield Stand(remake(), clock, (), binds, remake)


@asynccontextmanager
async def agora(clock: Clock) -> AsyncIterator[Stand]:
    """Agora, which is called by nobody here."""

    def binds(admission: Admission) -> str:
        read = read_token(in_fragment(admission.url), CERTIFICATE)
        assert (read.app_id, read.channel, read.uid) == (APP_ID, ROOM_KEY, "7")
        assert set(read.privileges.values()) == {read.seconds}
        return {(1,): "viewer", (1, 2, 3, 4): "member"}[tuple(read.privileges)]

    def remake(**more: Any) -> RoomProvider:
        keys = {"agora_app_id": APP_ID, "agora_certificate": CERTIFICATE, "agora_page": AGORA_PAGE}
        return make("agora", clock, **(keys | more))

    yield Stand(remake(), clock, (CERTIFICATE,), binds, remake)


def livekit_claims(url: str) -> dict[str, Any]:
    """What the token of a LiveKit link says."""
    (token,) = parse_qs(urlsplit(url).query)["token"]
    read: dict[str, Any] = jwt.decode(token, livekit_server.SECRET, algorithms=["HS256"], options=UNCHECKED)
    return read


@asynccontextmanager
async def livekit(clock: Clock) -> AsyncIterator[Stand]:
    """LiveKit, against a local RoomService."""
    server = LiveKit(clock)

    def binds(admission: Admission) -> str:
        video = livekit_claims(admission.url)["video"]
        assert video["room"] == ROOM_KEY
        if video.get("roomAdmin"):
            return "host"
        return "member" if video["canPublish"] else "viewer"

    async with served(server.app()) as url:

        def remake(**more: Any) -> RoomProvider:
            keys = {"livekit_url": url, "livekit_key": livekit_server.KEY, "livekit_secret": livekit_server.SECRET}
            return make("livekit", clock, **(keys | more))

        yield Stand(remake(), clock, (livekit_server.SECRET,), binds, remake, server.faults, lambda: len(server.rooms))


@asynccontextmanager
async def jitsi(clock: Clock) -> AsyncIterator[Stand]:
    """Jitsi on a server of one's own; only `check` calls it."""

    async def page(request: Request) -> Response:
        del request
        return Response("<html></html>")

    def binds(admission: Admission) -> str:
        token = json.loads(in_fragment(admission.url))
        claims = jwt.decode(token, JITSI_SECRET, algorithms=["HS256"], audience="jitsi", options=UNCHECKED)
        assert claims["room"] == urlsplit(admission.url).path.removeprefix("/")
        return {"true": "host", "false": "member"}[claims["context"]["user"]["moderator"]]

    async with served(Starlette(routes=[Route("/", page)])) as url:

        def remake(**more: Any) -> RoomProvider:
            keys = {"jitsi_url": url, "jitsi_app_id": "acme", "jitsi_secret": JITSI_SECRET}
            return make("jitsi", clock, **(keys | more))

        yield Stand(remake(), clock, (JITSI_SECRET,), binds, remake)


def zoom_keys(url: str) -> dict[str, Any]:
    """The keys of [rooms] for a Zoom at that address."""
    return {
        "zoom_account_id": zoom_server.ACCOUNT,
        "zoom_client_id": zoom_server.CLIENT,
        "zoom_client_secret": zoom_server.SECRET,
        "zoom_host": zoom_server.HOST,
        "zoom_api_url": f"{url}/v2",
        "zoom_token_url": f"{url}/oauth/token",
    }


@asynccontextmanager
async def zoom(clock: Clock) -> AsyncIterator[Stand]:
    """Zoom, against a local one."""
    server = Zoom()
    async with served(server.app()) as url:

        def remake(**more: Any) -> RoomProvider:
            return make("zoom", clock, **(zoom_keys(url) | more))

        known = (zoom_server.SECRET, zoom_server.ZAK, "zoom-token-canary")
        yield Stand(remake(), clock, known, None, remake, server.faults, lambda: len(server.meetings))
    assert not server.strange


@asynccontextmanager
async def slack_huddle(clock: Clock) -> AsyncIterator[Stand]:
    """A channel's huddle, which nobody can call."""

    def remake(**more: Any) -> RoomProvider:
        return make("slack_huddle", clock, **({"slack_team": "T0ACME", "slack_channel": "C0OPS"} | more))

    yield Stand(remake(), clock, (), None, remake)


# A new entry of ROOMS needs one here.
STANDS: Mapping[str, Callable[[Clock], AbstractAsyncContextManager[Stand]]] = {
    "embedded": embedded,
    "agora": agora,
    "livekit": livekit,
    "jitsi": jitsi,
    "zoom": zoom,
    "slack_huddle": slack_huddle,
}
CALLED = ("livekit", "zoom")  # those whose `open` and `close` call a server
AWAY = {"livekit": "livekit_url", "zoom": "zoom_api_url"}
